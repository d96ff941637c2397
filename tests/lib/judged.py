"""An operator whose webhook judges its own kind, and a cluster that calls it as an API server would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bundler.errors.cluster import UnavailableError
from bundler.model.refs import ObjectRef
from tests.lib.bundles import make_bundle
from tests.lib.faulty import FaultyCluster
from tests.lib.widgets import definition

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.cluster import Answer, Payload
    from bundler.ports import ClusterClient

ADMISSION = "admissionregistration.k8s.io"
CONFIGURATION = "ValidatingWebhookConfiguration"

WIDGET = """
apiVersion: {group}/v1
kind: Widget
metadata: {{name: main}}
spec: {{size: {{{{ values.size }}}}, color: red}}
"""

OPERATOR = """
apiVersion: v1
kind: Service
metadata: {{name: operator}}
spec: {{selector: {{app: operator}}, ports: [{{port: 443}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: operator}}
spec:
  replicas: {{{{ values.replicas }}}}
  selector: {{matchLabels: {{app: operator}}}}
  template:
    metadata: {{labels: {{app: operator}}}}
    spec: {{containers: [{{name: operator, image: docker.io/library/operator:1}}]}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {{name: {group}}}
webhooks:
  - name: widgets.{group}
    admissionReviewVersions: [v1]
    sideEffects: None
    timeoutSeconds: 1
    failurePolicy: "{{{{ values.policy }}}}"
    clientConfig: {{service: {{name: operator, namespace: "{{{{ release.namespace }}}}"}}}}
    rules: [{{apiGroups: [{group}], apiVersions: ["*"], resources: [widgets], operations: [CREATE, UPDATE, DELETE]}}]
"""


def judged_bundle(parent: Path, group: str) -> Path:
    """Write a bundle of a CRD, an object of it, its operator, and the webhook of that."""
    rules = [{"match": {"group": group, "kind": "Widget"}, "ready": "object.spec.size > 0"}]
    files = {
        "crds/widget.yaml": definition(group, "size", "color"),
        "templates/widget.yaml": WIDGET.format(group=group),
        "templates/operator.yaml": OPERATOR.format(group=group),
        "values.yaml": "size: 1\nreplicas: 1\npolicy: Fail\n",
    }
    reach = {"clusterScoped": ["CustomResourceDefinition", CONFIGURATION], "grants": ["webhooks"]}
    return make_bundle(parent, files, name="judged", reach=reach, readiness=rules)  # type: ignore[arg-type]


class JudgedCluster(FaultyCluster):
    """Refuses writes of Widgets while their webhook is configured and its Deployment has no ready pod."""

    def __init__(self, cluster: ClusterClient, group: str, namespace: str) -> None:
        super().__init__(cluster)
        self._group, self._namespace = group, namespace
        self.order: list[str] = []
        """What was written or deleted, in that order."""

    def apply(self, payload: Payload, *, is_dry_run: bool = False, is_forced: bool = False) -> Answer:
        self._judge(payload.ref)
        if not is_dry_run:
            self.order.append(payload.ref.kind)
        return super().apply(payload, is_dry_run=is_dry_run, is_forced=is_forced)

    def delete(self, ref: ObjectRef, **options: Any) -> bool:
        self._judge(ref)
        self.order.append(ref.kind)
        return super().delete(ref, **options)

    def _judge(self, ref: ObjectRef) -> None:
        if ref.kind != "Widget" or self.inner.get(ObjectRef(ADMISSION, CONFIGURATION, "", self._group)) is None:
            return
        operator: Any = self.inner.get(ObjectRef("apps", "Deployment", self._namespace, "operator")) or {}
        if not operator.get("status", {}).get("readyReplicas"):
            why = f'failed calling webhook "widgets.{self._group}": no endpoints available for service "operator"'
            raise UnavailableError("writing Widget/main", context=[why], hint="run it again")
