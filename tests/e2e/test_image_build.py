"""Images that are built by the real program, in real registries: what skopeo takes of them, and how they travel."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from bundler.delivery.check import check_whole
from bundler.delivery.reader import Delivery
from tests.e2e.test_export import bundler, shop
from tests.lib.images import make_image, write_layout
from tests.lib.layers import DPKG

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.registry import RealRegistry


def source(folder: Path) -> Path:
    code = folder / "src"
    code.mkdir()
    (code / "serve.py").write_text("print('serving')\n")
    (code / "serve.py").chmod(0o755)
    (code / "current").symlink_to("serve.py")
    return code


def test_code_becomes_an_image_that_travels_to_a_site(registry: RealRegistry, tmp_path: Path) -> None:
    """From a layout into a registry, through a delivery into another place, and out of there by skopeo."""
    base = make_image("python", files={"var/lib/dpkg/status": DPKG.encode()}, layer_bytes=(2000, 70_000))
    layout = write_layout(base, tmp_path / "base", tag="3.12")
    ref, plain = f"{registry.host}/built/app:1.0", ["--insecure-http", registry.host]
    build = ["image", "build", "--base", f"oci:{layout}", "--add", f"{source(tmp_path)}:/app", *plain]
    build += ["--entrypoint", "python3 /app/serve.py", "--user", "1000", "--platform", "linux/amd64,linux/arm64"]
    done = bundler(tmp_path, *build, "--to", ref, "-o", "json")
    assert done.code == 0, done.err
    built = json.loads(done.out)
    again = json.loads(bundler(tmp_path, *build, "--to", ref, "-o", "json").out)
    assert (again["digest"], again["existed"], again["sentBytes"]) == (built["digest"], True, 0)

    # what others read there
    seen = json.loads(registry.skopeo("inspect", "--config", "--tls-verify=false", f"docker://{ref}"))
    assert seen["config"] == {"Entrypoint": ["python3", "/app/serve.py"], "User": "1000"}
    assert len(seen["history"]) == 3

    # the way to a site
    bundle = shop(tmp_path, ref)
    done = bundler(tmp_path, "export", bundle, "--out", tmp_path, "--all-platforms", *plain)
    assert done.code == 0, done.err
    file = tmp_path / "shop-1.4.0.bundle"
    with Delivery.open(file) as delivery:
        check_whole(delivery)
        assert delivery.index.images[0].root == built["digest"]
        assert len(delivery.index.attachments) == 2
    site = f"{registry.host}/site"
    assert bundler(tmp_path, "import", file, "--registry", site, *plain).code == 0
    pulled = tmp_path / "pulled"
    there = f"docker://{site}/{registry.host.replace(':', '-')}/built/app:1.0"
    registry.skopeo("copy", "--all", "--preserve-digests", "--src-tls-verify=false", there, f"oci:{pulled}:1.0")
    index = json.loads((pulled / "index.json").read_text())
    assert index["manifests"][0]["digest"] == built["digest"]


SHIPPED_AS_IMAGES = {
    "devbox": ("tools:/usr/local", ("--set", "image={ref}"), ("StatefulSet", "machine")),
    "function": (
        "src:/app",
        ("--set-json", 'functions={{"hello": null, "app": {{"image": "{ref}", "command": ["/app/serve.py"]}}}}'),
        ("Deployment", "function"),
    ),
}


@pytest.mark.parametrize("name", SHIPPED_AS_IMAGES)
def test_a_machine_or_a_function_ships_as_an_image_that_was_built_without_an_engine(
    registry: RealRegistry, tmp_path: Path, name: str
) -> None:
    """From files to a registry, into a delivery, to the site's registry, and into a release that is pinned to it."""
    added, settings, (kind, container) = SHIPPED_AS_IMAGES[name]
    source(tmp_path).rename(tmp_path / added.partition(":")[0])
    base = write_layout(make_image("python"), tmp_path / "base", tag="3.13")
    ref, plain = f"{registry.host}/built/{name}:1.0", ["--insecure-http", registry.host]
    built = ["--base", f"oci:{base}", "--add", f"{tmp_path}/{added}", "--to", ref, "-o", "json", *plain]
    done = bundler(tmp_path, "image", "build", *built)
    assert done.code == 0, done.err
    digest = json.loads(done.out)["digest"]

    own = [word.format(ref=ref) for word in settings]
    python = f"docker.io/library/python:3.13-alpine={base}"
    file = tmp_path / "delivery.bundle"
    done = bundler(tmp_path, "export", name, *own, "--layout", python, "--out", file, "--all-platforms", *plain)
    assert done.code == 0, done.err
    site = tmp_path / "site.yaml"
    where = {"host": registry.host, "prefix": f"site-{name}", "insecureHTTP": True}
    header = {"apiVersion": "bundler.dev/v1", "kind": "Site", "metadata": {"name": "acme"}}
    site.write_text(json.dumps({**header, "spec": {"registry": where}}))
    done = bundler(tmp_path, "import", file, "--site", site)
    assert done.code == 0, done.err

    done = bundler(tmp_path, "install", "mine", file, *own, "--site", site, "--context", "sandbox")
    assert done.code == 0, done.err
    shown = bundler(tmp_path, "get", "manifest", "mine", "--context", "sandbox").out
    workloads = [one for one in yaml.safe_load_all(shown) if one and one["kind"] == kind]
    images = [
        c["image"] for one in workloads for c in one["spec"]["template"]["spec"]["containers"] if c["name"] == container
    ]
    assert [image for image in images if image.endswith(digest)], images
    assert all(image.startswith(f"{registry.host}/site-{name}/") for image in images)


def test_layers_of_a_base_on_the_same_host_are_mounted_and_from_another_copied(
    registry: RealRegistry, secure_registry: RealRegistry, tmp_path: Path
) -> None:
    size = 300_000
    layout = write_layout(make_image("large", layer_bytes=(size,), has_index=False), tmp_path / "base", tag="1")
    base = f"{registry.host}/base/large:1"
    registry.skopeo("copy", *registry.skopeo_flags("dest"), f"oci:{layout}:1", f"docker://{base}")
    code = source(tmp_path)
    flags = ["--insecure-http", registry.host, "--registry-ca", secure_registry.ca, "-o", "json"]
    words = ["image", "build", "--base", base, "--add", f"{code}:/app", *flags]
    beside = bundler(tmp_path, *words, "--to", f"{registry.host}/built/beside:1")
    assert beside.code == 0, beside.err
    assert 0 < json.loads(beside.out)["sentBytes"] < size / 10
    far = f"{secure_registry.host}/built/far:1"
    assert "error[registry-login]" in bundler(tmp_path, *words, "--to", far).err
    auth = {"REGISTRY_AUTH_FILE": str(secure_registry.auth_file(tmp_path / "auth.json"))}
    copied = bundler(tmp_path, *words, "--to", far, env=auth)
    assert copied.code == 0, copied.err
    assert json.loads(copied.out)["sentBytes"] > size
    assert json.loads(copied.out)["digest"] == json.loads(beside.out)["digest"]

    # a tag stays what it is, unless it is said
    (code / "serve.py").write_text("print('serving more')\n")
    refused = bundler(tmp_path, *words, "--to", f"{registry.host}/built/beside:1")
    assert (refused.code, "image-tag-taken" in refused.err + refused.out) == (1, True)
    moved = bundler(tmp_path, *words, "--to", f"{registry.host}/built/beside:1", "--force")
    assert moved.code == 0, moved.err


def test_layouts_are_what_skopeo_reads_and_writes(registry_tools: None, tmp_path: Path) -> None:
    base = write_layout(make_image("base"), tmp_path / "base", tag="1")
    out = tmp_path / "out"
    words = [
        "--base",
        f"oci:{base}:1",
        "--add",
        f"{source(tmp_path)}:/app",
        "--to",
        f"oci:{out}:registry.example/app:1",
    ]
    assert bundler(tmp_path, "image", "build", *words).code == 0
    copy = ["skopeo", "copy", "--preserve-digests", f"oci:{out}:registry.example/app:1", f"oci:{tmp_path / 'copy'}:1"]
    done = subprocess.run(copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
