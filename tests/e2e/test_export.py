"""Exports by the real program from a real registry: through TLS and a login, through cuts, killed, measured."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from bundler.delivery.check import check_whole
from bundler.delivery.index import REGION_STEP, decode_index
from bundler.delivery.placement import BLOCK, header, place
from bundler.delivery.reader import Delivery
from bundler.http.client_config import ClientConfig
from bundler.library.system_clock import SystemClock
from bundler.model.delivery import BlobKind
from bundler.model.oci import Repository
from bundler.oci.client import OciClient
from bundler.oci.settings import RegistrySettings
from tests.e2e.test_delivery_install import large_image
from tests.lib.bundles import make_bundle
from tests.lib.cutting_proxy import CuttingProxy
from tests.lib.images import make_image, push_image
from tests.lib.layers import rpm_berkeley, rpm_header

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.lib.images import TestImage
    from tests.lib.registry import RealRegistry

MIB = 1024 * 1024
MAX_RSS_MIB = 70
"""Less than the layers of the test; the benchmarks hold 2 GB to 100 MB."""
MEASURE = """
import os, sys
pid = os.posix_spawn(sys.executable, [sys.executable, "-m", "bundler", *sys.argv[2:]], os.environ)
_, status, usage = os.wait4(pid, 0)
open(sys.argv[1], "w").write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass
class Outcome:
    """What became of one run of the program."""

    code: int
    out: str
    err: str
    rss_mib: float


def bundler(folder: Path, *argv: object, env: Mapping[str, str] | None = None) -> Outcome:
    """Run the program as a process of its own; a small one between measures its peak memory, since ours would count."""
    words = [sys.executable, "-c", MEASURE, str(folder / "rss"), *map(str, argv)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment(folder, env))
    return Outcome(done.returncode, done.stdout, done.stderr, int((folder / "rss").read_text()) / 1024)


def environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": str(folder), **(more or {})}


def push(registry: RealRegistry, name: str, image: TestImage) -> str:
    """Push an image to a plain registry and return its reference."""
    clock = SystemClock()
    settings = RegistrySettings(plain_http=frozenset({registry.host}))
    client = OciClient.open(settings, ClientConfig(env={}, clock=clock, budget=lambda: 60.0, report=lambda _: None))
    push_image(client, Repository(registry.host, name), image, tag="1")
    client.close()
    return f"{registry.host}/{name}:1"


def shop(folder: Path, *refs: str) -> Path:
    containers = "".join(f"    - {{name: c{number}, image: '{ref}'}}\n" for number, ref in enumerate(refs))
    pod = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n{containers}"
    return make_bundle(folder, {"templates/pod.yaml": pod}, name="shop", version="1.4.0")


def check(path: Path) -> None:
    with Delivery.open(path) as delivery:
        check_whole(delivery)


def test_what_skopeo_pushed_is_carried_byte_for_byte(registry: RealRegistry, tmp_path: Path) -> None:
    from tests.lib.images import write_layout

    image = make_image("skopeo", layer_bytes=(2000, 40_000))
    layout = write_layout(image, tmp_path / "layout", tag="1")
    target = f"docker://{registry.host}/export/skopeo:1"
    registry.skopeo("copy", "--all", *registry.skopeo_flags("dest"), f"oci:{layout}:1", target)
    bundle = shop(tmp_path, f"{registry.host}/export/skopeo:1")
    done = bundler(tmp_path, "export", bundle, "--out", tmp_path, "--insecure-http", registry.host, "--all-platforms")
    assert done.code == 0, done.err
    with Delivery.open(tmp_path / "shop-1.4.0.bundle") as delivery:
        check_whole(delivery)
        assert delivery.index.images[0].root == image.digest
        for digest, content in image.blobs.items():
            assert delivery.read(digest) == content


def test_layers_that_skopeo_packed_by_zstd_are_looked_into(registry: RealRegistry, tmp_path: Path) -> None:
    from tests.lib.images import write_layout

    database = rpm_berkeley(rpm_header("bash", "4.4.20", "1.el8"))
    layout = write_layout(make_image("zstd", files={"var/lib/rpm/Packages": database}), tmp_path / "layout", tag="1")
    target = f"docker://{registry.host}/export/zstd:1"
    packing = ["--dest-compress-format", "zstd", "--dest-compress", *registry.skopeo_flags("dest")]
    registry.skopeo("copy", "--all", *packing, f"oci:{layout}:1", target)
    done = bundler(
        tmp_path,
        "export",
        shop(tmp_path, target.removeprefix("docker://")),
        "--out",
        tmp_path,
        "--insecure-http",
        registry.host,
    )
    assert done.code == 0, done.err
    with Delivery.open(tmp_path / "shop-1.4.0.bundle") as delivery:
        assert any(layer.startswith(b"\x28\xb5\x2f\xfd") for layer in map(delivery.read, layers_of(delivery)))
        sbom = json.loads(delivery.read(delivery.index.sbom))
    assert [one["name"] for one in sbom["components"] if one["type"] == "library"] == ["bash"]
    assert "bundler:unread" not in json.dumps(sbom)


def layers_of(delivery: Delivery) -> list[str]:
    return [blob.digest for blob in delivery.index.blobs if blob.kind == "layer"]


def test_tls_from_a_private_authority_and_a_login_are_enough(secure_registry: RealRegistry, tmp_path: Path) -> None:
    from tests.lib.images import write_layout

    layout = write_layout(make_image("secure"), tmp_path / "layout", tag="1")
    target = f"docker://{secure_registry.host}/export/secure:1"
    secure_registry.skopeo("copy", "--all", *secure_registry.skopeo_flags("dest"), f"oci:{layout}:1", target)
    bundle = shop(tmp_path, f"{secure_registry.host}/export/secure:1")
    words = ["export", bundle, "--out", tmp_path, "--registry-ca", secure_registry.ca]
    assert "error[registry-login]" in bundler(tmp_path, *words).err
    auth = secure_registry.auth_file(tmp_path / "auth.json")
    done = bundler(tmp_path, *words, env={"REGISTRY_AUTH_FILE": str(auth)})
    assert done.code == 0, done.err
    check(tmp_path / "shop-1.4.0.bundle")


def test_an_export_through_cuts_finishes(registry: RealRegistry, tmp_path: Path) -> None:
    push(registry, "export/cut", make_image("cut", layer_bytes=(1000, 20 * MIB), has_index=False))
    with CuttingProxy(registry.port, max_bytes=8 * MIB) as proxy:
        host = f"127.0.0.1:{proxy.port}"
        done = bundler(
            tmp_path, "export", shop(tmp_path, f"{host}/export/cut:1"), "--out", tmp_path, "--insecure-http", host
        )
    assert done.code == 0, done.err
    check(tmp_path / "shop-1.4.0.bundle")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_delivery(registry: RealRegistry, tmp_path: Path) -> None:
    ref = push(registry, "export/large", make_image("large", layer_bytes=(40 * MIB, 40 * MIB), has_index=False))
    bundle, file = shop(tmp_path, ref), tmp_path / "shop-1.4.0.bundle"
    runs = [
        bundler(tmp_path, "export", bundle, "--out", tmp_path, "--insecure-http", registry.host),
        bundler(tmp_path, "verify", file),
        bundler(tmp_path, "show", file),
        bundler(tmp_path, "export", bundle, "--out", tmp_path, "--insecure-http", registry.host, "--split", "16M"),
        bundler(tmp_path, "verify", tmp_path / "shop-1.4.0.bundle.001"),
    ]
    assert [run.code for run in runs] == [0] * 5, runs[0].err
    assert max(run.rss_mib for run in runs) < MAX_RSS_MIB


@pytest.mark.slow
def test_killed_at_any_time_an_export_leaves_no_file_under_the_final_name(
    registry: RealRegistry, tmp_path: Path
) -> None:
    ref = push(registry, "export/killed", make_image("killed", layer_bytes=(20 * MIB, 20 * MIB), has_index=False))
    bundle, file = shop(tmp_path, ref), tmp_path / "shop-1.4.0.bundle"
    words = [sys.executable, "-m", "bundler", "export", bundle, "--out", tmp_path, "--insecure-http", registry.host]
    unfinished, killed = tmp_path / ".shop-1.4.0.bundle.unfinished", 0
    for share in (0.0, 0.3, 0.6, 0.9):
        process = subprocess.Popen([str(word) for word in words], env=environment(tmp_path), stderr=subprocess.DEVNULL)
        while process.poll() is None and not (unfinished.exists() and unfinished.stat().st_size >= share * 40 * MIB):
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed += process.returncode == -signal.SIGKILL
        if process.returncode == -signal.SIGKILL and not file.exists():
            assert unfinished.exists()
        elif file.exists():
            check(file)
            file.unlink()
    assert killed >= 3
    assert bundler(tmp_path, *words[3:]).code == 0
    check(file)
    assert not unfinished.exists()


def blobs_asked_for(registry: RealRegistry, name: str, since: int) -> list[str]:
    """Return the blobs of a repository that were fetched, as the registry's log has them from byte ``since`` on."""
    with registry.log.open("rb") as log:
        log.seek(since)
        found = re.findall(rf'"GET /v2/{name}/blobs/(sha256:[0-9a-f]{{64}})'.encode(), log.read())
    return [digest.decode() for digest in found]


def layers_kept(unfinished: Path) -> set[str]:
    """Return the layers that a killed export left whole: those with their header before them."""
    raw = unfinished.read_bytes()
    # the header of the index itself comes last; the index ends where a region of 64 KiB does
    end = raw.index(b"}" + b" " * 64) + 1
    index = decode_index(raw[BLOCK : BLOCK + -(-(end - BLOCK) // REGION_STEP) * REGION_STEP])
    entries = [entry for entry in place(index).blobs if entry.blob is not None and entry.blob.kind is BlobKind.LAYER]
    return {one.blob.digest for one in entries if raw[one.header_at : one.header_at + BLOCK] == header(one.name, one.size)}  # fmt: skip


def test_an_export_that_was_killed_goes_on_and_fetches_only_what_is_missing(
    registry: RealRegistry, tmp_path: Path
) -> None:
    image = large_image(*[3 * MIB + number for number in range(16)])
    name, since = "export/going-on", registry.log.stat().st_size
    ref = push(registry, name, image)
    bundle, file = shop(tmp_path, ref), tmp_path / "shop-1.4.0.bundle"
    words = ["export", bundle, "--out", tmp_path, "--insecure-http", registry.host]
    unfinished = tmp_path / ".shop-1.4.0.bundle.unfinished"
    command = [sys.executable, "-m", "bundler", *map(str, words)]
    with subprocess.Popen(command, env=environment(tmp_path), stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and len(blobs_asked_for(registry, name, since)) < 9:
            time.sleep(0.001)
        process.kill()
    assert not file.exists()
    kept, asked = layers_kept(unfinished), len(blobs_asked_for(registry, name, since))
    assert kept
    done = bundler(tmp_path, *words)
    assert done.code == 0, done.err
    layers = {layer.digest for layer in image.top.layers}
    again = [digest for digest in blobs_asked_for(registry, name, since)[asked:] if digest in layers]
    assert sorted(again) == sorted(layers - kept)
    assert "were available from earlier exports" in done.err
    check(file)
    asked = len(blobs_asked_for(registry, name, since))
    assert bundler(tmp_path, *words, "--out", tmp_path / "shop-again.bundle").code == 0
    assert not layers.intersection(blobs_asked_for(registry, name, since)[asked:])
    assert (tmp_path / "shop-again.bundle").read_bytes() == file.read_bytes()


def test_asked_to_stop_an_export_stops_and_cleans_up(registry: RealRegistry, tmp_path: Path) -> None:
    ref = push(registry, "export/stopped", make_image("stopped", layer_bytes=(30 * MIB,), has_index=False))
    words = ["export", shop(tmp_path, ref), "--out", tmp_path, "--insecure-http", registry.host]
    process = subprocess.Popen(
        [sys.executable, "-m", "bundler", *map(str, words)],
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not list(tmp_path.glob(".*.unfinished")):
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    if process.returncode == 0:
        pytest.skip("it was done before it could be stopped")
    assert process.returncode == 130, said
    assert not list(tmp_path.glob(".*.unfinished"))
    assert not list(tmp_path.glob("*.bundle"))


# --- bundler as one file -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bundler as one file, for this interpreter and this machine."""
    from pathlib import Path

    build = Path(__file__).parents[2] / "tool" / "build.py"
    out = tmp_path_factory.mktemp("tool") / "bundler.pyz"
    words = [sys.executable, str(build), "--out", str(out), "--here"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the package index cannot be reached: {done.stderr[-300:]}")
    return out


@pytest.mark.slow
def test_the_tool_that_travels_needs_nothing_but_python(tool: Path, registry: RealRegistry, tmp_path: Path) -> None:
    ref = push(registry, "export/tool", make_image("tool", has_index=False))
    words = ["export", shop(tmp_path, ref), "--out", tmp_path, "--insecure-http", registry.host]
    done = bundler(tmp_path, *words, "--tool", tool, "-o", "json")
    assert done.code == 0, done.err
    file = tmp_path / "shop-1.4.0.bundle"
    with Delivery.open(file) as delivery:
        digest = delivery.index.tool.digest
    # As the one at the site does it: tar is everywhere.
    taken = tmp_path / "bundler.pyz"
    with taken.open("wb") as out:
        name = "blobs/" + digest.replace(":", "/")
        subprocess.run(["tar", "-xOf", str(file), name], stdout=out, check=True)
    assert taken.read_bytes() == tool.read_bytes()
    bare = [
        shutil.which("python3", path=os.path.dirname(os.path.realpath(sys.executable))) or sys.executable,
        "-I",
        "-S",
    ]

    def by_the_tool(*words: object) -> str:
        argv = [*bare, str(taken), *map(str, words)]
        ran = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment(tmp_path))
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    assert json.loads(by_the_tool("verify", file, "-o", "json"))["name"] == "shop"
    copy, source = tmp_path / "b.bundle", tmp_path / "shop"
    by_the_tool("export", source, "--out", copy, "--with-tool", "--insecure-http", registry.host)
    assert copy.read_bytes() == file.read_bytes()
    key = tmp_path / "release.key"
    by_the_tool("keygen", "acme release", "--out", key)
    by_the_tool("sign", file, "--key", key)
    assert 'signed by "acme release"' in by_the_tool("verify", file, "--key", key.with_suffix(".pub"))
