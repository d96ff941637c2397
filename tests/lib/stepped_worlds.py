"""A bundle with a Deployment and a StatefulSet that are upgraded in steps, and the hands of those who look on."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bundler.model.cluster import ListQuery
from tests.lib.bundles import make_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.ports import ClusterClient

SHOP = """
apiVersion: apps/v1
kind: {{ kind }}
metadata: {name: "{{ release.name }}-{{ name }}"}
spec:
  replicas: {{ values.replicas }}
  {% if kind == "StatefulSet" %}serviceName: "{{ release.name }}-{{ name }}"{% endif %}
  minReadySeconds: {{ values.minReady }}
  selector: {matchLabels: {app: "{{ release.name }}-{{ name }}"}}
  template:
    metadata: {labels: {app: "{{ release.name }}-{{ name }}"}}
    spec: {containers: [{name: main, image: "{{ values.image }}"}]}
"""
VALUES = "{replicas: 4, image: 'docker.io/library/web:1', minReady: 0}"
SCHEMA = '{"type": "object"}'


def shop(parent: Path, *kinds: str) -> Path:
    """Write a bundle with a workload of each kind: ``web`` and ``db``."""
    names = {"Deployment": "web", "StatefulSet": "db"}
    files = {
        f"templates/{names[kind]}.yaml": SHOP.replace("{{ kind }}", kind)
        .replace("{{ name }}", names[kind])
        .replace('{% if kind == "StatefulSet" %}', "" if kind == "StatefulSet" else "# ")
        .replace("{% endif %}", "")
        for kind in kinds or ("Deployment",)
    }
    return make_bundle(parent, {"values.yaml": VALUES, "values.schema.json": SCHEMA, **files}, name="shop")


def images(cluster: ClusterClient, namespace: str, app: str = "shop-web") -> dict[str, int]:
    """Count the pods of an app by the tag of their image, those on their way out left out."""
    query = ListQuery(group="", kind="Pod", namespace=namespace, label_selector=f"app={app}")
    pods = [pod for pod in cluster.list(query).items if "deletionTimestamp" not in pod["metadata"]]
    return dict(Counter(str(pod["spec"]["containers"][0]["image"]).rpartition("/")[2] for pod in pods))  # type: ignore[index, call-overload]
