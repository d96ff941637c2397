"""Images, site files, preflight, import and install of a delivery on the command line; the registry is in memory."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from bundler.errors.delivery import RegistryForbiddenError, RegistryLoginError
from bundler.loader.site_file import load_site
from bundler.model.cluster import Payload
from bundler.model.refs import ObjectRef
from bundler.model.trust import make_key
from tests.lib.bundles import make_bundle
from tests.lib.delivered import MemoryRegistry, content_of
from tests.lib.fixtures_cli import scrub
from tests.lib.images import make_image

if TYPE_CHECKING:
    from pathlib import Path

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ release.name }}-web"}
spec:
  replicas: 1
  selector: {matchLabels: {app: web, bundler.dev/track: stable}}
  template:
    metadata: {labels: {app: web, bundler.dev/track: stable}}
    spec:
      imagePullSecrets: [{name: own}]
      containers:
        - {name: web, image: "{{ values.image }}"}
        {% if values.metrics.enabled %}
        - {name: metrics, image: "quay.io/org/exporter:{{ values.metrics.version }}"}
        {% endif %}
---
apiVersion: batch/v1
kind: Job
metadata: {name: "{{ release.name }}-migrate"}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: "docker.io/library/tool:1"}]
"""
CLAIM = """
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  storageClassName: "{{ values.storage }}"
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: "{{ values.size | default('1Gi') }}"}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: "{{ values.ingress }}"
  defaultBackend: {service: {name: web, port: {number: 80}}}
"""
SCHEMA = """
{"type": "object", "properties": {
  "image": {"type": "string"},
  "metrics": {"type": "object", "properties": {
    "enabled": {"type": "boolean"}, "version": {"enum": ["1", "2"]}}}}}
"""
VALUES = "image: nginx:1.27\nmetrics: {enabled: false, version: '1'}\n"
REFS = ("nginx:1.27", "quay.io/org/exporter:1", "quay.io/org/exporter:2", "docker.io/library/tool:1")
NAMESPACE = ObjectRef("", "Namespace", "", "kitchen")
SECRET = ObjectRef("", "Secret", "kitchen", "site-pull")
SITE = """\
apiVersion: bundler.dev/v1
kind: Site
metadata: {name: acme}
spec:
  registry: {host: "registry.site:5000", prefix: acme}
  pullSecret: site-pull
  namespace: kitchen
"""


def web_bundle(folder: Path, version: str = "1.0.0") -> Path:
    files = {"templates/web.yaml": WEB, "values.yaml": VALUES, "values.schema.json": SCHEMA}
    return make_bundle(folder, files, name="web", version=version)


class World:
    """A delivery on disk, a site file and a registry."""

    def __init__(self, cli, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cli, self.registry = cli, MemoryRegistry()
        self.opened: list[dict] = []
        self.site = cli.home / "acme.yaml"
        self.site.write_text(SITE)
        self.bundle = web_bundle(cli.home / "src")
        self.content = content_of(self.bundle, dict.fromkeys(REFS), scratch=cli.home)
        self.file = self.content.write(cli.home / "web-1.0.0.bundle")[0]

        def open_registry(scope, **options):
            del scope
            self.opened.append(options)
            return self.registry

        monkeypatch.setattr("bundler.library.registries.open_registry", open_registry)

    def manifests(self, *argv: object) -> dict[str, dict]:
        items = self.cli("template", *argv, "-o", "json").ok().document["items"]
        return {item["kind"]: item for item in items}


@pytest.fixture
def world(cli, monkeypatch) -> World:
    return World(cli, monkeypatch)


# --- images ---------------------------------------------------------------------------------------------------------


def test_images_are_found_behind_every_switch(world) -> None:
    found = world.cli("images", world.bundle, "-o", "json").ok().document
    assert {one["ref"]: one["settings"] for one in found["images"]} == {
        "docker.io/library/nginx:1.27": [""],
        "docker.io/library/tool:1": [""],
        "quay.io/org/exporter:1": ["metrics.enabled=true"],
        "quay.io/org/exporter:2": ["metrics.enabled=true metrics.version=2"],
    }


def test_what_set_says_is_no_switch_any_more(world) -> None:
    found = world.cli("images", world.bundle, "--set", "metrics.enabled=false", "-o", "plain").ok()
    assert found.out.splitlines() == ["docker.io/library/nginx:1.27", "docker.io/library/tool:1"]


def test_images_show_what_they_become(world) -> None:
    tagged = world.cli("images", world.bundle, "--to", "r.site/acme", "-o", "plain").ok().out
    assert "r.site/acme/quay.io/org/exporter:2" in tagged
    pinned = world.cli("images", world.file, "--site", world.site, "-o", "plain").ok().out.splitlines()
    assert all(line.startswith("registry.site:5000/acme/") and "@sha256:" in line for line in pinned)
    assert len(pinned) == len(REFS)


def test_check_holds_a_bundle_against_a_delivery(world) -> None:
    world.cli("images", world.file, "--check").ok()
    world.cli("images", world.bundle, "--check", "--against", world.file).ok()
    lacking = content_of(world.bundle, dict.fromkeys(REFS[:2] + REFS[3:]), scratch=world.cli.home)
    other = lacking.write(world.cli.home / "other.bundle")[0]
    outcome = world.cli("images", world.bundle, "--check", "--against", other)
    assert outcome.code == 1
    assert "Deployment/web-web metrics (templates/web.yaml:14): quay.io/org/exporter:2 is not in it" in outcome.err
    assert "(only with metrics.enabled=true metrics.version=2)" in outcome.err
    assert world.cli("images", world.bundle, "--check").code == 2


def test_images_that_templates_cannot_show_are_declared(cli) -> None:
    bundle = make_bundle(
        cli.home,
        {
            "values.yaml": "extra: false\n",
            "values.schema.json": '{"properties": {"extra": {"type": "boolean"}}}',
            "templates/a.yaml": """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: a}
            data: {config: "image: quay.io/org/seen:1"}
            ---
            apiVersion: example.org/v1
            kind: Gizmo
            metadata: {name: g}
            spec: {image: "quay.io/org/gizmo:3"}
            """,
        },
        images=[
            {"ref": "quay.io/org/declared:1", "when": "values.extra"},
            {"ref": "quay.io/org/never:1", "when": "false"},
            {"path": "spec.image", "match": {"group": "example.org", "kind": "Gizmo"}},
        ],
    )
    outcome = cli("images", bundle, "-o", "json").ok()
    assert [one["ref"] for one in outcome.document["images"]] == ["quay.io/org/declared:1", "quay.io/org/gizmo:3"]
    assert "ConfigMap/a: data.config may name the image quay.io/org/seen:1" in outcome.err
    assert "bundle.yaml:" in outcome.err
    assert ": no setting that was tried switches quay.io/org/never:1 on" in outcome.err


GIZMOS = """
apiVersion: example.org/v1
kind: Gizmo
metadata: {name: g}
spec:
  size: 3
  agent:
    repository: quay.io/org/agent
    tag: {TAG}
"""


def gizmo_bundle(folder: Path, tag: str, *paths: str) -> Path:
    rules = [{"path": path, "match": {"group": "example.org", "kind": "Gizmo"}} for path in paths]
    return make_bundle(folder, {"templates/g.yaml": GIZMOS.replace("{TAG}", tag)}, images=rules)


def test_an_image_spelled_by_keys_is_found_at_its_own_line(cli) -> None:
    bundle = gizmo_bundle(cli.home, '"1.2"', "spec.agent", "spec.agnet.image")
    outcome = cli("images", bundle, "-o", "json").ok()
    (one,) = outcome.document["images"]
    assert one["ref"] == "quay.io/org/agent:1.2"
    assert one["uses"][0]["where"] == "Gizmo/g spec.agent (templates/g.yaml:7)"
    assert "no setting that was tried has an image at spec.agnet.image" in outcome.err


def test_keys_that_cannot_be_rewritten_are_told_where_they_stand(cli) -> None:
    outcome = cli("images", gizmo_bundle(cli.home, "1", "spec.agent", "spec.size"))
    assert outcome.code == 1
    assert "Gizmo/g spec.agent (templates/g.yaml:6): its tag is not a string; quote it" in outcome.err
    assert "Gizmo/g spec.size (templates/g.yaml:5): it is 3, which is not a string" in outcome.err


def test_images_that_patches_of_the_site_name_are_needed_too(world) -> None:
    add(world, "  patches:\n    - target: {kind: Job, name: '*'}\n      patch: {spec: {template: {spec: {containers: [{name: migrate, image: other:9}]}}}}\n")  # fmt: skip
    found = world.cli("images", world.bundle, "--site", world.site, "-o", "json").ok().document["images"]
    where = {one["ref"]: [use["where"] for use in one["uses"]] for one in found}
    assert where["docker.io/library/other:9"] == [f"Job/web-migrate migrate ({world.site}:9)"]
    assert "docker.io/library/tool:1" not in where
    shown = world.cli("template", world.file, "--site", world.site)
    assert f"Job/web-migrate migrate ({world.site}:9): other:9 is not in it" in shown.err


# --- import ---------------------------------------------------------------------------------------------------------


def test_import_brings_everything_once_and_tells_what_went_where(world) -> None:
    first = world.cli("import", world.file, "--site", world.site, "--no-bundle", "-o", "json").ok().document
    assert first["bundle"] is None
    assert {one["existed"] for one in first["images"]} == {False}
    assert first["sentBytes"] == sum(len(content) for content in world.registry.blobs.values())
    assert world.registry.tags_of("registry.site:5000/acme/library/nginx") == ["1.27"]
    second = world.cli("import", world.file, "--registry", "registry.site:5000/acme", "-o", "json").ok().document
    assert {one["existed"] for one in second["images"]} == {True}
    assert second["sentBlobs"] == 0


def test_import_goes_on_where_it_was_cut(world) -> None:
    world.registry.fails_after = 4
    assert world.cli("import", world.file, "--site", world.site).code == 1
    assert not any(tag.startswith("1") for _, tag in world.registry.manifests)
    before = list(world.registry.sent)
    world.registry.fails_after = -1
    world.cli("import", world.file, "--site", world.site).ok()
    assert len(set(world.registry.sent)) == len(world.registry.sent) > len(before)


PINNED = f"docker.io/library/plain@sha256:{'1' * 64}"


def plain_delivery(world, name: str, images: dict) -> Path:
    """Write a delivery of images that no object names."""
    bundle = make_bundle(world.cli.home / name, {}, name=name)
    return content_of(bundle, images, scratch=world.cli.home).write(world.cli.home / f"{name}.bundle")[0]


def test_an_image_without_a_tag_gets_one_so_that_no_collector_takes_it(world) -> None:
    file = plain_delivery(world, "plain", {PINNED: make_image("plain")})
    world.cli("import", file, "--site", world.site).ok()
    tag = f"bundler-{make_image('plain').digest.replace(':', '-')}"
    assert world.registry.tags_of("registry.site:5000/acme/library/plain") == [tag]
    again = world.cli("import", file, "--site", world.site).ok()
    assert "0 images imported, 1 were there" in again.err
    del world.registry.manifests["registry.site:5000/acme/library/plain", tag]
    world.cli("import", file, "--site", world.site).ok()
    assert world.registry.tags_of("registry.site:5000/acme/library/plain") == [tag]


def test_a_tag_that_is_taken_stays_where_it_is_and_that_is_said(world) -> None:
    repository = "registry.site:5000/acme/library/nginx"
    old, new = make_image("amd64"), make_image("arm64")
    world.cli("import", plain_delivery(world, "old", {"nginx:1.27": old}), "--site", world.site).ok()
    file = plain_delivery(world, "new", {"nginx:1.27": new})
    said = world.cli("import", file, "--site", world.site).ok()
    tag = f"bundler-{new.digest.replace(':', '-')}"
    assert f"{repository}:1.27 stays {old.digest}; {new.digest} is tagged {tag}" in said.err
    assert world.registry.manifests[repository, "1.27"].digest == old.digest
    assert world.registry.manifests[repository, tag].digest == new.digest
    again = world.cli("import", file, "--site", world.site).ok()
    assert "0 images imported, 1 were there" in again.err
    assert ":1.27 stays" not in again.err


def test_of_two_images_that_want_one_tag_each_gets_one(world) -> None:
    one, two = make_image("one"), make_image("two")
    images = {f"nginx:1.27@{one.digest}": one, f"nginx:1.27@{two.digest}": two}
    file = plain_delivery(world, "both", images)
    said = world.cli("import", file, "--site", world.site).ok()
    repository = "registry.site:5000/acme/library/nginx"
    first, second = sorted((one.digest, two.digest))
    assert f"{repository}:1.27 stays {first}; {second} is tagged bundler-{second.replace(':', '-')}" in said.err
    assert world.registry.manifests[repository, "1.27"].digest == first
    assert world.registry.manifests[repository, f"bundler-{second.replace(':', '-')}"].digest == second
    assert "0 images imported, 2 were there" in world.cli("import", file, "--site", world.site).ok().err


def test_a_blob_that_two_images_share_is_sent_once(cli, monkeypatch) -> None:
    world = World(cli, monkeypatch)
    image = make_image("same", layer_bytes=(1000,))
    content = content_of(world.bundle, {**dict.fromkeys(REFS[2:]), "nginx:1.27": image, "quay.io/org/exporter:1": image}, scratch=cli.home)  # fmt: skip
    file = content.write(cli.home / "shared.bundle")[0]
    cli("import", file, "--site", world.site).ok()
    digests = [digest for _, digest in world.registry.sent]
    assert len(digests) == len(set(digests))


def test_a_delta_needs_its_base_at_the_site_or_at_hand(world) -> None:
    newer = web_bundle(world.cli.home / "newer", version="1.1.0")
    delta = content_of(newer, dict.fromkeys(REFS), scratch=world.cli.home, base=world.content.index)
    file = delta.write(world.cli.home / "web-1.1.0.bundle")[0]
    outcome = world.cli("import", file, "--site", world.site)
    assert outcome.code == 27
    assert "web 1.0.0" in outcome.err
    assert world.registry.blobs == {}
    world.cli("import", file, "--site", world.site, "--base", world.file).ok()
    at_hand = dict(world.registry.blobs)
    world.registry.blobs.clear()
    world.registry.manifests.clear()
    world.cli("import", world.file, "--site", world.site, "--no-bundle").ok()
    world.cli("import", file, "--site", world.site).ok()
    assert world.registry.blobs == at_hand


def test_a_delta_on_a_delta_names_the_base_that_is_not_at_hand(world) -> None:
    home, base, files = world.cli.home, world.content.index, [world.file]
    for version in ("1.1.0", "1.2.0"):
        newer = web_bundle(home / version, version=version)
        content = content_of(newer, dict.fromkeys(REFS), scratch=home, base=base)
        files.append(content.write(home / f"web-{version}.bundle")[0])
        base = content.index
    said = [
        world.cli("import", files[2], "--site", world.site, *bases)
        for bases in ([], ["--base", files[1]], ["--base", files[0]], ["--base", files[0], "--base", files[1]])
    ]
    assert [one.code for one in said] == [27, 27, 0, 0]
    assert "hint: Import web-1.1.0.bundle first, or name it: --base web-1.1.0.bundle" in said[0].err
    assert "hint: Import web-1.0.0.bundle first, or name it too: --base web-1.0.0.bundle" in said[1].err
    assert "bringing 4 images" in said[2].err


def test_a_base_is_found_under_the_name_that_an_image_had_then(world) -> None:
    image, home = make_image("moved", layer_bytes=(900, 700)), world.cli.home
    old = content_of(make_bundle(home / "old", {}, name="old"), {"nginx:1.27": image}, scratch=home)
    world.cli("import", old.write(home / "old.bundle")[0], "--site", world.site).ok()
    base, sent = old.index, len(world.registry.sent)
    for number, name in enumerate(("quay.io/org/renamed:1", "quay.io/org/again:1")):
        bundle = make_bundle(home / f"new{number}", {}, name="new")
        delta = content_of(bundle, {name: image}, scratch=home, base=base)
        base = delta.index
    assert base.base.repositories == ("docker.io/library/nginx", "quay.io/org/renamed")
    file = delta.write(home / "new.bundle")[0]
    world.cli("import", file, "--site", world.site).ok()
    layers = {layer.digest for layer in image.top.layers}
    assert layers.isdisjoint(digest for _, digest in world.registry.sent[sent:])
    assert ("registry.site:5000/acme/quay.io/org/again", image.digest) in world.registry.manifests


def test_import_needs_a_place(world) -> None:
    assert world.cli("import", world.file).code == 2
    assert world.cli("import", world.file, "--registry", "https://x").code == 2


def test_a_registry_that_is_away_is_told_once(world) -> None:
    world.registry.is_away = True
    outcome = world.cli("import", world.file, "--site", world.site)
    assert outcome.code == 1
    assert "error[registry-unavailable]: asking registry.site:5000" in outcome.err
    assert (outcome.err.count("no one answers"), world.registry.sent) == (1, [])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["login", "ada:hunter22@registry.site", "-u", "ada", "--password-stdin"], 2),
        (["push", "shop", "oci://ada:hunter22@registry.site/shop"], 1),
        (["pull", "oci://ada:hunter22@registry.site/shop"], 1),
        (["import", "x.bundle", "--registry", "ada:hunter22@registry.site/acme"], 2),
        (["import", "x.bundle", "--registry=https://ada:hunter22@registry.site/acme"], 2),
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(cli, words: list[str], code: int) -> None:
    outcome = cli(*words, stdin="x\n")
    assert outcome.code == code
    assert "***@registry.site" in outcome.err
    assert "hunter22" not in outcome.err


@pytest.mark.parametrize("change", [lambda raw: raw + bytes(512), lambda raw: raw[:-512]], ids=["longer", "shorter"])
def test_what_stands_behind_or_is_cut_off_is_seen_before_anything_is_done(world, change) -> None:
    world.file.write_bytes(change(world.file.read_bytes()))
    for words in (["import"], ["install", "--context", "sandbox"], ["template"], ["images"]):
        assert world.cli(*words, world.file, *(["--site", world.site] if words != ["images"] else [])).code == 20, words
    assert world.registry.sent == []


def test_a_flipped_byte_reaches_no_registry(world) -> None:
    layer = max(world.content.index.blobs, key=lambda blob: blob.size if blob.kind == "layer" else 0)
    raw = bytearray(world.file.read_bytes())
    at = bytes(raw).index(world.content.blobs[layer.digest])
    raw[at + 5] ^= 1
    world.file.write_bytes(raw)
    outcome = world.cli("import", world.file, "--site", world.site)
    assert outcome.code == 20
    assert f"error[delivery-damaged]: reading {world.file}" in outcome.err
    assert f"{layer.digest} is damaged" in outcome.err
    assert "the registry is damaged" not in outcome.err
    assert all(digest != layer.digest for _, digest in world.registry.sent)


# --- install --------------------------------------------------------------------------------------------------------


def test_template_diff_and_install_give_the_same_pinned_objects(world) -> None:
    world.cli("import", world.file, "--site", world.site).ok()
    shown = world.manifests(world.file, "--site", world.site)
    pod = shown["Deployment"]["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "own"}, {"name": "site-pull"}]
    assert pod["containers"][0]["image"].startswith("registry.site:5000/acme/library/nginx@sha256:")
    diff = world.cli("diff", "web", world.file, "--site", world.site, "-o", "json").ok().document
    world.cli("install", world.file, "--site", world.site).ok()
    live = world.cli("get", "manifest", "web", "-n", "kitchen", "-o", "json").ok().document
    items = {item["kind"]: item for item in (live.get("items", live))}
    assert items["Deployment"]["spec"]["template"]["spec"]["containers"] == pod["containers"]
    assert json.dumps(pod["containers"][0]["image"]) in json.dumps(diff)
    names = json.loads(items["Deployment"]["metadata"]["annotations"]["bundler.dev/images"])
    assert names == {"web": "docker.io/library/nginx:1.27"}
    assert items["Job"]["metadata"]["name"].startswith("web-migrate-")


def test_what_was_imported_is_installed_from_the_registry_of_the_site_as_from_the_file(world) -> None:
    key = world.cli.home / "acme.key"
    world.cli("keygen", "acme", "--out", key).ok()
    address = "oci://registry.site:5000/acme/bundles/web"
    imported = world.cli("import", world.file, "--site", world.site).ok()
    assert f"the bundle is {address}:1.0.0@sha256:" in imported.err
    shown = world.manifests(world.file, "--site", world.site)
    assert world.manifests(f"{address}:1.0.0", "--site", world.site) == shown
    assert world.manifests(f"{address}:1.0.0") != shown
    add(world, f"  keys: [{{key: {json.dumps(key.with_suffix('.pub').read_text().strip())}}}]\n")
    assert world.cli("template", address, "--site", world.site).code == 23
    world.cli("sign", world.file, "--key", key).ok()
    world.cli("import", world.file, "--site", world.site).ok()
    again = world.cli("template", address, "--site", world.site, "-o", "json").ok()
    assert 'it came here by a delivery of 4 images, signed by "acme"' in again.err
    assert {item["kind"]: item for item in again.document["items"]} == shown


def test_the_text_of_template_shows_the_pinned_objects_too(world) -> None:
    text = world.cli("template", world.file, "--site", world.site).ok().out
    assert "# templates/web.yaml" in text
    assert "nginx:1.27\n" not in text
    assert text.count("registry.site:5000/acme/") == 2


def test_nothing_is_written_while_an_image_is_missing_at_the_site(world) -> None:
    outcome = world.cli("install", world.file, "--site", world.site)
    assert outcome.code == 1
    assert "error[preflight]" in outcome.err
    assert "  images: 2 of 2 are missing" in outcome.err
    assert (
        "    Deployment/web-web web (templates/web.yaml:12): docker.io/library/nginx:1.27 does not exist" in outcome.err
    )
    assert "    Job/web-migrate migrate (templates/web.yaml:24): docker.io/library/tool:1 does not exist" in outcome.err
    assert f"bundler import FILE --site {world.site}" in outcome.err
    assert "--registry" not in outcome.err
    assert world.cli("list", "-A", "-o", "json").ok().document == []


def test_without_preflight_images_are_still_looked_for(world) -> None:
    outcome = world.cli("install", world.file, "--site", world.site, "--no-preflight")
    assert outcome.code == 1
    assert "error[image-missing]" in outcome.err
    assert "Deployment/web-web web (templates/web.yaml:12): docker.io/library/nginx:1.27 does not exist" in outcome.err
    world.cli("import", world.file, "--site", world.site).ok()
    world.cli("install", world.file, "--site", world.site, "--no-preflight").ok()


def test_an_installation_tells_everything_that_is_not_ready_before_it_begins(world) -> None:
    add(world, "  values: {storage: gold, ingress: gate}\n")
    text = WEB + CLAIM
    bundle = make_bundle(world.cli.home / "more", {"templates/web.yaml": text, "values.yaml": VALUES + "storage: ''\ningress: ''\n"}, name="web")  # fmt: skip
    file = content_of(bundle, dict.fromkeys(REFS), scratch=world.cli.home).write(world.cli.home / "more.bundle")[0]
    outcome = world.cli.golden("delivery/not-ready", "install", file, "--site", world.site)
    assert outcome.code == 1
    for word in (
        "storage class: ",
        "asks for gold",
        "ingress class: there is no gate",
        "images: 2 of 2",
        "pull secret",
    ):
        assert word in outcome.err
    assert world.cli("list", "-A", "-o", "json").ok().document == []


def test_a_registry_that_is_away_is_told_once_and_asked_nothing_more(world) -> None:
    world.registry.is_away = True
    found = world.cli("preflight", world.file, "--site", world.site, "-o", "json").document
    states = {one["name"]: one["state"] for one in found}
    assert states["registry"] == "failed"
    assert {states[name] for name in ("images", "import", "pull secret in kitchen")} == {"skipped"}
    assert world.cli("install", world.file, "--site", world.site).err.count("no one answers") == 1
    assert world.registry.asked == []


def test_what_is_asked_of_the_registry_is_asked_once(world) -> None:
    world.cli("import", world.file, "--site", world.site).ok()
    world.registry.asked.clear()
    outcome = world.cli("install", world.file, "--site", world.site).ok()
    assert "preflight: " in outcome.err
    assert "Secret/site-pull does not exist, but registry.site:5000 gives images without a login" in outcome.err
    blobs = [asked for asked in world.registry.asked if asked[0] == "blob"]
    assert len(blobs) == len(set(blobs)) > 2


def test_a_folder_with_a_site_is_looked_ahead_for_too_and_without_one_it_is_not(world) -> None:
    assert "preflight: " in world.cli("install", world.bundle, "--site", world.site).ok().err
    assert "preflight: " not in world.cli("install", world.bundle, "-n", "other").ok().err


def test_only_the_images_that_these_values_need_are_looked_for(world) -> None:
    world.cli("import", world.file, "--site", world.site).ok()
    gone = [key for key in world.registry.manifests if "exporter" in key[0]]
    for key in gone:
        del world.registry.manifests[key]
    world.cli("install", world.file, "--site", world.site).ok()
    outcome = world.cli("upgrade", "web", world.file, "--site", world.site, "--set", "metrics.enabled=true")
    assert outcome.code == 1
    assert "acme/quay.io/org/exporter" in outcome.err


def test_values_that_need_an_image_that_is_not_carried_are_refused(world) -> None:
    outcome = world.cli("template", world.file, "--site", world.site, "--set", "image=nginx:1.28")
    assert outcome.code == 1
    assert "templates/web.yaml:12): nginx:1.28 is not in it" in outcome.err


@pytest.mark.medium
def test_upgrade_and_rollback_come_from_the_files(world) -> None:
    world.cli("import", world.file, "--site", world.site).ok()
    world.cli("install", world.file, "--site", world.site).ok()
    newer = content_of(
        web_bundle(world.cli.home / "newer", version="1.1.0"), dict.fromkeys(REFS), scratch=world.cli.home
    )
    file = newer.write(world.cli.home / "web-1.1.0.bundle")[0]
    world.cli("import", file, "--site", world.site).ok()
    world.cli("upgrade", "web", file, "--site", world.site, "--set", "metrics.enabled=true").ok()
    world.cli("rollback", "web", "-n", "kitchen").ok()
    history = world.cli("history", "web", "-n", "kitchen", "-o", "json").ok().document
    assert [one["bundle"]["version"] for one in history] == ["1.0.0", "1.1.0", "1.0.0"]


def test_a_registry_is_opened_for_nothing_but_the_site(world) -> None:
    world.cli("import", world.file, "--site", world.site).ok()
    world.cli("install", world.file, "--site", world.site).ok()
    assert [sorted(one["gate"].allowed) for one in world.opened] == [["registry.site:5000"]] * 3
    world.cli("install", world.file, "--site", world.site, "--no-offline").ok()
    assert world.opened[-1]["gate"] is None


def test_without_a_site_images_are_pinned_where_they_come_from(world) -> None:
    outcome = world.cli("install", world.file, "--dry-run")
    outcome.ok()
    assert "no site registry is named" in outcome.err
    pod = world.manifests(world.file)["Deployment"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"].startswith("docker.io/library/nginx@sha256:")


def test_offline_refuses_every_other_registry(cli) -> None:
    outcome = cli("install", "oci://registry.example/shop:1.0.0", "--offline")
    assert outcome.code == 1
    assert "error[offline]" in outcome.err


# --- the site file --------------------------------------------------------------------------------------------------


def add(world: World, text: str) -> None:
    world.site.write_text(world.site.read_text() + text)


def test_a_site_file_names_its_cluster(world) -> None:
    add(world, "  clusterUid: 11111111-2222-3333-4444-555555555555\n")
    outcome = world.cli("install", world.file, "--site", world.site)
    assert outcome.code == 25
    assert "error[wrong-cluster]" in outcome.err
    assert "site acme" in outcome.err
    assert "context sandbox" in outcome.err


def test_patches_of_the_site_reach_objects_and_their_images_are_looked_up(world) -> None:
    add(
        world,
        """\
  patches:
    - target: {kind: Deployment, name: "*-web"}
      patch: {spec: {replicas: 3}}
    - target: {kind: Deployment, name: web-web}
      patch: [{op: add, path: /spec/template/spec/priorityClassName, value: high}]
    - target: {kind: StatefulSet, name: db}
      patch: {}
""",
    )
    outcome = world.cli("template", world.file, "--site", world.site, "-o", "json").ok()
    (deployment,) = [item for item in outcome.document["items"] if item["kind"] == "Deployment"]
    assert deployment["spec"]["replicas"] == 3
    assert deployment["spec"]["template"]["spec"]["priorityClassName"] == "high"
    assert "the patch of StatefulSet/db fits no object of this release" in outcome.err
    add(
        world,
        "    - target: {kind: Job, name: web-migrate}\n      patch: {spec: {template: {spec: {containers: [{name: x, image: other}]}}}}\n",
    )
    assert "other is not in it" in world.cli("template", world.file, "--site", world.site).err


def test_patches_hold_for_bundles_from_a_folder_too(world) -> None:
    add(world, "  patches: [{target: {kind: Deployment, name: web-web}, patch: {spec: {replicas: 7}}}]\n")
    assert world.manifests(world.bundle, "--site", world.site)["Deployment"]["spec"]["replicas"] == 7


def test_the_policy_is_asked_before_the_index_is_read(world) -> None:
    key = make_key(b"k" * 32, "acme release").line
    add(world, f"  keys: [{{key: {json.dumps(key)}}}]\n")
    outcome = world.cli("install", world.file, "--site", world.site)
    assert outcome.code == 23
    add(world, "  policy: {minimumVersions: {web: 2.0.0}}\n")
    assert world.cli("install", world.file, "--site", world.site).code == 23


def test_a_version_that_is_too_old_is_refused(world) -> None:
    add(world, "  policy: {minimumVersions: {web: 1.0.1}}\n")
    outcome = world.cli("install", world.file, "--site", world.site)
    assert outcome.code == 25
    assert "1.0.1 or newer" in outcome.err
    assert world.cli("install", world.bundle, "--site", world.site, "--context", "sandbox").code == 25


def test_site_init_writes_what_site_check_accepts(world) -> None:
    out = world.cli.home / "new.yaml"
    argv = ["site", "init", "new", "--registry", "registry.site:5000/acme", "-n", "kitchen", "--out", out]
    world.cli(*argv).ok()
    assert world.cli(*argv).code == 2
    checked = world.cli("site", "check", out, "-o", "json").ok().document
    assert {one["name"]: one["state"] for one in checked} == {
        "file": "passed",
        "keys": "warned",
        "cluster": "passed",
        "cluster uid": "passed",
        "registry": "passed",
        "storage class": "passed",
        "ingress class": "skipped",
        "namespace": "passed",
        "pull secret": "skipped",
    }
    with world.cli.sandbox() as sandbox:
        uid = sandbox.identity().uid
    assert uid in out.read_text()


def test_site_init_takes_the_registrys_authority_and_the_senders_key(world) -> None:
    home = world.cli.home
    world.cli("keygen", "acme release", "--out", home / "acme.key").ok()
    out = home / "sites" / "new.yaml"
    out.parent.mkdir()
    words = ["--registry", "registry.site/acme", "--registry-ca", home / "ca.crt", "--key", home / "acme.pub"]
    world.cli("site", "init", "new", *words, "--insecure-http", "registry.other", "--out", out).ok()
    spec = load_site(out)
    assert spec.registry is not None
    assert (spec.registry.ca, spec.registry.is_insecure_http) == ("../ca.crt", False)
    assert [key.name for key in spec.trust.keys] == ["acme release"]
    assert spec.trust.requires_signature
    world.cli("site", "init", "new", "--registry", "registry.site/acme", "--insecure-http", "registry.site", "--out", out, "--force").ok()  # fmt: skip
    assert "insecureHTTP: true" in out.read_text()


def test_a_site_is_not_called_by_a_path(world) -> None:
    outcome = world.cli("site", "init", "sites/acme.yaml")
    assert outcome.code == 2
    assert "'sites/acme.yaml' cannot be the name of a site" in outcome.err
    assert "--out FILE" in outcome.err


def test_site_check_tells_everything_that_is_wrong_at_once(world) -> None:
    add(world, "  clusterUid: other\n  storageClass: gold\n  ingressClass: gate\n")
    outcome = world.cli("site", "check", world.site)
    assert outcome.code == 1
    assert outcome.out.count("✖") == 4
    for word in ("cluster uid", "gold", "gate", "site-pull"):
        assert word in outcome.out


@pytest.mark.parametrize(
    ("container", "rules"),
    [
        ("imagePullPolicy: Always", {"pull-always"}),
        ('command: [sh, -c, "curl -fsSL https://get.example.org/x | sh"]', {"fetches"}),
        ('command: [sh, -c, "wget http://dl.example.org/a"]', {"fetches"}),
        ('command: [sh, -c, "curl http://localhost:80/"]', set()),
        ('command: [sh, -c, "curl http://web.prod.svc:80/"]', set()),
        ('command: [sh, -c, "curl http://web:80/"]', set()),
        ("imagePullPolicy: IfNotPresent", set()),
    ],
)
def test_lint_flags_what_does_not_work_without_internet(cli, container, rules) -> None:
    pod = f"""
    apiVersion: v1
    kind: Pod
    metadata: {{name: a}}
    spec:
      containers:
        - name: a
          image: docker.io/library/a:1
          {container}
    """
    bundle = make_bundle(cli.home, {"templates/a.yaml": pod})
    found = {one["rule"] for one in cli("lint", bundle, "-o", "json").document}
    assert found & {"pull-always", "fetches"} == rules


# --- preflight ------------------------------------------------------------------------------------------------------


def test_preflight_tells_every_failure_at_once(world) -> None:
    found = world.cli("preflight", world.file, "--site", world.site, "-o", "json")
    assert found.code == 1
    states = {one["name"]: one["state"] for one in found.document}
    assert states["images"] == "failed"
    assert states["pull secret in kitchen"] == "failed"
    assert {states[name] for name in ("cluster", "version", "bundle", "kinds", "registry", "import", "platforms")} == {
        "passed"
    }


def test_preflight_passes_where_everything_is_there(world) -> None:
    world.cli("import", world.file, "--site", world.site).ok()
    world.site.write_text(SITE.replace("  pullSecret: site-pull\n", ""))
    outcome = world.cli("preflight", world.file, "--site", world.site)
    assert outcome.code == 0, outcome.out + outcome.err
    assert "holds all 2 by their digests" in outcome.out
    assert scrub(outcome.out).count("✔") >= 9


REFUSALS = {
    RegistryLoginError: ("asking for a token: registry.site:5000 answers 401", "is not accepted by registry.site:5000"),
    RegistryForbiddenError: ("reading an image: registry.site:5000 answers 403", "may not pull from"),
}


@pytest.mark.parametrize("kind", REFUSALS)
@pytest.mark.parametrize("is_own", [False, True])
def test_preflight_says_to_mend_the_pull_secret_that_a_registry_refuses(world, monkeypatch, kind, is_own) -> None:
    said, found = REFUSALS[kind]
    config = base64.b64encode(b'{"auths": {"registry.site:5000": {"auth": "YTpi"}}}').decode()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "site-pull", "namespace": "kitchen"}}
    secret |= {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": config}}
    if is_own:
        files = {"templates/web.yaml": f"{WEB}---\n{json.dumps(secret)}\n", "values.yaml": VALUES}
        bundle = make_bundle(world.cli.home / "own", files, name="web")
        world.file = content_of(bundle, dict.fromkeys(REFS), scratch=world.cli.home).write(world.file)[0]
    with world.cli.sandbox() as sandbox:
        for ref, body in () if is_own else ((NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kitchen"}}), (SECRET, secret)):  # fmt: skip
            sandbox.create(Payload(ref=ref, api_version="v1", content=json.dumps(body).encode()))
    world.cli("import", world.file, "--site", world.site).ok()

    class Refusing(MemoryRegistry):
        def manifest(self, repository, reference):
            raise kind(said.partition(": ")[0], context=[said.partition(": ")[2]], hint="log in with `bundler login`")

    def open_registry(scope, **options):
        return Refusing() if options.get("find_credentials") else world.registry

    monkeypatch.setattr("bundler.library.registries.open_registry", open_registry)
    checks = {
        one["name"]: one for one in world.cli("preflight", world.file, "--site", world.site, "-o", "json").document
    }
    check = checks["pull secret in kitchen"]
    assert check["state"] == "failed"
    assert "Secret/site-pull" in check["found"]
    assert found in check["found"]
    assert said.partition(": ")[2] in check["found"]
    assert "bundler login" not in check["hint"]
    assert "site-pull" in check["hint"]
    assert ("comes with the release" if is_own else "-n kitchen --docker-server=registry.site:5000") in check["hint"]


def test_preflight_looks_at_a_bundle_from_a_folder_too(world) -> None:
    states = {one["name"]: one["state"] for one in world.cli("preflight", world.bundle, "-o", "json").ok().document}
    assert states["images"] == "skipped"
    assert states["bundle"] == "passed"


def test_preflight_tells_of_a_kubernetes_that_the_bundle_does_not_run_on(world) -> None:
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
    old = make_bundle(world.cli.home / "old", {"templates/a.yaml": config}, kubeVersion="<1.20")
    found = {one["name"]: one for one in world.cli("preflight", old, "-o", "json").document}
    assert found["version"]["state"] == "failed"
    assert "kubeVersion of the bundle is <1.20, the cluster runs v1." in found["version"]["found"]
    assert found["bundle"]["state"] == "skipped"


def test_preflight_tells_of_a_bundle_that_does_not_render(world) -> None:
    outcome = world.cli("preflight", world.file, "--site", world.site, "--set", "image=nginx:1.28")
    assert outcome.code == 1
    assert "✖ bundle" in outcome.out
    assert "✖ images" in outcome.out
