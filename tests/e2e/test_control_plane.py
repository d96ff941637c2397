"""The control plane fixture itself: what the other tests take for granted."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.lib.objects import deployment, job, pod, stateful_set
from tests.lib.raw_api import MERGE_PATCH, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lib.controlplane import ControlPlane

TIMEOUT_S = 120


def eventually(look: Callable[[], Any], is_done: Callable[[Any], bool]) -> Any:
    """Look until the answer is as wanted, and return it."""
    end = time.monotonic() + TIMEOUT_S
    while not is_done(found := look()):
        assert time.monotonic() < end, f"still not there after {TIMEOUT_S} s: {str(found)[:1500]}"
        time.sleep(0.05)
    return found


class Namespaced:
    """The API as the tests below use it, in one namespace."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self.plane, self.namespace = plane, namespace

    def path(self, kind: str, name: str = "") -> str:
        groups = {"deployments": "apis/apps/v1", "statefulsets": "apis/apps/v1", "jobs": "apis/batch/v1"}
        path = f"/{groups.get(kind, 'api/v1')}/namespaces/{self.namespace}/{kind}"
        return f"{path}/{name}" if name else path

    def create(self, kind: str, body: object) -> None:
        self.plane.api("POST", self.path(kind), body)

    def wait(self, kind: str, name: str, is_done: Callable[[Any], bool]) -> Any:
        return eventually(lambda: self._find(kind, name), lambda found: bool(found) and is_done(found))

    def _find(self, kind: str, name: str) -> Any:
        try:
            return self.plane.api("GET", self.path(kind, name))
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    def wait_all(self, kind: str, is_done: Callable[[Any], bool]) -> Any:
        return eventually(lambda: self.plane.api("GET", self.path(kind))["items"], is_done)

    def wait_for_state(self, name: str, state: str, reason: str) -> Any:
        found = self.wait(
            "pods", name, lambda body: reason in json.dumps(main_status(body).get("state", {}).get(state, {}))
        )
        return main_status(found)

    def create_pod(self, body: dict[str, Any]) -> None:
        # A bare pod is refused until the controllers have made the namespace's ServiceAccount.
        self.wait("serviceaccounts", "default", bool)
        self.create("pods", body)

    def log(self, pod_name: str, query: str = "") -> str:
        return self.plane.api_text(self.path("pods", pod_name) + f"/log{query}")


def images_of_pods(api: Namespaced) -> set[str]:
    """Return the images of all pods of the namespace."""
    pods = api.plane.api("GET", api.path("pods"))["items"]
    return {container["image"] for body in pods for container in body["spec"]["containers"]}


def volume_names(plane: ControlPlane) -> list[str]:
    """Return the names of all volumes."""
    return [volume["metadata"]["name"] for volume in plane.api("GET", "/api/v1/persistentvolumes")["items"]]


def main_status(body: Any) -> Any:
    """Return the status of the first container, or an empty one."""
    return (body.get("status", {}).get("containerStatuses") or [{}])[0]


def is_ready(body: Any) -> bool:
    """Return whether a pod or node is Ready."""
    return has_condition(body, "Ready")


def has_condition(body: Any, kind: str) -> bool:
    """Return whether a condition is true."""
    conditions = body.get("status", {}).get("conditions") or []
    return any(one["type"] == kind and one["status"] == "True" for one in conditions)


@pytest.fixture
def api(control_plane: ControlPlane, namespace: str) -> Namespaced:
    return Namespaced(control_plane, namespace)


def test_two_nodes_are_ready_and_free_of_taints(control_plane: ControlPlane) -> None:
    nodes = control_plane.api("GET", "/api/v1/nodes")["items"]
    assert [node["status"]["nodeInfo"]["architecture"] for node in nodes] == ["amd64", "amd64"]
    assert all(is_ready(node) and not node["spec"].get("taints") for node in nodes)


def test_the_server_tells_the_version_that_was_stamped(control_plane: ControlPlane) -> None:
    version = control_plane.api("GET", "/version")
    assert version["gitVersion"].startswith("v1.")
    assert version["minor"] == version["gitVersion"].split(".")[1]


def test_a_deployment_becomes_ready_and_its_pods_leave_at_once(api: Namespaced) -> None:
    api.create("deployments", deployment("web", "nginx:1.27", replicas=20))
    api.wait("deployments", "web", lambda body: body.get("status", {}).get("readyReplicas") == 20)
    nodes = {one["spec"]["nodeName"] for one in api.wait_all("pods", bool)}
    assert nodes == {"node-1", "node-2"}
    api.plane.api("DELETE", api.path("deployments", "web"))
    api.wait_all("pods", lambda found: not found)


def test_a_new_image_rolls_out(api: Namespaced) -> None:
    api.create("deployments", deployment("web", "nginx:1.27", replicas=2))
    api.wait("deployments", "web", lambda body: body.get("status", {}).get("readyReplicas") == 2)
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "nginx:1.28"}]}}}}
    api.plane.api("PATCH", api.path("deployments", "web"), patch, content_type=MERGE_PATCH)
    eventually(lambda: images_of_pods(api), lambda found: found == {"nginx:1.28"})


def test_an_image_that_cannot_be_pulled_says_so(api: Namespaced) -> None:
    api.create_pod(pod("web", "registry.test/broken:1"))
    status = api.wait_for_state("web", "waiting", "ImagePullBackOff")
    assert not status["ready"]
    assert "registry.test/broken:1" in status["state"]["waiting"]["message"]
    api.wait_all("events", lambda found: any(event["reason"] == "Failed" for event in found))
    with pytest.raises(ApiError, match="trying and failing to pull image") as refused:
        api.log("web")
    assert refused.value.status == 400


def test_a_crashing_container_restarts_again_and_again(api: Namespaced) -> None:
    api.create_pod(pod("web", "crash:1"))
    first = api.wait_for_state("web", "waiting", "CrashLoopBackOff")
    assert first["lastState"]["terminated"]["exitCode"] == 1
    api.wait("pods", "web", lambda body: main_status(body)["restartCount"] > first["restartCount"])


def test_an_unready_container_runs_without_becoming_ready(api: Namespaced) -> None:
    api.create_pod(pod("web", "unready:1"))
    found = api.wait("pods", "web", lambda body: "running" in main_status(body).get("state", {}))
    assert found["status"]["phase"] == "Running"
    assert not is_ready(found)
    api.wait_all("events", lambda events: any(event["reason"] == "Unhealthy" for event in events))


def test_a_slow_container_becomes_ready_after_a_while(api: Namespaced) -> None:
    api.create_pod(pod("web", "slow:1"))
    assert not is_ready(api.wait("pods", "web", lambda body: "running" in main_status(body).get("state", {})))
    api.wait("pods", "web", is_ready)


def test_an_initialising_container_that_fails_holds_the_others_back(api: Namespaced) -> None:
    api.create_pod(pod("web", "nginx:1.27", initContainers=[{"name": "first", "image": "crash:1"}]))
    found = api.wait("pods", "web", lambda body: body.get("status", {}).get("initContainerStatuses"))
    assert found["status"]["initContainerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert main_status(found)["state"]["waiting"]["reason"] == "PodInitializing"


def test_a_pod_starts_after_its_initialising_container_and_keeps_its_sidecar(api: Namespaced) -> None:
    helpers = [{"name": "first", "image": "busybox"}, {"name": "side", "image": "busybox", "restartPolicy": "Always"}]
    api.create_pod(pod("web", "nginx:1.27", initContainers=helpers))
    found = api.wait("pods", "web", is_ready)
    states = {one["name"]: next(iter(one["state"])) for one in found["status"]["initContainerStatuses"]}
    assert states == {"first": "terminated", "side": "running"}


def test_a_job_finishes(api: Namespaced) -> None:
    api.create("jobs", job("migrate", "postgres:16"))
    api.wait("jobs", "migrate", lambda body: body.get("status", {}).get("succeeded") == 1)


@pytest.mark.parametrize("image", ["exit1:1", "registry.test/failjob:2", "crash:1"])
def test_a_job_with_a_failing_image_fails(api: Namespaced, image: str) -> None:
    api.create("jobs", job("migrate", image))
    found = api.wait("jobs", "migrate", lambda body: has_condition(body, "Failed"))
    assert found["status"]["failed"] == 1
    pods = api.wait_all("pods", lambda pods: pods and "terminated" in main_status(pods[0]).get("state", {}))
    assert main_status(pods[0])["state"]["terminated"]["exitCode"] == 1


def test_the_claims_of_a_stateful_set_are_bound_and_outlive_it(api: Namespaced) -> None:
    api.create("statefulsets", stateful_set("db", "postgres:16"))
    api.wait("statefulsets", "db", lambda body: body.get("status", {}).get("readyReplicas") == 1)
    claim = api.wait("persistentvolumeclaims", "data-db-0", lambda body: body["status"]["phase"] == "Bound")
    volume = claim["spec"]["volumeName"]
    api.plane.api("DELETE", api.path("statefulsets", "db"))
    api.wait_all("pods", lambda found: not found)
    assert api.plane.api("GET", api.path("persistentvolumeclaims", "data-db-0"))["spec"]["volumeName"] == volume


def test_a_claim_grows_and_its_volume_goes_with_it(api: Namespaced) -> None:
    api.create("statefulsets", stateful_set("db", "postgres:16"))
    claim = api.wait("persistentvolumeclaims", "data-db-0", lambda body: body["status"]["phase"] == "Bound")
    bigger = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    api.plane.api("PATCH", api.path("persistentvolumeclaims", "data-db-0"), bigger, content_type=MERGE_PATCH)
    api.wait("persistentvolumeclaims", "data-db-0", lambda body: body["status"]["capacity"]["storage"] == "2Gi")
    api.plane.api("DELETE", api.path("statefulsets", "db"))
    api.plane.api("DELETE", api.path("persistentvolumeclaims", "data-db-0"))
    eventually(lambda: volume_names(api.plane), lambda found: claim["spec"]["volumeName"] not in found)


def test_a_claim_without_a_pod_waits_for_its_first_consumer(api: Namespaced) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    api.create(
        "persistentvolumeclaims",
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec},
    )
    api.wait_all("events", lambda found: any(event["reason"] == "WaitForFirstConsumer" for event in found))
    claim = api.plane.api("GET", api.path("persistentvolumeclaims", "data"))
    assert claim["status"]["phase"] == "Pending"
    assert claim["spec"]["storageClassName"] == "standard"


def test_logs_can_be_read_cut_followed_and_read_of_the_run_before(api: Namespaced) -> None:
    api.create_pod(pod("web", "crash:1"))
    api.wait_for_state("web", "waiting", "CrashLoopBackOff")
    fatal = 'FATAL: password authentication failed for user "shop"'
    assert api.log("web").splitlines() == ["web container main started", fatal]
    assert api.log("web", "?tailLines=1").splitlines() == [fatal]
    assert fatal in api.log("web", "?previous=true")
    assert api.log("web", "?follow=true&tailLines=1").splitlines() == [fatal, "web container main still running"]
    assert api.log("web", "?timestamps=true&tailLines=1").split(" ", 1)[1].strip() == fatal


def test_there_is_no_log_of_a_run_before_the_first(api: Namespaced) -> None:
    api.create_pod(pod("web", "nginx:1.27"))
    api.wait("pods", "web", is_ready)
    with pytest.raises(ApiError, match="previous terminated container") as refused:
        api.log("web", "?previous=true")
    assert refused.value.status == 400


def test_a_namespace_that_enforces_restricted_pods_refuses_a_privileged_one(api: Namespaced) -> None:
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    api.plane.api("PATCH", f"/api/v1/namespaces/{api.namespace}", label, content_type=MERGE_PATCH)
    body = pod("web", "nginx:1.27")
    body["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    with pytest.raises(ApiError, match="violates PodSecurity") as refused:
        api.create_pod(body)
    assert refused.value.status == 403


def test_a_deployer_works_in_its_namespace_and_sees_nothing_outside(api: Namespaced) -> None:
    api.plane.grant_namespace_deployer(api.namespace)
    client = api.plane.client("deployer")
    try:
        eventually(lambda: allowed(lambda: client.call("GET", api.path("secrets"))), bool)
        client.call("POST", api.path("deployments"), deployment("web", "nginx:1.27"))
        for path in (
            "/api/v1/namespaces",
            f"/api/v1/namespaces/{api.namespace}",
            "/api/v1/secrets",
            "/api/v1/namespaces/default/pods",
        ):
            with pytest.raises(ApiError) as refused:
                client.call("GET", path)
            assert (refused.value.status, refused.value.reason) == (403, "Forbidden"), path
    finally:
        client.close()


def allowed(act: Callable[[], object]) -> bool:
    """Return whether a call is not forbidden; the authoriser learns of a new Role a moment after its creation."""
    try:
        act()
    except ApiError as error:
        if error.status != 403:
            raise
        return False
    return True


def test_a_viewer_reads_workloads_but_no_secrets_and_writes_nothing(api: Namespaced) -> None:
    client = api.plane.client("viewer")
    try:
        assert client.call("GET", api.path("deployments"))["items"] == []
        assert not allowed(lambda: client.call("GET", api.path("secrets")))
        assert not allowed(lambda: client.call("POST", api.path("deployments"), deployment("web", "nginx:1.27")))
    finally:
        client.close()


@pytest.mark.parametrize("user", ["admin", "viewer", "deployer", "stranger", "exec", "token-file", "client-cert"])
def test_the_server_knows_each_kubeconfig_by_its_user(control_plane: ControlPlane, user: str) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = request_as(control_plane, user, "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
    assert answer["status"]["userInfo"]["username"] == user


def test_a_token_that_nobody_gave_out_is_refused(control_plane: ControlPlane) -> None:
    assert request_as(control_plane, "unknown", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {})["code"] == 401


def request_as(plane: ControlPlane, user: str, path: str, body: object) -> Any:
    """POST as the user of a kubeconfig, reading the file as a client would."""
    import http.client
    import ssl
    from urllib.parse import urlsplit

    config = json.loads(plane.kubeconfig(user).read_text())
    tls, who = ssl.create_default_context(cafile=str(plane.ca_file)), config["users"][0]["user"]
    if "client-certificate" in who:
        tls.load_cert_chain(who["client-certificate"], who["client-key"])
    connection = http.client.HTTPSConnection(
        urlsplit(config["clusters"][0]["cluster"]["server"]).netloc, context=tls, timeout=10
    )
    token = bearer_token(who)
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    try:
        connection.request("POST", path, body=json.dumps(body), headers=headers)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def bearer_token(who: Any) -> str:
    """Return the token that a kubeconfig user stands for, or the empty string."""
    if "tokenFile" in who:
        from pathlib import Path

        return Path(who["tokenFile"]).read_text().strip()
    if "exec" in who:
        info = {"apiVersion": who["exec"]["apiVersion"], "kind": "ExecCredential", "spec": {"interactive": False}}
        made = subprocess.run(
            [who["exec"]["command"]],
            env={"KUBERNETES_EXEC_INFO": json.dumps(info)},
            capture_output=True,
            text=True,
            check=True,
        )
        return str(json.loads(made.stdout)["status"]["token"])
    return str(who.get("token", ""))
