"""Measure rendering of 6,000 objects from one loop: `python benchmarks/bench_render.py [profile]`."""

from __future__ import annotations

import cProfile
import pstats
import sys
import time

from bundler.model.bundle import Bundle, BundleMetadata
from bundler.model.digest import digest_of
from bundler.model.values import LayerKind, MergedValues, Origin, ValuesLayer
from bundler.render.bundle import render_bundle
from bundler.render.types import Capabilities, RenderContext

TEMPLATE = """\
{% for n in range(values.count) %}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ release.name }}-{{ n }}
  labels:
    app.kubernetes.io/name: {{ values.name }}
data:
  number: "{{ n }}"
  mode: {{ values.mode | quote }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ release.name }}-{{ n }}
spec:
  selector:
    app: web-{{ n }}
  ports:
    - {name: http, port: {{ values.port }}, targetPort: http}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ release.name }}-{{ n }}
  labels:
    app: web-{{ n }}
spec:
  replicas: 0
  selector:
    matchLabels:
      app: web-{{ n }}
  template:
    metadata:
      labels:
        app: web-{{ n }}
    spec:
      containers:
        - name: web
          image: {{ values.image }}
          ports:
            - containerPort: {{ values.port }}
          resources:
            {{ values.resources | to_yaml }}
{% endfor %}
"""


def make_inputs() -> tuple[Bundle, MergedValues, RenderContext]:
    origin = Origin(LayerKind.DEFAULTS, "values.yaml")
    bundle = Bundle(
        metadata=BundleMetadata(name="bench", version="1.0.0"),
        digest=digest_of(b""),
        origin="bench",
        defaults=ValuesLayer(data={}, origin=origin, leaf_origins={}),
        templates={"all.yaml": TEMPLATE},
    )
    data = {
        "count": 2000,
        "name": "bench",
        "mode": "fast",
        "port": 8080,
        "image": "docker.io/library/nginx:1.27",
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
    }
    values = MergedValues(data=data, origins={})
    context = RenderContext(
        release_name="bench",
        namespace="bench",
        capabilities=Capabilities(kube_version="v1.36.2"),
        scope_of=lambda _group, _kind: True,
    )
    return bundle, values, context


def main() -> None:
    inputs = make_inputs()
    if "profile" in sys.argv:
        profile = cProfile.Profile()
        profile.runcall(render_bundle, *inputs)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        rendering = render_bundle(*inputs)
        times.append(time.perf_counter() - begin)
    print(f"{len(rendering.manifests)} objects: best {min(times):.3f} s, worst {max(times):.3f} s")


if __name__ == "__main__":
    main()
