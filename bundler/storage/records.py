"""Names, labels and bodies of the Secrets that hold release records. Layer: adapter, pure.

Format 1, and 2 for a head whose rollout is open (annotation ``bundler.dev/rollout``):

head       annotations: columns and names of packs; ``data.head``: JSON with the digests of everything else
pack       ``data.pack``: zlib of one line of JSON (which blobs, how long), then the blobs as canonical JSON
sensitive  ``data.sensitive``: zlib of JSON (object -> pointer -> leaf, and the sensitive strings); cut when large
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from bundler.model import labels
from bundler.model.cluster import Payload
from bundler.model.json import canonical_json, text_at
from bundler.model.lean import dataclass, field
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.json import Body, JSONValue

HEAD, PACK, SENSITIVE = "head", "pack", "sensitive"
TYPES = {HEAD: labels.HEAD_TYPE, PACK: labels.PACK_TYPE, SENSITIVE: labels.SENSITIVE_TYPE}

FORMAT = labels.PREFIX + "format"
PACKS = labels.PREFIX + "packs"
"""On heads: the packs it needs, by the last part of their names."""
PACK_INDEX = labels.PREFIX + "pack-index"
"""On heads that need very many packs: the blob that lists them; ``packs`` then names only the pack of that blob."""
INDEX = labels.PREFIX + "index"
"""On packs: short keys of the blobs inside."""
PARTS = labels.PREFIX + "parts"
REVISION_MAX_DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One Secret of ours, before it is encoded for the API."""

    kind: str
    """``head``, ``pack`` or ``sensitive``."""
    name: str
    release: str
    namespace: str
    data: Mapping[str, bytes]
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def ref(self) -> ObjectRef:
        """Identity of the Secret."""
        return secret_ref(self.namespace, self.name)

    def body(self) -> Body:
        """Return the Secret; heads change their status, all others are immutable."""
        own = {
            labels.MANAGED_BY: labels.MANAGED_BY_VALUE,
            labels.RECORD: self.kind,
            labels.RELEASE_NAME: self.release,
        }
        encoded: dict[str, JSONValue] = {key: base64.b64encode(data).decode() for key, data in self.data.items()}
        metadata: dict[str, JSONValue] = {
            "name": self.name,
            "namespace": self.namespace,
            "labels": {**own, **self.labels},
            "annotations": dict(self.annotations),
        }
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": TYPES[self.kind],
            "immutable": self.kind != HEAD,
            "metadata": metadata,
            "data": encoded,
        }


def payload_of(body: Body) -> Payload:
    """Return the bytes to send for a Secret."""
    ref = secret_ref(text_at(body, "metadata", "namespace"), text_at(body, "metadata", "name"))
    return Payload(ref=ref, api_version="v1", content=canonical_json(body))


def secret_ref(namespace: str, name: str) -> ObjectRef:
    """Return the identity of a Secret."""
    return ObjectRef("", "Secret", namespace, name)


def head_name(release: str, revision: int) -> str:
    """Return the name of the head Secret of a revision."""
    return f"bundler.release.{release}.v{revision}"


def head_revision(name: str) -> int:
    """Return the number in the name of a head; 0 where it has none."""
    return _number(name.rpartition(".v")[2])


def pack_name(release: str, digest: str) -> str:
    """Return the name of a pack Secret."""
    return f"bundler.pack.{release}.{digest}"


def sensitive_name(release: str, revision: int, part: int) -> str:
    """Return the name of a Secret with sensitive leaves; ``part`` counts from 0, and only later ones are numbered.

    Args:
        release: its name.
        revision: number, from 1.
        part: from 0.
    """
    name = f"bundler.sensitive.{release}.v{revision}"
    return f"{name}.{part + 1}" if part else name


def sensitive_place(name: str) -> tuple[int, int]:
    """Return the revision and the part, from 0, in the name of a Secret with sensitive leaves; 0 where it has none."""
    revision, _, part = name.rpartition(".v")[2].partition(".")
    return _number(revision), max(_number(part) - 1, 0)


def _number(digits: str) -> int:
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= REVISION_MAX_DIGITS else 0


def selector(*, release: str = "", kind: str = "") -> str:
    """Return the label selector for records."""
    parts = [f"{labels.RECORD}={kind}" if kind else labels.RECORD]
    if release:
        parts.append(f"{labels.RELEASE_NAME}={release}")
    return ",".join(parts)
