"""Laws of versions and ranges."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import assume, example, given, settings, strategies as st

from bundler.errors.bundle import VersionRangeError
from bundler.resolve.versions import Version, parse_range, parse_version
from tests.lib.laws import examples

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBERS = st.integers(0, 4)
IDENTIFIERS = st.one_of(st.integers(0, 12).map(str), st.sampled_from(["a", "rc", "0a", "-"]))
TEXTS = st.builds(
    lambda core, pre, build: ".".join(map(str, core)) + ("-" + ".".join(pre) if pre else "") + build,
    st.tuples(NUMBERS, NUMBERS, NUMBERS),
    st.lists(IDENTIFIERS, max_size=3),
    st.sampled_from(["", "+b.1"]),
)
VERSIONS = TEXTS.map(parse_version)
CORES = st.tuples(NUMBERS, NUMBERS, NUMBERS).map(lambda core: ".".join(map(str, core)))


@settings(max_examples=examples(100))
@given(TEXTS)
def test_a_version_reads_back_as_it_is_written(text: str) -> None:
    assert str(parse_version(text)) == text
    assert parse_range(text).admits(parse_version(text))


@settings(max_examples=examples(100))
@given(VERSIONS, VERSIONS)
def test_any_two_versions_compare_one_way(one: Version, other: Version) -> None:
    assert (one < other) + (one == other) + (one > other) == 1


@settings(max_examples=examples(100))
@given(CORES, CORES)
def test_operators_agree_with_the_order(bound: str, text: str) -> None:
    version, limit = parse_version(text), parse_version(bound)
    assert parse_range(f">={bound}").admits(version) == (version >= limit)
    assert parse_range(f">{bound}").admits(version) == (version > limit)
    assert parse_range(f"<={bound}").admits(version) == (version <= limit)
    assert parse_range(f"!={bound}").admits(version) == (version != limit)
    assert parse_range(f"~{bound} || ^{bound}").admits(version) == parse_range(f"^{bound}").admits(
        version
    ) or bound.startswith("0.")


@settings(max_examples=examples(100))
@given(VERSIONS, CORES)
def test_build_metadata_changes_no_answer(version: Version, bound: str) -> None:
    other = parse_version(str(version).partition("+")[0] + "+other")
    for text in (f">={bound}", f"^{bound}", f"<{bound}", "*", str(version)):
        assert parse_range(text).admits(version) == parse_range(text).admits(other)


# The grammar as patterns: semver.org's own for versions, ours for what is in ranges.
NUMBER = r"(?:0|[1-9][0-9]*)"
SUFFIX = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
VERSION = re.compile(rf"{NUMBER}\.{NUMBER}\.{NUMBER}(?:-({SUFFIX}))?(?:\+{SUFFIX})?")
PART = rf"(?:{NUMBER}|[xX*])"
PARTIAL = re.compile(rf"v?(?![^-+]*[xX*]\.[0-9]){PART}(?:\.{PART}(?:\.{PART}(?:-({SUFFIX}))?(?:\+{SUFFIX})?)?)?")
NEARLY = st.builds(
    lambda before, parts, after: before + ".".join(parts) + after,
    st.sampled_from(["", "v", "vv", "-", "\n"]),
    st.lists(st.sampled_from(["0", "7", "12", "01", "x", "X", "*", "", "٣", "²", "a"]), min_size=1, max_size=4),
    st.text(st.sampled_from("-+.01aé٣\n"), max_size=5),
)


def _matches(pattern: re.Pattern[str], text: str) -> bool:
    found = pattern.fullmatch(text)
    return found is not None and not any(re.fullmatch("0[0-9]+", part) for part in (found[1] or "").split("."))


def _reads(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except VersionRangeError:
        return False
    return True


@settings(max_examples=examples(100))
@given(TEXTS | NEARLY)
@example("1.2.3\n")
@example("1.2.3-01+01")
@example("")
def test_a_version_is_what_the_grammar_says(text: str) -> None:
    assert _reads(parse_version, text) == _matches(VERSION, text)


@settings(max_examples=examples(100))
@given(st.sampled_from(["", ">=", "~>", "~", "^", "!=", "==", "=>", "<>"]), TEXTS | NEARLY.filter(str.strip))
@example("=", "1.2.3\n")
@example(">", "1.x-rc.1")
@example("", "x.0")
@example("~", "1.2.x-x.1")
def test_a_comparator_takes_what_the_grammar_says(operator: str, text: str) -> None:
    assume(len(text.split()) < 2)  # white space begins a second comparator
    is_known = operator not in {"=>", "<>"}
    assert _reads(parse_range, operator + text) == (is_known and _matches(PARTIAL, text.strip()))
