"""The bundle `webapp` alone: any application that answers HTTP, without a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lib.load import CLIENT, DRAIN_S, Load, ensure_client
from tests.lib.operator import PREVIOUS

if TYPE_CHECKING:
    from tests.lib.running_site import RunningSite

SERVER = """
import http.server, os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = os.environ["GREETING"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
http.server.ThreadingHTTPServer(("", 8080), Answer).serve_forever()
"""


def test_an_application_alone_becomes_another_one_and_its_settings_reach_it(server_site: RunningSite) -> None:
    site = server_site
    ensure_client(site)
    site.bundler("install", "web", PREVIOUS / "webapp")
    page = site.run_in(CLIENT, CLIENT, "curl", "-sS", "--fail", "--max-time", "20", "http://web/")
    assert "Welcome to nginx" in page
    before = site.get("apps/v1/deployments/web")["metadata"]["uid"]

    script = site.folder / "server.py"
    script.write_text(SERVER)
    own = ("--set", "image=docker.io/library/python:3.13", "--set-json", 'command=["python3", "/bundle/server.py"]')
    code = (
        "--set-file",
        f'files["server.py"]={script}',
        "--set",
        "settings.GREETING=hello",
        "--set",
        f"drainSeconds={DRAIN_S}",
    )
    site.bundler("upgrade", "web", "webapp", *own, *code)
    assert site.get("apps/v1/deployments/web")["metadata"]["uid"] == before
    with Load(site, "http://web/") as load:
        site.bundler("upgrade", "web", "webapp", "--set", "settings.GREETING=welcome")
    assert load.failures == []
    assert set(load.answers) == {"hello", "welcome"}
    site.bundler("uninstall", "web", "--yes")
    assert [pod["metadata"]["name"] for pod in site.items("v1/pods")] == [CLIENT]
