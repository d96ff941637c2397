"""What webhooks of a release mean for the order of its own changes. Layer: planning, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import replace
from bundler.planning.order import is_custom
from bundler.planning.webhooks import ADMISSION, Judges, find_webhooks, silent_webhooks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bundler.model.change import Change
    from bundler.model.refs import ObjectRef
    from bundler.planning.observation import Observation, Wanted


def judging_components(wanted: Wanted, observation: Observation) -> Mapping[ObjectRef, frozenset[str]]:
    """Return for each wanted custom resource the components whose webhooks judge it, now or once they are written."""
    bodies = {manifest.ref: manifest.body for manifest in wanted.manifests}
    component_of = {manifest.ref: manifest.component for manifest in wanted.manifests}
    now = {ref: body for ref, body in observation.live.items() if ref in bodies}
    judges = Judges((*find_webhooks(bodies), *find_webhooks(now)), bodies.items())
    found = {ref: frozenset(component_of[one.holder] for one in judges.of(ref)) for ref in bodies if is_custom(ref)}
    return {ref: components for ref, components in found.items() if components}


def after_their_judges(changes: Iterable[Change], judging: Mapping[ObjectRef, frozenset[str]]) -> list[Change]:
    """Put custom resources after the webhooks of their own component that judge them."""
    return [
        replace(change, is_judged=True) if change.component in judging.get(change.ref, ()) else change
        for change in changes
    ]


def judge_needs(changes: Iterable[Change], judging: Mapping[ObjectRef, frozenset[str]]) -> Iterable[tuple[str, str]]:
    """Pair each component with those whose webhooks judge a custom resource of it."""
    for change in changes:
        for component in judging.get(change.ref, frozenset()) - {change.component}:
            yield change.component, component


def past_silent_webhooks(deletes: Sequence[Change], wanted: Wanted, observation: Observation) -> Sequence[Change]:
    """Let deletes, in their order, get past webhooks of the release that nothing answers.

    Such a configuration goes first: every write of what it judges would be refused. The finalizer of a deletion in the
    foreground is taken off by such a write.

    Args:
        deletes: in their order.
        wanted: what the release is to hold.
        observation: what was read of the cluster.
    """
    silent = silent_webhooks(observation.live, wanted.owned) if deletes else ()
    if not silent:
        return deletes
    judges = Judges(silent, observation.live.items())
    holders = {webhook.holder for webhook in silent} & {change.ref for change in deletes if _is_configuration(change)}
    why = "before what it judges: nothing answers its Service"
    first = [replace(change, reason=_joined(why, change.reason)) for change in deletes if change.ref in holders]
    rest = [change for change in deletes if change.ref not in holders]
    return [*first, *(replace(change, awaits_webhook=bool(judges.of(change.ref))) for change in rest)]


def _is_configuration(change: Change) -> bool:
    return change.ref.group == ADMISSION


def _joined(*reasons: str) -> str:
    return "; ".join(filter(None, reasons))
