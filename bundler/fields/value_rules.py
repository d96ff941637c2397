"""Single values that the server refuses in built-in kinds: words it does not know, numbers out of range. Layer: fields.

Pure. Only the fields that bundles set. Source: the messages of kube-apiserver 1.36.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeAlias

from bundler.fields.kinds import pod_spec_path
from bundler.fields.names import label_problem, subdomain_problem
from bundler.fields.quantity import Quantity
from bundler.model.json import Body, JSONValue, is_list

if TYPE_CHECKING:
    Rule: TypeAlias = Callable[[JSONValue], str]
    """Returns what is wrong with a value, empty where nothing is. None is a field that does not exist."""
    Rules: TypeAlias = Mapping[str, Rule]
    """By path: ``spec.ports[].protocol``; ``*`` is every field of a map."""


class _Place:
    """The rules of one place, and the places below it by step."""

    __slots__ = ("below", "rules")

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.below: dict[str, _Place] = {}


def value_problems(group: str, kind: str, body: Body) -> list[str]:
    """Return ``path: what`` for each value of a built-in object that the server refuses.

    Args:
        group: API group; empty for the core group.
        kind: of the object, such as ``Deployment``.
        body: the object as the API returns it.
    """
    found: list[str] = []
    _check(body, _places(group, kind), "", found)
    return found


@lru_cache
def _places(group: str, kind: str) -> _Place:
    """Return all rules of a kind as one tree, so that an object is walked once."""
    root = _Place()
    for path, rule in _BY_KIND.get((group, kind), {}).items():
        _put(root, path, rule)
    pod = pod_spec_path(group, kind)
    for path, rule in _POD.items() if pod is not None else ():
        _put(root, ".".join([*(pod or ()), path]), rule)
    return root


def _put(root: _Place, path: str, rule: Rule) -> None:
    place = root
    for step in path.replace("[]", ".[]").split("."):
        place = place.below.setdefault(step, _Place())
    place.rules.append(rule)


def _check(value: JSONValue, place: _Place, path: str, found: list[str]) -> None:
    found += [f"{path.removeprefix('.')}: {problem}" for rule in place.rules if (problem := rule(value))]
    if isinstance(value, Mapping):
        for step, below in place.below.items():
            if step in value:
                _check(value[step], below, f"{path}.{step}", found)
            elif step == "*":
                for name, member in value.items():
                    _check(member, below, f"{path}[{name}]", found)
            elif below.rules:
                _check(None, below, f"{path}.{step}", found)
    elif "[]" in place.below and is_list(value):
        for index, item in enumerate(value):
            _check(item, place.below["[]"], f"{path}[{index}]", found)


# --- rules -------------------------------------------------------------------------------------------------------


def _one_of(*words: str, is_required: bool = False) -> Rule:
    """Only these; where the field may be missing, an empty text is as good as none."""

    def check(value: JSONValue) -> str:
        if value in words or (not is_required and value in (None, "")):
            return ""
        listed = ", ".join(f'"{word}"' for word in words)
        return f'Unsupported value: "{value or ""}": supported values: {listed}'

    return check


def _at_least(least: int) -> Rule:
    def check(value: JSONValue) -> str:
        is_low = isinstance(value, int | float) and value < least
        return f"Invalid value: {value}: must be greater than or equal to {least}" if is_low else ""

    return check


def _required(value: JSONValue) -> str:
    return "" if value or value is False else "Required value"


def _port(value: JSONValue) -> str:
    """A port, by number or by name; a missing one is another rule's."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _port_name(value)
    is_right = isinstance(value, int) and 0 < value < 65536
    return "" if is_right else f"Invalid value: {value}: must be between 1 and 65535, inclusive"


def _target_port(value: JSONValue) -> str:
    return "" if value in (0, "") else _port(value)


def _port_name(text: str) -> str:
    if _PORT_NAME.fullmatch(text) and _LETTER.search(text) and "--" not in text:
        return ""
    return f'Invalid value: "{text}": must be 15 lower case letters, digits and hyphens at most'


def _text(problem: Callable[[str], str]) -> Rule:
    """A rule for a text that may be empty or missing; other types were refused before."""
    return lambda value: problem(value) if isinstance(value, str) and value else ""


def _or(empty: JSONValue, rule: Rule) -> Rule:
    """What does not exist, or is null, is taken for something empty."""
    return lambda value: rule(empty if value is None else value)


def _percent(value: JSONValue) -> str:
    """A number of pods, or a share of them."""
    if isinstance(value, str):
        return "" if _SHARE.fullmatch(value) else f'Invalid value: "{value}": a valid percent string must end with %'
    return _at_least(0)(value)


def _amount(value: JSONValue, *, needs_some: bool = False) -> str:
    """An amount that is not negative, or more than nothing; what is not an amount at all was refused before."""
    try:
        amount = Quantity.parse(value) if isinstance(value, str | int | float) else None
    except ValueError:
        amount = None
    if amount is None or amount > _NOTHING or (amount == _NOTHING and not needs_some):
        return ""
    return f'Invalid value: "{value}": must be {"greater than zero" if needs_some else "greater than or equal to 0"}'


def _any_field(*names: str, problem: str) -> Rule:
    """One of these fields has to be there, where their holder is."""

    def check(value: JSONValue) -> str:
        return problem if isinstance(value, Mapping) and all(value.get(name) is None for name in names) else ""

    return check


def _ingress_path(value: JSONValue) -> str:
    """One path of an Ingress, whose text is absolute where its type says how it is compared."""
    if not isinstance(value, Mapping) or value.get("pathType") not in ("Exact", "Prefix"):
        return ""
    path = value.get("path") or ""
    is_absolute = isinstance(path, str) and path.startswith("/")
    return "" if is_absolute else f'Invalid value: "{path}": path must be absolute'


def _host(value: JSONValue) -> str:
    """A DNS name, or one that begins with a star."""
    return _SUBDOMAIN(value.removeprefix("*.") if isinstance(value, str) else value)


def _schedule(value: JSONValue) -> str:
    is_right = not isinstance(value, str) or value.startswith(("@", "TZ=", "CRON_TZ=")) or len(value.split()) == 5
    return "" if is_right else f'Invalid value: "{value}": expected exactly 5 fields'


_PORT_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?")
_LETTER = re.compile("[a-z]")
_SHARE = re.compile("[0-9]+%")
_LABEL = _text(label_problem)
_SUBDOMAIN = _text(subdomain_problem)
_NOTHING = Quantity.parse(0)
_PROTOCOL = _one_of("SCTP", "TCP", "UDP")
_NOT_NEGATIVE = _at_least(0)


def _container(where: str) -> Rules:
    rules: Rules = {
        "imagePullPolicy": _one_of("Always", "IfNotPresent", "Never"),
        "ports[].protocol": _PROTOCOL,
        "ports[].name": _text(_port_name),
        "env[].name": _required,
        "envFrom[]": _or(
            {},
            _any_field(
                "configMapRef", "secretRef", problem="Invalid value: must specify one of: `configMapRef` or `secretRef`"
            ),
        ),
        "envFrom[].configMapRef.name": _required,
        "envFrom[].secretRef.name": _required,
        "resources.requests.*": _amount,
        "resources.limits.*": _amount,
        "volumeMounts[].mountPath": _required,
        **{f"{probe}{path}": rule for probe in _PROBES for path, rule in _PROBE.items()},
    }
    return {f"{where}[].{path}": rule for path, rule in rules.items()}


_PROBES = ("readinessProbe", "livenessProbe", "startupProbe")
_PROBE: Rules = {
    "": _any_field("exec", "httpGet", "tcpSocket", "grpc", problem="Required value: must specify a handler type"),
    ".httpGet.port": _or(0, _port),
    ".tcpSocket.port": _or(0, _port),
    ".exec.command": _required,
    **dict.fromkeys(
        (".periodSeconds", ".failureThreshold", ".successThreshold", ".initialDelaySeconds", ".timeoutSeconds"),
        _NOT_NEGATIVE,
    ),
}
_POD: Rules = {
    **_container("containers"),
    **_container("initContainers"),
    "serviceAccountName": _SUBDOMAIN,
    "restartPolicy": _one_of("Always", "OnFailure", "Never"),
    "dnsPolicy": _one_of("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"),
    "securityContext.runAsUser": _NOT_NEGATIVE,
    "securityContext.runAsGroup": _NOT_NEGATIVE,
    "securityContext.fsGroup": _NOT_NEGATIVE,
    "activeDeadlineSeconds": _at_least(1),
    "tolerations[].operator": _one_of("Equal", "Exists"),
    "tolerations[].effect": _one_of("NoSchedule", "PreferNoSchedule", "NoExecute"),
    "volumes[].name": _required,
    "topologySpreadConstraints[].maxSkew": _or(0, _at_least(1)),
    "topologySpreadConstraints[].topologyKey": _required,
    "topologySpreadConstraints[].whenUnsatisfiable": _one_of("DoNotSchedule", "ScheduleAnyway", is_required=True),
}
_ROLLING: Rules = {
    "spec.replicas": _NOT_NEGATIVE,
    "spec.minReadySeconds": _NOT_NEGATIVE,
    "spec.revisionHistoryLimit": _NOT_NEGATIVE,
}
_JOB: Rules = {
    "backoffLimit": _NOT_NEGATIVE,
    "completions": _NOT_NEGATIVE,
    "parallelism": _NOT_NEGATIVE,
    "ttlSecondsAfterFinished": _NOT_NEGATIVE,
    "activeDeadlineSeconds": _NOT_NEGATIVE,
    "completionMode": _one_of("NonIndexed", "Indexed"),
}
_MODES = _one_of("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod", is_required=True)
_CLAIM: Rules = {
    "accessModes[]": _MODES,
    "resources.requests.storage": partial(_amount, needs_some=True),
    "storageClassName": _SUBDOMAIN,
    "volumeMode": _one_of("Block", "Filesystem"),
}
_BINDING: Rules = {
    "roleRef.kind": _one_of("Role", "ClusterRole", is_required=True),
    "roleRef.apiGroup": _one_of("rbac.authorization.k8s.io"),
    "subjects[].kind": _one_of("ServiceAccount", "User", "Group", is_required=True),
    "subjects[].name": _required,
}
_PEER = _or(
    {}, _any_field("podSelector", "namespaceSelector", "ipBlock", problem="Required value: must specify a peer")
)
_BACKEND = _any_field("service", "resource", problem="Invalid value: resource or service backend is required")
_PORT_OF = _any_field("name", "number", problem="Required value: port name or number is required")
_INGRESS_BACKEND: Rules = {
    "": _BACKEND,
    ".service.name": _required,
    ".service.port": _or({}, _PORT_OF),
    ".service.port.number": _port,
}


def _below(where: str, rules: Rules) -> Rules:
    return {f"{where}{path}": rule for path, rule in rules.items()}


_BY_KIND: Mapping[tuple[str, str], Rules] = {
    ("", "PersistentVolumeClaim"): _below("spec.", _CLAIM),
    ("", "ResourceQuota"): {"spec.hard.*": _amount},
    ("", "Service"): {
        "spec.type": _one_of("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
        "spec.sessionAffinity": _one_of("ClientIP", "None"),
        "spec.ports[].protocol": _PROTOCOL,
        "spec.ports[].targetPort": _target_port,
        "spec.ports[].name": _LABEL,
    },
    ("apps", "DaemonSet"): {
        **_ROLLING,
        "spec.updateStrategy.type": _one_of("RollingUpdate", "OnDelete"),
        "spec.updateStrategy.rollingUpdate.maxUnavailable": _percent,
    },
    ("apps", "Deployment"): {
        **_ROLLING,
        "spec.progressDeadlineSeconds": _NOT_NEGATIVE,
        "spec.strategy.type": _one_of("Recreate", "RollingUpdate"),
        "spec.strategy.rollingUpdate.maxUnavailable": _percent,
        "spec.strategy.rollingUpdate.maxSurge": _percent,
    },
    ("apps", "ReplicaSet"): _ROLLING,
    ("apps", "StatefulSet"): {
        **_ROLLING,
        "spec.podManagementPolicy": _one_of("OrderedReady", "Parallel"),
        "spec.updateStrategy.type": _one_of("RollingUpdate", "OnDelete"),
        "spec.updateStrategy.rollingUpdate.partition": _NOT_NEGATIVE,
        "spec.serviceName": _LABEL,
        "spec.volumeClaimTemplates[].metadata.name": _LABEL,
        **_below("spec.volumeClaimTemplates[].spec.", _CLAIM),
    },
    ("autoscaling", "HorizontalPodAutoscaler"): {
        "spec.minReplicas": _at_least(1),
        "spec.scaleTargetRef.kind": _required,
        "spec.behavior.scaleDown.stabilizationWindowSeconds": _NOT_NEGATIVE,
        "spec.behavior.scaleUp.stabilizationWindowSeconds": _NOT_NEGATIVE,
        "spec.metrics[].type": _one_of("ContainerResource", "External", "Object", "Pods", "Resource", is_required=True),
        "spec.metrics[].resource.name": _required,
        "spec.metrics[].resource.target.type": _one_of("AverageValue", "Utilization", "Value", is_required=True),
        "spec.metrics[].resource.target.averageUtilization": _at_least(1),
    },
    ("batch", "CronJob"): {
        "spec.schedule": _schedule,
        "spec.concurrencyPolicy": _one_of("Allow", "Forbid", "Replace"),
        "spec.successfulJobsHistoryLimit": _NOT_NEGATIVE,
        "spec.failedJobsHistoryLimit": _NOT_NEGATIVE,
        "spec.startingDeadlineSeconds": _NOT_NEGATIVE,
        **_below("spec.jobTemplate.spec.", _JOB),
    },
    ("batch", "Job"): _below("spec.", _JOB),
    ("networking.k8s.io", "Ingress"): {
        **_below("spec.defaultBackend", _INGRESS_BACKEND),
        **_below("spec.rules[].http.paths[].backend", {**_INGRESS_BACKEND, "": _or({}, _BACKEND)}),
        "spec.rules[].http.paths": _required,
        "spec.rules[].http.paths[]": _ingress_path,
        "spec.rules[].host": _host,
        "spec.tls[].hosts[]": _host,
        "spec.tls[].secretName": _SUBDOMAIN,
        "spec.rules[].http.paths[].pathType": _one_of("Exact", "ImplementationSpecific", "Prefix"),
        "spec.ingressClassName": _SUBDOMAIN,
    },
    ("networking.k8s.io", "NetworkPolicy"): {
        "spec.policyTypes[]": _one_of("Ingress", "Egress", is_required=True),
        "spec.ingress[].from[]": _PEER,
        "spec.egress[].to[]": _PEER,
        "spec.ingress[].ports[].port": _port,
        "spec.egress[].ports[].port": _port,
        "spec.ingress[].ports[].protocol": _PROTOCOL,
        "spec.egress[].ports[].protocol": _PROTOCOL,
    },
    ("policy", "PodDisruptionBudget"): {"spec.minAvailable": _percent, "spec.maxUnavailable": _percent},
    ("rbac.authorization.k8s.io", "Role"): {
        "rules[].verbs": _required,
        "rules[].apiGroups": _required,
        "rules[].resources": _required,
    },
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _BINDING,
    ("rbac.authorization.k8s.io", "RoleBinding"): _BINDING,
}
