"""A plan with what it was made of. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.change import Plan, ReachNote
    from bundler.model.cluster import Payload
    from bundler.model.refs import ObjectRef
    from bundler.planning.observation import Candidate, Observation, Outcome, Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan with everything that made it, so that it can be carried out, or made again with less asking."""

    plan: Plan
    wanted: Wanted
    observation: Observation
    candidates: Mapping[ObjectRef, Candidate] = field(default_factory=dict)
    outcomes: Mapping[ObjectRef, Outcome] = field(default_factory=dict)
    payloads: Mapping[ObjectRef, Payload] = field(default_factory=dict)
    """The bytes that were dry-run; the same bytes are applied."""
    reach: tuple[ReachNote, ...] = ()
    """What the wanted objects reach, whatever is live."""

    @property
    def creates_namespace(self) -> bool:
        """Return whether the release's namespace must be made first."""
        return self.wanted.namespace in self.observation.missing_namespaces

    @property
    def new_namespaces(self) -> tuple[str, ...]:
        """Return the namespaces that must be made first: the release's, and those that its bundle declares."""
        wanted = self.wanted
        made = {one.ref.name for one in wanted.manifests if (one.ref.group, one.ref.kind) == ("", "Namespace")}
        declared = {wanted.namespace, *(frozenset(wanted.reach.namespaces) - made)}
        return tuple(sorted(self.observation.missing_namespaces & declared))
