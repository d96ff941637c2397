"""Revision <-> release record: head, packs, sensitive leaves. Layer: adapter, pure.

Format 1, and 2 for a head whose rollout is open (annotation ``bundler.dev/rollout``):

head       annotations: columns and names of packs; ``data.head``: JSON with the digests of everything else
pack       ``data.pack``: zlib of one line of JSON (which blobs, how long), then the blobs as canonical JSON
sensitive  ``data.sensitive``: zlib of JSON (object -> pointer -> leaf, and the sensitive strings); cut when large
"""

from bundler.storage.decoding import (
    Taken,
    decode_revision,
    listed_packs,
    read_pack_secret,
    read_sensitive,
    sensitive_parts,
)
from bundler.storage.encoding import (
    EncodedRevision,
    count_correction,
    encode_revision,
    mark_head,
    masked_rollout,
    move_head,
    protect_head,
)
from bundler.storage.heads import Head, read_head, read_summary

__all__ = [
    "EncodedRevision",
    "Head",
    "Taken",
    "count_correction",
    "decode_revision",
    "encode_revision",
    "listed_packs",
    "mark_head",
    "masked_rollout",
    "move_head",
    "protect_head",
    "read_head",
    "read_pack_secret",
    "read_sensitive",
    "read_summary",
    "sensitive_parts",
]
