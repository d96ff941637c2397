"""Random histories of objects on a real API: several managers write, and at each step we are asked what an apply would do."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.lib.random_objects import PLURALS, Body, Maker
from tests.lib.raw_api import APPLY_PATCH, MERGE_PATCH, ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lib.controlplane import ControlPlane


@dataclass(frozen=True)
class Moment:
    """A live object, a body that bundler might apply to it, and the server's answer to a dry-run of that."""

    number: int
    what: str
    live: Body
    desired: Body
    answer: Body | None
    """None where the server refused or found conflicts."""
    conflicts: frozenset[tuple[str, str]]
    """(path, message)."""
    is_last_applied: bool
    """Whether ``desired`` is what bundler applied last."""


@dataclass(frozen=True)
class Write:
    """A PUT or PATCH by someone else, and the object before and after."""

    what: str
    before: Body
    after: Body
    manager: str
    subresource: str


class History:
    """A few objects of one kind and what happens to them."""

    def __init__(self, plane: ControlPlane, namespace: str, kind: str, seed: int) -> None:
        self._plane, self._namespace, self._kind = plane, namespace, kind
        self._rng = random.Random(f"{seed}/{kind}")
        self._maker = Maker(self._rng)
        self._last: dict[str, Body] = {}
        self.writes: list[Write] = []

    def moments(self, steps: int) -> Iterator[Moment]:
        """Play ``steps`` steps and yield the ones the server has a word on."""
        for number in range(steps):
            name = f"o{self._rng.randint(1, 2)}"
            what = self._step(name)
            live = self._read(name)
            if live is None:
                continue
            last = self._last.get(name)
            is_last = last is not None and self._rng.random() < 0.6
            desired = last if is_last and last is not None else self._maker.make(self._kind, name, self._namespace)
            moment = self._ask(number, what, live, desired, is_last=is_last)
            if moment is not None:
                yield moment

    def _step(self, name: str) -> str:
        action = self._rng.choice(
            ["apply", "apply", "apply", "force", "other", "other-force", "edit", "edit", "put", "scale", "status"]
        )
        if action in {"edit", "put", "scale", "status"} and self._read(name) is None:
            action = "apply"
        try:
            self._do(action, name)
        except ApiError as error:
            return f"{action} {name}: {error.status}"
        return f"{action} {name}"

    def _do(self, action: str, name: str) -> None:
        if action in {"apply", "force"}:
            body = self._maker.make(self._kind, name, self._namespace)
            self._apply(name, body, "bundler", is_forced=action == "force")
            self._last[name] = body
        elif action in {"other", "other-force"}:
            body = self._maker.part_of(self._last.get(name) or self._maker.make(self._kind, name, self._namespace))
            if self._rng.random() < 0.5:
                body = self._maker.part_of(self._maker.make(self._kind, name, self._namespace))
            self._apply(name, body, self._rng.choice(["argo", "flux"]), is_forced=action == "other-force")
        elif action == "put":
            live = self._read(name) or {}
            sent = {**live, "metadata": {**live["metadata"], "labels": {"put": self._rng.choice(["1", "2"])}}}
            after = self._plane.api("PUT", self._path(name) + "?fieldManager=putter", sent)
            self.writes.append(Write("put", live, after, "putter", ""))
        elif action == "edit":
            live = self._read(name) or {}
            patch = self._guarded(self._maker.edit_of(live), live)
            after = self._plane.api(
                "PATCH", f"{self._path(name)}?fieldManager=kubectl-edit", patch, content_type=MERGE_PATCH
            )
            self.writes.append(Write("edit", live, after, "kubectl-edit", ""))
        else:
            self._subresource(action, name)

    def _subresource(self, action: str, name: str) -> None:
        patch: Body = (
            {"spec": {"replicas": self._rng.choice([0, 1, 2])}} if action == "scale" else {"status": self._status()}
        )
        live = self._read(name) or {}
        path = f"{self._path(name)}/{action}?fieldManager=controller"
        answer = self._plane.api("PATCH", path, self._guarded(patch, live), content_type=MERGE_PATCH)
        after = self._read(name) or {}
        if answer["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]:
            self.writes.append(Write(action, live, after, "controller", action))

    def _guarded(self, patch: Body, live: Body) -> Body:
        """Refuse to write over what a controller wrote since."""
        version = {"resourceVersion": live["metadata"]["resourceVersion"]}
        return {**patch, "metadata": {**patch.get("metadata", {}), **version}}

    def _status(self) -> Body:
        return {"phase": "Ready"} if self._kind == "Gadget" else {"observedGeneration": self._rng.choice([1, 2])}

    def _path(self, name: str) -> str:
        return f"{PLURALS[self._kind].format(self._namespace)}/{name}"

    def _read(self, name: str) -> Body | None:
        try:
            body: Body = self._plane.api("GET", self._path(name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return body

    def _apply(self, name: str, body: Body, manager: str, *, is_forced: bool = False, query: str = "") -> Any:
        path = f"{self._path(name)}?fieldManager={manager}&force={str(is_forced).lower()}{query}"
        return self._plane.api("PATCH", path, body, content_type=APPLY_PATCH)

    def _ask(self, number: int, what: str, live: Body, desired: Body, *, is_last: bool) -> Moment | None:
        """Dry-run; None where the object moved meanwhile (controllers write too)."""
        answer, conflicts = None, frozenset[tuple[str, str]]()
        try:
            answer = self._apply(
                desired["metadata"]["name"], desired, "bundler", query="&dryRun=All&fieldValidation=Strict"
            )
        except ApiError as error:
            if error.status == 409:
                conflicts = conflicts_of(error)
            elif is_last:
                conflicts = frozenset({("", f"refused: {error.status}")})
            else:
                return None
        again = self._read(desired["metadata"]["name"])
        if again is None or again["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"]:
            return None
        return Moment(number, what, live, desired, answer, conflicts, is_last)


def conflicts_of(error: ApiError) -> frozenset[tuple[str, str]]:
    """Return the (path, message) pairs of a conflict."""
    import json

    causes = json.loads(error.body).get("details", {}).get("causes", [])
    return frozenset((cause["field"], cause["message"]) for cause in causes)
