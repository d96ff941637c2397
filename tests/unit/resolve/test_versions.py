from __future__ import annotations

import pytest

from bundler.errors.bundle import VersionRangeError
from bundler.resolve.versions import newest_within, parse_kubernetes_version, parse_range, parse_version

ORDER = "0.0.0 0.0.1 0.1.0 0.10.0 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1 1.1.0 2.0.0 10.0.0"


def test_versions_are_ordered_by_precedence() -> None:
    texts = ORDER.split()
    versions = [parse_version(text) for text in reversed(texts)]
    assert [str(version) for version in sorted(versions)] == texts
    assert parse_version("1.0.0+a") == parse_version("1.0.0+b")
    assert str(parse_version("1.0.0+a")) == "1.0.0+a"


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.2", "v1.2.3", "01.2.3", "1.2.3-01", "1.2.3-", "1.2.3+", "1.2.3-a..b", "1.2.3 ", "٣.1.1", "a.b.c"],
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(VersionRangeError) as caught:
        parse_version(text)
    assert caught.value.context
    assert "MAJOR.MINOR.PATCH" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=1.2 <3", "1.2.0 2.9.9", "1.1.9 3.0.0 3.0.0-rc.1 1.3.0-rc.1"),
        (">=1.2, <3", "1.2.0", "3.0.0"),
        (">= 1.2   < 3", "1.2.0", "3.0.0"),
        ("^2", "2.0.0 2.9.0", "1.9.9 3.0.0 3.0.0-a 2.1.0-a"),
        ("^1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0"),
        ("^0.2.3", "0.2.3 0.2.9", "0.3.0 0.2.2"),
        ("^0.0.3", "0.0.3", "0.0.4 0.0.2"),
        ("^0.0", "0.0.0 0.0.9", "0.1.0"),
        ("^0", "0.0.0 0.9.0", "1.0.0"),
        ("~16.2", "16.2.0 16.2.9", "16.3.0 16.1.9"),
        ("~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0"),
        ("~1", "1.0.0 1.9.9", "2.0.0"),
        ("1.x", "1.0.0 1.9.9", "0.9.9 2.0.0"),
        ("1.2.*", "1.2.0 1.2.9", "1.3.0"),
        ("1.2", "1.2.0 1.2.9", "1.3.0 1.1.9"),
        ("*", "0.0.0 99.0.0", "1.0.0-rc.1"),
        ("", "0.0.0 99.0.0", "1.0.0-rc.1"),
        ("1.4.0", "1.4.0 1.4.0+x", "1.4.1 1.3.9 1.4.0-rc.1"),
        ("=1.4.0", "1.4.0", "1.4.1"),
        ("v1.4.0", "1.4.0", "1.4.1"),
        (">1.2", "1.3.0", "1.2.0 1.2.9"),
        (">1.2.3", "1.2.4", "1.2.3"),
        ("<=1.2", "1.2.9 0.1.0", "1.3.0"),
        ("<=1.2.3", "1.2.3", "1.2.4"),
        ("!=1.2.3", "1.2.2 1.2.4", "1.2.3"),
        (">=1 !=1.2", "1.1.0 1.3.0", "1.2.7"),
        ("1.x || >=3", "1.5.0 3.1.0", "2.0.0"),
        (">=1.2.0-rc.1", "1.2.0-rc.1 1.2.0-rc.2 1.2.0 1.3.0", "1.2.0-beta 1.3.0-rc.1"),
        ("<*", "", "0.0.0 1.0.0"),
    ],
)  # fmt: skip
def test_a_range_admits_what_it_says(text: str, inside: str, outside: str) -> None:
    wanted = parse_range(text)
    assert [version for version in inside.split() if not wanted.admits(parse_version(version))] == []
    assert [version for version in outside.split() if wanted.admits(parse_version(version))] == []


@pytest.mark.parametrize(
    "text", ["latest", ">=", "1.2.3.4", "^", "1 ||", "|| 1", ">=1.2 foo", ">>1", "1.2.3-01", "1.2 - 2.3", "=>1"]
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(VersionRangeError) as caught:
        parse_range(text)
    assert f'"{text}"' in caught.value.context[0]


@pytest.mark.parametrize(
    ("text", "core"),
    [("v1.29.3-eks-1234", (1, 29, 3)), ("1.31", (1, 31, 0)), ("v1.30+", (1, 30, 0)), ("v1.36.2", (1, 36, 2)), ("1.30.1+k3s1", (1, 30, 1)), ("v1.29.0-alpha.1", (1, 29, 0)), ("v1.27.4-gke.900", (1, 27, 4))],
)  # fmt: skip
def test_a_vendor_suffix_of_kubernetes_is_ignored(text: str, core: tuple[int, int, int]) -> None:
    version = parse_kubernetes_version(text)
    assert version.core == core
    assert parse_range(f">={core[0]}.{core[1]}").admits(version)


def test_what_is_no_kubernetes_version_is_refused() -> None:
    with pytest.raises(VersionRangeError):
        parse_kubernetes_version("new")


@pytest.mark.parametrize(
    ("accepts", "published", "running", "taken"),
    [
        ("~1.4", ["1.3.9", "1.4.0", "1.4.10", "1.4.9", "1.5.0"], "", "1.4.10"),
        ("^1", ["1.2.0", "2.0.0"], "1.1.0", "1.2.0"),
        ("^1", ["1.2.0", "1.3.0-rc.1"], "", "1.2.0"),
        (">=1.3.0-rc.1 <2", ["1.2.0", "1.3.0-rc.2"], "", "1.3.0-rc.2"),
        ("^1", ["1.2.0"], "1.3.0", "1.3.0"),  # withdrawn, and no older one is taken
        ("~1.2", ["1.2.0"], "1.3.0", "1.2.0"),  # the range is older than what runs: that is someone's wish
        ("^1", ["latest", "v1", "1.2"], "", ""),
        ("^3", ["1.2.0"], "1.2.0", ""),
        ("^1", ["1.2.0+b", "1.2.0+c"], "1.2.0+b", "1.2.0+b"),  # builds of one version: the one that runs stays
        ("", ["1.2.0", "2.0.0-rc.1"], "", "1.2.0"),
    ],
)
def test_the_newest_version_of_a_range_is_taken_and_none_older_than_what_runs(accepts, published, running, taken):
    assert newest_within(accepts, published, running=running) == taken
