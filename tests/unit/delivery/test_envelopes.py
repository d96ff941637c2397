from __future__ import annotations

import random

import pytest

from bundler.delivery.envelopes import REGION_BYTES, decode_envelopes, encode_envelopes, signature_region
from bundler.model.trust import INDEX_PAYLOAD, Envelope, Signature

ENVELOPES = tuple(
    Envelope(
        payload_type=INDEX_PAYLOAD,
        payload_sha256=f"{number:064x}",
        signatures=(Signature(key_id=f"{number + 7:064x}", value=bytes(range(64))),),
    )
    for number in range(3)
)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_envelopes_round_trip_with_and_without_padding(count: int) -> None:
    envelopes = ENVELOPES[:count]
    assert decode_envelopes(encode_envelopes(envelopes)) == envelopes
    region = signature_region(envelopes)
    assert len(region) == REGION_BYTES
    assert decode_envelopes(region) == envelopes


def test_no_flipped_bit_is_taken() -> None:
    region = signature_region(ENVELOPES)
    used = len(encode_envelopes(ENVELOPES))
    chance = random.Random(1)
    for place in [*range(0, used, 3), *(chance.randrange(REGION_BYTES) for _ in range(50))]:
        changed = bytearray(region)
        changed[place] ^= 1 << chance.randrange(8)
        with pytest.raises(ValueError):
            decode_envelopes(bytes(changed))


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"signatures":{}}', b"\xff", b"[" * 60000, b" " * (REGION_BYTES + 1)]
)
def test_what_are_no_envelopes_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        decode_envelopes(content)


def test_more_signatures_than_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="there is room for"):
        signature_region(ENVELOPES * 100)
