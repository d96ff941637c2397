"""One flipped byte anywhere is never taken, signed or not, whole or in parts."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from bundler.delivery.check import check_whole
from bundler.delivery.reader import Delivery
from bundler.errors import BundlerError
from bundler.model.trust import INDEX_PAYLOAD, TrustPolicy
from bundler.signing.keys import generate_key
from bundler.signing.sign import KeySigner
from bundler.signing.verify import PolicyVerifier
from tests.lib.clocks import FakeClock
from tests.lib.deliveries import make_content

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = make_content(images=3)
SIGNER = KeySigner(generate_key("acme"))
VERIFY = PolicyVerifier(TrustPolicy(keys=(SIGNER.key,)), FakeClock())
FLIPS = 1000
REFUSALS = {20, 21, 22, 23, 24}


def accept(paths: list[Path]) -> None:
    with Delivery.open(paths[0]) as delivery:
        VERIFY(INDEX_PAYLOAD, delivery.raw_index, delivery.envelopes)
        check_whole(delivery)


def flip_and_accept(paths: list[Path], path: Path, offset: int, bits: int) -> int:
    """Return the exit code of what was refused, 0 where it was accepted."""
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ bits]))
    try:
        accept(paths)
    except BundlerError as error:
        return error.exit_code
    else:
        return 0
    finally:
        with path.open("r+b") as file:
            file.seek(offset)
            file.write(bytes([byte]))


@pytest.mark.slow
@pytest.mark.parametrize("part_bytes", [0, 30_000])
def test_no_flipped_byte_is_accepted(tmp_path: Path, part_bytes: int) -> None:
    paths = CONTENT.write(tmp_path / "x.bundle", part_bytes=part_bytes, signers=[SIGNER])
    accept(paths)
    chance = random.Random(20261122)
    sizes = [path.stat().st_size for path in paths]
    for _ in range(FLIPS // 2):
        path = chance.choices(paths, weights=sizes)[0]
        offset, bits = chance.randrange(path.stat().st_size), chance.randrange(1, 256)
        assert flip_and_accept(paths, path, offset, bits) in REFUSALS, (path, offset, bits)
    accept(paths)


def test_no_flipped_byte_of_the_head_is_accepted(tmp_path: Path) -> None:
    """Where a byte means most: headers, the index, the signatures."""
    paths = CONTENT.write(tmp_path / "x.bundle", signers=[SIGNER])
    chance = random.Random(7)
    places = [*range(512), *chance.sample(range(512, 512 + 6000), 200), *range(66048, 66048 + 512 + 600)]
    for offset in chance.sample(places, 400):
        assert flip_and_accept(paths, paths[0], offset, chance.randrange(1, 256)) in REFUSALS, offset
