"""Defaults that the API server fills in inside values that are owned as a whole. Layer: fields, pure.

Elsewhere a default is a field of its own that no one owns; inside an atomic value it makes the live value look unlike
the one applied.

Source: SetDefaults functions in pkg/apis/*/v1/defaults.go of Kubernetes v1.36.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bundler.model.json import Body, JSONValue

_DEFAULTS: Mapping[tuple[str, str], Body] = {
    ("", "fieldRef"): {"apiVersion": "v1"},
    ("", "onPodConditions"): {"status": "True"},
    ("", "resourceFieldRef"): {"divisor": "0"},
    ("", "roleRef"): {"apiGroup": "rbac.authorization.k8s.io"},
    ("", "serviceAccountToken"): {"expirationSeconds": 3600},
    ("egress", "ports"): {"protocol": "TCP"},
    ("ingress", "ports"): {"protocol": "TCP"},
    ("spec", "volumeClaimTemplates"): {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"},
    },
    ("volumeClaimTemplates", "spec"): {"volumeMode": "Filesystem"},
    ("webhooks", "rules"): {"scope": "*"},
}  # fmt: skip
"""By the names of the enclosing field and of the field; items of a list go by the list's name."""


def with_defaults(value: JSONValue, names: Sequence[str]) -> JSONValue:
    """Return a value of a built-in kind with the constant defaults filled in.

    Args:
        value: what is at the place.
        names: the names of the fields on the way there, from the root.
    """
    if isinstance(value, Mapping):
        defaults = _DEFAULTS.get(("", names[-1])) or _DEFAULTS.get((names[-2] if len(names) > 1 else "", names[-1]), {})
        return {**defaults, **{name: with_defaults(member, [*names, name]) for name, member in value.items()}}
    if isinstance(value, list | tuple):
        return [with_defaults(item, names) for item in value]
    return value
