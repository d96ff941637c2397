"""Events of orders in the cluster, where `kubectl describe` shows them. Layer: controller.

An event is a courtesy: one that cannot be written stops nothing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from bundler import ClusterClient, Payload
from bundler.errors import BundlerError
from bundler.model.size import cut

if TYPE_CHECKING:
    from bundler.controller.news import News
    from bundler.controller.order import Order
    from bundler.ports import Clock

CONTROLLER: Final = "bundler.dev/controller"
_API_VERSION: Final = "events.k8s.io/v1"
_AGAIN_S: Final = 600.0
"""What was said of an order is not said again before."""
_REMEMBERED: Final = 4096
_NOTE_MAX_BYTES: Final = 1000
"""Source: Kubernetes API, events.k8s.io/v1: a note has at most 1 kB."""


class Events:
    """Writes events. Safe to use from several threads."""

    def __init__(self, cluster: ClusterClient, clock: Clock, host: str) -> None:
        """Say nothing yet.

        Args:
            cluster: as the controller.
            clock: the time.
            host: which copy of the controller says it.
        """
        self._cluster, self._clock, self._host = cluster, clock, host
        self._guard = threading.Lock()
        self._said: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def say(self, order: Order, news: News) -> None:
        """Write an event of an order, unless the same was said a short while ago.

        Args:
            order: the order.
            news: what happened.
        """
        if not self._is_new((order.uid, news.happened.value, news.note)):
            return
        moment = self._clock.now()
        try:
            self._cluster.create(
                Payload.of(
                    {
                        "apiVersion": _API_VERSION,
                        "kind": "Event",
                        "metadata": {
                            "namespace": order.namespace,
                            "name": f"{order.name}.{int(moment.timestamp() * 1_000_000):x}",
                        },
                        "eventTime": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                        "type": "Warning" if news.is_warning else "Normal",
                        "reason": news.happened.value,
                        "action": "Reconcile",
                        "note": cut(news.note, _NOTE_MAX_BYTES),
                        "reportingController": CONTROLLER,
                        "reportingInstance": cut(self._host, 128),
                        "regarding": {
                            "apiVersion": f"{order.ref.group}/v1",
                            "kind": order.ref.kind,
                            "namespace": order.namespace,
                            "name": order.name,
                            "uid": order.uid,
                        },
                    },
                    manager="bundler-controller",
                )
            )
        except BundlerError:
            return

    def _is_new(self, key: tuple[str, str, str]) -> bool:
        now_s = self._clock.monotonic()
        with self._guard:
            said_s = self._said.get(key)
            if said_s is not None and now_s - said_s < _AGAIN_S:
                return False
            self._said[key] = now_s
            self._said.move_to_end(key)
            if len(self._said) > _REMEMBERED:
                self._said.popitem(last=False)
            return True
