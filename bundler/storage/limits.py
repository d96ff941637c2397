"""Sizes and counts of release records: what is written, and what is believed when read. Layer: adapter, pure.

Everything read from a cluster is bounded before it is used: anyone who may write Secrets could have put it there.
"""

from __future__ import annotations

from typing import Final

FORMAT_VERSION: Final = 2
"""The newest that is read."""
PLAIN_FORMAT: Final = 1
"""Of everything but the head of an open rollout: older versions read it, too."""
ROLLOUT_FORMAT: Final = 2
"""Of a head while its rollout is open: a version that does not know of rollouts refuses to change the release."""

HEAD_MAX_BYTES: Final = 8 * 1024
"""Of the whole head Secret as JSON."""
DESCRIPTION_MAX_BYTES: Final = 512
ORIGIN_MAX_BYTES: Final = 256
SHORT_MAX_BYTES: Final = 128
"""Of versions and the other columns."""
USER_MAX_BYTES: Final = 256
"""Of a user, and of one who acts as another."""
ROLLOUT_MAX_BYTES: Final = 2 * 1024
"""Of an open rollout, on top of the head; what is fixed when it begins, and twice what is said of it later."""
ROLLOUT_FIXED_MAX_BYTES: Final = 1280
ROLLOUT_REASON_MAX_BYTES: Final = 240
INLINE_MAX_BYTES: Final = 384
"""Longer texts of the head (a command line) are stored like any other blob."""
INLINE_PAGES: Final = 12
"""More page digests than these go into a blob of their own."""
EVIDENCE_MAX_BYTES: Final = 64 * 1024

PAGE_ENTRIES: Final = 64
PACK_MAX_BYTES: Final = 360 * 1024
"""Compressed; as base64, with names and index, below 512 KiB."""
PIECE_MAX_BYTES: Final = 116 * 1024
"""Larger blobs are cut; three pieces that do not compress at all fit a pack, or four of base64 text."""
PACK_RAW_BYTES: Final = 4 * 1024 * 1024
PACK_MAX_PIECES: Final = 1024
REPACK_ABOVE: Final = 24
"""A head that would name more packs gets fresh ones, where that saves half of them."""
INLINE_PACKS: Final = 24

READ_SECRET_MAX_BYTES: Final = 1024 * 1024
READ_PACK_RAW_MAX_BYTES: Final = 5 * 1024 * 1024
"""A pack is filled up to 4 MiB, its index aside."""
READ_REVISION_RAW_MAX_BYTES: Final = 160 * 1024 * 1024
"""Of all packs that one revision names; packs are shared, so that it is more than the revision's own."""
REVISION_RAW_MAX_BYTES: Final = 48 * 1024 * 1024
"""Of a revision that is written: fresh packs are made before it names more than twice as much, or 24 packs."""
READ_VALUES_MAX: Final = 4_000_000
"""Numbers, strings, lists and mappings that one revision may hold; each takes about 100 bytes in memory."""
READ_SENSITIVE_RAW_MAX_BYTES: Final = 64 * 1024 * 1024
READ_PACKS_MAX: Final = 1024
READ_PARTS_MAX: Final = 512
READ_OBJECTS_MAX: Final = 100_000
READ_STEPS_MAX: Final = 100
READ_GATES_MAX: Final = 100
READ_NESTING_MAX: Final = 200
