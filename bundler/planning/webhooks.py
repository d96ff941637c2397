"""Which webhooks of a release judge its other objects, whether anything answers, and what comes first for that.

Layer: planning, pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.fields.kinds import plural_of, pod_spec_path
from bundler.fields.selectors import labels_match, selector_of
from bundler.model.definition import is_definition, kind_of
from bundler.model.json import Body, int_at, items_at, list_at, mapping_at, strings_at, text_at
from bundler.model.lean import dataclass, replace
from bundler.model.refs import ObjectRef
from bundler.planning.order import is_custom

if TYPE_CHECKING:
    from bundler.model.change import Change
    from bundler.planning.observation import Observation, Wanted

_CONFIGURATIONS = frozenset({"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"})
ADMISSION = "admissionregistration.k8s.io"
_WRITES = frozenset({"*", "CREATE", "UPDATE"})
_SCOPES = {True: frozenset({"", "*", "Namespaced"}), False: frozenset({"", "*", "Cluster"})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One webhook that must answer before what it judges can be written."""

    holder: ObjectRef
    """The webhook configuration, or the CRD that converts by it."""
    service: ObjectRef | None
    """None where it is called by a URL."""
    rules: tuple[Body, ...]

    def judges(self, ref: ObjectRef, plural: str) -> bool:
        """Return whether writes of an object are sent to it; selectors are not checked, which errs towards yes.

        Args:
            ref: the object.
            plural: of its kind; empty where that is not known.
        """
        return any(_matches(rule, ref, plural) for rule in self.rules)


def _matches(rule: Body, ref: ObjectRef, plural: str) -> bool:
    groups, resources = list_at(rule, "apiGroups"), set(strings_at(rule, "resources"))
    if ref.group not in groups and "*" not in groups:
        return False
    if not _WRITES.intersection(strings_at(rule, "operations")):
        return False
    is_right_scope = text_at(rule, "scope") in _SCOPES[bool(ref.namespace)]
    return is_right_scope and (not plural or bool(resources & {"*", "*/*", plural, f"{plural}/*"}))


def find_webhooks(objects: Mapping[ObjectRef, Body]) -> tuple[Webhook, ...]:
    """Return the webhooks that refuse what they cannot see: of configurations, and of CRDs that convert by one."""
    return tuple(webhook for ref, body in sorted(objects.items()) for webhook in _webhooks(ref, body))


def _webhooks(ref: ObjectRef, body: Body) -> Iterator[Webhook]:
    if ref.group == ADMISSION and ref.kind in _CONFIGURATIONS:
        for one in items_at(body, "webhooks"):
            if text_at(one, "failurePolicy") != "Ignore":
                service = _service(mapping_at(one, "clientConfig"))
                yield Webhook(holder=ref, service=service, rules=tuple(items_at(one, "rules")))
    elif is_definition(ref) and text_at(body, "spec", "conversion", "strategy") == "Webhook":
        service = _service(mapping_at(body, "spec", "conversion", "webhook", "clientConfig"))
        names = [text_at(body, "spec", "names", "plural")]
        rule = {"apiGroups": [text_at(body, "spec", "group")], "resources": names, "operations": ["*"]}
        yield Webhook(holder=ref, service=service, rules=(rule,))


def _service(client: Body) -> ObjectRef | None:
    name = text_at(client, "service", "name")
    return ObjectRef("", "Service", text_at(client, "service", "namespace"), name) if name else None


def silent_webhooks(live: Mapping[ObjectRef, Body], owned: Collection[ObjectRef]) -> tuple[Webhook, ...]:
    """Return the webhooks among a release's live objects that nothing answers: what runs them is gone, or not ready.

    What is behind a URL, or is not the release's own, is taken to answer.

    Args:
        live: the release's objects.
        owned: what its records name, gone or not.
    """
    gone = frozenset(ref for ref in owned if ref not in live)
    found = find_webhooks(live)
    return tuple(one for one in found if one.service is not None and not _is_answered(one.service, live, gone))


def _is_answered(service: ObjectRef, live: Mapping[ObjectRef, Body], gone: Collection[ObjectRef]) -> bool:
    body = live.get(service)
    if body is None:
        return service not in gone
    selector: Body = {"matchLabels": mapping_at(body, "spec", "selector")}
    behind = [one for ref, one in live.items() if ref.namespace == service.namespace and _selects(selector, ref, one)]
    if not behind:
        return not any(ref.namespace == service.namespace and pod_spec_path(ref.group, ref.kind) for ref in gone)
    return any(_is_ready(one) for one in behind)


def _selects(selector: Body, ref: ObjectRef, body: Body) -> bool:
    path = pod_spec_path(ref.group, ref.kind)
    if path is None or not mapping_at(selector, "matchLabels"):
        return False
    return labels_match(selector_of(selector), mapping_at(body, *path[:-1]))


def _is_ready(workload: Body) -> bool:
    return any(int_at(workload, "status", name) > 0 for name in ("readyReplicas", "numberReady"))


class Judges:
    """Webhooks, and how the kinds of a release are called in their rules."""

    def __init__(self, webhooks: Sequence[Webhook], objects: Iterable[tuple[ObjectRef, Body]]) -> None:
        """Take webhooks, and the release's objects, among them the definitions of its kinds."""
        self._webhooks = tuple(webhooks)
        crds = [body for ref, body in objects if is_definition(ref)] if webhooks else []
        self._plurals = {kind_of(crd): text_at(crd, "spec", "names", "plural") for crd in crds}

    def of(self, ref: ObjectRef) -> tuple[Webhook, ...]:
        """Return the webhooks that judge writes of an object; none judges what configures webhooks."""
        if not self._webhooks or ref.group == ADMISSION:
            return ()
        plural = self._plurals.get((ref.group, ref.kind)) or plural_of(ref.group, ref.kind) or ""
        return tuple(one for one in self._webhooks if one.judges(ref, plural))


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
    holders = {webhook.holder for webhook in silent} & {
        change.ref for change in deletes if change.ref.group == ADMISSION
    }
    why = "before what it judges: nothing answers its Service"
    first = [
        replace(change, reason=f"{why}; {change.reason}" if change.reason else why)
        for change in deletes
        if change.ref in holders
    ]
    rest = [change for change in deletes if change.ref not in holders]
    return [*first, *(replace(change, awaits_webhook=bool(judges.of(change.ref))) for change in rest)]
