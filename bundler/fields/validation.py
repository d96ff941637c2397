"""What the server refuses about an object as a whole (422). Layer: fields, pure.

Only the rules that a bundle is likely to break. Source: the messages of kube-apiserver 1.36.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from bundler.fields.kinds import immutable_changes, pod_spec_path
from bundler.fields.names import crd_name_problem, data_key_problems, label_problem, label_problems, name_problem
from bundler.fields.quantity import Quantity
from bundler.fields.selectors import labels_match, selector_of
from bundler.fields.value_rules import value_problems
from bundler.model.json import Body, items_at, list_at, mapping_at, strings_at, text_at, value_at

MAX_DATA_BYTES = 1024 * 1024
_SELECTING = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})
_STATEFUL = (
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are "
    "forbidden"
)
_CLAIM = (
    "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for "
    "bound claims"
)


def object_problems(group: str, kind: str, body: Body, live: Body | None) -> list[str]:
    """Return everything that is wrong with an object, each as ``path: what``.

    Args:
        group: API group; empty for the core group.
        kind: of the object, such as ``Deployment``.
        body: the object as the API returns it.
        live: the object as it is; None for a new one.
    """
    found = []
    if live is None:
        problem = name_problem(group, kind, text_at(body, "metadata", "name"))
        found += [f"metadata.name: {problem}"] if problem else []
    found += label_problems(body)
    found += value_problems(group, kind, body)
    check = _BY_KIND.get((group, kind))
    if check is not None:
        found += check(body)
    path = pod_spec_path(group, kind)
    if path is not None:
        found += _pod_problems(kind, body, path)
    if live is not None:
        found += _changes(group, kind, live, body)
    return found


def _changes(group: str, kind: str, live: Body, body: Body) -> Iterator[str]:
    if (group, kind) == ("apiextensions.k8s.io", "CustomResourceDefinition"):
        yield from _stored_versions(body)
    changed = immutable_changes(live, body)
    if not changed:
        return
    if (group, kind) == ("apps", "StatefulSet") and "spec.selector" not in changed:
        yield _STATEFUL
    elif (group, kind) == ("", "PersistentVolumeClaim"):
        yield _CLAIM
    else:
        yield from (_immutable(group, kind, live, body, path) for path in changed)


def _stored_versions(crd: Body) -> Iterator[str]:
    """A version that objects are stored in stays, until they are stored in another one and ``status`` says so."""
    versions = {text_at(one, "name") for one in items_at(crd, "spec", "versions")}
    for index, stored in enumerate(strings_at(crd, "status", "storedVersions")):
        if stored not in versions:
            why = f"missing from spec.versions; {stored} was previously a storage version"
            yield f'status.storedVersions[{index}]: Invalid value: "{stored}": {why}'


def _immutable(group: str, kind: str, live: Body, body: Body, path: str) -> str:
    if group == "" and kind in ("Secret", "ConfigMap") and live.get("immutable") is True and path != "type":
        return f"{path}: Forbidden: field is immutable when `immutable` is set"
    if path == "roleRef":
        return "roleRef: Invalid value: cannot change roleRef"
    shown = json.dumps(value_at(body, *path.split(".")), separators=(",", ":"))
    return f"{path}: Invalid value: {shown}: field is immutable"


def _pod_problems(kind: str, body: Body, path: tuple[str, ...]) -> Iterator[str]:
    if kind in _SELECTING:
        yield from _selector_problems(body)
    spec, where = mapping_at(body, *path), ".".join(path)
    policy = text_at(spec, "restartPolicy")
    if kind in ("Job", "CronJob") and policy == "Always":
        yield f'{where}.restartPolicy: Unsupported value: "Always": supported values: "OnFailure", "Never"'
    if kind in _SELECTING and policy not in ("", "Always"):
        yield f'{where}.restartPolicy: Unsupported value: "{policy}": supported values: "Always"'
    if not items_at(spec, "containers"):
        yield f"{where}.containers: Required value"
    volumes = {text_at(one, "name") for one in items_at(spec, "volumes")}
    if kind == "StatefulSet":
        volumes |= {text_at(one, "metadata", "name") for one in items_at(body, "spec", "volumeClaimTemplates")}
    for name in ("initContainers", "containers"):
        for index, container in enumerate(items_at(spec, name)):
            yield from _container_problems(container, f"{where}.{name}[{index}]", volumes)


def _selector_problems(body: Body) -> Iterator[str]:
    selector = mapping_at(body, "spec", "selector")
    if not selector:
        yield "spec.selector: Required value"
    labels = mapping_at(body, "spec", "template", "metadata", "labels")
    if not selector or not labels_match(selector_of(selector), mapping_at(body, "spec", "template")):
        shown = json.dumps(labels or None, separators=(",", ":"))
        yield f"spec.template.metadata.labels: Invalid value: {shown}: `selector` does not match template `labels`"


def _container_problems(container: Body, where: str, volumes: set[str]) -> Iterator[str]:
    name = text_at(container, "name")
    if not name:
        yield f"{where}.name: Required value"
    elif problem := label_problem(name):
        yield f"{where}.name: {problem}"
    if not text_at(container, "image"):
        yield f"{where}.image: Required value"
    for index, port in enumerate(items_at(container, "ports")):
        yield from _port_problems(port.get("containerPort"), f"{where}.ports[{index}].containerPort")
    for index, mount in enumerate(items_at(container, "volumeMounts")):
        if text_at(mount, "name") not in volumes:
            yield f'{where}.volumeMounts[{index}].name: Not found: "{text_at(mount, "name")}"'
    yield from _resource_problems(mapping_at(container, "resources"), f"{where}.resources")


def _resource_problems(resources: Body, where: str) -> Iterator[str]:
    limits = mapping_at(resources, "limits")
    for name, wanted in mapping_at(resources, "requests").items():
        limit = limits.get(name)
        if isinstance(wanted, str | int | float) and isinstance(limit, str | int | float):
            try:
                is_over = Quantity.parse(wanted) > Quantity.parse(limit)
            except ValueError:
                yield f"{where}.requests[{name}]: Invalid value: quantities must match the regular expression"
                continue
            if is_over:
                most = f"must be less than or equal to {name} limit of {limit}"
                yield f'{where}.requests: Invalid value: "{wanted}": {most}'


def _port_problems(port: object, where: str) -> Iterator[str]:
    if port is None:
        yield f"{where}: Required value"
    elif not isinstance(port, int) or not 0 < port < 65536:
        yield f"{where}: Invalid value: {port}: must be between 1 and 65535, inclusive"


def _service(body: Body) -> Iterator[str]:
    ports = items_at(body, "spec", "ports")
    is_portless = text_at(body, "spec", "type") == "ExternalName" or text_at(body, "spec", "clusterIP") == "None"
    if not ports and not is_portless:
        yield "spec.ports: Required value"
    for index, port in enumerate(ports):
        yield from _port_problems(port.get("port"), f"spec.ports[{index}].port")
        if len(ports) > 1 and not port.get("name"):
            yield f"spec.ports[{index}].name: Required value"
    names = [text_at(port, "name") for port in ports if port.get("name")]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield f'spec.ports[{index}].name: Duplicate value: "{name}"'


def _data(body: Body) -> Iterator[str]:
    yield from data_key_problems(body)
    is_secret = body.get("kind") == "Secret"
    size = sum(len(value) * 3 // 4 for value in mapping_at(body, "binaryData").values() if isinstance(value, str))
    for value in mapping_at(body, "data").values():
        if isinstance(value, str):
            size += len(value) * 3 // 4 - value[-2:].count("=") if is_secret else len(value.encode())
    if size > MAX_DATA_BYTES:
        yield f"{'data' if is_secret else '[]'}: Too long: may not be more than {MAX_DATA_BYTES} bytes"


def _claim(body: Body, where: str = "") -> Iterator[str]:
    if not list_at(body, "spec", "accessModes"):
        yield f"{where}spec.accessModes: Required value: at least 1 access mode is required"
    if mapping_at(body, "spec", "resources", "requests").get("storage") in (None, ""):
        yield f"{where}spec.resources[storage]: Required value"


def _stateful_set(body: Body) -> Iterator[str]:
    for index, claim in enumerate(items_at(body, "spec", "volumeClaimTemplates")):
        where = f"spec.volumeClaimTemplates[{index}]."
        yield from _claim(claim, where)
        if not text_at(claim, "metadata", "name"):
            yield f"{where}metadata.name: Required value"


def _autoscaler(body: Body) -> Iterator[str]:
    spec = mapping_at(body, "spec")
    most, least = spec.get("maxReplicas"), spec.get("minReplicas", 1)
    if not isinstance(most, int) or most < 1:
        yield f"spec.maxReplicas: Invalid value: {most or 0}: must be greater than or equal to 1"
    elif isinstance(least, int) and most < least:
        yield f"spec.maxReplicas: Invalid value: {most}: must be greater than or equal to `minReplicas`"
    if not text_at(spec, "scaleTargetRef", "name"):
        yield "spec.scaleTargetRef.name: Required value"


def _disruption_budget(body: Body) -> Iterator[str]:
    spec = mapping_at(body, "spec")
    if "minAvailable" in spec and "maxUnavailable" in spec:
        yield 'spec: Invalid value: "PodDisruptionBudgetSpec": minAvailable and maxUnavailable cannot be both set'


def _cron_job(body: Body) -> Iterator[str]:
    if not text_at(body, "spec", "schedule"):
        yield "spec.schedule: Required value"


def _binding(body: Body) -> Iterator[str]:
    if not text_at(body, "roleRef", "name"):
        yield "roleRef.name: Required value"


def _ingress(body: Body) -> Iterator[str]:
    spec = mapping_at(body, "spec")
    if not items_at(spec, "rules") and not mapping_at(spec, "defaultBackend"):
        yield "spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"
    for index, rule in enumerate(items_at(spec, "rules")):
        for at, path in enumerate(items_at(rule, "http", "paths")):
            if not path.get("pathType"):
                yield f"spec.rules[{index}].http.paths[{at}].pathType: Required value: pathType must be specified"


def _crd(body: Body) -> Iterator[str]:
    if problem := crd_name_problem(body):
        yield problem
    for index, version in enumerate(items_at(body, "spec", "versions")):
        if not mapping_at(version, "schema", "openAPIV3Schema"):
            yield f"spec.versions[{index}].schema.openAPIV3Schema: Required value: schemas are required"


_BY_KIND: Mapping[tuple[str, str], Callable[[Body], Iterator[str]]] = {
    ("", "ConfigMap"): _data,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Secret"): _data,
    ("", "Service"): _service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _crd,
    ("apps", "StatefulSet"): _stateful_set,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    ("batch", "CronJob"): _cron_job,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("policy", "PodDisruptionBudget"): _disruption_budget,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _binding,
    ("rbac.authorization.k8s.io", "RoleBinding"): _binding,
}
