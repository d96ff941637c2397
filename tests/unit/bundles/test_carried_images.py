"""A delivery of a shipped bundle carries every image that any order of it needs."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest

from bundler import Session, Values
from bundler.actions.compose.compose import expression_names
from bundler.actions.delivery.image_inventory import lacking_lines, take_inventory, take_order
from bundler.actions.delivery.switches import find_extents, find_switches, order_with
from bundler.errors import BundlerError
from bundler.library.bundles import render_request
from bundler.loader.locate import known_names
from bundler.model.digest import digest_of
from bundler.model.image import LockedImage
from bundler.model.lean import replace
from bundler.model.oci import OCI_MANIFEST
from bundler.values.compute import compute_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.actions.compose.render_request import RenderRequest
    from bundler.images.matrix import Extent, Variant
    from bundler.model.bundle import Bundle

REFERENCE = re.compile(r"\b(?:[a-z0-9-]+\.)+(?:io|example|com|org)/[a-z0-9/_-]+:[\w.-]+")
ORDERS = 5
FEWEST = 3
"""Settings chosen blindly may not fit each other; most of them do."""


def orders_at_random(order: RenderRequest) -> Iterator[Variant]:
    """Yield settings of all switches and numbers, each chosen without regard to the others."""
    chance = random.Random(order.bundle.metadata.name)
    values = compute_values(order.bundle, order.user, names=expression_names(order), codes=order.codes)
    switches = find_switches(order, values)
    extents = find_extents(order, values, switches)
    for _ in range(ORDERS):
        chosen = [(one.path, chance.choice(one.choices)) for one in switches]
        others = [(one.path, between(one, chance)) for one in extents]
        yield tuple(dict([*others, *chosen]).items())


def between(extent: Extent, chance: random.Random) -> float | str | None:
    if extent.least is None or isinstance(extent.least, str) or isinstance(extent.most, str):
        return chance.choice([extent.least, extent.most])
    least, most = int(extent.least), int(extent.most)
    # mostly the ends: what is between them a schema of alternatives may leave out
    return chance.choice([least, least, most, most, chance.randint(least, most)])


def named_in(bundle: Bundle) -> set[str]:
    """Return the images in a bundle's own files, by a pattern: nothing is taken from how images are looked for."""
    files = [file for path, file in bundle.files.items() if path == "values.yaml" or path.startswith("templates/")]
    return {text for file in files for text in REFERENCE.findall(file.content.decode())}


@pytest.mark.slow
@pytest.mark.parametrize("name", known_names([]))
def test_a_delivery_carries_the_images_of_any_order(name: str) -> None:
    with Session.local() as session:
        taken = session.acquire(name)
        order = render_request(session.scope, taken, Values())
        carried = tuple(
            LockedImage(ref=one.ref, digest=digest_of(b""), media_type=OCI_MANIFEST, platforms=(), size=0)
            for one in take_inventory(order).images
        )
        assert named_in(taken.bundle) - {str(one.ref) for one in carried} == set()
        rendered = 0
        for variant in orders_at_random(order):
            wanted = replace(order_with(order, variant), carried=carried)
            try:
                inventory = take_order(replace(wanted, carried=None))
            except BundlerError:
                continue
            rendered += 1
            assert lacking_lines(inventory, wanted) == [], variant
    assert rendered >= FEWEST
