"""One body of each common kind, with the fields that bundles set."""

from __future__ import annotations

from typing import Any

LABELS = {"app": "web"}
SELECTOR = {"matchLabels": LABELS}
POD: dict[str, Any] = {
    "metadata": {"labels": LABELS, "annotations": {"note": "x"}},
    "spec": {
        "serviceAccountName": "web",
        "terminationGracePeriodSeconds": 10,
        "nodeSelector": {"disk": "ssd"},
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "fsGroup": 1000},
        "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoSchedule"}],
        "imagePullSecrets": [{"name": "pull"}],
        "initContainers": [{"name": "first", "image": "a:1", "command": ["true"]}],
        "containers": [{
            "name": "web", "image": "web:1", "imagePullPolicy": "IfNotPresent", "command": ["run"], "args": ["--fast"],
            "env": [{"name": "A", "value": "b"}],
            "envFrom": [{"configMapRef": {"name": "settings", "optional": True}}],
            "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}],
            "resources": {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"cpu": "1"}},
            "readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 5, "failureThreshold": 3},
            "livenessProbe": {"exec": {"command": ["true"]}, "initialDelaySeconds": 1},
            "securityContext": {"privileged": False, "capabilities": {"drop": ["ALL"]}},
            "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": True}],
        }],
        "volumes": [
            {"name": "data", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "conf", "configMap": {"name": "settings", "defaultMode": 420, "items": [{"key": "a", "path": "a"}]}},
        ],
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": SELECTOR}
        ],
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "podAffinityTerm": {"topologyKey": "host", "labelSelector": SELECTOR}}
        ]}},
    },
}  # fmt: skip
ONCE = {
    "metadata": {"labels": {"job": "x"}},
    "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "job:1"}]},
}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
SMALL_POD = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
JOB = {"template": ONCE, "backoffLimit": 2, "completions": 1, "parallelism": 1, "ttlSecondsAfterFinished": 100}
RBAC = "rbac.authorization.k8s.io"


def _of(api_version: str, kind: str, **fields: Any) -> dict[str, Any]:
    metadata = {"name": "it", "labels": {"tier": "a"}, "annotations": {"note": "x"}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


TYPICAL: dict[str, dict[str, Any]] = {
    "ConfigMap": _of("v1", "ConfigMap", data={"a": "b"}, binaryData={"c": "eA=="}, immutable=False),
    "Secret": _of("v1", "Secret", data={"a": "eA=="}, type="Opaque", immutable=False),
    "ServiceAccount": _of(
        "v1", "ServiceAccount", automountServiceAccountToken=False, imagePullSecrets=[{"name": "pull"}]
    ),
    "Service": _of("v1", "Service", spec={
        "type": "ClusterIP", "selector": LABELS, "sessionAffinity": "None", "publishNotReadyAddresses": True,
        "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
    }),
    "PersistentVolumeClaim": _of("v1", "PersistentVolumeClaim", spec={**CLAIM, "storageClassName": "standard"}),
    "ResourceQuota": _of("v1", "ResourceQuota", spec={"hard": {"pods": "10", "requests.cpu": "2"}}),
    "Deployment": _of("apps/v1", "Deployment", spec={
        "replicas": 0, "minReadySeconds": 1, "revisionHistoryLimit": 3, "paused": True, "progressDeadlineSeconds": 60,
        "selector": SELECTOR, "template": POD,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}},
    }),
    "StatefulSet": _of("apps/v1", "StatefulSet", spec={
        "replicas": 0, "serviceName": "web", "selector": SELECTOR, "template": SMALL_POD,
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": CLAIM}],
    }),
    "DaemonSet": _of("apps/v1", "DaemonSet", spec={
        "selector": SELECTOR, "template": SMALL_POD,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
    }),
    "Job": _of("batch/v1", "Job", spec=JOB),
    "CronJob": _of("batch/v1", "CronJob", spec={
        "schedule": "@daily", "concurrencyPolicy": "Forbid", "suspend": True, "successfulJobsHistoryLimit": 1,
        "startingDeadlineSeconds": 10, "timeZone": "Etc/UTC", "jobTemplate": {"spec": {"template": ONCE}},
    }),
    "HorizontalPodAutoscaler": _of("autoscaling/v2", "HorizontalPodAutoscaler", spec={
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nobody"},
        "minReplicas": 1, "maxReplicas": 3, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 10}},
        "metrics": [
            {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
        ],
    }),
    "PodDisruptionBudget": _of("policy/v1", "PodDisruptionBudget", spec={"maxUnavailable": 1, "selector": SELECTOR}),
    "Ingress": _of("networking.k8s.io/v1", "Ingress", spec={
        "ingressClassName": "nginx", "tls": [{"hosts": ["a.test"], "secretName": "tls"}],
        "rules": [{"host": "a.test", "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}
        ]}}],
    }),
    "NetworkPolicy": _of("networking.k8s.io/v1", "NetworkPolicy", spec={
        "podSelector": SELECTOR, "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": SELECTOR}], "ports": [{"port": 80, "protocol": "TCP"}]}],
    }),
    "Role": _of(f"{RBAC}/v1", "Role", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]),
    "RoleBinding": _of(
        f"{RBAC}/v1", "RoleBinding", roleRef={"apiGroup": RBAC, "kind": "Role", "name": "it"},
        subjects=[{"kind": "ServiceAccount", "name": "web", "namespace": "default"}],
    ),
}  # fmt: skip


def _field(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, **more}


SPEC = _field(
    "object",
    required=["size", "title"],
    properties={
        "size": _field("integer", minimum=0, maximum=100),
        "title": _field("string", minLength=1, maxLength=8, pattern="^[a-z]+$"),
        "mode": _field("string", enum=["fast", "slow"], default="fast"),
        "maybe": _field("string", nullable=True),
        "maybeDefault": _field("string", nullable=True, default="x"),
        "ratio": _field("number", nullable=True),
        "level": _field(
            "number", minimum=0, exclusiveMinimum=True, maximum=1, exclusiveMaximum=True, multipleOf=0.1
        ),
        "on": _field("boolean"),
        "amount": {"x-kubernetes-int-or-string": True},
        "maybeAmount": {"x-kubernetes-int-or-string": True, "nullable": True},
        "words": _field("array", items=_field("string"), maxItems=2),
        "maybeWords": _field("array", items=_field("string", nullable=True), nullable=True),
        "labels": _field("object", additionalProperties=_field("string")),
        "maybeLabels": _field("object", additionalProperties=_field("string", nullable=True), nullable=True),
        "part": _field("object", required=["a"], properties={"a": _field("string"), "b": _field("integer")}),
        "maybePart": _field("object", nullable=True, properties={"a": _field("string")}),
        "free": _field("object", **{"x-kubernetes-preserve-unknown-fields": True}),
        "ports": _field(
            "array",
            items=_field(
                "object", required=["port"],
                properties={"port": _field("integer"), "protocol": _field("string", default="TCP"), "name": _field("string")},
            ),
            **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"]},
        ),
        "tags": _field("array", items=_field("string"), **{"x-kubernetes-list-type": "set"}),
    },
)  # fmt: skip
GROUP = "typical.test"
GIZMO_CRD: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"gizmos.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": "gizmos", "singular": "gizmo", "kind": "Gizmo", "listKind": "GizmoList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": _field("object", properties={"spec": SPEC})},
            }
        ],
    },
}
GIZMO = _of(f"{GROUP}/v1", "Gizmo", spec={
    "size": 1, "title": "abc", "mode": "slow", "maybe": "a", "maybeDefault": "y", "ratio": 2.5, "level": 0.3, "on": True,
    "amount": 1, "maybeAmount": "2", "words": ["a"], "maybeWords": ["a"], "labels": {"a": "b"}, "maybeLabels": {"a": "b"},
    "part": {"a": "x", "b": 1}, "maybePart": {"a": "x"}, "free": {"a": {"b": [1]}},
    "ports": [{"port": 80, "protocol": "TCP", "name": "http"}], "tags": ["t"],
})  # fmt: skip
