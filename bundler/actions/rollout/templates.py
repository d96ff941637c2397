"""Whose pod template a live workload has, and who wrote one that is neither the old nor the new one. Layer: actions."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bundler.errors.cluster import RejectedError
from bundler.model.json import Body, canonical_json, mapping_at
from bundler.model.lean import dataclass
from bundler.model.rollout import Template
from bundler.planning.conflicts import in_short
from bundler.planning.diff import differing
from bundler.planning.owners import other_owner, owned_places
from bundler.planning.payloads import payload_of

if TYPE_CHECKING:
    from bundler.model.manifest import Manifest
    from bundler.model.refs import ObjectRef
    from bundler.ports import Ports

_LINES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Strangers:
    """What others wrote into a pod template."""

    lines: tuple[str, ...] = ()
    """A line for each field, with its owner."""
    managers: tuple[str, ...] = ()


_NO_ONE = Strangers()


class TemplateMemory:
    """Knows pod templates by their text, as the server stores it; asks the server, once, about those it does not know.

    What a manifest comes to, with defaults, quantities and the fields of others, only the server knows: it is asked
    without writing anything.
    """

    def __init__(self) -> None:
        """Begin; no template is known."""
        self._known: dict[ObjectRef, dict[bytes, Template]] = {}
        self._new: dict[ObjectRef, Body] = {}
        self._strangers: dict[ObjectRef, Strangers] = {}
        self._mutex = threading.Lock()

    def learn(self, ref: ObjectRef, body: Body, whose: Template) -> None:
        """Remember whose the template of a workload is.

        Args:
            ref: the workload.
            body: as the API server returned it.
            whose: it is.
        """
        template = mapping_at(body, "spec", "template")
        with self._mutex:
            self._known.setdefault(ref, {}).setdefault(_text(template), whose)
            if whose is Template.NEW:
                self._new.setdefault(ref, template)

    def is_new(self, ref: ObjectRef, template: Body) -> bool:
        """Return whether a template, of a ReplicaSet say, is that of the revision that is rolled out."""
        return self._known.get(ref, {}).get(_text(template)) is Template.NEW

    def strangers(self, ref: ObjectRef) -> tuple[str, ...]:
        """Return a line for each field in which a template that is neither differs from the new one."""
        return self._strangers.get(ref, _NO_ONE).lines

    def writers(self, ref: ObjectRef) -> tuple[str, ...]:
        """Return the managers of these fields."""
        return self._strangers.get(ref, _NO_ONE).managers

    def judge(self, ref: ObjectRef, live: Body, *, new: Manifest, old: Manifest | None, ports: Ports) -> Template:
        """Return whose template a live workload has.

        A template that the server makes of the new manifest, and that differs from the one it made of it before in this
        run, holds something that someone has added since.

        Args:
            ref: the workload.
            live: as it is.
            new: as the revision that is rolled out writes it.
            old: as the deployed revision wrote it.
            ports: the cluster.
        """
        template = mapping_at(live, "spec", "template")
        text, known = _text(template), self._known.get(ref, {})
        if text in known:
            return known[text]
        made = _made_of(new, live, ports)
        is_first = Template.NEW not in known.values()
        if is_first and made is not None:
            self.learn(ref, {"spec": {"template": made}}, Template.NEW)
        if is_first and made is not None and _text(made) == text:
            return Template.NEW
        before = _made_of(old, live, ports) if old else None
        whose = Template.OLD if before is not None and _text(before) == text else Template.OTHER
        self.learn(ref, live, whose)
        if whose is Template.OTHER:
            self._strangers[ref] = _difference(live, self._new.get(ref, {}))
        return whose


def unlike(live: Body, old: Manifest, ports: Ports) -> tuple[str, ...]:
    """Return how a live pod template differs from what the server makes of a manifest; nothing where it refuses that.

    Args:
        live: the workload as it is.
        old: as a revision wrote it.
        ports: the cluster.
    """
    template, made = mapping_at(live, "spec", "template"), _made_of(old, live, ports)
    return () if made is None or _text(made) == _text(template) else _difference(live, made).lines


def _made_of(manifest: Manifest, live: Body, ports: Ports) -> Body | None:
    """Return what the server would make of a manifest's pod template; None where it refuses it."""
    try:
        answer = ports.cluster.apply(payload_of(manifest, live), is_dry_run=True, is_forced=True)
    except RejectedError:
        return None
    return mapping_at(answer.body, "spec", "template")


def _text(template: Body) -> bytes:
    """Return a template as text; a creation time, which is always null, is not written by all versions of the API."""
    metadata = {key: value for key, value in mapping_at(template, "metadata").items() if value not in (None, {})}
    return canonical_json({**template, "metadata": metadata})


def _difference(live: Body, made: Body) -> Strangers:
    places = owned_places(live)
    lines, managers = list[str](), list[str]()
    for one in differing(mapping_at(live, "spec", "template"), made, ("spec", "template")):
        field, owner = other_owner(one.steps, places)
        who = f", set by {owner.manager}{f' at {owner.since}' if owner.since else ''}" if owner else ""
        path = field or "." + ".".join(map(str, one.steps))
        lines.append(f"{path} is {in_short(one.before)} instead of {in_short(one.after)}{who}")
        managers.append(owner.manager if owner else "")
    return Strangers(lines=tuple(dict.fromkeys(lines))[:_LINES], managers=tuple(dict.fromkeys(filter(None, managers))))
