"""An admission webhook that is still starting, on the real control plane: it is waited for, and named."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors.cluster import UnavailableError
from bundler.model.events import Retrying
from tests.lib.certs import Authority
from tests.lib.menus import small_bundle
from tests.lib.operator import Operator
from tests.lib.real import open_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bundler.model.events import Event
    from tests.lib.controlplane import ControlPlane

pytestmark = pytest.mark.controlplane
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


class Gate:
    """A webhook whose port is taken, and on which nothing listens until it starts."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self._pair = self.authority.issue("gate", server=True)
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self.asked: list[str] = []
        self._server: HTTPServer | None = None

    def start(self) -> None:
        """Begin to listen, once."""
        if self._server is not None:
            return
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                asked = review["request"]
                gate.asked.append(asked["name"])
                answer = json.dumps({**review, "response": {"uid": asked["uid"], "allowed": True}}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_words: Any) -> None:
                pass

        server = HTTPServer(("127.0.0.1", self.port), Handler, bind_and_activate=False)
        server.socket.close()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._pair.certificate, self._pair.key)
        server.socket = context.wrap_socket(self._socket, server_side=True)
        server.server_activate()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._server = server

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        self._socket.close()


@contextmanager
def configured(control_plane: ControlPlane, namespace: str, gate: Gate) -> Iterator[str]:
    """Let the API server ask the gate about every ConfigMap of a namespace."""
    name = f"gate.{namespace}.example"
    ca = base64.b64encode(gate.authority.certificate.read_bytes()).decode()
    webhook = {
        "name": name,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 2,
        "clientConfig": {"url": f"https://127.0.0.1:{gate.port}/", "caBundle": ca},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["*"]}],
    }
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [webhook],
    }
    control_plane.api("POST", CONFIGURATIONS, body)
    try:
        yield name
    finally:
        control_plane.api("DELETE", f"{CONFIGURATIONS}/{name}")


def test_a_webhook_that_starts_later_is_waited_for_and_one_that_never_does_is_named_in_the_error(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    gate, heard = Gate(tmp_path / "gate"), []
    menu = small_bundle(tmp_path)
    kubeconfig = control_plane.kubeconfig("admin")

    def start_when_missed(event: Event) -> None:
        heard.append(event)
        if isinstance(event, Retrying) and event.waits_for:
            gate.start()

    hasty_client = open_client(kubeconfig, budget=lambda: 0.05)
    patient_client = open_client(kubeconfig, report=start_when_missed)
    with configured(control_plane, namespace, gate) as name, closing(hasty_client), closing(patient_client):
        hasty = Operator(hasty_client, namespace)
        with pytest.raises(UnavailableError, match="ConfigMap/shop-config") as caught:
            hasty.install(menu)
        (line,) = caught.value.context
        assert line.startswith(f"admission webhook {name} (127.0.0.1) did not answer the API server: "), line
        assert "connection refused" in line

        patient = Operator(patient_client, namespace)
        patient.install(menu)
        assert gate.asked
        missed = [event for event in heard if isinstance(event, Retrying)]
        assert {event.waits_for for event in missed} == {f"admission webhook {name} (127.0.0.1)"}
        assert patient.statuses()[-1] == "deployed"
    gate.stop()
