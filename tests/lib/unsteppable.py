"""Two versions of a bundle for each reason why an upgrade in steps is refused, and what is said then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bundler.model.lean import dataclass
from tests.lib.bundles import make_bundle
from tests.lib.objects import daemon_set, deployment, job, stateful_set

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.json import Body

READS = {"envFrom": [{"configMapRef": {"name": "settings"}}]}
SELECTOR = {"app": "web"}


def web(image: str = "web:1", *, replicas: int = 4, container: Body | None = None, **spec: Any) -> dict[str, Any]:
    body = deployment("web", image, replicas=replicas)
    body["spec"]["template"]["spec"]["containers"][0] |= container or {}
    body["spec"] |= spec
    return body


def db(image: str = "db:1", *, replicas: int = 3, **spec: Any) -> dict[str, Any]:
    body = stateful_set("db", image, replicas=replicas)
    body["spec"] |= spec
    return body


def plain(kind: str, name: str, api_version: str = "v1", **fields: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}


def service(port: int) -> dict[str, Any]:
    return plain("Service", "web", spec={"selector": SELECTOR, "ports": [{"port": port}]})


def scaler() -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"}
    return plain("HorizontalPodAutoscaler", "db", "autoscaling/v2", spec={"scaleTargetRef": target, "maxReplicas": 9})


def webhook(path: str) -> dict[str, Any]:
    client = {"url": f"https://gate.example/{path}"}
    rule = {"apiGroups": ["party.example"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["guests"]}
    hook = {"name": "gate.party.example", "clientConfig": client, "rules": [rule], "sideEffects": "None"}
    hooks = [{**hook, "admissionReviewVersions": ["v1"], "failurePolicy": "Ignore"}]
    return plain("ValidatingWebhookConfiguration", "gate", "admissionregistration.k8s.io/v1", webhooks=hooks)


def definition(maximum: int) -> dict[str, Any]:
    size = {"type": "integer", "maximum": maximum}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": size}}}}
    spec = {
        "group": "party.example",
        "scope": "Namespaced",
        "names": {"kind": "Guest", "plural": "guests", "singular": "guest"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
    }
    return plain("CustomResourceDefinition", "guests.party.example", "apiextensions.k8s.io/v1", spec=spec)


def ingress(port: int) -> dict[str, Any]:
    backend = {"service": {"name": "web", "port": {"number": port}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    rules = [{"host": "shop.example", "http": {"paths": paths}}]
    return plain("Ingress", "web", "networking.k8s.io/v1", spec={"rules": rules})


def policy(port: int) -> dict[str, Any]:
    spec = {"podSelector": {"matchLabels": SELECTOR}, "ingress": [{"ports": [{"port": port}]}]}
    return plain("NetworkPolicy", "web", "networking.k8s.io/v1", spec=spec)


def claim(storage_class: str) -> dict[str, Any]:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "resources": {"requests": {"storage": "1Gi"}},
    }
    return plain("PersistentVolumeClaim", "files", spec=spec)


def with_files(image: str) -> dict[str, Any]:
    body = web(image)
    volume = {"name": "files", "persistentVolumeClaim": {"claimName": "files"}}
    body["spec"]["template"]["spec"]["volumes"] = [volume]
    return body


def migration() -> dict[str, Any]:
    body = job("migrate", "web:2")
    body["metadata"]["annotations"] = {"bundler.dev/hook": "before-upgrade"}
    return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is installed, what it is upgraded to, and how that is refused."""

    before: tuple[dict[str, Any], ...]
    after: tuple[dict[str, Any], ...]
    flags: tuple[str, ...] = ("--steps", "1")
    line: str
    code: str = "plan-steps"


def pods(before: dict[str, Any], after: dict[str, Any], line: str, *flags: str) -> Case:
    return Case(before=(before,), after=(after,), line=line, flags=flags or ("--steps", "1"))


CASES = {
    "no pods are replaced": pods(
        web(), web(replicas=5), "nothing to step: no pods of a live Deployment or StatefulSet"
    ),
    "unknown name": pods(web(), web("web:2"), "--canary wbe=1: there is no such component", "--canary", "wbe=1"),
    "unknown gate": pods(web(), web("web:2"), "--gate smoke: the bundle has no such gate", "--steps=1", "--gate=smoke"),
    "daemon set": Case(
        before=(web(), daemon_set("logs", "logs:1")),
        after=(web("web:2"), daemon_set("logs", "logs:2")),
        flags=("--steps", "1", "--steps-of", "web,logs"),
        line="DaemonSet/logs: its controller would delete every old pod at once",
    ),
    "recreate": pods(
        web(strategy={"type": "Recreate"}),
        web("web:2", strategy={"type": "Recreate"}),
        "Deployment/web .spec.strategy.type: Recreate does not replace pods one after another",
    ),
    "paused": pods(web(), web("web:2", paused=True), "Deployment/web .spec.paused: it is paused"),
    "no pods": pods(web(replicas=0), web("web:2", replicas=0), "Deployment/web .spec.replicas: it has no pods"),
    "on delete": pods(
        db(updateStrategy={"type": "OnDelete"}),
        db("db:2", updateStrategy={"type": "OnDelete"}),
        "StatefulSet/db .spec.updateStrategy.type: OnDelete does not replace pods one after another",
    ),
    "one pod of a set": pods(
        db(replicas=1), db("db:2", replicas=1), "StatefulSet/db .spec.replicas: its only pod is all"
    ),
    "autoscaled set": Case(
        before=(db(), scaler()),
        after=(db("db:2"), scaler()),
        line="StatefulSet/db .spec.replicas: HorizontalPodAutoscaler/db scales it",
    ),
    "made again": pods(
        db(),
        db("db:2", serviceName="other"),
        "StatefulSet/db .spec.serviceName: it would have to be deleted and created again",
        *("--steps", "1", "--recreate", "StatefulSet/db"),
    ),
    "shared settings": Case(
        before=(web(container=READS), plain("ConfigMap", "settings", data={"LEVEL": "a"})),
        after=(web("web:2", container=READS), plain("ConfigMap", "settings", data={"LEVEL": "b"})),
        line="ConfigMap/settings: LEVEL changes, and old and new pods of Deployment/web read it under this name",
    ),
    "service": Case(
        before=(web(), service(80)),
        after=(web("web:2"), service(81)),
        line="Service/web .spec.ports: it changes, and leads to old and new pods of Deployment/web",
    ),
    "ingress": Case(
        before=(web(), service(80), ingress(80)),
        after=(web("web:2"), service(80), ingress(81)),
        line="Ingress/web .spec.rules: it changes, and leads to old and new pods of Deployment/web",
    ),
    "network policy": Case(
        before=(web(),),
        after=(web("web:2"), policy(81)),
        line="NetworkPolicy/web: it is new, and would hold for old and new pods of Deployment/web",
    ),
    "claim": Case(
        before=(with_files("web:1"), claim("standard")),
        after=(with_files("web:2"), claim("fast")),
        flags=("--steps", "1", "--recreate", "PersistentVolumeClaim/files"),
        line="PersistentVolumeClaim/files: Deployment/web uses it, and an abort would not bring back what it holds",
    ),
    "definition": Case(
        before=(web(), definition(10)),
        after=(web("web:2"), definition(9)),
        line="old pods would meet a definition that takes less: v1 .spec.size maximum",
    ),
    "webhook": Case(
        before=(web(), webhook("a")),
        after=(web("web:2"), webhook("b")),
        line="ValidatingWebhookConfiguration/gate: this plan would update it",
    ),
    "migration": Case(before=(web(),), after=(web("web:2"), migration()), line="hook before-upgrade: it runs before"),
    "two selectors": Case(
        before=(web(), {**web(), "metadata": {"name": "twin"}}),
        after=(web("web:2"), {**web(), "metadata": {"name": "twin"}}),
        line="the selector of Deployment/twin finds its pods, too",
    ),
    "quota": Case(
        before=(web(), plain("ResourceQuota", "team", spec={"hard": {"pods": "5"}})),
        after=(web("web:2"), plain("ResourceQuota", "team", spec={"hard": {"pods": "5"}})),
        flags=("--steps", "2"),
        line="the plan needs 2 pods, 4 of 5 are used",
        code="plan-quota",
    ),
    "all pods": pods(
        web(), web("web:2"), "Deployment/web: step 2 (80%) comes to all of its 4 pods", "--steps", "1,80%"
    ),
}


def bundle(folder: Path, objects: tuple[dict[str, Any], ...], version: str, **spec: Any) -> Path:
    """Write a bundle of these objects, hooks where they say it."""

    def path_of(number: int, body: dict[str, Any]) -> str:
        is_hook = "bundler.dev/hook" in body["metadata"].get("annotations", {})
        folder = "hooks" if is_hook else "crds" if body["kind"] == "CustomResourceDefinition" else "templates"
        return f"{folder}/{number}.yaml"

    files = {path_of(number, body): body for number, body in enumerate(objects)}
    outside = [body["kind"] for body in objects if body["kind"].endswith(("Configuration", "Definition"))]
    grants = ["webhooks"] if "ValidatingWebhookConfiguration" in outside else []
    reach = {"reach": {"clusterScoped": outside, "grants": grants}} if outside else {}
    return make_bundle(folder, files, name="shop", version=version, **reach, **spec)
