"""What a namespaced Role is enough for, and what those are told who have less. Every request is checked."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tests.lib import access
from tests.lib.bundles import make_bundle
from tests.lib.menus import small_bundle
from tests.lib.sweep import Workplace
from tests.lib.widgets import ACCESS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane
    from tests.lib.killing_proxy import Seen

FORBIDDEN = 403
RBAC = "rbac.authorization.k8s.io"
DISCOVERY = re.compile(r"^/(version|api|apis)(/v1|/[^/]+|/[^/]+/v[0-9a-z]+)?$")
ABOUT_ONESELF = re.compile(r"^/apis/auth[^/]*\.k8s\.io/v1/self[a-z]+$")
NAMESPACES = "/api/v1/namespaces"
ONE_NAMESPACE = re.compile(r"^/api/v1/namespaces/[^/]+$")


def role_objects(namespace: str, name: str, user: str, rules: list[dict]) -> list[tuple[str, dict]]:
    """Return a Role and its binding, each with the path to POST it to."""
    path, metadata = f"/apis/{RBAC}/v1/namespaces/{namespace}", {"name": name, "namespace": namespace}
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
    }
    return [(f"{path}/roles", role), (f"{path}/rolebindings", binding)]


def reader_objects(namespace: str) -> list[tuple[str, dict]]:
    """Let `viewer`, who may look at everything but Secrets, read the records of one namespace."""
    rules = [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get"]},
    ]
    return role_objects(namespace, "record-reader", "viewer", rules)


@pytest.fixture
def deployer(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Workplace]:
    control_plane.grant_namespace_deployer(namespace)
    with Workplace(control_plane, tmp_path / "deployer", user="deployer") as place:
        yield place


CLASSES = re.compile(r"/apis/(storage|networking)\.k8s\.io/v1/(storage|ingress)classes$")
"""Looked at before an installation; where that is forbidden it continues without."""


def outside(seen: list[Seen], namespace: str) -> list[str]:
    """Return the requests that reach beyond the namespace, discovery and questions about oneself left out."""
    found = []
    for one in seen:
        is_inside = f"/namespaces/{namespace}/" in one.path
        is_harmless = DISCOVERY.match(one.path) or ABOUT_ONESELF.match(one.path)
        is_named = one.method == "GET" and ONE_NAMESPACE.match(one.path)
        is_class = one.method == "GET" and CLASSES.match(one.path)
        is_optional = (one.method, one.path, one.status) == (
            "GET",
            NAMESPACES,
            FORBIDDEN,
        )  # uninstall asks by name then
        if not (is_inside or is_harmless or is_named or is_class or is_optional):
            found.append(f"{one.method} {one.target}: {one.status}")
    return found


def grant_printed_roles(place: Workplace, plane: ControlPlane, *words: str) -> list[dict]:
    """Make what `bundler rbac` prints, and return it."""
    code, text = place.run(["rbac", *words, "-o", "json"])
    assert code == 0, text
    items = json.loads(text[text.index("{") :])["items"]
    for body in items:
        scope = f"/namespaces/{body['metadata']['namespace']}" if "namespace" in body["metadata"] else ""
        api = "/api/v1" if body["apiVersion"] == "v1" else f"/apis/{body['apiVersion']}"
        plane.api("POST", f"{api}{scope}/{body['kind'].lower()}s", body)
    return items


@pytest.fixture
def place_of(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Callable[[str], Workplace]]:
    """Return a workplace for each user that is named."""
    with ExitStack() as stack:
        yield lambda user: stack.enter_context(Workplace(control_plane, tmp_path / user, user=user))


def test_the_printed_roles_are_enough_for_the_whole_life_of_the_shop(
    place_of: Callable[[str], Workplace], control_plane: ControlPlane, namespace: str
) -> None:
    here = ("-n", namespace)
    deployer, reader = place_of("deployer"), place_of("stranger")
    grant_printed_roles(deployer, control_plane, "shop", "--for", "deployer", *here)
    grant_printed_roles(reader, control_plane, "shop", "--for", "stranger", "--read-only", *here)
    for argv in (
        ["install", "shop", "--set", "qps=1000", *here],
        ["upgrade", "shop", "shop", "--set", "qps=3000", *here],
        ["diff", "shop", "shop", "--set", "qps=4000", *here],
        ["rollback", "shop", *here],
        ["status", "shop", *here],
        ["drift", "shop", *here],
        ["history", "shop", *here],
        ["list", *here],
        ["uninstall", "shop", "--yes", *here],
    ):
        if argv[0] == "uninstall":
            reads_with_printed_roles(reader, here)
            protects_with_printed_roles(deployer, here)
        code, text = deployer.run(argv)
        assert code == 0, text
        assert not outside(deployer.proxy.seen, namespace), argv
        refused = {
            (one.method, one.path)
            for one in deployer.proxy.seen
            if one.status == FORBIDDEN and not CLASSES.match(one.path)
        }
        optional = ("", "/kube-system", f"/{namespace}")
        assert refused <= {("GET", f"{NAMESPACES}{place}") for place in optional}, argv


@pytest.fixture
def tenants(control_plane: ControlPlane, namespace: str) -> Iterator[str]:
    """Make the namespaces of the tenants of `stack`, which its deployer may not make; they go with the test."""
    names = [f"{namespace}-{tenant}" for tenant in ("north", "south")]
    for name in names:
        control_plane.api("POST", NAMESPACES, {"metadata": {"name": name}})
    yield namespace
    for name in names:
        control_plane.api("DELETE", f"{NAMESPACES}/{name}")


@pytest.mark.slow
def test_the_printed_roles_are_enough_for_a_bundle_whose_components_have_namespaces_of_their_own(
    place_of: Callable[[str], Workplace], control_plane: ControlPlane, tenants: str, tmp_path: Path
) -> None:
    here, plan = ("-n", tenants), str(tmp_path / "stack.plan")
    deployer, reader = place_of("deployer"), place_of("stranger")
    grant_printed_roles(deployer, control_plane, "stack", "--for", "deployer", *here)
    grant_printed_roles(reader, control_plane, "stack", "--for", "stranger", "--read-only", *here)
    for place, argv in (
        (deployer, ["install", "stack", *here]),
        (deployer, ["test", "stack", *here]),
        (deployer, ["upgrade", "stack", "stack", "--set", "north.qps=700", "--test", *here]),
        (deployer, ["plan", "stack", "stack", "--set", "south.qps=700", "--out", plan, *here]),
        (deployer, ["apply", plan, *here]),
        (deployer, ["rollback", "stack", "1", *here]),
        (deployer, ["drift", "stack", *here]),
        (reader, ["status", "stack", *here]),
        (reader, ["logs", "stack", *here]),
        (deployer, ["uninstall", "stack", "--yes", *here]),
    ):
        code, text = place.run(argv)
        assert code == 0, text


def test_the_printed_service_account_is_enough_to_keep_a_release(
    place_of: Callable[[str], Workplace], control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    here = ("-n", namespace)
    account = grant_printed_roles(place_of("admin"), control_plane, "nginx", "--for-controller", *here)[0]["metadata"]
    assert account == {"name": "bundler-nginx", "namespace": namespace}
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = f"{NAMESPACES}/{namespace}/serviceaccounts/bundler-nginx/token"
    token = control_plane.api("POST", path, asked)["status"]["token"]
    with Workplace(control_plane, tmp_path / "account", token=token) as place:
        for argv in (
            ["install", "nginx", *here],
            ["upgrade", "nginx", "nginx", "--set", "replicas=3", *here],
            ["drift", "nginx", "--fix", "--yes", *here],
            ["rollback", "nginx", *here],
            ["uninstall", "nginx", "--yes", *here],
        ):
            code, text = place.run(argv)
            assert code == 0, text
            assert not outside(place.proxy.seen, namespace), argv


def reads_with_printed_roles(reader: Workplace, here: tuple[str, str]) -> None:
    with TemporaryDirectory() as folder:
        code, text = reader.run(["support-bundle", "shop", "--out", folder, *here])
        assert code == 0, text
        assert re.search(r"warning: nodes: .*cannot list nodes", text), text
    for verb in ("status", "history", "wait", "logs"):
        code, text = reader.run([verb, "shop", *here])
        assert code == 0, text
    code, text = reader.run(["uninstall", "shop", "--yes", *here])
    assert code == 1, text
    assert "forbidden" in text


def protects_with_printed_roles(deployer: Workplace, here: tuple[str, str]) -> None:
    code, text = deployer.run(["protect", "shop", "-m", "production", *here])
    assert code == 0, text
    warned = re.findall(r"warning: (.*): cannot", text)
    of_secrets = {f"writing the annotation bundler.dev/protected of Secret/shop-{name}" for name in ("cache", "db")}
    assert set(warned) == {f"reading Namespace/{here[1]}", *of_secrets}, text
    code, text = deployer.run(["uninstall", "shop", "--yes", *here])
    assert code == 1, text
    assert "release-protected" in text
    code, text = deployer.run(["protect", "shop", "--off", *here])
    assert code == 0, text


def role_writer_objects(namespace: str) -> list[tuple[str, dict]]:
    """Let `deployer` write roles too; the API still lets no one hand out more than they have."""
    rules = [{"apiGroups": [RBAC], "resources": ["roles", "rolebindings"], "verbs": list(access.ALL_VERBS)}]
    return role_objects(namespace, "role-writer", "deployer", rules)


def test_a_deployer_installs_a_role_and_its_binding_in_one_plan(
    deployer: Workplace, control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    menu = str(make_bundle(tmp_path, {"templates/access.yaml": ACCESS}))
    code, text = deployer.run(["install", "w", menu, "-n", namespace])
    assert code == 1, text
    assert f"list roles.{RBAC} in {namespace}" in text, text
    assert not deployer.proxy.writes()
    for path, body in role_writer_objects(namespace):
        control_plane.api("POST", path, body)
    for option in ((), ("--force-revision",)):
        code, text = deployer.run(["install", "w", menu, "-n", namespace, *option])
        assert code == 0, text
        assert not outside(deployer.proxy.seen, namespace)
    code, text = deployer.run(["uninstall", "w", "--yes", "-n", namespace])
    assert code == 0, text


def test_a_role_that_hands_out_more_than_its_maker_has_is_refused(
    deployer: Workplace, control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    greedy = ACCESS.replace("resources: [configmaps]", "resources: [nodes]")
    menu = str(make_bundle(tmp_path, {"templates/access.yaml": greedy}))
    for path, body in role_writer_objects(namespace):
        control_plane.api("POST", path, body)
    code, text = deployer.run(["install", "w", menu, "-n", namespace])
    assert code == 1, text
    assert "error[forbidden]" in text
    assert "Role/w-reader" in text
    assert "attempting to grant RBAC permissions not currently held" in text
    assert not deployer.proxy.writes()


def test_somebody_who_may_only_look_can_look(
    deployer: Workplace, namespace: str, control_plane: ControlPlane, tmp_path: Path
) -> None:
    menu = str(small_bundle(tmp_path))
    code, text = deployer.run(["install", "shop", menu, "-n", namespace])
    assert code == 0, text
    for path, body in reader_objects(namespace):
        control_plane.api("POST", path, body)
    with Workplace(control_plane, tmp_path / "viewer", user="viewer") as viewer:
        for argv in (["status", "shop"], ["history", "shop"], ["list"], ["diff", "shop", menu]):
            code, text = viewer.run([*argv, "-n", namespace])
            assert code == 0, (argv, text)
            assert not viewer.proxy.writes()
            assert not outside(viewer.proxy.seen, namespace), argv
        code, text = viewer.run(["upgrade", "shop", menu, "--set", "text=other", "-n", namespace])
        assert code == 1, text
        assert not viewer.proxy.writes()
    assert "error[preflight]" in text
    assert f"patch configmaps in {namespace}" in text
    assert "Ask the cluster's administrator for a Role with these" in text


def test_who_may_not_make_the_record_is_told_so_and_nothing_is_left(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    menu = str(small_bundle(tmp_path))
    with Workplace(control_plane, tmp_path / "stranger", user="stranger") as stranger:
        for argv in (["install", "shop", menu], ["list"], ["status", "shop"], ["uninstall", "shop", "--yes"]):
            code, text = stranger.run([*argv, "-n", namespace])
            assert code == 1, (argv, text)
            assert "error[forbidden]" in text
            for word in ("stranger", "list", "secrets", namespace, "hint:"):
                assert word in text, text
            assert not stranger.proxy.writes()


def test_a_deployer_cannot_make_a_namespace_and_is_told_so(deployer: Workplace, tmp_path: Path) -> None:
    code, text = deployer.run(["install", "shop", str(small_bundle(tmp_path)), "-n", "not-there-at-all"])
    assert code == 1, text
    assert "error[forbidden]" in text
    for word in ("deployer", "not-there-at-all", "hint:"):
        assert word in text, text
    assert [one.status for one in deployer.proxy.writes()] in ([], [FORBIDDEN]), "nothing but the refused namespace"
