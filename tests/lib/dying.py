"""A ClusterClient whose user dies at a chosen write: nothing that comes after reaches the cluster, not even a read."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bundler.ports import ClusterClient

MUTATING = frozenset({"apply", "create", "replace", "delete"})
TOLD_APART = frozenset({"Namespace", "Lease", "Secret", "Deployment", "StatefulSet", "Job"})
"""Kinds that are waited for or replaced, and those of locks and records."""


def deaths(writes: Sequence[tuple[str, str]]) -> Iterator[tuple[int, bool]]:
    """Yield number and side of a death right before the first of some writes, and of one right after each.

    Right before a write the cluster has what it had right after the one before, and the dead remember nothing. A lock
    that is renewed says no more than before.
    """
    yield 1, False
    yield from ((number, True) for number, write in enumerate(writes, start=1) if write != ("replace", "Lease"))


def deaths_of_each_kind(writes: Sequence[tuple[str, str]]) -> list[tuple[int, bool]]:
    """Return those of `deaths` that are before the first write, after the first of each kind of write, and after the last.

    For a release of many objects: which of those that nothing waits for was the last one written makes no difference.
    """
    named = [(verb, kind if kind in TOLD_APART else "") for verb, kind in writes]
    firsts = {write: number for number, write in reversed([*enumerate(named, start=1)])}
    chosen = {*firsts.values(), len(writes)}
    return [(number, is_after) for number, is_after in deaths(writes) if not is_after or number in chosen]


class DeathError(BaseException):
    """The process is no more. No `except` of the program may catch it, and what its `finally` tries comes to nothing."""


class DyingCluster:
    """Wraps any ClusterClient; counts its writes from 1."""

    def __init__(self, inner: ClusterClient, *, number: int = 0, is_after: bool = False) -> None:
        """Die before or after write ``number``; never for 0."""
        self._inner, self._number, self._is_after = inner, number, is_after
        self._mutex = threading.Lock()
        self.is_dead = False
        self.writes: list[tuple[str, str]] = []
        """Verb and kind of each write."""

    @property
    def is_worth_watching(self) -> bool:
        return self._inner.is_worth_watching

    @property
    def has_operators(self) -> bool:
        return self._inner.has_operators

    def guarded(self, held: object) -> Self:
        """Go on without a lock: none is lost here."""
        del held
        return self

    def __getattr__(self, verb: str) -> Any:
        return lambda *args, **options: self._call(verb, args, options)

    def _call(self, verb: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        act: Callable[..., Any] = getattr(self._inner, verb)
        if verb not in MUTATING or options.get("is_dry_run"):
            self._live()
            return act(*args, **options)
        # One write at a time: what was sent together with the last write may have arrived or not; here it has not.
        with self._mutex:
            self._live()
            self.writes.append((verb, _kind(args[0])))
            is_last = len(self.writes) == self._number
            if is_last and not self._is_after:
                self._die()
            answer = act(*args, **options)
            if is_last:
                self._die()
            return answer

    def _live(self) -> None:
        if self.is_dead:
            raise DeathError

    def _die(self) -> None:
        self.is_dead = True
        raise DeathError


def _kind(subject: Any) -> str:
    return str(getattr(subject, "ref", subject).kind)
