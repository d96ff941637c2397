"""Deliveries beside skopeo and sha256sum: 2 GB of layers that do not compress, one registry on loopback, one host."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tarfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.lib.bundles import make_bundle
from tests.lib.registry import HOW_TO_GET, RealRegistry, has_tools

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.measure import Sample

MIB = 1024 * 1024
LAYERS = 8
TOTAL_BYTES = 2 * 1024 * MIB
MAX_RSS_MIB = 100.0
PIECE = 4 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    total_bytes: int = TOTAL_BYTES
    layers: int = LAYERS


def write_layout(folder: Path, sizes: Sizes) -> None:
    """Write an OCI layout of one image, piece by piece: this process stays small, because its memory would count."""
    store = folder / "blobs" / "sha256"
    store.mkdir(parents=True)
    layers = [_write_layer(store, number, sizes.total_bytes // sizes.layers) for number in range(sizes.layers)]
    config = _keep(store, {"os": "linux", "architecture": "amd64", "config": {}, "rootfs": {"type": "layers"}})
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **layer} for layer in layers],
    }
    entry = {"mediaType": manifest["mediaType"], **_keep(store, manifest)}
    entry["annotations"] = {"org.opencontainers.image.ref.name": "v1"}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def _write_layer(store: Path, number: int, size: int) -> dict[str, object]:
    """Write one layer: a gzipped tar with one file of random bytes."""
    entry = tarfile.TarInfo(f"data-{number}")
    entry.size = size - size % 512
    packer, digest, path = zlib.compressobj(1, wbits=31), hashlib.sha256(), store / f"layer-{number}"
    left = entry.size
    with path.open("wb") as file:

        def put(packed: bytes) -> None:
            digest.update(packed)
            file.write(packed)

        put(packer.compress(entry.tobuf()))
        while left:
            piece = os.urandom(min(PIECE, left))
            put(packer.compress(piece))
            left -= len(piece)
        put(packer.compress(bytes(1024)) + packer.flush())
    path.rename(store / digest.hexdigest())
    return {"digest": f"sha256:{digest.hexdigest()}", "size": (store / digest.hexdigest()).stat().st_size}


def _keep(store: Path, body: object) -> dict[str, object]:
    content = json.dumps(body).encode()
    digest = hashlib.sha256(content).hexdigest()
    (store / digest).write_bytes(content)
    return {"digest": f"sha256:{digest}", "size": len(content)}


def measure_delivery(bench: Bench, sizes: Sizes = Sizes()) -> None:
    """Export, import and verify one image, each in turn with its peer."""
    if not has_tools():
        print(f"delivery: left out; {HOW_TO_GET}", file=sys.stderr)
        return
    folder = bench.folder / "delivery"
    folder.mkdir()
    write_layout(folder / "layout", sizes)
    with RealRegistry(folder / "registry") as registry:
        work = Work(bench, folder, registry.host)
        work.skopeo(f"oci:{folder / 'layout'}:v1", work.source)
        shutil.rmtree(folder / "layout")
        work.measure()
    shutil.rmtree(folder)


class Work:
    """The programs as they are run."""

    def __init__(self, bench: Bench, folder: Path, host: str) -> None:
        self.bench, self.folder, self.host = bench, folder, host
        self.source = f"docker://{host}/bench/big:v1"
        pod = f"spec:\n  containers:\n    - {{name: big, image: '{host}/bench/big:v1'}}\n"
        text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: big}}\n{pod}"
        self.bundle = make_bundle(folder, {"templates/pod.yaml": text}, name="big")
        self.file = folder / "big-1.0.0.bundle"

    def measure(self) -> None:
        bench = self.bench
        gib = "2 GB"
        export = bench.row(f"export {gib}", "skopeo registry to dir", 1.2)
        back = bench.row(f"import {gib}", "skopeo dir to registry", 1.0)
        verify = bench.row(f"verify {gib}", "sha256sum", 1.25)
        show = bench.row(f"show a file of {gib}", "show a file of 200 KB", 1.15)
        small = self.small()
        for number in range(bench.pairs):
            bench.pair(export, number, self.export, self.pull)
            bench.pair(back, number, self.bring, self.push)
            bench.pair(verify, number, lambda: self.bundler("verify", self.file), self.sha256sum)
            bench.pair(show, number, lambda: self.bundler("show", self.file), lambda: self.bundler("show", small))
            print(f"delivery: pair {number + 1} of {bench.pairs}", file=sys.stderr)
        for row in (export, back, verify, show):
            peak = max(sample.rss_mib for sample in row.ours)
            met = "met" if peak < MAX_RSS_MIB else "NOT met"
            print(f"{row.work}: peak memory {peak:.0f} MB of {MAX_RSS_MIB:.0f} MB, {met}")

    def bundler(self, *words: object) -> Sample:
        return self.bench.run(self.bench.bundler, *map(str, words))

    def export(self) -> Sample:
        self.file.unlink(missing_ok=True)
        return self.bundler("export", self.bundle, "--out", self.file, "--insecure-http", self.host)

    def bring(self) -> Sample:
        with self.empty_registry() as registry:
            words = ["--registry", f"{registry.host}/acme", "--insecure-http", registry.host]
            return self.bundler("import", self.file, *words)

    def pull(self) -> Sample:
        shutil.rmtree(self.folder / "dir", ignore_errors=True)
        return self.skopeo(self.source, f"dir:{self.folder / 'dir'}")

    def push(self) -> Sample:
        with self.empty_registry() as registry:
            return self.skopeo(f"dir:{self.folder / 'dir'}", f"docker://{registry.host}/acme/big:v1")

    @contextmanager
    def empty_registry(self) -> Iterator[RealRegistry]:
        """Start a registry that no one has seen: skopeo remembers which host holds which blob, and mounts it."""
        folder = self.folder / "target"
        with RealRegistry(folder) as registry:
            yield registry
        shutil.rmtree(folder)

    def sha256sum(self) -> Sample:
        return self.bench.run(shutil.which("sha256sum") or "", str(self.file))

    def skopeo(self, source: str, target: str) -> Sample:
        program = shutil.which("skopeo") or ""
        quiet = ["copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false"]
        return self.bench.run(program, *quiet, source, target)

    def small(self) -> Path:
        """Return a delivery without images."""
        folder = self.folder / "small"
        bundle = make_bundle(folder, {"templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"})
        self.bundler("export", bundle, "--out", folder / "small.bundle")
        return folder / "small.bundle"
