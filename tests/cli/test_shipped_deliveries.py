"""Deliveries of the shipped bundles: they carry every image of the menu, whatever switch asks for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bundler.loader.locate import known_names
from tests.lib.delivered import content_of
from tests.lib.operator import BUNDLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lib.fixtures_cli import Cli


OF_THEIR_OWN = [name for name in known_names([]) if name != "shop"]
"""What a bundle sets of its components is no switch any more; `shop` leaves out what its cache could need."""


def images_in(values: Any) -> Iterator[str]:
    """Yield the values that are called an image, at any depth."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from images_in(value)
        elif key.lower().endswith("image") and value:
            yield value


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_THEIR_OWN)
def test_a_delivery_carries_every_image_of_the_menu_and_one_that_lacks_an_image_is_found_out(
    cli: Cli, name: str
) -> None:
    refs = cli("images", name, "-o", "plain").ok().out.split()
    menu = json.loads(cli("values", name, "-o", "json").ok().out)
    assert set(images_in(menu)) <= set(refs)
    whole = content_of(BUNDLES / name, dict.fromkeys(refs), scratch=cli.home).write(cli.home / "whole.bundle")[0]
    cli("images", name, "--check", "--against", whole).ok()
    lacking = content_of(BUNDLES / name, dict.fromkeys(refs[1:]), scratch=cli.home).write(cli.home / "part.bundle")[0]
    outcome = cli("images", name, "--check", "--against", lacking)
    assert outcome.code == 1
    assert f"{refs[0]} is not in it" in outcome.err
