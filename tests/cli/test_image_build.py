"""Building images on the command line: from OCI layouts, into OCI layouts."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from bundler.model.digest import digest_of
from bundler.model.oci import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, OciManifest
from tests.lib.bundles import make_bundle
from tests.lib.images import TestImage, make_image, write_layout
from tests.lib.layers import DPKG

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lib.fixtures_cli import Cli, Outcome

NAME = "registry.example/app:1.0"
ARM = "linux/arm64/v8"


@dataclass
class Bench:
    """A folder with code, a base of two platforms, and the command that makes an image of them."""

    cli: Cli
    folder: Path

    def build(self, *more: str | Path, base: str = "", to: str = "out", code: int = 0, **variables: str) -> Outcome:
        base = base or f"oci:{self.folder / 'base'}"
        words = ["image", "build", "--base", base, "--to", f"oci:{self.folder / to}:{NAME}"]
        outcome = self.cli(*words, *more, **variables)
        assert outcome.code == code, outcome.out + outcome.err
        return outcome

    def made(self, *more: str | Path, **options: Any) -> Built:
        options.setdefault("to", "out")
        return Built(self.folder / options["to"], self.build(*more, "-o", "json", **options).document)

    @property
    def add(self) -> list[str]:
        return ["--add", f"{self.folder / 'src'}:/app"]


@dataclass
class Built:
    """An image in a layout."""

    layout: Path
    document: dict[str, Any]

    def blob(self, digest: str) -> bytes:
        content = (self.layout / "blobs" / digest.replace(":", "/")).read_bytes()
        assert digest_of(content) == digest
        return content

    def json(self, digest: str) -> dict[str, Any]:
        return json.loads(self.blob(digest))

    def config(self, platform: int = 0) -> dict[str, Any]:
        return self.json(self.document["platforms"][platform]["config"])

    def entries(self, platform: int = 0) -> dict[str, tarfile.TarInfo]:
        """Return the entries of the layer that was added."""
        layer = self.document["platforms"][platform]["layers"][-1]
        assert layer["added"]
        content = self.blob(layer["digest"])
        assert digest_of(gzip.decompress(content)) == layer["diffId"]
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            return {one.name: one for one in tar}

    def sbom(self, platform: int = 0) -> dict[str, Any]:
        manifest = self.json(self.document["platforms"][platform]["sbom"])
        assert manifest["subject"]["digest"] == self.document["platforms"][platform]["digest"]
        return self.json(manifest["layers"][0]["digest"])


@pytest.fixture
def bench(cli: Cli, tmp_path: Path) -> Bench:
    source = tmp_path / "src"
    source.mkdir()
    (source / "main.py").write_text("print('hello')\n")
    (source / "main.py").chmod(0o755)
    (source / "data.txt").write_text("data")
    base = make_image("base", layer_bytes=(2000, 500), files={"var/lib/dpkg/status": DPKG.encode()})
    write_layout(base, tmp_path / "base", tag="registry.example/base:12")
    return Bench(cli, tmp_path)


@pytest.mark.medium
def test_a_person_sees_what_was_made(bench: Bench, cli: Cli) -> None:
    words = ["image", "build", "--base", f"oci:{bench.folder / 'base'}", *bench.add, "--entrypoint", "/app/main.py"]
    platforms = ["--platform", "linux/amd64,linux/arm64"]
    cli.golden("image/build", *words, *platforms, "--to", f"oci:{bench.folder / 'out'}:{NAME}").ok()
    cli.golden("image/again", *words, *platforms, "--to", f"oci:{bench.folder / 'out'}:{NAME}").ok()


def test_code_is_on_top_of_the_base_with_what_is_set(bench: Bench) -> None:
    settings = ["--entrypoint", "python3 '/app/main.py' -u", "--cmd", '["--port", "80 80"]', "--user", "1000:1000"]
    settings += [
        "--env",
        "A=b=c",
        "--label",
        "team=web",
        "--workdir",
        "/app/",
        "--expose",
        "8080",
        "--expose",
        "53/udp",
    ]
    built = bench.made(*bench.add, *settings)
    assert built.config()["config"] == {
        "Entrypoint": ["python3", "/app/main.py", "-u"],
        "Cmd": ["--port", "80 80"],
        "User": "1000:1000",
        "Env": ["A=b=c"],
        "Labels": {"team": "web"},
        "WorkingDir": "/app",
        "ExposedPorts": {"8080/tcp": {}, "53/udp": {}},
    }
    layers = built.document["platforms"][0]["layers"]
    assert [layer["added"] for layer in layers] == [False, False, True]
    assert [layer["diffId"] for layer in layers] == built.config()["rootfs"]["diff_ids"]
    assert {name: one.mode for name, one in built.entries().items()} == {
        "app": 0o755,
        "app/data.txt": 0o644,
        "app/main.py": 0o755,
    }


def test_the_sbom_names_what_was_added_and_what_the_base_has(bench: Bench) -> None:
    sbom = bench.made(*bench.add).sbom()
    names = {one["name"]: one["type"] for one in sbom["components"]}
    assert names == {"libc6": "library", "/app/data.txt": "file", "/app/main.py": "file"}
    assert sbom["metadata"]["component"]["name"] == "registry.example/app"
    hashes = {one["name"]: one["hashes"][0]["content"] for one in sbom["components"] if one["type"] == "file"}
    assert f"sha256:{hashes['/app/data.txt']}" == digest_of(b"data")


def test_one_sbom_of_all_platforms_goes_to_a_file(bench: Bench) -> None:
    file = bench.folder / "sbom.json"
    built = bench.made(*bench.add, "--sbom", file, "--platform", "linux/amd64", "--platform", ARM)
    assert [one["sbom"] for one in built.document["platforms"]] == ["", ""]
    sbom = json.loads(file.read_bytes())
    assert sbom["metadata"]["component"]["version"] == built.document["digest"]
    assert sum(one["type"] == "container" for one in sbom["components"]) == 2
    refs = [one["bom-ref"] for one in sbom["components"]]
    assert len(refs) == len(set(refs))


def test_several_platforms_become_an_index_that_shares_the_layer(bench: Bench) -> None:
    built = bench.made(*bench.add, "--platform", "linux/arm64,linux/amd64")
    index = built.json(built.document["digest"])
    assert [one["platform"] for one in index["manifests"]] == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm64", "os": "linux", "variant": "v8"},
    ]
    assert len({one["layers"][-1]["digest"] for one in built.document["platforms"]}) == 1
    assert [built.config(number)["architecture"] for number in range(2)] == ["amd64", "arm64"]


@pytest.mark.medium
def test_the_same_input_gives_the_same_image_and_the_time_is_the_one_that_is_set(bench: Bench) -> None:
    first = bench.made(*bench.add, to="one")
    (bench.folder / "src" / "main.py").touch()
    (bench.folder / "src").chmod(0o700)
    second = bench.made(*bench.add, to="two")
    assert first.document["digest"] == second.document["digest"]
    assert not second.document["existed"]
    dated = bench.made(*bench.add, to="three", SOURCE_DATE_EPOCH="86400")
    assert dated.config()["created"] == "1970-01-02T00:00:00Z"
    assert {one.mtime for one in dated.entries().values()} == {86_400}
    again = bench.made(*bench.add, to="one")
    assert (again.document["existed"], again.document["sentBytes"]) == (True, 0)


def test_an_image_from_nothing_has_one_layer(bench: Bench) -> None:
    built = bench.made(*bench.add, "--owner", "1000", "--platform", "linux/arm64", base="scratch")
    assert len(built.document["platforms"][0]["layers"]) == 1
    assert built.config()["architecture"] == "arm64"
    assert {(one.uid, one.gid) for one in built.entries().values()} == {(1000, 1000)}


def test_the_configuration_alone_can_be_changed(bench: Bench) -> None:
    built = bench.made("--user", "65532")
    assert not any(layer["added"] for layer in built.document["platforms"][0]["layers"])
    assert built.config()["history"][-1]["empty_layer"] is True


def test_packages_among_what_is_added_are_in_the_sbom(bench: Bench) -> None:
    (bench.folder / "status").write_text(DPKG)
    built = bench.made("--add", f"{bench.folder / 'status'}:/var/lib/dpkg/status", base="scratch")
    assert built.document["platforms"][0]["packages"] == 1


# --- what the base has where something is added -----------------------------------------------------------------------


def entry(name: str, **about: Any) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for key, value in about.items():
        setattr(made, key, value)
    return made


def raw_layer(*entries: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for one in entries:
            tar.addfile(one, io.BytesIO(bytes(one.size)) if one.isfile() else None)
    return gzip.compress(out.getvalue(), mtime=0)


def image_of(*layers: bytes, platform: str = "linux/amd64", **changed: Any) -> TestImage:
    """Return an image of raw layers; ``changed`` replaces keys of its configuration."""
    os, architecture = platform.split("/")
    diff_ids = [digest_of(gzip.decompress(one)) for one in layers]
    said = {"os": os, "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": diff_ids}, **changed}
    config = json.dumps(said).encode()
    kind = "application/vnd.oci.image.layer.v1.tar+gzip"
    body = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": kind, "digest": digest_of(one), "size": len(one)} for one in layers],
    }
    manifest = OciManifest.of(json.dumps(body).encode(), OCI_MANIFEST)
    blobs = {digest_of(content): content for content in (config, *layers)}
    return TestImage(top=manifest, manifests=(manifest,), blobs=blobs)


FOLDERS = raw_layer(
    entry("tmp", type=tarfile.DIRTYPE, mode=0o1777),
    entry("home/app", type=tarfile.DIRTYPE, mode=0o750, uid=1000, gid=100),
    entry("bin", type=tarfile.SYMTYPE, linkname="usr/bin"),
    entry("etc/motd", size=3),
    entry("gone", type=tarfile.DIRTYPE, mode=0o700),
)


def test_folders_of_the_base_keep_their_mode_and_owner(bench: Bench) -> None:
    removing = raw_layer(entry(".wh.gone"))
    write_layout(image_of(FOLDERS, removing), bench.folder / "base")
    targets = ("/tmp/a", "/home/app/a", "/gone/a", "/new/a")
    adds = [word for target in targets for word in ("--add", f"{bench.folder / 'src'}:{target}")]
    found = {name: (one.mode, one.uid, one.gid) for name, one in bench.made(*adds, "--owner", "7:8").entries().items()}
    assert found["tmp"] == (0o1777, 0, 0)
    assert found["home/app"] == (0o750, 1000, 100)
    assert found["gone"] == found["new"] == found["home/app/a"] == (0o755, 7, 8)


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("/bin/run", "/bin is a link to usr/bin in the base, and something is added below it"),
        ("/etc/motd/run", "/etc/motd is a file of the base, and something is added below it"),
        ("/home/app", "/home/app is a folder of the base, and a file is added in its place"),
        ("/bin", ""),
        ("/etc/motd", ""),
    ],
)
def test_what_would_hide_folders_of_the_base_is_refused(bench: Bench, target: str, found: str) -> None:
    write_layout(image_of(FOLDERS), bench.folder / "base")
    outcome = bench.build("--add", f"{bench.folder / 'src' / 'main.py'}:{target}", code=1 if found else 0)
    assert found in outcome.err
    assert not found or "error[image-build]" in outcome.err


# --- bases that cannot be built on ------------------------------------------------------------------------------------


def lists_a_platform_that_it_is_not(folder: Path) -> None:
    image = image_of(FOLDERS)
    platform = {"os": "linux", "architecture": "s390x"}
    index = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [{**image.top.descriptor.to_json(), "platform": platform}],
    }
    top = OciManifest.of(json.dumps(index).encode(), OCI_INDEX)
    write_layout(TestImage(top=top, manifests=image.manifests, blobs=image.blobs), folder)


def with_config(**changed: Any) -> Callable[[Path], None]:
    return lambda folder: write_layout(image_of(FOLDERS, **changed), folder)


def with_another_layer(folder: Path) -> None:
    write_layout(image_of(FOLDERS), folder)
    (folder / "blobs" / digest_of(FOLDERS).replace(":", "/")).write_bytes(FOLDERS[:-1] + b"x")


def without_its_layer(folder: Path) -> None:
    write_layout(image_of(FOLDERS), folder)
    (folder / "blobs" / digest_of(FOLDERS).replace(":", "/")).unlink()


def with_manifest(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        image = image_of(FOLDERS)
        body = json.loads(image.top.content)
        change(body)
        top = OciManifest.of(json.dumps(body).encode(), OCI_MANIFEST)
        write_layout(TestImage(top=top, manifests=(top,), blobs=image.blobs), folder)

    return spoil


def claims_a_huge_config(body: dict[str, Any]) -> None:
    body["config"]["size"] = 1 << 40


def claims_a_small_config(body: dict[str, Any]) -> None:
    body["config"]["size"] = 3


def has_helm_layers(body: dict[str, Any]) -> None:
    body["layers"][0]["mediaType"] = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


def has_no_layers(body: dict[str, Any]) -> None:
    body["layers"] = []


def leaves_by_its_digest(body: dict[str, Any]) -> None:
    body["layers"][0]["digest"] = "../../../etc/passwd"


@pytest.mark.parametrize(
    ("spoil", "code", "found"),
    [
        (with_config(config={"Env": {"a": 1}}), 1, "config.Env of its configuration is not a list of texts"),
        (with_config(config=[1]), 1, "config of its configuration is not a JSON object"),
        (with_config(os=["linux"]), 1, "names no platform"),
        (with_config(rootfs={"diff_ids": [7]}), 1, "are not digests"),
        (lists_a_platform_that_it_is_not, 1, "its index lists it for linux/s390x, its configuration says linux/amd64"),
        (with_manifest(claims_a_huge_config), 1, "its configuration has 1099511627776 bytes"),
        (with_manifest(claims_a_small_config), 20, "has another size than 3 bytes"),
        (with_manifest(has_helm_layers), 1, "which no container engine unpacks"),
        (with_manifest(has_no_layers), 1, "lists 1 layer, its manifest 0"),
        (with_manifest(leaves_by_its_digest), 1, "is not a digest"),
        (with_another_layer, 20, "holds sha256:"),
        (without_its_layer, 1, "No such file"),
    ],
)
def test_a_base_that_is_not_what_it_says_is_refused_and_nothing_is_named(bench, spoil, code, found) -> None:
    import shutil

    shutil.rmtree(bench.folder / "base")
    spoil(bench.folder / "base")
    outcome = bench.build(*bench.add, code=code)
    assert found in outcome.err
    assert not (bench.folder / "out" / "index.json").exists()


def test_a_platform_that_the_base_lacks_is_answered_with_those_that_it_has(bench: Bench) -> None:
    outcome = bench.build(*bench.add, "--platform", "linux/s390x", code=1)
    assert "it does not exist for linux/s390x; there is linux/amd64, linux/arm64/v8" in outcome.err


def test_a_layer_that_unpacks_without_end_is_copied_and_not_believed(bench: Bench) -> None:
    bomb = gzip.compress(b"\x01" * 1_000_000, mtime=0)
    write_layout(image_of(bomb), bench.folder / "base")
    outcome = bench.build(*bench.add)
    assert "a layer of the base cannot be read to its end (this is not a tar)" in outcome.err


@pytest.mark.parametrize(
    ("base", "found"),
    [
        ("none", "No such file or directory"),
        ("base:other", "there is no image named other; there are: registry.example/base:12"),
        ("empty", "lists no image"),
    ],
)
def test_a_layout_without_the_image_is_reported(bench: Bench, base: str, found: str) -> None:
    (bench.folder / "empty").mkdir()
    (bench.folder / "empty" / "index.json").write_text("{}")
    assert found in bench.build(*bench.add, base=f"oci:{bench.folder / base}", code=1).err


def test_a_base_is_found_by_its_name_among_several(bench: Bench) -> None:
    other = bench.made("--user", "7", to="base")
    with_both = f"oci:{bench.folder / 'base'}"
    assert "that is the only one; there are:" in bench.build(*bench.add, base=with_both, code=1).err
    built = bench.made(*bench.add, base=f"{with_both}:{NAME}")
    assert built.document["platforms"][0]["base"] == other.document["digest"]


# --- options and places -----------------------------------------------------------------------------------------------


def test_every_option_that_is_wrong_is_reported_at_once(bench: Bench, cli: Cli) -> None:
    words = [
        "--base",
        "UPPER",
        "--to",
        "registry.example/app",
        "--add",
        "src",
        "--add",
        "src:app",
        "--add",
        "src:/../x",
    ]
    words += [
        "--platform",
        "amd64",
        "--entrypoint",
        "'",
        "--cmd",
        "[1]",
        "--env",
        "A",
        "--label",
        "=b",
        "--user",
        "a b",
    ]
    words += ["--workdir", "app", "--expose", "70000", "--owner", "ada"]
    outcome = cli.golden("image/wrong-options", "image", "build", *words)
    assert outcome.code == 2


@pytest.mark.parametrize(
    ("base", "found"),
    [
        ("docker://alpine:3", "leave docker:// out: an image in a registry is alpine:3"),
        ("oci://registry.example/app:1", "leave oci:// out: an image in a registry is registry.example/app:1"),
        ("base", "it is a folder here; write oci:base"),
        ("oci:", "is not an OCI layout"),
        ("oci:base:a b", "is not an OCI layout"),
    ],
)
def test_a_place_in_the_spelling_of_other_tools_is_answered_with_ours(bench, monkeypatch, base, found) -> None:
    monkeypatch.chdir(bench.folder)
    assert found in bench.build(*bench.add, base=base, code=2).err


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "a layout"])
def test_an_image_that_cannot_be_made_leaves_its_layout_as_it_was(bench: Bench, there: str) -> None:
    out = bench.folder / "deep" / "layout"
    if there == "an empty folder":
        out.mkdir(parents=True)
    if there == "a layout":
        bench.build("--user", "7", *bench.add, base="scratch", to="deep/layout")
    before = tree(bench.folder)
    blob = max((bench.folder / "base" / "blobs" / "sha256").iterdir(), key=lambda one: one.stat().st_size)
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    spoilt = tree(bench.folder)
    bench.build(*bench.add, to="deep/layout", code=20)
    assert tree(bench.folder) == spoilt
    assert {path for path in spoilt if "deep" in path} == {path for path in before if "deep" in path}


def tree(folder: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*")}
    return {name: path.read_bytes() if path.is_file() else b"" for name, path in found.items()}


def test_what_a_killed_run_left_in_a_layout_is_cleared_away_by_the_next(bench: Bench) -> None:
    left = bench.folder / "out" / ".incoming-dead"
    left.mkdir(parents=True)
    (left / "blob").write_text("half")
    bench.made(*bench.add)
    assert sorted(one.name for one in (bench.folder / "out").iterdir()) == ["blobs", "index.json", "oci-layout"]


def test_a_folder_that_holds_something_else_is_not_written_into(bench: Bench) -> None:
    outcome = bench.build(*bench.add, to="src", code=1)
    assert "it holds files, and is no OCI layout" in outcome.err
    assert sorted(one.name for one in (bench.folder / "src").iterdir()) == ["data.txt", "main.py"]


def test_nothing_on_nothing_is_refused(bench: Bench) -> None:
    assert "nothing is added to an empty base" in bench.build(base="scratch", code=1).err


def test_a_time_that_no_calendar_has_is_an_error(bench: Bench) -> None:
    assert "SOURCE_DATE_EPOCH" in bench.build(*bench.add, code=1, SOURCE_DATE_EPOCH="9" * 18).err


def test_a_user_by_name_is_taken_with_a_word_about_kubernetes(bench: Bench) -> None:
    assert "runAsNonRoot" in bench.build(*bench.add, "--user", "app").err
    assert "runAsNonRoot" not in bench.build(*bench.add, "--user", "1000").err


def test_images_that_were_made_are_exported_from_their_layout(bench: Bench, cli: Cli) -> None:
    pod = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers: [{{name: app, image: '{NAME}'}}]\n"
    bundle = make_bundle(bench.folder, {"templates/pod.yaml": pod}, name="shop", version="1.4.0")
    built = bench.made(*bench.add)
    file = bench.folder / "shop.bundle"
    cli("export", bundle, "--layout", bench.folder / "out", "--out", file).ok()
    delivery = cli("show", file, "-o", "json").ok().document["delivery"]
    assert delivery["images"][0]["digest"] == built.document["digest"]
    assert delivery["attachments"] == 1
    cli("verify", file).ok()


def test_an_image_without_a_whole_name_is_exported_under_the_name_that_is_said(bench: Bench, cli: Cli) -> None:
    pod = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers: [{{name: app, image: '{NAME}'}}]\n"
    bundle = make_bundle(bench.folder, {"templates/pod.yaml": pod}, name="shop", version="1.4.0")
    out = bench.folder / "unnamed"
    cli("image", "build", "--base", "scratch", *bench.add, "--to", f"oci:{out}").ok()
    cli("export", bundle, "--layout", f"{NAME}={out}", "--out", bench.folder / "shop.bundle").ok()


def test_docker_s_layers_get_the_names_that_oci_has_for_them(bench: Bench) -> None:
    write_layout(make_image("docker", is_docker=True), bench.folder / "base")
    built = bench.made(*bench.add)
    manifest = built.json(built.document["digest"])
    assert {layer["mediaType"] for layer in manifest["layers"]} == {"application/vnd.oci.image.layer.v1.tar+gzip"}


def test_two_runs_that_write_into_one_layout_list_both_images(bench: Bench) -> None:
    from bundler.concurrency import map_parallel
    from bundler.delivery.layout import LayoutSource
    from bundler.delivery.layout_target import LayoutTarget
    from bundler.model.oci import Repository

    folder = bench.folder / "shared"
    manifests = [OciManifest.of(json.dumps({"schemaVersion": 2, "n": n}).encode(), OCI_MANIFEST) for n in range(24)]

    def write(number: int) -> None:
        with LayoutTarget(folder) as target:
            target.put_manifest(Repository("", ""), manifests[number], tag=f"v{number}")

    map_parallel(write, range(24))
    found = LayoutSource(folder)
    assert [found.find(f"v{number}").digest for number in range(24)] == [one.digest for one in manifests]


def test_the_library_builds_as_the_command_line_does(bench: Bench) -> None:
    from bundler import Session
    from bundler.model.image_build import Addition, ImageBuild, ImagePlace

    made = bench.made(*bench.add)
    request = ImageBuild(
        base=ImagePlace.parse(f"oci:{bench.folder / 'base'}"),
        to=ImagePlace.parse(f"oci:{bench.folder / 'by-library'}:{NAME}"),
        additions=(Addition(source=bench.folder / "src", target="/app"),),
    )
    with Session.local() as session:
        built = session.build_image(request)
    assert (built.digest, built.place.name, built.added.files) == (made.document["digest"], NAME, 2)
