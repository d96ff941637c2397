"""From a registry on the connected side into one at the site, and from there into a real API server."""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING

import pytest

from bundler.delivery.reader import Delivery
from bundler.library.system_clock import SystemClock
from bundler.model.delivery import BlobKind
from bundler.model.digest import digest_of
from bundler.model.json import canonical_json
from bundler.model.oci import OCI_CONFIG, OCI_MANIFEST, OciManifest, Repository
from tests.cli.test_delivery import SCHEMA, VALUES, WEB
from tests.lib.bundles import make_bundle
from tests.lib.cutting_proxy import CuttingProxy
from tests.lib.delivered import content_of
from tests.lib.images import TestImage, make_image, push_image
from tests.lib.registry import PASSWORD, USER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.registry import RealRegistry

MIB = 1024 * 1024


@pytest.fixture
def real(cli, monkeypatch):
    """The command line with a real clock and no one's logins."""
    monkeypatch.setattr("bundler.cli.session.invocation.SystemClock", SystemClock)
    for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return cli


def plain_client(*hosts: str):
    from bundler.http.client_config import ClientConfig
    from bundler.oci.client import OciClient
    from bundler.oci.settings import RegistrySettings

    around = ClientConfig(env={}, clock=SystemClock(), budget=lambda: 60.0)
    return OciClient.open(RegistrySettings(plain_http=frozenset(hosts)), around)


class Kitchen:
    """A bundle whose images are in an origin registry, and a site with a registry of its own."""

    def __init__(self, cli, origin: RealRegistry, site: RealRegistry, place: str) -> None:
        self.cli, self.origin, self.site, self.place = cli, origin, site, place
        self.prefix = f"acme-{place}"
        self.file = cli.home / "acme.yaml"
        pull = {"auths": {site.host: {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}}}
        self.pull_config = json.dumps(pull)
        (cli.home / "auth.json").write_text(self.pull_config)
        (cli.home / "auth.json").chmod(0o600)
        self.file.write_text(
            json.dumps(
                {
                    "apiVersion": "bundler.dev/v1",
                    "kind": "Site",
                    "metadata": {"name": "acme"},
                    "spec": {
                        "registry": {"host": site.host, "prefix": self.prefix, "ca": str(site.ca)},
                        "pullSecret": "site-pull",
                        "namespace": place,
                    },
                }
            )
        )

    def ref(self, name: str) -> str:
        return f"{self.origin.host}/{self.place}/{name}"

    def publish(self, name: str, **options: object) -> TestImage:
        image = make_image(f"{self.place}{name}", **options)  # type: ignore[arg-type]
        repository, _, tag = name.partition(":")
        client = plain_client(self.origin.host)
        push_image(client, Repository(self.origin.host, f"{self.place}/{repository}"), image, tag=tag)
        client.close()
        return image

    def bundle(self, version: str, web: str) -> Path:
        text = WEB.replace("quay.io/org/exporter:", self.ref("exporter:")).replace(
            "docker.io/library/tool:1", self.ref("tool:1")
        )
        values = VALUES.replace("nginx:1.27", self.ref(web))
        files = {"templates/web.yaml": text, "values.yaml": values, "values.schema.json": SCHEMA}
        return make_bundle(self.cli.home / f"src-{version}", files, name="web", version=version)

    def export(self, version: str, web: str, *more: object) -> Path:
        out = self.cli.home / f"web-{version}.bundle"
        argv = ["export", self.bundle(version, web), "--out", out, "--insecure-http", self.origin.host]
        self.cli(*argv, "--all-platforms", *more).ok()
        return out

    def run(self, *argv: object):
        return self.cli(*argv, "--site", self.file, REGISTRY_AUTH_FILE=str(self.cli.home / "auth.json"))


@pytest.fixture
def kitchen(real, registry, secure_registry):
    made = Kitchen(real, registry, secure_registry, f"k{uuid.uuid4().hex[:8]}")
    for name in ("web:1", "exporter:1", "exporter:2", "tool:1"):
        made.publish(name, layer_bytes=(4000, 500))
    made.publish("web:2", layer_bytes=(4000, 900))
    return made


def origin_requests(registry: RealRegistry) -> int:
    return registry.log.read_text().count("http.request.method")


def test_export_import_and_skopeo_agree_on_every_digest(kitchen) -> None:
    file = kitchen.export("1.0.0", "web:1")
    kitchen.cli("verify", file).ok()
    done = kitchen.run("import", file, "-o", "json").ok().document
    assert len(done["images"]) == 4
    for one in done["images"]:
        target, _, digest = one["target"].partition("@")
        flags = ["--tls-verify=false", f"--creds={USER}:{PASSWORD}"]
        raw = subprocess.run(
            ["skopeo", "inspect", "--raw", *flags, f"docker://{target}@{digest}"], capture_output=True, check=True
        ).stdout
        assert digest_of(raw) == digest
        again = kitchen.site.skopeo("inspect", *flags, "--format", "{{.Digest}}", f"docker://{target}:{one['ref'].rpartition(':')[2]}")  # fmt: skip
        assert again.strip() == digest
    assert kitchen.run("import", file, "-o", "json").ok().document["sentBlobs"] == 0


def test_a_delivery_is_installed_upgraded_by_a_delta_and_rolled_back(kitchen, control_plane, monkeypatch) -> None:
    monkeypatch.setenv("BUNDLER_CONTEXT", "")
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig("admin")))
    first = kitchen.export("1.0.0", "web:1")
    second = kitchen.export("1.1.0", "web:2", "--since", first)
    assert second.stat().st_size < first.stat().st_size
    quiet_since = origin_requests(kitchen.origin)
    place = kitchen.place
    control_plane.api("POST", "/api/v1/namespaces", {"metadata": {"name": place}})

    early = {one["name"]: one["state"] for one in kitchen.run("preflight", first, "-o", "json").document}
    assert (early["images"], early[f"pull secret in {place}"], early["permissions"]) == ("failed", "failed", "passed")
    secret = {
        "metadata": {"name": "site-pull"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(kitchen.pull_config.encode()).decode()},
    }
    control_plane.api("POST", f"/api/v1/namespaces/{place}/secrets", secret)
    assert kitchen.run("import", second).code == 27
    kitchen.run("import", first).ok()
    began = time.monotonic()
    late = kitchen.run("preflight", first)
    assert late.code == 0, late.out
    assert time.monotonic() - began < 90

    kitchen.run("install", first, "--timeout", "5m").ok()
    pods = control_plane.api("GET", f"/api/v1/namespaces/{place}/pods")["items"]
    images = {container["image"] for pod in pods for container in pod["spec"]["containers"]}
    assert images
    assert all(image.startswith(f"{kitchen.site.host}/{kitchen.prefix}/") and "@sha256:" in image for image in images)
    assert all({"name": "site-pull"} in pod["spec"]["imagePullSecrets"] for pod in pods)
    assert "no changes" in kitchen.run("install", first).ok().out
    assert kitchen.run("diff", "web", first, "--exit-code").code == 0

    assert kitchen.run("upgrade", "web", second).code == 1
    kitchen.run("import", second).ok()
    kitchen.run("upgrade", "web", second, "--timeout", "5m").ok()
    kitchen.cli("rollback", "web", "-n", place, "--timeout", "5m").ok()
    history = kitchen.cli("history", "web", "-n", place, "-o", "json").ok().document
    assert [one["bundle"]["version"] for one in history] == ["1.0.0", "1.1.0", "1.0.0"]
    assert origin_requests(kitchen.origin) == quiet_since
    kitchen.cli("uninstall", "web", "--yes", "-n", place).ok()


def test_preflight_knows_what_a_role_allows(real, control_plane, monkeypatch) -> None:
    monkeypatch.setenv("BUNDLER_CONTEXT", "")
    place = f"p{uuid.uuid4().hex[:8]}"
    body = {"metadata": {"name": place, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    control_plane.api("POST", "/api/v1/namespaces", body)
    control_plane.grant_namespace_deployer(place)
    states = {}
    for user in ("deployer", "viewer"):
        found = real("preflight", "shop", "-n", place, "-o", "json", KUBECONFIG=str(control_plane.kubeconfig(user)))
        states[user] = {one["name"]: one for one in found.document}
    assert states["deployer"]["permissions"]["state"] == "passed"
    assert not [one for one in states["deployer"].values() if one["state"] == "failed"]
    assert states["viewer"]["permissions"]["state"] == "failed"
    assert f"create configmaps in {place}" in states["viewer"]["permissions"]["found"]


def test_a_wrong_login_is_told_before_anything_is_written(kitchen) -> None:
    file = kitchen.export("1.0.0", "web:1")
    outcome = kitchen.cli("import", file, "--site", kitchen.file)
    assert outcome.code == 1
    assert "error[registry-login]" in outcome.err
    unknown = kitchen.cli("import", file, "--registry", f"{kitchen.site.host}/x")
    assert "--registry-ca" in unknown.err


def test_a_damaged_layer_is_refused_by_the_registry(kitchen) -> None:
    file = kitchen.export("1.0.0", "web:1")
    with Delivery.open(file) as delivery:
        layers = [one for one in delivery.placement.blobs if one.blob is not None and one.blob.kind is BlobKind.LAYER]
    raw = bytearray(file.read_bytes())
    raw[layers[0].content_at + 7] ^= 1
    file.chmod(0o644)
    file.write_bytes(raw)
    outcome = kitchen.run("import", file)
    assert outcome.code == 20
    assert f"error[delivery-damaged]: reading {file}" in outcome.err
    assert layers[0].blob is not None
    assert layers[0].blob.digest in outcome.err


def large_image(*sizes: int) -> TestImage:
    """An image of one platform whose layers are plain random bytes."""
    blobs = {}
    layers = []
    for number, size in enumerate(sizes):
        content = random.Random(number).randbytes(size)
        digest = digest_of(content)
        blobs[digest] = content
        layers.append({"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": size})
    config = canonical_json({"architecture": "amd64", "os": "linux"})
    blobs[digest_of(config)] = config
    described = {"mediaType": OCI_CONFIG, "digest": digest_of(config), "size": len(config)}
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described, "layers": layers}
    top = OciManifest.of(canonical_json(manifest), OCI_MANIFEST)
    return TestImage(top=top, manifests=(top,), blobs=blobs)


def large_delivery(folder: Path, *sizes: int) -> tuple[Path, int]:
    bundle = make_bundle(folder / "src", {"templates/_none.yaml": ""}, name="large")
    content = content_of(bundle, {"docker.io/library/large:1": large_image(*sizes)}, scratch=folder)
    return content.write(folder / "large.bundle")[0], sum(sizes)


@pytest.mark.slow
def test_an_import_through_a_line_that_is_cut_every_8_mb_finishes(real, registry) -> None:
    file, total = large_delivery(real.home, 1 * MIB, 20 * MIB, 200 * MIB)
    with CuttingProxy(registry.port, max_bytes=8 * MIB) as proxy:
        host = f"127.0.0.1:{proxy.port}"
        place = f"{host}/cut-{uuid.uuid4().hex[:8]}"
        argv = ["import", file, "--registry", place, "--insecure-http", host]
        real(*argv, "--timeout", "5m").ok()
        assert proxy.cuts >= 1
        assert proxy.to_server_bytes <= 1.2 * total
        before = proxy.to_server_bytes
        assert real(*argv, "-o", "json").ok().document["sentBlobs"] == 0
        assert proxy.to_server_bytes - before < 100_000


def test_an_import_that_was_killed_goes_on(real, registry) -> None:
    file, total = large_delivery(real.home, *[3 * MIB] * 1, *[3 * MIB + n for n in range(1, 12)])
    place = f"{registry.host}/killed-{uuid.uuid4().hex[:8]}"
    argv = ["import", str(file), "--registry", place, "--insecure-http", registry.host]
    with subprocess.Popen(
        [sys.executable, "-m", "bundler", *argv], stderr=subprocess.PIPE, env=dict(os.environ)
    ) as run:
        blobs = registry.data / "docker/registry/v2/repositories" / place.partition("/")[2] / "library/large/_layers/sha256"  # fmt: skip
        end = time.monotonic() + 120
        while not (blobs.is_dir() and any(blobs.iterdir())) and time.monotonic() < end:
            time.sleep(0.005)
        run.kill()
    done = real(*argv, "-o", "json").ok().document
    assert 0 < done["sentBytes"] < total
    assert done["skippedBlobs"] > 0
