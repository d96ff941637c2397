"""A bundle with an operator of its own kind, and an operator that does its work whenever someone looks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bundler.model.cluster import Listing, ListQuery, Payload
from bundler.model.refs import ObjectRef
from tests.lib.bundles import make_bundle
from tests.lib.faulty import FaultyCluster
from tests.lib.widgets import definition

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.json import Body
    from bundler.ports import ClusterClient

WIDGET = """
{{% if values.operated %}}
apiVersion: {group}/v1
kind: Widget
metadata: {{name: main, finalizers: [{group}/cleanup]}}
spec: {{size: 1, color: red}}
{{% endif %}}
"""

OPERATOR = """
{{% if values.operated %}}
apiVersion: v1
kind: ServiceAccount
metadata: {{name: operator}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: operator}}
rules: [{{apiGroups: [{group}], resources: [widgets], verbs: [get, list, patch]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: operator}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: operator}}
subjects: [{{kind: ServiceAccount, name: operator}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: operator}}
spec:
  replicas: {{{{ values.replicas }}}}
  selector: {{matchLabels: {{app: operator}}}}
  template:
    metadata: {{labels: {{app: operator}}}}
    spec:
      serviceAccountName: operator
      containers: [{{name: operator, image: docker.io/library/operator:1}}]
{{% endif %}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: always}}
"""


def operated_bundle(parent: Path, group: str) -> Path:
    """Write a bundle of a CRD, an object of it with a finalizer, and the operator that would take it off."""
    rules = [{"match": {"group": group, "kind": "Widget"}, "ready": "object.spec.size > 0"}]
    files = {
        "crds/widget.yaml": definition(group, "size", "color"),
        "templates/widget.yaml": WIDGET.format(group=group),
        "templates/operator.yaml": OPERATOR.format(group=group),
        "values.yaml": "operated: true\nreplicas: 1\n",
    }
    reach = {"clusterScoped": ["CustomResourceDefinition"]}
    return make_bundle(parent, files, name="operated", reach=reach, readiness=rules)  # type: ignore[arg-type]


class OperatedCluster(FaultyCluster):
    """Takes the finalizer off Widgets that go, as long as the operator's Deployment stays and has a ready pod."""

    def __init__(self, cluster: ClusterClient, group: str, namespace: str) -> None:
        super().__init__(cluster)
        self._group, self._namespace = group, namespace
        self.bereaved: list[str] = []
        """What was deleted while a Widget was still there: none of it may be built in."""

    def list(self, query: ListQuery) -> Listing:
        if query.kind == "Widget":
            self._work()
        return super().list(query)

    def delete(self, ref: ObjectRef, **options: Any) -> bool:
        if ref.kind != "Lease" and self._widget() is not None:
            self.bereaved.append(ref.short)
        return super().delete(ref, **options)

    def _widget(self) -> Body | None:
        return self.inner.get(ObjectRef(self._group, "Widget", self._namespace, "main"))

    def _work(self) -> None:
        widget: Any = self._widget()
        operator: Any = self.inner.get(ObjectRef("apps", "Deployment", self._namespace, "operator"))
        if widget is None or operator is None or "deletionTimestamp" not in widget["metadata"]:
            return
        if "deletionTimestamp" in operator["metadata"] or not operator.get("status", {}).get("readyReplicas"):
            return
        left = [one for one in widget["metadata"]["finalizers"] if not one.startswith(self._group)]
        body = {**widget, "metadata": {**widget["metadata"], "finalizers": left}}
        ref = ObjectRef(self._group, "Widget", self._namespace, "main")
        self.inner.replace(Payload(ref=ref, api_version=f"{self._group}/v1", content=json.dumps(body).encode()))
