"""Signatures as bytes: ``signatures.json`` in a delivery, ``.sig`` beside an archive. Layer: delivery, pure."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Final

from bundler.model.digest import digest_of
from bundler.model.json import canonical_json, is_list, is_mapping
from bundler.model.trust import Envelope, Signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.model.json import JSONValue

REGION_BYTES: Final = 65536
"""What ``signatures.json`` takes in a delivery, no matter who signed: signing moves nothing."""
_SIGNATURE_BYTES = 64
_HEX64 = re.compile(r"[0-9a-f]{64}")
_TYPE = re.compile(r"[a-z0-9.+/-]{1,100}")


def encode_envelopes(envelopes: Sequence[Envelope]) -> bytes:
    """Return the one byte string that stands for these envelopes; with a checksum, so that damage is not distrust."""
    items: JSONValue = [_to_json(envelope) for envelope in envelopes]
    return canonical_json({"checksum": digest_of(canonical_json(items)), "signatures": items})


def signature_region(envelopes: Sequence[Envelope]) -> bytes:
    """Return the content of ``signatures.json``: padded with spaces to its fixed size.

    Raises:
        ValueError: when there are more signatures than fit.
    """
    content = encode_envelopes(envelopes)
    if len(content) > REGION_BYTES:
        raise ValueError(f"the signatures take {len(content)} bytes, and there is room for {REGION_BYTES}")
    return content.ljust(REGION_BYTES)


def decode_envelopes(content: bytes) -> tuple[Envelope, ...]:
    """Read envelopes; only the bytes that :func:`encode_envelopes` makes, and spaces after them, are taken.

    Raises:
        ValueError: when anything is different.
    """
    if len(content) > REGION_BYTES:
        raise ValueError("larger than signatures can be")
    text = content.rstrip(b" ")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("not JSON") from error
    if not is_mapping(document) or not is_list(items := document.get("signatures")):
        raise ValueError("not a list of signatures")
    envelopes = tuple(_from_json(item) for item in items)
    if encode_envelopes(envelopes) != text:
        raise ValueError("the signatures do not fit their checksum")
    return envelopes


def _to_json(envelope: Envelope) -> JSONValue:
    return {
        "payloadType": envelope.payload_type,
        "payloadSha256": envelope.payload_sha256,
        "signatures": [
            {"keyid": one.key_id, "sig": base64.b64encode(one.value).decode()} for one in envelope.signatures
        ],
    }


def _from_json(item: JSONValue) -> Envelope:
    body = item if is_mapping(item) else {}
    signatures = body.get("signatures")
    return Envelope(
        payload_type=_matched(body.get("payloadType"), _TYPE),
        payload_sha256=_matched(body.get("payloadSha256"), _HEX64),
        signatures=tuple(_signature(one) for one in (signatures if is_list(signatures) else ())),
    )


def _signature(item: JSONValue) -> Signature:
    body = item if is_mapping(item) else {}
    text = body.get("sig")
    value = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    if len(value) != _SIGNATURE_BYTES:
        raise ValueError("not an Ed25519 signature")
    return Signature(key_id=_matched(body.get("keyid"), _HEX64), value=value)


def _matched(value: JSONValue, pattern: re.Pattern[str]) -> str:
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise ValueError("not an envelope")
