"""What the kubelet of real processes does with a pod: everything that the tests of bundles rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.lib.load import CLIENT, client_pod, ensure_client
from tests.lib.raw_api import ApiError
from tests.lib.running_site import is_refused

if TYPE_CHECKING:
    from tests.lib.running_site import RunningSite

BUSYBOX = "docker.io/library/busybox:1.36"
UNPRIVILEGED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
SHARED = {"name": "shared", "mountPath": "/shared"}
UNTIL_ASKED = "trap 'echo {name} >> /kept/ends; exit 0' TERM; while :; do sleep 0.05; done"


def container(name: str, script: str, **more: Any) -> dict[str, Any]:
    """Return a container that runs a script of the shell."""
    return {
        "name": name,
        "image": BUSYBOX,
        "command": ["sh", "-c"],
        "args": [script],
        "securityContext": {**UNPRIVILEGED, **more.pop("securityContext", {})},
        "volumeMounts": [SHARED, *more.pop("volumeMounts", [])],
        **more,
    }


def pod(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a pod with a folder that its containers share."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pod", "labels": {"colour": "blue"}},
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 1234,
                "runAsGroup": 4321,
                "fsGroup": 99,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": list(containers),
            "volumes": [{"name": "shared", "emptyDir": {}}, *more.pop("volumes", [])],
            **more,
        },
    }


def claim(name: str) -> dict[str, Any]:
    """Return a claim."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Mi"}}},
    }


def test_a_container_is_what_its_spec_says(server_site: RunningSite) -> None:
    site = server_site
    site.create_object("v1/configmaps", {"metadata": {"name": "c"}, "data": {"k": "from a map", "file.txt": "text"}})
    site.create_object("v1/secrets", {"metadata": {"name": "s"}, "stringData": {"TOKEN": "t0k"}})
    env = [
        {"name": "K", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "COLOUR", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['colour']"}}},
        {"name": "ALL", "value": "$(K) $(NONE) $$(K)"},
    ]
    mounts = [
        {"name": "config", "mountPath": "/etc/app/file.txt", "subPath": "file.txt"},
        {"name": "secret", "mountPath": "/secret", "readOnly": True},
    ]
    script = (
        "id; pwd; env; cat /etc/app/file.txt; ls -ln /secret/..data/ /secret; touch /x /secret/x /shared/x; sleep inf"
    )
    one = container(
        "main",
        script,
        env=env,
        envFrom=[{"secretRef": {"name": "s"}, "prefix": "P_"}],
        volumeMounts=mounts,
        workingDir="/etc",
        securityContext={"readOnlyRootFilesystem": True},
    )
    volumes = [{"name": "config", "configMap": {"name": "c"}}, {"name": "secret", "secret": {"secretName": "s", "defaultMode": 0o400}}]  # fmt: skip
    site.create_object("v1/pods", pod(one, volumes=volumes, terminationGracePeriodSeconds=0))
    site.until("the pod", lambda: site.ready_pods())
    lines = site.until("its words", lambda: "/x" in (text := site.logs("pod")) and text).splitlines()
    assert "uid=1234 gid=4321 groups=4321,99" in lines
    assert {"/etc", "K=from a map", "COLOUR=blue", "ALL=from a map $(NONE) $(K)", "P_TOKEN=t0k", "HOSTNAME=pod"} <= set(
        lines
    )
    assert f"IP={site.get('v1/pods/pod')['status']['podIP']}" in lines
    assert any(line.startswith("text") for line in lines)
    assert any(line.startswith("-r--r-----") and line.endswith("TOKEN") for line in lines), lines
    refused = [line for line in lines if line.startswith("touch: ")]
    assert len(refused) == 2, refused
    assert site.run_in("pod", "main", "ls", "/proc/1/root/shared").split() == ["x"]


def test_containers_begin_and_end_in_their_order(server_site: RunningSite) -> None:
    site = server_site
    site.create_object("v1/persistentvolumeclaims", claim("kept"))
    kept = [{"name": "kept", "mountPath": "/kept"}]
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "echo hook >> /kept/ends"]}}}
    first = container("first", "echo 1 > /shared/first")
    side = container(
        "side",
        "touch /shared/side; " + UNTIL_ASKED.format(name="side"),
        volumeMounts=kept,
        restartPolicy="Always",
        startupProbe={"exec": {"command": ["test", "-f", "/shared/side"]}, "periodSeconds": 1},
    )
    second = container("second", "test -f /shared/side && cat /shared/first > /shared/second")
    main = container(
        "main", "cat /shared/second; " + UNTIL_ASKED.format(name="main"), volumeMounts=kept, lifecycle=hook
    )
    body = pod(main, initContainers=[first, side, second])
    body["spec"]["volumes"].append({"name": "kept", "persistentVolumeClaim": {"claimName": "kept"}})
    site.create_object("v1/pods", body)
    site.until("the pod", lambda: site.ready_pods())
    assert site.until("its words", lambda: site.logs("pod", "main")) == "1\n"
    site.remove("v1/pods/pod")
    site.until("its end", lambda: not site.items("v1/pods"))
    reader = client_pod(volumeMounts=kept)
    reader["spec"]["volumes"] = [{"name": "kept", "persistentVolumeClaim": {"claimName": "kept"}}]
    site.create_object("v1/pods", reader)
    site.until("the reader", lambda: site.ready_pods())
    assert site.run_in(CLIENT, CLIENT, "cat", "/kept/ends").split() == ["hook", "main", "side"]


def test_a_container_that_is_not_alive_is_started_again_and_one_that_is_not_ready_gets_no_traffic(
    server_site: RunningSite,
) -> None:
    site = server_site
    probe = {"periodSeconds": 1, "failureThreshold": 1}
    serve = "touch /shared/alive; cd /shared; python3 -m http.server 8080"
    main = container(
        "main",
        serve,
        ports=[{"name": "http", "containerPort": 8080}],
        livenessProbe={"exec": {"command": ["test", "-f", "/shared/alive"]}, "initialDelaySeconds": 1, **probe},
        readinessProbe={"httpGet": {"path": "/alive", "port": "http"}, **probe},
    )
    site.create_object("v1/pods", pod(main, terminationGracePeriodSeconds=1))
    service = {
        "metadata": {"name": "web"},
        "spec": {"selector": {"colour": "blue"}, "ports": [{"port": 80, "targetPort": "http"}]},
    }
    site.create_object("v1/services", service)
    ensure_client(site)
    asked = ("curl", "-sS", "--fail", "--max-time", "2", f"http://web.{site.namespace}.svc.cluster.local/alive")
    site.until("the pod", lambda: "pod" in site.ready_pods())
    site.until("traffic", lambda: site.run_in(CLIENT, CLIENT, *asked) == "" or True)
    site.run_in("pod", "main", "rm", "/shared/alive")

    def status() -> Any:
        return site.get("v1/pods/pod")["status"]["containerStatuses"][0]

    site.until("a restart", lambda: status()["restartCount"] == 1)
    assert status()["lastState"]["terminated"]["exitCode"] == 137, "a process 1 that handles no SIGTERM is killed"
    assert "GET /alive" in site.logs("pod", previous=True)
    site.until("the pod again", lambda: "pod" in site.ready_pods())
    site.remove("v1/pods/pod")
    site.until("its end", lambda: [one["metadata"]["name"] for one in site.items("v1/pods")] == [CLIENT])
    # The pod is gone a moment before its endpoint is.
    site.until("a refusal", lambda: refuses(site, *asked))


def refuses(site: RunningSite, *asked: str) -> bool:
    """Return whether the client is refused a connection; one that is not answered in time is none."""
    try:
        site.run_once(CLIENT, CLIENT, *asked)
    except ApiError as error:
        return is_refused(error)
    return False


def waits_for(site: RunningSite, name: str, reason: str) -> str:
    """Wait until a pod's container waits for a reason, and return the message."""

    def message() -> Any:
        statuses = site.get(f"v1/pods/{name}")["status"].get("containerStatuses", [{}])
        waiting = statuses[0].get("state", {}).get("waiting") or {}
        return waiting.get("reason") == reason and waiting["message"]

    return str(site.until(reason, message))


def test_a_job_tries_again_and_what_cannot_run_says_why(server_site: RunningSite) -> None:
    site = server_site
    try_twice = container("main", "test -f /shared/tried && exit 0; touch /shared/tried; exit 3")
    template = pod(try_twice, restartPolicy="OnFailure")
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job"}, "spec": {"template": template}}
    site.create_object("batch/v1/jobs", job)
    unknown = pod({**container("main", "true"), "image": "docker.io/library/mysql:9"})
    site.create_object("v1/pods", {**unknown, "metadata": {"name": "unknown"}})
    as_root = pod({**container("main", "true"), "image": "docker.io/library/redis:7.2"})
    del as_root["spec"]["securityContext"]["runAsUser"]
    site.create_object("v1/pods", {**as_root, "metadata": {"name": "as-root"}})
    assert waits_for(site, "unknown", "ErrImagePull")
    assert waits_for(site, "as-root", "CreateContainerConfigError")
    site.until("the Job", lambda: site.get("batch/v1/jobs/job")["status"].get("succeeded") == 1)
    (ran,) = [one for one in site.items("v1/pods") if one["metadata"].get("ownerReferences")]
    assert ran["status"]["containerStatuses"][0]["restartCount"] == 1
