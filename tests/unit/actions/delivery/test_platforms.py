from __future__ import annotations

import pytest

from bundler.actions.delivery.platforms import choose_platforms
from bundler.model.digest import digest_of

ALL = ("linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8", "windows/amd64")


def digest(platform: str):
    return digest_of(platform.encode())


def chosen(wanted: tuple[str, ...], offered: tuple[str, ...] = ALL):
    choice = choose_platforms([(digest(one), one) for one in offered], wanted)
    return [one for one in offered if digest(one) in choice.chosen], choice


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("linux/amd64", "linux/amd64"),
        ("linux/arm64", "linux/arm64/v8"),
        ("linux/arm64/v8", "linux/arm64/v8"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("windows/amd64", "windows/amd64"),
    ],
)
def test_one_platform_is_pinned_by_its_own_manifest(wanted: str, found: str) -> None:
    platforms, choice = chosen((wanted,))
    assert platforms == [found]
    assert not choice.is_whole
    assert not choice.missing


def test_a_variant_that_goes_without_saying_is_found_where_it_is_not_said() -> None:
    assert chosen(("linux/arm64/v8",), ("linux/amd64", "linux/arm64"))[0] == ["linux/arm64"]


def test_the_highest_variant_is_taken_where_the_usual_one_is_not_there() -> None:
    assert chosen(("linux/arm",), ("linux/arm/v5", "linux/arm/v6"))[0] == ["linux/arm/v6"]


def test_no_wish_is_everything() -> None:
    platforms, choice = chosen(())
    assert platforms == list(ALL)
    assert choice.is_whole
    assert not choice.notice


def test_several_of_many_bring_everything_and_say_so() -> None:
    platforms, choice = chosen(("linux/amd64", "linux/arm64"))
    assert platforms == list(ALL)
    assert choice.is_whole
    assert choice.notice == "carries 3 more platforms, because several are pinned by its index alone"


def test_several_that_are_all_bring_the_index_without_a_word() -> None:
    _, choice = chosen(("linux/amd64", "linux/arm64"), ("linux/amd64", "linux/arm64/v8"))
    assert choice.is_whole
    assert not choice.notice


def test_what_is_not_there_is_named() -> None:
    _, choice = chosen(("linux/amd64", "linux/s390x"))
    assert choice.missing == ("linux/s390x",)


def test_an_image_that_does_not_say_its_platform_is_for_none() -> None:
    assert chosen(("linux/s390x",), ("",))[1].missing == ("linux/s390x",)
    assert chosen((), ("",))[1].is_whole
