"""A small bundle with one of everything that a change of a release can meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lib.bundles import make_bundle

if TYPE_CHECKING:
    from pathlib import Path

VALUES = """
text: hello
token: ""
image: docker.io/library/web:1
replicas: 1
step: migrate
job: docker.io/library/job:1
extra: false
autoscale: false
"""

SCHEMA = """
{
  "type": "object",
  "properties": {
    "text": {"type": "string"},
    "token": {"type": "string", "writeOnly": true},
    "image": {"type": "string"},
    "replicas": {"type": "integer"},
    "step": {"type": "string"},
    "job": {"type": "string"},
    "extra": {"type": "boolean"},
    "autoscale": {"type": "boolean"}
  }
}
"""

CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ release.name }}-config"}
data:
  text: {{ values.text | quote }}
---
apiVersion: v1
kind: Secret
metadata: {name: "{{ release.name }}-token"}
stringData:
  token: {{ values.token | quote }}
{% if values.extra %}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ release.name }}-extra"}
data: {more: "yes"}
{% endif %}
"""

WEB = """
apiVersion: v1
kind: Service
metadata: {name: "{{ release.name }}-web", labels: {app: "{{ release.name }}-web"}}
spec:
  selector: {app: "{{ release.name }}-web"}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ release.name }}-web"}
spec:
  replicas: {{ values.replicas }}
  selector: {matchLabels: {app: "{{ release.name }}-web", bundler.dev/track: stable}}
  template:
    metadata: {labels: {app: "{{ release.name }}-web", bundler.dev/track: stable}}
    spec:
      containers:
        - name: web
          image: {{ values.image }}
          env:
            - {name: TEXT, value: {{ values.text | quote }}}
            - name: PASSWORD
              valueFrom: {secretKeyRef: {name: "{{ generated['password'].secret }}", key: "{{ generated['password'].key }}"}}
{% if values.autoscale %}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: "{{ release.name }}-web"}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: "{{ release.name }}-web"}
  minReplicas: {{ values.replicas }}
  maxReplicas: 20
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]
{% endif %}
"""

JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: "{{ release.name }}-job"}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: job, image: "{{ values.job }}", command: ["{{ values.step }}"]}]
"""

GENERATE = [
    {"name": "password", "secret": "{{ release.name }}-password", "key": "password", "kind": "password", "length": 24}
]


def small_bundle(parent: Path, **changes: object) -> Path:
    """Write the bundle: ConfigMap, Secret, Service, Deployment, Job and a generated Secret: six objects."""
    files = {
        "values.yaml": VALUES,
        "values.schema.json": SCHEMA,
        "templates/config.yaml": CONFIG,
        "templates/web.yaml": WEB,
        "templates/job.yaml": JOB,
        **changes,
    }
    return make_bundle(parent, files, name="small", generate=GENERATE)  # type: ignore[arg-type]
