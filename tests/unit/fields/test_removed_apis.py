"""API versions of Kubernetes itself that are gone."""

from __future__ import annotations

import pytest

from bundler.fields.kinds import all_kinds
from bundler.fields.removed_apis import removed_in, replacement_for


@pytest.mark.parametrize(
    ("api_version", "kind", "since"),
    [
        ("policy/v1beta1", "PodDisruptionBudget", "1.25"),
        ("extensions/v1beta1", "Ingress", "1.22"),
        ("extensions/v1beta1", "Deployment", "1.16"),
        ("rbac.authorization.k8s.io/v1beta1", "Role", "1.22"),
        ("storage.k8s.io/v1beta1", "CSIStorageCapacity", "1.27"),
        ("policy/v1", "PodDisruptionBudget", ""),
        ("v1", "ConfigMap", ""),
        ("guests.example/v1beta1", "Guest", ""),
    ],
)
def test_a_version_is_gone_since_a_release(api_version: str, kind: str, since: str) -> None:
    assert removed_in(api_version, kind) == since


def test_nothing_that_kubernetes_serves_now_is_called_gone() -> None:
    served = {
        (f"{info.group}/{one}" if info.group else one, info.kind) for info in all_kinds() for one in info.versions
    }
    assert [one for one in served if removed_in(*one)] == []


def test_a_hint_names_what_takes_its_place() -> None:
    assert replacement_for("policy", "PodDisruptionBudget") == "use policy/v1"
    assert replacement_for("extensions", "Deployment") == "use apps/v1"
    assert replacement_for("policy", "PodSecurityPolicy").startswith("label the namespace")
