"""Sessions of the library against the real API: by a kubeconfig's context, and from inside of the cluster."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from bundler import (
    ListQuery,
    NetworkRules,
    Payload,
    ReleaseRequest,
    RollbackRequest,
    Session,
    SessionOptions,
    UninstallRequest,
    Values,
)
from bundler.errors.cluster import ForbiddenError, KubeconfigError
from tests.lib.access import CONTEXT
from tests.lib.bundles import make_bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

pytestmark = pytest.mark.controlplane
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '{{ values.x }}'}\n"
OPTIONS = SessionOptions(timeout_s=120.0)


@pytest.fixture
def menu(tmp_path: Path) -> str:
    return str(make_bundle(tmp_path, {"templates/a.yaml": CONFIG_MAP, "values.yaml": "x: one\n"}))


@pytest.fixture
def mounted(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Callable[[str], Path]:
    """Return the folder that a pod of a ServiceAccount would see; the account may do all in its namespace."""

    def mount(account: str) -> Path:
        accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        control_plane.api("POST", accounts, {"metadata": {"name": account}})
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        answer: Any = control_plane.api("POST", f"{accounts}/{account}/token", request)
        folder = tmp_path / account
        folder.mkdir()
        (folder / "token").write_text(answer["status"]["token"])
        (folder / "namespace").write_text(namespace)
        (folder / "ca.crt").write_bytes(control_plane.ca_file.read_bytes())
        return folder

    return mount


ALL: dict[str, Any] = {"apiGroups": ["", "coordination.k8s.io"], "resources": ["*"], "verbs": ["*"]}


def allow(control_plane: ControlPlane, namespace: str, account: str, rule: dict[str, Any] = ALL) -> None:
    """Let a ServiceAccount do something in its namespace: by default all with core objects and Leases."""
    group = "/apis/rbac.authorization.k8s.io/v1"
    role = {"metadata": {"name": account}, "rules": [rule]}
    control_plane.api("POST", f"{group}/namespaces/{namespace}/roles", role)
    binding = {
        "metadata": {"name": account},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    }
    control_plane.api("POST", f"{group}/namespaces/{namespace}/rolebindings", binding)


def install_and_uninstall(session: Session, menu: str, namespace: str) -> None:
    request = ReleaseRequest(bundle=menu, release="shop", namespace=namespace, values=Values(data={"x": "two"}))
    shown = session.plan(request)
    assert session.apply(request, approve=shown).revision is not None
    assert session.wait("shop", namespace=namespace).is_ready
    assert [one.release for one in session.releases(namespace=namespace)] == ["shop"]
    gone = session.uninstall(UninstallRequest(release="shop", namespace=namespace))
    assert [change.ref.name for change in gone.proposal.plan.changes] == ["a"]
    assert session.releases(namespace=namespace) == ()


def test_a_release_is_made_by_the_context_of_a_kubeconfig(control_plane, namespace, menu):
    with Session.connect(kubeconfig=control_plane.kubeconfig("admin"), context=CONTEXT, options=OPTIONS) as session:
        assert session.identity().server == control_plane.server
        install_and_uninstall(session, menu, namespace)


def test_the_cluster_of_a_session_hears_of_objects_after_the_time_of_a_call_is_over(control_plane, namespace, mounted):
    allow(control_plane, namespace, "chef")
    brief = SessionOptions(timeout_s=0.5)
    with Session.in_cluster(server=control_plane.server, folder=mounted("chef"), options=brief) as session:
        cluster = session.cluster
        query = ListQuery(group="", kind="ConfigMap", namespace=namespace, metadata_only=True)
        events = cluster.watch(query, resource_version=cluster.list(query).resource_version, timeout_s=60.0)

        def listen() -> None:
            assert any(event.type == "ADDED" and event.body["metadata"]["name"] == "late" for event in events)
            heard.set()

        heard, thread = threading.Event(), threading.Thread(target=listen)
        thread.start()
        thread.join(1.0)
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late", "namespace": namespace}}
        assert cluster.apply(Payload.of(body, manager="chef")).is_created
        assert heard.wait(60.0)
        events.close()
        thread.join()


def test_a_context_that_is_not_there_is_said_with_those_that_are(control_plane):
    with pytest.raises(KubeconfigError) as caught:
        Session.connect(kubeconfig=control_plane.kubeconfig("admin"), context="prod")
    assert any(f"known contexts: {CONTEXT}" in line for line in caught.value.context)


def test_a_pod_works_as_its_service_account_in_its_namespace(control_plane, namespace, menu, mounted):
    folder = mounted("chef")
    allow(control_plane, namespace, "chef")
    offline = SessionOptions(timeout_s=120.0, network=NetworkRules(offline=True))
    with Session.in_cluster(server=control_plane.server, folder=folder, options=offline) as session:
        assert session.namespace == namespace
        assert session.identity().user == f"system:serviceaccount:{namespace}:chef"
        install_and_uninstall(session, menu, "")


def test_a_program_acts_as_a_service_account_with_the_right_to_do_so_and_no_other(
    control_plane, namespace, menu, mounted
):
    """The server adds the groups of the account itself: the right to take on groups would be one to take on any."""
    folder, chef = mounted("controller"), f"system:serviceaccount:{namespace}:chef"
    control_plane.api("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "chef"}})
    options = SessionOptions(timeout_s=120.0, impersonate=chef)
    with (
        Session.in_cluster(server=control_plane.server, folder=folder, options=options) as session,
        pytest.raises(ForbiddenError) as caught,
    ):
        session.identity()
    controller = f"system:serviceaccount:{namespace}:controller"
    assert caught.value.context == (f"{controller} may not act as {chef}",)
    assert f"a Role in namespace {namespace} with verb impersonate on serviceaccounts, name chef" in caught.value.hint
    allow(control_plane, namespace, "chef")
    rule = {"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["chef"], "verbs": ["impersonate"]}
    allow(control_plane, namespace, "controller", rule)
    with Session.in_cluster(server=control_plane.server, folder=folder, options=options) as session:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {"name": "me"}}
        groups = session.cluster.create(Payload.of(review)).body["status"]["userInfo"]["groups"]
        assert {*groups} == {"system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"}
        assert session.identity().who == f"{chef} (by {controller})"
        done = session.apply(ReleaseRequest(bundle=menu, release="shop"))
        assert done.revision.summary.user == f"{chef} (by {controller})"


def test_all_rights_that_a_change_needs_are_named_at_once(control_plane, namespace, tmp_path, mounted):
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}\nrules: "
    granted = "[{apiGroups: [batch], resources: [jobs], verbs: [list]}]\n"
    files = {"templates/a.yaml": CONFIG_MAP, "templates/role.yaml": role + granted, "values.yaml": "x: one\n"}
    menu, here = str(make_bundle(tmp_path, files)), f"in {namespace}"
    request = ReleaseRequest(bundle=menu, release="shop")
    with Session.in_cluster(server=control_plane.server, folder=mounted("guest"), options=OPTIONS) as session:
        missing = session.missing_rights(request)
        now = {str(one) for one in missing if not one.is_for_later}
        assert {f"create secrets {here}", f"patch configmaps {here}", f"list jobs.batch {here}"} <= now
        assert f"create roles.rbac.authorization.k8s.io {here}" in now
        later = {str(one) for one in missing if one.is_for_later}
        assert {f"delete configmaps {here}", f"list events {here}"} <= later
        # What is recorded cannot even be looked for.
        assert {str(one) for one in session.missing_rights(UninstallRequest(release="shop"))} >= {
            f"get secrets {here}",
            f"get leases.coordination.k8s.io {here}",
        }
    allow(control_plane, namespace, "guest")
    with Session.connect(kubeconfig=control_plane.kubeconfig("admin"), context=CONTEXT, options=OPTIONS) as admin:
        assert admin.missing_rights(request) == ()
        admin.apply(ReleaseRequest(bundle=menu, release="shop", namespace=namespace))
    as_guest = SessionOptions(
        timeout_s=120.0, impersonate=f"system:serviceaccount:{namespace}:guest", namespace=namespace
    )
    with Session.connect(kubeconfig=control_plane.kubeconfig("admin"), options=as_guest) as session:
        back = session.missing_rights(RollbackRequest(release="shop", revision=1))
        assert {(one.resource, one.verb) for one in back if not one.is_for_later} >= {
            ("roles", "patch"),
            ("jobs", "list"),
        }
        gone = session.missing_rights(UninstallRequest(release="shop"))
        needed = {(one.resource, one.verb) for one in gone if not one.is_for_later}
        assert needed == {("roles", "get"), ("roles", "list"), ("roles", "delete")}


def test_the_printed_account_lacks_nothing_and_puts_back_what_drifted(control_plane, namespace, menu):
    request = ReleaseRequest(bundle=menu, release="shop", namespace=namespace)
    admin = Session.connect(kubeconfig=control_plane.kubeconfig("admin"), context=CONTEXT, options=OPTIONS)
    with admin:
        for body in admin.account_for_controller(request).objects:
            admin.cluster.create(Payload.of(body))
        chef = f"system:serviceaccount:{namespace}:bundler-shop"
        as_chef = SessionOptions(timeout_s=120.0, impersonate=chef, namespace=namespace)
        with Session.connect(kubeconfig=control_plane.kubeconfig("admin"), options=as_chef) as session:
            ends_s = time.monotonic() + 60.0  # the server hears of new roles a moment later
            while session.missing_rights(request) and time.monotonic() < ends_s:
                time.sleep(0.05)
            assert session.missing_rights(request) == ()
            session.apply(request)
            assert session.missing_rights(RollbackRequest(release="shop", revision=1)) == ()
            ref = next(ref for ref in session.revision("shop").refs if ref.kind == "ConfigMap")
            assert admin.cluster.delete(ref)
            assert [one.ref for one in session.correct("shop").objects] == [ref]
            assert session.cluster.get(ref) is not None
            assert session.drift("shop").objects == ()
            assert [(one.revision, one.corrected) for one in session.history("shop")] == [(1, 1)]


def test_a_pod_without_rights_is_refused(control_plane, menu, mounted):
    with (
        Session.in_cluster(server=control_plane.server, folder=mounted("guest"), options=OPTIONS) as session,
        pytest.raises(ForbiddenError),
    ):
        session.apply(ReleaseRequest(bundle=menu, release="shop"))


def test_two_sessions_in_one_process_are_two_users(control_plane, namespace, menu, mounted):
    """Side by side, each with its own connections and logins: one may write, the other may not."""
    folder = mounted("guest")
    both = threading.Barrier(2)
    said: dict[str, object] = {}

    def admin() -> None:
        with Session.connect(kubeconfig=control_plane.kubeconfig("admin"), options=OPTIONS) as session:
            both.wait()
            result = session.apply(ReleaseRequest(bundle=menu, release="shop", namespace=namespace))
            said["admin"] = result.revision is not None

    def guest() -> None:
        with Session.in_cluster(server=control_plane.server, folder=folder, options=OPTIONS) as session:
            both.wait()
            try:
                session.releases()
            except ForbiddenError as error:
                said["guest"] = error.code

    threads = [threading.Thread(target=work) for work in (admin, guest)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == {"admin": True, "guest": ForbiddenError.code}
