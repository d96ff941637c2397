"""A bundle that brings a kind of its own, an object of it, and a Role with its binding."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.lib.bundles import make_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.json import JSONValue

DEFINITIONS = "apiextensions.k8s.io"

WIDGET = """
apiVersion: {group}/v1
kind: Widget
metadata: {{name: "{{{{ release.name }}}}-widget"}}
spec: {{size: {{{{ values.size }}}}, color: {{{{ values.color | to_json }}}}}}
"""

ACCESS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: "{{ release.name }}-reader"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: "{{ release.name }}-reader"}
subjects: [{kind: ServiceAccount, name: "{{ release.name }}-reader", namespace: "{{ release.namespace }}"}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: "{{ release.name }}-reader"}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get, list]}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: "{{ release.name }}-reader"}
"""


def definition(group: str, *properties: str) -> str:
    """Return a CRD whose spec has those fields."""
    fields = {name: {"type": "integer" if name == "size" else "string"} for name in properties}
    spec = {"type": "object", "properties": {"spec": {"type": "object", "properties": fields}}}
    body = {
        "apiVersion": f"{DEFINITIONS}/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": spec}}],
        },
    }
    return json.dumps(body)


def readiness(group: str) -> list[JSONValue]:
    """Return the rule by which a Widget is ready: it has no status, for which one would wait ten seconds."""
    return [{"match": {"group": group, "kind": "Widget"}, "ready": "object.spec.size > 0"}]


def widgets(parent: Path, group: str, *properties: str, **spec: object) -> Path:
    """Write a bundle that brings the kind Widget and one of them."""
    reach = {"clusterScoped": ["CustomResourceDefinition"]}
    fields: dict = {"reach": reach, "readiness": readiness(group), **spec}
    files = {
        "crds/widget.yaml": definition(group, *(properties or ("size", "color"))),
        "templates/widget.yaml": WIDGET.format(group=group),
        "templates/access.yaml": ACCESS,
        "values.yaml": "size: 1\ncolor: red\n",
    }
    return make_bundle(parent, files, name="widgets", **fields)  # type: ignore[arg-type]
