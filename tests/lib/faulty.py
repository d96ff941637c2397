"""A ClusterClient that fails at a chosen call: before it takes effect, or after (its answer is lost).

    cluster = FaultyCluster(sandbox)
    cluster.fail_at(3, before=UnavailableError(...))      # the third write is never made
    cluster.fail_at(3, after=KeyboardInterrupt())         # the third write is made, its caller never hears of it
    cluster.fail_when(lambda call: call.verb == "apply" and call.ref.kind == "Job", before=...)

Calls are counted from 1, over mutating calls only unless `counts` says otherwise.
"""

from __future__ import annotations

import threading
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bundler.model.cluster import Answer, ClusterIdentity, Listing, ListQuery, LogQuery, Payload
    from bundler.model.json import Body
    from bundler.model.refs import ResourceType
    from bundler.ports import ClusterClient, EventStream, HeldLock, Propagation

T = TypeVar("T")

MUTATING = frozenset({"apply", "create", "replace", "delete"})
READING = frozenset(
    {
        "identity",
        "resource_type",
        "resource_types",
        "unavailable_apis",
        "forget_discovery",
        "get",
        "list",
        "watch",
        "logs",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, as it was made."""

    number: int
    """Among the counted ones, from 1."""
    verb: str
    """The method's name."""
    subject: Any = None
    """What it was about: an ObjectRef, a ListQuery, or None."""
    is_dry_run: bool = False

    @property
    def ref(self) -> ObjectRef | None:
        """The object that was meant, None for lists and watches."""
        return self.subject if isinstance(self.subject, ObjectRef) else None


def that_differ(calls: Sequence[Call]) -> list[int]:
    """Return the numbers of all writes, of the first read of each verb and kind, and of the first of each verb between two writes.

    What else is read is read by the same code, where as much is written and as much is left to do. Discovery is asked
    about in every breath, and answers from memory.
    """
    chosen: dict[object, int] = {}
    written = 0
    for number, call in enumerate(calls, start=1):
        written += call.verb in MUTATING and not call.is_dry_run
        read = (call.verb, call.is_dry_run)
        chosen.setdefault((*read, getattr(call.subject, "kind", "")), number)
        if call.verb != "resource_type":
            chosen.setdefault((*read, written), number)
    return sorted(set(chosen.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    applies: Callable[[Call], bool]
    before: BaseException | None
    after: BaseException | None
    is_lasting: bool


class FaultyCluster:
    """Wraps any ClusterClient. Everything that is not told to fail goes through."""

    def __init__(
        self,
        cluster: ClusterClient,
        *,
        counts: Callable[[str, bool], bool] = lambda verb, dry: verb in MUTATING and not dry,
    ) -> None:
        self.inner = cluster
        self.calls: list[Call] = []
        """Every counted call so far."""
        self._counts, self._rules = counts, list[_Rule]()
        self._mutex = threading.Lock()

    def fail_at(self, number: int, *, before: BaseException | None = None, after: BaseException | None = None) -> None:
        """Raise at counted call `number`."""
        self.fail_when(lambda call: call.number == number, before=before, after=after)

    def fail_when(
        self,
        applies: Callable[[Call], bool],
        *,
        before: BaseException | None = None,
        after: BaseException | None = None,
        is_lasting: bool = False,
    ) -> None:
        """Raise at the first counted call that `applies`, or at all of them where `is_lasting`."""
        self._rules.append(_Rule(applies=applies, before=before, after=after, is_lasting=is_lasting))

    def identity(self) -> ClusterIdentity:
        return self._through("identity", None, self.inner.identity)

    def resource_type(self, group: str, kind: str, version: str = "") -> ResourceType | None:
        return self._through("resource_type", None, lambda: self.inner.resource_type(group, kind, version))

    def resource_types(self) -> Sequence[ResourceType]:
        return self._through("resource_types", None, self.inner.resource_types)

    def unavailable_apis(self) -> Sequence[str]:
        return self._through("unavailable_apis", None, self.inner.unavailable_apis)

    def forget_discovery(self) -> None:
        self._through("forget_discovery", None, self.inner.forget_discovery)

    def get(self, ref: ObjectRef, *, version: str = "", metadata_only: bool = False) -> Body | None:
        return self._through("get", ref, lambda: self.inner.get(ref, version=version, metadata_only=metadata_only))

    def list(self, query: ListQuery) -> Listing:
        return self._through("list", query, lambda: self.inner.list(query))

    @property
    def is_worth_watching(self) -> bool:
        return self.inner.is_worth_watching

    @property
    def has_operators(self) -> bool:
        return self.inner.has_operators

    def watch(self, query: ListQuery, *, resource_version: str, timeout_s: float) -> EventStream:
        return self._through(
            "watch", query, lambda: self.inner.watch(query, resource_version=resource_version, timeout_s=timeout_s)
        )

    def apply(self, payload: Payload, *, is_dry_run: bool = False, is_forced: bool = False) -> Answer:
        return self._through(
            "apply",
            payload.ref,
            lambda: self.inner.apply(payload, is_dry_run=is_dry_run, is_forced=is_forced),
            is_dry_run=is_dry_run,
        )

    def create(self, payload: Payload, *, is_dry_run: bool = False) -> Answer:
        return self._through(
            "create", payload.ref, lambda: self.inner.create(payload, is_dry_run=is_dry_run), is_dry_run=is_dry_run
        )

    def replace(self, payload: Payload, *, is_dry_run: bool = False) -> Answer:
        return self._through(
            "replace", payload.ref, lambda: self.inner.replace(payload, is_dry_run=is_dry_run), is_dry_run=is_dry_run
        )

    def delete(
        self,
        ref: ObjectRef,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: Propagation = "Background",
        is_dry_run: bool = False,
    ) -> bool:
        return self._through(
            "delete",
            ref,
            lambda: self.inner.delete(
                ref, uid=uid, resource_version=resource_version, propagation=propagation, is_dry_run=is_dry_run
            ),
            is_dry_run=is_dry_run,
        )

    def guarded(self, held: HeldLock) -> FaultyCluster:
        other = copy(self)
        other.inner = self.inner.guarded(held)
        return other

    def logs(self, pod: ObjectRef, query: LogQuery) -> Iterator[str]:
        return self._through("logs", pod, lambda: self.inner.logs(pod, query))

    def _through(self, verb: str, subject: Any, act: Callable[[], T], *, is_dry_run: bool = False) -> T:
        rule = self._note(verb, subject, is_dry_run)
        if rule is not None and rule.before is not None:
            raise rule.before
        answer = act()
        if rule is not None and rule.after is not None:
            raise rule.after
        return answer

    def _note(self, verb: str, subject: Any, is_dry_run: bool) -> _Rule | None:
        if not self._counts(verb, is_dry_run):
            return None
        with self._mutex:
            call = Call(number=len(self.calls) + 1, verb=verb, subject=subject, is_dry_run=is_dry_run)
            self.calls.append(call)
            rule = next((one for one in self._rules if one.applies(call)), None)
            if rule is not None and not rule.is_lasting:
                self._rules.remove(rule)
            return rule
