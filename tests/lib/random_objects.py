"""Random but valid objects of several kinds, and random edits of them, for histories on a real API."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

Body = dict[str, Any]

GROUP = "fields.test"
CRD: Body = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"gadgets.{GROUP}"},
    "spec": {
        "group": GROUP,
        "names": {"kind": "Gadget", "plural": "gadgets", "singular": "gadget", "listKind": "GadgetList"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "size": {"type": "integer"},
                                    "amount": {"x-kubernetes-int-or-string": True},
                                    "words": {"type": "array", "items": {"type": "string"}},
                                    "tags": {
                                        "type": "array",
                                        "items": {"type": "string"},
                                        "x-kubernetes-list-type": "set",
                                    },
                                    "plain": {"type": "object", "additionalProperties": {"type": "string"}},
                                    "whole": {
                                        "type": "object",
                                        "additionalProperties": {"type": "string"},
                                        "x-kubernetes-map-type": "atomic",
                                    },
                                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                                    "ports": {
                                        "type": "array",
                                        "x-kubernetes-list-type": "map",
                                        "x-kubernetes-list-map-keys": ["port", "protocol"],
                                        "items": {
                                            "type": "object",
                                            "required": ["port"],
                                            "properties": {
                                                "port": {"type": "integer"},
                                                "protocol": {"type": "string", "default": "TCP"},
                                                "name": {"type": "string"},
                                            },
                                        },
                                    },
                                },
                            },
                            "status": {"type": "object", "properties": {"phase": {"type": "string"}}},
                        },
                    }
                },
            }
        ],
    },
}
PLURALS = {
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "Gadget": f"/apis/{GROUP}/v1/namespaces/{{}}/gadgets",
}
SPELLINGS: dict[str, list[Any]] = {
    "cpu": ["1", "1000m", 1, "1.0", 0.5, "500m", "0.5", "250m", "2"],
    "memory": ["1Gi", "1024Mi", "512Mi", "0.5Gi", "1e9", "1G"],
}


class Maker:
    """Makes bodies; the same seed makes the same ones."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def make(self, kind: str, name: str, namespace: str) -> Body:
        """Return a complete body to apply."""
        parts = self._builders()[kind]()
        return {**parts, "kind": kind, "metadata": self._metadata(name, namespace)}

    def _builders(self) -> Mapping[str, Callable[[], Body]]:
        return {
            "ConfigMap": lambda: {
                "apiVersion": "v1",
                **self._some({"data": self._words(), "binaryData": self._bytes()}),
            },
            "Secret": lambda: {"apiVersion": "v1", "type": "Opaque", **self._some({"data": self._bytes()})},
            "ServiceAccount": lambda: {
                "apiVersion": "v1",
                **self._some({"automountServiceAccountToken": False, "imagePullSecrets": self._named("p")}),
            },
            "Service": self._service,
            "Deployment": self._deployment,
            "StatefulSet": self._stateful_set,
            "HorizontalPodAutoscaler": self._autoscaler,
            "Ingress": self._ingress,
            "NetworkPolicy": self._network_policy,
            "Role": lambda: {"apiVersion": "rbac.authorization.k8s.io/v1", **self._some({"rules": self._rules()})},
            "Gadget": self._gadget,
        }

    def _chance(self, likely: float = 0.5) -> bool:
        return self._rng.random() < likely

    def _some(self, parts: Body, likely: float = 0.6) -> Body:
        kept = [(key, value) for key, value in parts.items() if self._chance(likely)]
        self._rng.shuffle(kept)
        return dict(kept)

    def _words(self) -> Body:
        return self._some({letter: self._rng.choice(["", "1", "true", "a\nb\n", "<&>"]) for letter in "abcd"})

    def _bytes(self) -> Body:
        return {
            k: base64.b64encode(v.encode()).decode() for k, v in self._some({"k1": "x", "k2": "yy", "k3": ""}).items()
        }

    def _named(self, prefix: str) -> list[Body]:
        names = self._rng.sample(["1", "2", "3"], self._rng.randint(0, 3))
        return [{"name": prefix + name} for name in names]

    def _metadata(self, name: str, namespace: str) -> Body:
        extra: Body = {
            "labels": self._some({"app": "x", "tier": "y", "v": self._rng.choice(["1", "2"])}),
            "annotations": self._words(),
        }
        if self._chance(0.1):
            extra["finalizers"] = self._rng.sample(["fields.test/a", "fields.test/b"], self._rng.randint(0, 2))
        return {"name": name, "namespace": namespace, **self._some(extra, 0.8)}

    def _service(self) -> Body:
        ports = [
            {"name": f"p{n}", "port": n, **self._some({"targetPort": self._rng.choice([n, "http"]), "protocol": "TCP"})}
            for n in self._rng.sample([80, 81, 82], self._rng.randint(1, 3))
        ]
        spec = {
            "ports": ports,
            **self._some({"selector": self._words_plain(), "type": "ClusterIP", "sessionAffinity": "None"}),
        }
        return {"apiVersion": "v1", "spec": spec}

    def _words_plain(self) -> Body:
        return self._some({"app": "x", "tier": "y"})

    def _resources(self) -> Body:
        amounts: Body = {key: self._rng.choice(values) for key, values in SPELLINGS.items()}
        return self._some({"limits": self._some(amounts), "requests": {}})

    def _container(self, name: str) -> Body:
        env = [
            {"name": n, **self._some({"value": self._rng.choice(["", "1"])})}
            for n in self._rng.sample("ABCD", self._rng.randint(0, 4))
        ]
        ports = [
            {"containerPort": n, **self._some({"protocol": self._rng.choice(["TCP", "UDP"]), "name": f"n{n}"})}
            for n in self._rng.sample([80, 81], self._rng.randint(0, 2))
        ]
        optional = {
            "args": self._rng.sample(["a", "b"], self._rng.randint(0, 2)), "env": env, "ports": ports,
            "resources": self._resources(), "securityContext": self._some({"runAsNonRoot": False}), "tty": False,
            "imagePullPolicy": "Always", "stdin": True,
            "readinessProbe": {"httpGet": {"path": "/", "port": self._rng.choice([80, "http"])}},
            "volumeMounts": [{"name": "v", "mountPath": f"/{n}"} for n in self._rng.sample("ab", self._rng.randint(0, 2))],
            "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
        }  # fmt: skip
        return {"name": name, "image": self._rng.choice(["nginx:1", "nginx:2"]), **self._some(optional, 0.4)}

    def _pod(self) -> Body:
        containers = [
            self._container(name) for name in ["web", *self._rng.sample(["side", "extra"], self._rng.randint(0, 2))]
        ]
        self._rng.shuffle(containers)
        optional = {
            "hostNetwork": False, "imagePullSecrets": self._named("s"), "nodeSelector": self._words_plain(),
            "terminationGracePeriodSeconds": self._rng.choice([0, 30, 60]), "securityContext": {}, "initContainers": [],
            "tolerations": [{"key": "k", "operator": "Exists"}], "serviceAccountName": "default",
            "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 1, "podAffinityTerm": {"topologyKey": "h", "labelSelector": {"matchLabels": {"a": "b"}}}}]}},
            "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "ScheduleAnyway"}],
            "hostAliases": [{"ip": "1.2.3.4", "hostnames": ["h"]}],
        }  # fmt: skip
        volumes = [{"name": "v", "emptyDir": self._rng.choice([{}, {"sizeLimit": "1024Mi"}])}]
        spec = {"containers": containers, "volumes": volumes, **self._some(optional, 0.3)}
        return {"metadata": {"labels": {"app": "x"}, **self._some({"annotations": self._words()})}, "spec": spec}

    def _deployment(self) -> Body:
        optional = {
            "replicas": self._rng.choice([0, 0, 1]), "minReadySeconds": 0, "paused": True, "revisionHistoryLimit": 0,
            "strategy": {"rollingUpdate": self._some({"maxSurge": self._rng.choice([1, "50%"]), "maxUnavailable": 0}, 0.8)},
        }  # fmt: skip
        spec = {"selector": {"matchLabels": {"app": "x"}}, "template": self._pod(), **self._some(optional, 0.5)}
        return {"apiVersion": "apps/v1", "spec": spec}

    def _stateful_set(self) -> Body:
        claim = {
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}},
        }
        spec = {
            "selector": {"matchLabels": {"app": "x"}}, "serviceName": "x", "template": self._pod(),
            "volumeClaimTemplates": [claim], **self._some({"replicas": 0, "podManagementPolicy": "Parallel"}, 0.8),
        }  # fmt: skip
        return {"apiVersion": "apps/v1", "spec": spec}

    def _autoscaler(self) -> Body:
        metrics = [
            {
                "type": "Resource",
                "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": 50}},
            }
            for name in self._rng.sample(["cpu", "memory"], self._rng.randint(1, 2))
        ]
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nobody"}
        optional = {
            "minReplicas": self._rng.choice([1, 2]),
            "metrics": metrics,
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
        }
        return {
            "apiVersion": "autoscaling/v2",
            "spec": {"scaleTargetRef": target, "maxReplicas": self._rng.choice([3, 4]), **self._some(optional)},
        }

    def _ingress(self) -> Body:
        backend = {"service": {"name": "x", "port": self._rng.choice([{"number": 80}, {"name": "http"}])}}
        path = {"path": "/", "pathType": "Prefix", "backend": backend}
        rules = [
            {"host": f"{n}.test", "http": {"paths": [path]}} for n in self._rng.sample("ab", self._rng.randint(1, 2))
        ]
        return {
            "apiVersion": "networking.k8s.io/v1",
            "spec": {"rules": rules, **self._some({"tls": [{"hosts": ["a.test"]}], "ingressClassName": "i"})},
        }

    def _network_policy(self) -> Body:
        rule = self._some(
            {
                "ports": [{"port": self._rng.choice([80, "http"]), **self._some({"protocol": "TCP"})}],
                "from": [{"podSelector": {}}],
            }
        )
        optional = {"ingress": [rule], "policyTypes": ["Ingress"], "egress": []}
        return {
            "apiVersion": "networking.k8s.io/v1",
            "spec": {"podSelector": self._rng.choice([{}, {"matchLabels": {"app": "x"}}]), **self._some(optional)},
        }

    def _rules(self) -> list[Body]:
        verbs = self._rng.sample(["get", "list", "watch"], self._rng.randint(1, 3))
        return [{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}][: self._rng.randint(0, 1) or None]

    def _gadget(self) -> Body:
        ports = [
            {"port": n, **self._some({"protocol": "UDP", "name": str(n)})}
            for n in self._rng.sample([1, 2, 3], self._rng.randint(0, 3))
        ]
        free = {"a": 1, "b": {"c": [1, 2], "d": {}}, "e": True, "f": "x"}
        spec = {
            "size": self._rng.choice([0, 1]), "amount": self._rng.choice(["1", 1, "50%"]), "words": self._rng.sample("abc", self._rng.randint(0, 3)),
            "tags": self._rng.sample(["x", "y", "z"], self._rng.randint(0, 3)), "plain": self._words(), "whole": self._words(),
            "free": self._some(free), "ports": ports,
        }  # fmt: skip
        return {"apiVersion": f"{GROUP}/v1", **self._some({"spec": self._some(spec)}, 0.95)}

    # --- what others do --------------------------------------------------------------------------------------

    def part_of(self, body: Body) -> Body:
        """Return a body with a random part of the fields, as another manager might apply."""
        kept = {"apiVersion": body["apiVersion"], "kind": body["kind"]}
        metadata = {
            key: value for key, value in body["metadata"].items() if key in {"name", "namespace"} or self._chance(0.4)
        }
        return {
            **kept,
            "metadata": metadata,
            **{key: self._thin(value) for key, value in body.items() if key not in {*kept, "metadata"}},
        }

    def _thin(self, value: Any) -> Any:
        if isinstance(value, dict):
            # Keys and what an item cannot be without stay.
            needed = {"name", "containerPort", "port", "mountPath", "image", "containers", "selector", "template", "kind", "ip",
                      "scaleTargetRef", "maxReplicas", "podSelector", "topologyKey", "whenUnsatisfiable", "maxSkew"}  # fmt: skip
            return {key: self._thin(member) for key, member in value.items() if key in needed or self._chance(0.5)}
        if isinstance(value, list):
            return [self._thin(item) for item in value]
        return value

    def edit_of(self, live: Body) -> Body:
        """Return a JSON merge patch."""
        metadata: dict[str, Any] = {
            "labels": {self._rng.choice(["app", "tier", "new"]): self._rng.choice([None, "edited", "x"])}
        }
        if self._chance(0.3):
            metadata["annotations"] = self._rng.choice([None, {"a": "edited"}, {"b": None}])
        patch: Body = {"metadata": metadata} if self._chance(0.5) else {}
        for field in ("data", "spec"):
            if isinstance(live.get(field), dict) and self._chance(0.7):
                patch[field] = self._edit_map(live[field])
        return patch

    def _edit_map(self, value: Body) -> Body:
        if not value:
            return {}
        name = self._rng.choice(sorted(value))
        member = value[name]
        if self._chance(0.15):
            return {name: None}
        if isinstance(member, dict):
            return {name: self._edit_map(member)}
        if isinstance(member, list):
            return {name: self._edit_list(member)}
        if isinstance(member, bool):
            return {name: not member}
        if isinstance(member, int):
            return {name: member + 1}
        return {name: member} if name in {"name", "key"} else {name: self._rng.choice(["edited", "1", "x"])}

    def _edit_list(self, items: list[Any]) -> list[Any]:
        edited = list(items)
        if edited and self._chance(0.3):
            edited.pop(self._rng.randrange(len(edited)))
        if edited and isinstance(edited[0], dict) and self._chance(0.6):
            edited[0] = {**edited[0], **{k: v for k, v in self._edit_map(edited[0]).items() if v is not None}}
        self._rng.shuffle(edited)
        return edited
