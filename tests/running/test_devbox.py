"""The bundle `devbox`, with a machine that people enter."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from tests.lib.kubelet.network import GATEWAY
from tests.lib.operator import PREVIOUS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.running_site import RunningSite

FIRST = """\
echo 'export PS1=mine' > .profile
echo $((1 + $(cat starts 2>/dev/null || echo 0))) > starts
"""
USED = """
touch -d '1 hour ago' /run/devbox/used
for second in $(seq 40); do
    sleep 1
    [ -z "$(find /run/devbox/used -mmin +30)" ] && echo used && exit
done
"""
SSH = (
    "ssh",
    "-q",
    "-o",
    "ConnectionAttempts=20",
    "-o",
    "StrictHostKeyChecking=accept-new",
    "-o",
    "UserKnownHostsFile=.ssh/hosts",
    "-i",
    ".ssh/key",
    "-p",
    "30022",
    f"ada@{GATEWAY}",
)


def enter(site: RunningSite, *argv: str) -> str:
    """Run a command as those do who enter by exec."""
    return site.run_in("box-0", "machine", "/devbox/enter", *argv)


def make_key(folder: Path) -> tuple[str, str]:
    """Return a private key and its public one."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")], check=True)
    return (folder / "key").read_text(), (folder / "key.pub").read_text().strip()


def test_a_machine_keeps_its_home_lets_people_in_and_stops_when_no_one_is_there(server_site: RunningSite) -> None:
    site = server_site
    key, public_key = make_key(site.folder)
    values = site.folder / "values.yaml"
    idle = {"enabled": True, "minutes": 60}
    values.write_text(
        json.dumps({"user": {"name": "ada"}, "firstStart": FIRST, "greeting": "Hello, Ada\n", "idle": idle})
    )
    site.bundler("install", "box", PREVIOUS / "devbox", "-f", values)
    assert enter(site).startswith("Hello, Ada\n"), "those who enter are greeted"
    assert enter(site, "sh", "-c", "id -un; pwd; cat starts").split() == ["ada", "/home/ada", "1"]
    assert enter(site, "sh", "-c", USED) == "used\n", "who is there counts as use"
    enter(site, "sh", "-c", f"mkdir -p .ssh; umask 077; echo '{key}' > .ssh/key; ls /var/run/secrets && exit 1 || true")

    before = site.get("apps/v1/statefulsets/box")["metadata"]["uid"]
    ssh = {"enabled": True, "keys": [public_key], "serviceType": "NodePort", "nodePort": 30022}
    more = (
        "--set",
        "image=registry.example/debian-ssh:1",
        "--set",
        "env.TOOL=hammer nail",
        "--set-json",
        f"ssh={json.dumps(ssh)}",
    )
    site.bundler("upgrade", "box", "devbox", *more)
    assert site.get("apps/v1/statefulsets/box")["metadata"]["uid"] == before
    assert site.run_in("box-0", "machine", *SSH, "id -un; pwd; cat starts; echo $TOOL").split() == [
        *("ada", "/home/ada", "1"),
        *("hammer", "nail"),
    ]

    site.bundler("upgrade", "box", "devbox", "--set", "idle.minutes=0.05")
    site.until("the machine to stop", lambda: site.get("apps/v1/statefulsets/box")["spec"]["replicas"] == 0)
    site.bundler("uninstall", "box", "--yes")
    assert site.items("v1/pods") == []
    assert [one["metadata"]["name"] for one in site.items("v1/persistentvolumeclaims")] == ["home-box-0"]
