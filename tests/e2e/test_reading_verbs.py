"""Verbs that read never write: every one of them is run against the real API, and each request is looked at.

The release they read is in the worst state for this: an upgrade was killed, its revision is still pending and its lock
still held, one object differs from what was written. A verb that put that in order in passing would be found.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bundler.cli.root import VERBS
from bundler.storage.secrets import SecretReleaseStore
from tests.lib.killing_proxy import Blow
from tests.lib.menus import small_bundle
from tests.lib.operator import RealClock
from tests.lib.raw_api import MERGE_PATCH
from tests.lib.real import open_client
from tests.lib.rollouts import record_rollout
from tests.lib.sweep import Site, Workplace, strike

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane
    from tests.lib.killing_proxy import Seen

CHANGES = frozenset(
    {
        "install",
        "upgrade",
        "apply",
        "pause",
        "continue",
        "abort",
        "rollback",
        "uninstall",
        "unlock",
        "protect",
        "order",
        "suspend",
        "resume",
        "approve",
        "retry",
        "migrate-storage",
        "test",
    }
)
ELSEWHERE = {"create", "lock", "package", "image", "search", "login", "push", "pull", "catalogue", "export"}
ELSEWHERE |= {"verify", "keygen", "sign", "import", "sandbox", "completion"}
ELSEWHERE |= {"controller"}
"""Verbs about files, registries and the embedded cluster; what the controller does, it does for orders."""
PLANS = [
    "plan shop MENU --set text=third --on-conflict take --out FOLDER/up.plan",
    "plan shop --rollback --out FOLDER/back.plan",
    "plan shop --uninstall --out FOLDER/away.plan",
    "plan new MENU --out FOLDER/new.plan",
]
READS = {
    "plan": PLANS,  # first: what follows reads the files
    "site": ["site init here --out FOLDER/here.yaml"],
    "preflight": ["preflight MENU"],
    "diff": [
        "diff shop MENU --set text=third",
        "diff shop MENU -o html",
        "diff shop MENU --on-conflict take",
        "diff shop --revision 1",
    ],
    "list": ["list", "list --all-namespaces -o json"],
    "status": ["status shop", "status shop -o json", "status shop -o html"],
    "rollout": ["rollout steps -n STEPS", "rollout steps -n STEPS -o json", "status steps -n STEPS", "list -n STEPS"],
    "history": ["history shop", "history shop -o json", "history -A -o json"],
    "get": [*(f"get {part} shop" for part in ("manifest", "notes", "plan")), "get values shop --all --show-secrets"],
    "logs": ["logs shop"],
    "drift": ["drift shop", "drift --all-namespaces -o json"],
    "explain": ["explain shop Deployment/shop-web", "explain shop ConfigMap/shop-config .data.text --bundle MENU"],
    "wait": ["wait shop --timeout 3s"],
    "support-bundle": ["support-bundle shop --out FOLDER"],
}
"""Command lines of each verb that asks a cluster and changes nothing."""
LOCAL = {
    "lint": ["lint MENU"],
    "template": ["template MENU", "template MENU --split FOLDER/objects", "diff MENU MENU"],
    "test-render": ["test-render shop"],
    "values": ["values MENU"],
    "show": ["show MENU", "show FOLDER/up.plan", "show FOLDER/up.plan -o html"],
    "images": ["images MENU"],
    "menu": ["menu shop", "menu shop --print"],
    "rbac": ["rbac MENU --for ada", "rbac MENU --read-only"],
}
"""Those of verbs that do not even ask."""
REHEARSALS = [
    "install shop MENU --set text=third --dry-run",
    "install new MENU -n NEW --dry-run",
    "upgrade shop MENU --dry-run",
    "apply FOLDER/up.plan --dry-run",
    "rollback shop --dry-run",
    "uninstall shop --dry-run",
]
MISUSE, BUG = 2, 70
REVIEW = re.compile(r"^/apis/auth[^/]*\.k8s\.io/v1/selfsubject[a-z]*reviews$")


def test_each_verb_is_known_to_read_or_to_change() -> None:
    named = [*READS, *LOCAL, *CHANGES, *ELSEWHERE]
    assert sorted(named) == sorted(VERBS), "say in this file whether the new verb reads, and how it is called"


def writes_in(seen: list[Seen]) -> list[str]:
    return [
        f"{one.method} {one.target}"
        for one in seen
        if one.method not in {"GET", "HEAD"}
        and one.query.get("dryRun") != ["All"]
        and not (one.method == "POST" and REVIEW.match(one.path))
    ]


def interrupted_upgrade(place: Workplace, site: Site, menu: Path) -> None:
    """Leave the release as a killed run does, and one of its objects as someone else wants it."""
    install = ["install", "shop", str(menu), "-n", site.namespace]
    for options in (["--set", "extra=true"], ["--set", "text=second"]):
        code, text = place.run([*install, *options])
        assert code == 0, text
    strike(place, [*install, "--set", "extra=false", "--set", "autoscale=true"], Blow(number=6, is_after=True))
    path = f"/api/v1/namespaces/{site.namespace}/configmaps/shop-config"
    place.plane.api("PATCH", path, {"data": {"text": "by hand"}}, content_type=MERGE_PATCH)


def open_rollout(place: Workplace, site: Site, menu: Path) -> None:
    """Leave another release as an upgrade in steps does that waits for someone."""
    code, text = place.run(["install", "steps", str(menu), "-n", site.namespace])
    assert code == 0, text
    client, clock = open_client(place.plane.kubeconfig("admin")), RealClock()
    record_rollout(SecretReleaseStore(client, clock), clock, site.namespace, "steps")
    client.close()


def state_of(site: Site) -> dict[str, str]:
    """Return the version of everything in the namespace that a verb of ours could write."""
    kinds = ("secrets", "configmaps", "services")
    found = [one for kind in kinds for one in site.items(f"api/v1/.../{kind}")]
    found += site.items("apis/apps/v1/.../deployments") + site.items("apis/coordination.k8s.io/v1/.../leases")
    return {one["metadata"]["uid"]: one["metadata"]["resourceVersion"] for one in found}


@pytest.mark.slow
def test_verbs_that_read_and_rehearsals_send_nothing_that_writes(
    control_plane: ControlPlane, sites: Callable[[], Site], tmp_path: Path
) -> None:
    menu, site = small_bundle(tmp_path), sites()
    stepped = sites()
    names = {"MENU": str(menu), "NEW": f"{site.namespace}-new", "STEPS": stepped.namespace}
    with Workplace(control_plane, tmp_path / "place") as place:
        open_rollout(place, stepped, menu)
        interrupted_upgrade(place, site, menu)
        assert site.statuses()[-1] == "pending-upgrade"
        assert site.holds_lock()
        before, wrong = [state_of(site), state_of(stepped)], list[str]()
        asking = [*(line for lines in READS.values() for line in lines), *REHEARSALS]
        for line in [*asking, *(line for lines in LOCAL.values() for line in lines)]:
            argv = [names.get(word, word.replace("FOLDER", str(tmp_path))) for word in line.split()]
            code, text = place.run(argv if "-n" in argv else [*argv, "-n", site.namespace])
            wrong += [f"{line}: {write}" for write in writes_in(place.proxy.seen)]
            if code in {MISUSE, BUG} or bool(place.proxy.seen) != (line in asking):
                wrong.append(f"{line}: exit code {code} after {len(place.proxy.seen)} requests\n{text}")
    assert not wrong, "\n".join(wrong)
    assert [state_of(site), state_of(stepped)] == before
