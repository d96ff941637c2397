"""Whose order is rung for what moves in the cluster. Layer: controller.

A ring says that something moved, and whether it can have been more than the health of an object. What it was is found
out by looking.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from bundler.model import labels
from bundler.model.json import Body, canonical_json, mapping_at, text_at
from bundler.model.lean import dataclass
from bundler.model.refs import ref_of

if TYPE_CHECKING:
    from bundler import ObjectRef

    Ring = Callable[[ObjectRef, bool], None]

_Facts: TypeAlias = bytes
_COMPARED: Final = ("uid", "generation", "labels", "annotations", "deletionTimestamp", "finalizers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What an order holds, and what it is made of."""

    key: ObjectRef
    release_uid: str
    """On every object of the release, as a label."""
    kinds: frozenset[tuple[str, str]] = frozenset()
    """Groups and kinds of its objects."""
    references: frozenset[ObjectRef] = frozenset()
    """Secrets and ConfigMaps that it refers to."""
    depends_on: frozenset[ObjectRef] = frozenset()
    """Orders that have to be ready first."""


class Bells:
    """Knows who holds what; several threads may say what moved."""

    def __init__(self, ring: Ring) -> None:
        """Hold nothing yet.

        Args:
            ring: takes an order to look at, and whether nothing but the health of an object can have changed.
        """
        self._ring = ring
        self._guard = threading.Lock()
        self._holdings: dict[ObjectRef, Holding] = {}
        self._by_uid: dict[str, ObjectRef] = {}
        self._by_reference: defaultdict[ObjectRef, set[ObjectRef]] = defaultdict(set)

    @property
    def holdings(self) -> tuple[Holding, ...]:
        """What all orders hold."""
        with self._guard:
            return tuple(self._holdings.values())

    def hold(self, holding: Holding) -> bool:
        """Ring an order for what it holds from now on; return whether that is news."""
        with self._guard:
            before = self._holdings.get(holding.key)
            if before == holding:
                return False
            self._drop(holding.key)
            self._holdings[holding.key] = holding
            self._by_uid[holding.release_uid] = holding.key
            for ref in holding.references | holding.depends_on:
                self._by_reference[ref].add(holding.key)
            return True

    def drop(self, key: ObjectRef) -> None:
        """Ring an order for nothing more: it is gone."""
        with self._guard:
            self._drop(key)

    def moved(self, body: Body, before: _Facts | None) -> None:
        """Ring those whom an object concerns that was written, or deleted.

        Args:
            body: the object; its metadata is enough.
            before: its facts as they were last seen; None: it is new, or gone.
        """
        is_same = before is not None and before == facts_of(body) and "generation" in mapping_at(body, "metadata")
        for key in self._concerned(body):
            self._ring(key, is_same)

    def _concerned(self, body: Body) -> set[ObjectRef]:
        marks, ref = mapping_at(body, "metadata", "labels"), ref_of(body)
        with self._guard:
            found = set(self._by_reference.get(ref, ()))
            uid = text_at(marks, labels.RELEASE_UID)
            if uid in self._by_uid:
                found.add(self._by_uid[uid])
            if text_at(marks, labels.RECORD) == "head":
                name = text_at(marks, labels.RELEASE_NAME)
                found |= {key for key in self._holdings if (key.namespace, key.name) == (ref.namespace, name)}
            return found

    def _drop(self, key: ObjectRef) -> None:
        holding = self._holdings.pop(key, None)
        if holding is None:
            return
        if self._by_uid.get(holding.release_uid) == key:
            del self._by_uid[holding.release_uid]
        for ref in holding.references | holding.depends_on:
            self._by_reference[ref].discard(key)
            if not self._by_reference[ref]:
                del self._by_reference[ref]


def facts_of(body: Body) -> _Facts:
    """Return what of an object changes when more than its status does."""
    meta = mapping_at(body, "metadata")
    return canonical_json({name: meta[name] for name in _COMPARED if name in meta})
