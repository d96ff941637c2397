"""Templates that bundles in many tests hold."""

from __future__ import annotations

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop-web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "{{ values.web }}"}]}
"""

_DATABASE = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "docker.io/library/db:TAG"}]}
"""


def database(claims: str = "", *, tag: str = "1") -> str:
    """Return a StatefulSet that is called `db`.

    Args:
        claims: the entries of its `volumeClaimTemplates`; empty: it has none.
        tag: of its image.
    """
    return _DATABASE.replace("TAG", tag) + (f"  volumeClaimTemplates:{claims}" if claims else "")


def config_and_database(claims: str = "") -> str:
    """Return a ConfigMap that holds `values.text`, and where `values.db` is set a database beside it.

    Args:
        claims: as for `database`.
    """
    return f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: cfg}}
data: {{text: {{{{ values.text }}}}}}
{{% if values.db %}}
---{database(claims)}{{% endif %}}
"""
