"""What the sandbox, the real server and plans make of a wrong or empty value: every field of every common kind.

A difference stands in ``AGREED``, with the reason why it stays.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bundler.concurrency import map_parallel
from bundler.errors.cluster import ObjectNotFoundError, RejectedError, UnknownKindError
from bundler.fields.field_set import owned_fields
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.manifest import Manifest, Source
from bundler.model.refs import ObjectRef, group_of
from bundler.planning.ignored_fields import same_content
from bundler.planning.normalize import normalize_manifests
from tests.contract.conftest import namespace_body
from tests.lib.typical_objects import GIZMO, GIZMO_CRD, TYPICAL
from tests.lib.variants import ABSENT, at, variant_names, variants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.conftest import Subject

KINDS = {**TYPICAL, "Gizmo": GIZMO}
"""The last one is defined by a CustomResourceDefinition with every kind of field."""

DEFAULTS = "a default that no controller of the sandbox reads is not filled in"
EMPTY = "whether Go leaves an empty text or zero out is not in the schema; a plan asks the server about them"
RARE = "a rule about several fields, or one that bundles hardly meet; the dry-run of a real plan finds it"
PATTERN = "Go's patterns are not Python's, and may take for ever"
DIFFERENT = "values that differ from one object to the next"
AFFINITY = r"Deployment .*\.preferredDuringSchedulingIgnoredDuringExecution.*"
AGREED: dict[str, str] = {
    r"ConfigMap binaryData null field": RARE,
    r"CronJob spec\.jobTemplate\.spec\.template\.metadata null": DEFAULTS,
    r"CronJob spec\.timeZone (empty text|text|digits)": RARE,
    r"DaemonSet metadata\.annotations (null|no fields|null field)": DEFAULTS,
    r"DaemonSet spec\.updateStrategy\.rollingUpdate\.maxUnavailable zero": RARE,
    AFFINITY: RARE,
    r"Deployment spec\.minReadySeconds large": RARE,
    r"Deployment spec\.progressDeadlineSeconds zero": RARE,
    r"Deployment .*\.envFrom\[0\]\.configMapRef\.name text": RARE,
    r"Deployment .*\.resources\.(requests|limits) null field": RARE,
    r"Deployment .*\.sizeLimit negative": RARE,
    r"Deployment .*\.tolerations(\[0\])? (null item|null|no fields)": RARE,
    r"Deployment .*\.(securityContext|resources|emptyDir) null": DEFAULTS,
    r"Deployment .*\.(imagePullPolicy|path) (null|empty text)": DEFAULTS,
    r"Deployment .*\.(periodSeconds|failureThreshold) (null|zero)": DEFAULTS,
    r"Deployment .*\.(minReadySeconds|initialDelaySeconds) zero": EMPTY,
    r"Deployment .*\.(serviceAccountName|key|operator|effect|name|value) empty text": EMPTY,
    r"Gizmo spec\.title digits": PATTERN,
    r"HorizontalPodAutoscaler spec\.behavior(\.scaleDown)? (null|no fields)": DEFAULTS,
    r"HorizontalPodAutoscaler spec\.behavior\.scaleDown\.stabilizationWindowSeconds large": RARE,
    r"HorizontalPodAutoscaler spec\.metrics (null|no items)": DEFAULTS,
    r"HorizontalPodAutoscaler spec\.metrics\[0\]\.resource.* (absent|null)": RARE,
    r"HorizontalPodAutoscaler spec\.scaleTargetRef\.apiVersion .*": RARE,
    r"Ingress .*\.(host|secretName) empty text": EMPTY,
    r"Ingress spec\.(tls\[0\]\.hosts.*|ingressClassName) (null|null item|empty text)": RARE,
    r"Ingress spec\.rules\[0\]\.http\.paths\[0\]\.backend\.service\.name text": RARE,
    r"Job (metadata|spec\.template\.metadata)(\.labels)? (null|no fields|null field)": DIFFERENT,
    r"Job spec\.completions null": DEFAULTS,
    r"NetworkPolicy spec\.ingress\[0\]\.ports\[0\]\.protocol empty text": RARE,
    r"PodDisruptionBudget spec null": DEFAULTS,
    r"ResourceQuota spec null": DEFAULTS,
    r"ResourceQuota spec\.hard(\.pods)? (null field|fraction)": RARE,
    r"Role rules (null|no items)": DEFAULTS,
    r"RoleBinding subjects\[0\]\.name text": RARE,
    r"RoleBinding subjects\[0\]\.namespace empty text": EMPTY,
    r"Service spec\.ports\[0\]\.name empty text": EMPTY,
    r"ServiceAccount imagePullSecrets\[0\]\.name empty text": EMPTY,
    r"StatefulSet spec\.serviceName null": DEFAULTS,
    r"StatefulSet spec\.updateStrategy\.rollingUpdate null": DEFAULTS,
}


def differences(cluster: Subject, other: Subject, kind: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each variant that the two judge or store differently, and what they said."""
    for name, steps, body in variants(KINDS[kind]):
        (mine, why), (theirs, their_why) = asked(cluster, body), asked(other, body)
        if (mine is None) != (theirs is None):
            yield name, f"{cluster.name}: {why or 'accepted'}; {other.name}: {their_why or 'accepted'}"
        elif mine is not None and at(body, steps) is not ABSENT and at(mine, steps) != at(theirs, steps):
            yield name, f"{cluster.name} stores {at(mine, steps)!r}, {other.name} {at(theirs, steps)!r}"


def asked(cluster: Subject, body: dict[str, Any]) -> tuple[Any, str]:
    """Return the object that a dry-run answers with, or None and why not."""
    try:
        return cluster.apply(body, is_dry_run=True).body, ""
    except (RejectedError, UnknownKindError, ObjectNotFoundError) as error:
        return None, " ".join(error.context)[:300]


def reason(kind: str, name: str) -> str | None:
    return next((why for pattern, why in AGREED.items() if re.fullmatch(pattern, f"{kind} {name}")), None)


@pytest.fixture(scope="module")
def both(sandbox_cluster: Subject, real_cluster: Subject) -> Iterator[tuple[Subject, Subject]]:
    """The sandbox and a real server, each with the same namespace and the custom kind."""
    subjects = tuple(replace(one, namespace="variants") for one in (sandbox_cluster, real_cluster))
    for one in subjects:
        one.client.apply(one.payload(namespace_body(one.namespace), namespace=""))
        one.client.apply(one.payload(GIZMO_CRD, namespace=""))
        one.wait("Gizmos are served", lambda one=one: is_served(one))
    yield subjects
    for one in subjects:
        one.client.delete(ObjectRef("", "Namespace", "", one.namespace))


def is_served(cluster: Subject) -> bool:
    cluster.names("ConfigMap")  # the controllers of the sandbox do what is due when something is read
    cluster.client.forget_discovery()
    return asked(cluster, GIZMO)[0] is not None


def test_a_reason_is_given_for_what_differs_and_for_nothing_else() -> None:
    names = [f"{kind} {name}" for kind, body in KINDS.items() for name in variant_names(body)]
    assert len(names) == len(set(names)) > 5000
    assert [pattern for pattern in AGREED if not any(re.fullmatch(pattern, name) for name in names)] == []


@pytest.mark.slow
@pytest.mark.controlplane
@pytest.mark.parametrize("kind", KINDS)
def test_the_sandbox_judges_and_stores_every_value_as_the_real_server_does(
    both: tuple[Subject, Subject], kind: str
) -> None:
    unexpected = [f"{kind} {name}: {what}" for name, what in differences(*both, kind) if reason(kind, name) is None]
    assert unexpected == []


EMPTY_VALUES = ("null", "zero", "empty text", "no items", "no fields", "null item", "null field")
NEVER_APPLIED = {"DaemonSet", "Job"}
"""Their controllers would make hundreds of pods."""
ONCE_ONLY = {
    "Gizmo spec.ports[0].protocol null": "a custom kind's null is its server's to judge: it takes the key for another"
}


@pytest.mark.slow
@pytest.mark.controlplane
def test_what_was_applied_with_empty_values_is_no_change_the_second_time(both: tuple[Subject, Subject]) -> None:
    _, cluster = both
    manifests = [
        (f"{kind} {name}", manifest_of(body, f"v{number}", cluster.namespace))
        for kind in KINDS.keys() - NEVER_APPLIED
        for number, (name, _, body) in enumerate(variants(KINDS[kind]))
        if name.endswith(tuple(f" {empty}" for empty in EMPTY_VALUES))
    ]
    found = map_parallel(lambda one: (one[0], applied_twice(cluster, one[1])), manifests)
    assert sum(what == "" for _, what in found) > 400
    assert {name: what for name, what in found if what and name not in ONCE_ONLY} == {}


def manifest_of(body: dict[str, Any], name: str, namespace: str) -> Manifest:
    body = {**body, "metadata": {**body["metadata"], "name": name}}
    ref = ObjectRef(group_of(body["apiVersion"]), body["kind"], namespace, name)
    (made,) = normalize_manifests([Manifest(ref=ref, api_version=body["apiVersion"], body=body, source=Source("a", 1))])
    return made


def applied_twice(cluster: Subject, manifest: Manifest) -> str | None:
    """Say what a plan would find after an apply: empty where nothing; None where the server refuses the object."""
    body: Any = manifest.body
    try:
        cluster.apply(body)
    except RejectedError:
        return None
    while True:
        before = cluster.client.get(manifest.ref)
        try:
            answer = cluster.apply(body, is_dry_run=True).body
        except RejectedError as error:
            return f"refused the second time: {' '.join(error.context)[:200]}"
        live = cluster.client.get(manifest.ref)
        assert live is not None
        # what a controller wrote in between is in the one and not in the other
        if live == before:
            break
    is_same = same_content(live, answer) and owned_fields(live, FIELD_MANAGER) == owned_fields(answer, FIELD_MANAGER)
    return "" if is_same else "changed by the second apply"
