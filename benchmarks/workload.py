"""The work: the same objects as a bundle, as a Helm chart and as plain bodies, from one loop in one template."""

from __future__ import annotations

import json
import random
import string
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = """\
{loop}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: item-{n}
  labels: {{app.kubernetes.io/name: item-{n}}}
data:
  number: "{n}"
  mode: "{mode}"
  greeting: hello from item {n} of this benchmark
---
apiVersion: v1
kind: Service
metadata:
  name: item-{n}
  labels: {{app.kubernetes.io/name: item-{n}}}
spec:
  selector:
    app: item-{n}
  ports:
    - {{name: http, port: 80, targetPort: http, protocol: TCP}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: item-{n}
  labels: {{app.kubernetes.io/name: item-{n}}}
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app: item-{n}
  template:
    metadata:
      labels:
        app: item-{n}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.0
          env:
            - {{name: MODE, value: "{mode}"}}
            - {{name: NUMBER, value: "{n}"}}
          ports:
            - {{name: http, containerPort: 8080, protocol: TCP}}
          resources:
            requests: {{cpu: 10m, memory: 16Mi}}
            limits: {{memory: 32Mi}}
{end}
"""

BUNDLE_TEMPLATE = DOCUMENTS.format(
    loop="{% for n in range(values.count) %}",
    end="{% endfor %}",
    n="{{ n }}",
    mode="{{ values.mode }}",
    replicas="{{ values.replicas }}",
)
CHART_TEMPLATE = DOCUMENTS.format(
    loop="{{- range $n := until (int $.Values.count) }}",
    end="{{- end }}",
    n="{{ $n }}",
    mode="{{ $.Values.mode }}",
    replicas="{{ $.Values.replicas }}",
)

BUNDLE_YAML = """\
apiVersion: bundler.dev/v1
kind: Bundle
metadata:
  name: items
  version: 1.0.0
  description: Many small objects from one loop
"""
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"count": {"type": "integer"}, "mode": {"type": "string"}, "replicas": {"type": "integer"}},
}
CHART_YAML = "apiVersion: v2\nname: items\nversion: 1.0.0\ndescription: Many small objects from one loop\n"
VALUES = "count: 200\nmode: one\nreplicas: 0\n"
LARGE_COUNT, LARGE_TEXT = 1_000, 1_340
"""Three times so many objects; so many words in each ConfigMap make 8 MiB of them."""

Body = dict[str, Any]


def write_bundle(folder: Path) -> Path:
    """Write the bundle."""
    return _write_bundle(folder, BUNDLE_YAML, BUNDLE_TEMPLATE)


def write_next_bundle(folder: Path) -> Path:
    """Write a new version of the bundle, in which one object differs."""
    template = BUNDLE_TEMPLATE.replace("hello from", "{{ 'good day' if n == 0 else 'hello' }} from")
    return _write_bundle(folder, BUNDLE_YAML.replace("1.0.0", "1.1.0"), template)


def write_long_bundle(folder: Path, count: int = 1_950) -> Path:
    """Write a bundle whose one template has each object in full, as files of other projects do; 2 MB by default."""
    one = DOCUMENTS.format(loop="", end="", n="N", mode="one", replicas="0").strip("\n") + "\n"
    return _write_bundle(folder, BUNDLE_YAML, "".join(one.replace("N", str(number)) for number in range(count)))


def write_large(folder: Path) -> tuple[Path, Path]:
    """Write 3,000 objects with 8 MiB of manifests, as a bundle and as a chart."""
    words = random.Random(1).choices(string.ascii_lowercase, k=LARGE_TEXT * 6)
    text = " ".join("".join(words[at : at + 6 - at % 5]) for at in range(0, len(words), 6))
    line = "  greeting: hello"

    def longer(template: str) -> str:
        return template.replace(line, f"  text: {text}\n{line}", 1)

    bundle = _write_bundle(folder / "large-bundle", BUNDLE_YAML, longer(BUNDLE_TEMPLATE))
    chart = _write_chart(folder / "large-chart", CHART_YAML, longer(CHART_TEMPLATE))
    for made in (bundle, chart):
        _write(made / "values.yaml", VALUES.replace("200", str(LARGE_COUNT)))
    return bundle, chart


def _write_bundle(folder: Path, head: str, template: str) -> Path:
    _write(folder / "bundle.yaml", head)
    _write(folder / "values.yaml", VALUES)
    _write(folder / "values.schema.json", json.dumps(SCHEMA))
    _write(folder / "templates" / "items.yaml", template)
    return folder


def write_chart(folder: Path) -> Path:
    """Write the same as a Helm chart."""
    return _write_chart(folder, CHART_YAML, CHART_TEMPLATE)


def write_next_chart(folder: Path) -> Path:
    """Write the new version of the bundle as a Helm chart."""
    template = CHART_TEMPLATE.replace("hello from", '{{ ternary "good day" "hello" (eq $n 0) }} from')
    return _write_chart(folder, CHART_YAML.replace("1.0.0", "1.1.0"), template)


def _write_chart(folder: Path, head: str, template: str) -> Path:
    _write(folder / "Chart.yaml", head)
    _write(folder / "values.yaml", VALUES)
    _write(folder / "templates" / "items.yaml", template)
    return folder


def bodies(namespace: str, *, count: int = 200, mode: str = "one", replicas: int = 0) -> list[Body]:
    """Return what both render, as the API takes it."""
    return [body for n in range(count) for body in _item(namespace, n, mode, replicas)]


def write_plain(path: Path, namespace: str, *, mode: str) -> Path:
    """Write the bodies as YAML (JSON is YAML) for kubectl."""
    return _write(path, "\n---\n".join(json.dumps(body) for body in bodies(namespace, mode=mode)))


def _item(namespace: str, n: int, mode: str, replicas: int) -> list[Body]:
    name = f"item-{n}"
    metadata = {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/name": name}}
    container = {
        "name": "web",
        "image": "registry.example/web:1.0",
        "env": [{"name": "MODE", "value": mode}, {"name": "NUMBER", "value": str(n)}],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "32Mi"}},
    }
    data = {"number": str(n), "mode": mode, "greeting": f"hello from item {n} of this benchmark"}
    port = {"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": {"app": name}, "ports": [port]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
            },
        },
    ]


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
