"""Laws of versions and ranges."""

from __future__ import annotations

from hypothesis import given, strategies as st

from bundler.resolve.versions import Version, parse_range, parse_version

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


@given(TEXTS)
def test_a_version_reads_back_as_it_is_written(text: str) -> None:
    assert str(parse_version(text)) == text
    assert parse_range(text).admits(parse_version(text))


@given(VERSIONS, VERSIONS)
def test_any_two_versions_compare_one_way(one: Version, other: Version) -> None:
    assert (one < other) + (one == other) + (one > other) == 1


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


@given(VERSIONS, CORES)
def test_build_metadata_changes_no_answer(version: Version, bound: str) -> None:
    other = parse_version(str(version).partition("+")[0] + "+other")
    for text in (f">={bound}", f"^{bound}", f"<{bound}", "*", str(version)):
        assert parse_range(text).admits(version) == parse_range(text).admits(other)
