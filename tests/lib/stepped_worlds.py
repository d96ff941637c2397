"""A bundle with a Deployment and a StatefulSet that are upgraded in steps, and the hands of those who look on."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bundler.model.cluster import ListQuery
from tests.lib.bundles import make_bundle
from tests.lib.clocks import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bundler.model.events import Event
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


class Hearing(list["Event"]):
    """The events of an operator, and what someone does when one of them is heard, once."""

    def __init__(self, when: Callable[[Event], bool], then: Callable[[], object]) -> None:
        super().__init__()
        self._when, self._then, self._is_done = when, then, False

    def append(self, event: Event) -> None:
        super().append(event)
        if not self._is_done and self._when(event):
            self._is_done = True
            self._then()


class AlarmClock(FakeClock):
    """A clock at whose alarms something happens in the cluster."""

    def __init__(self) -> None:
        super().__init__()
        self._alarms: list[tuple[float, Callable[[], object]]] = []

    def ring_in(self, seconds: float, then: Callable[[], object]) -> None:
        self._alarms.append((self.monotonic() + seconds, then))

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        now_s = self.monotonic()
        due, self._alarms = (
            [one for one in self._alarms if one[0] <= now_s],
            [one for one in self._alarms if one[0] > now_s],
        )
        for _, then in due:
            then()
