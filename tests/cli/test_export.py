"""Making and checking deliveries on the command line; images come from OCI layouts."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from bundler.delivery.reader import Delivery
from tests.lib.bundles import make_bundle
from tests.lib.images import make_image, write_layout

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.fixtures_cli import Cli

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - {name: app, image: "registry.example/app:1"}
    {% if values.metrics.enabled %}
    - {name: metrics, image: "registry.example/metrics:2"}
    {% endif %}
"""
SCHEMA = {
    "type": "object",
    "properties": {"metrics": {"type": "object", "properties": {"enabled": {"type": "boolean"}}}},
}


@dataclass
class Kitchen:
    """A bundle with two images, and keys."""

    cli: Cli
    folder: Path

    def export(self, *more: str | Path, out: str = "shop.bundle", code: int = 0):
        layouts = ["--layout", self.folder / "app", "--layout", f"registry.example/metrics={self.folder / 'metrics'}"]
        outcome = self.cli("export", self.folder / "shop", "--out", self.folder / out, *layouts, *more)
        assert outcome.code == code, outcome.err
        return outcome

    @property
    def file(self) -> Path:
        return self.folder / "shop.bundle"

    def key(self, name: str) -> Path:
        """Return a public key; the private one is beside it."""
        path = self.folder / f"{name}.key"
        if not path.exists():
            self.cli("keygen", name, "--out", path).ok()
        return path.with_suffix(".pub")


@pytest.fixture
def kitchen(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    # Keys are new in each run, and goldens compare: a counter stands for chance.
    seeds = iter(range(1, 100))
    monkeypatch.setattr("bundler.signing.keys.secrets.token_bytes", lambda count: bytes([next(seeds)]) * count)
    make_bundle(
        tmp_path,
        {
            "templates/pod.yaml": POD,
            "values.yaml": "metrics: {enabled: false}\n",
            "values.schema.json": json.dumps(SCHEMA),
        },
        name="shop",
        version="1.4.0",
    )
    write_layout(make_image("app", layer_bytes=(3000, 5000)), tmp_path / "app", tag="registry.example/app:1")
    write_layout(make_image("metrics"), tmp_path / "metrics", tag="2")
    return Kitchen(cli, tmp_path)


def test_a_delivery_is_made_signed_shown_and_verified(kitchen: Kitchen, cli: Cli) -> None:
    public = kitchen.key("acme release 2026")
    kitchen.export("--key", public.with_suffix(".key"))
    cli.golden("delivery/show", "show", kitchen.file).ok()
    cli.golden("delivery/verify", "verify", kitchen.file, "--key", public).ok()
    facts = cli("verify", kitchen.file, "--key", public, "-o", "json").ok().document
    assert facts["signedBy"][0]["name"] == "acme release 2026"
    assert facts["blobs"] == 9


def test_images_behind_switches_travel_too(kitchen: Kitchen) -> None:
    facts = kitchen.export("-o", "json").document
    assert [image["ref"] for image in facts["images"]] == ["registry.example/app:1", "registry.example/metrics:2"]
    fixed = kitchen.export("-o", "json", "--set", "metrics.enabled=false").document
    assert [image["ref"] for image in fixed["images"]] == ["registry.example/app:1"]


def test_the_name_of_the_file_follows_from_the_bundle(kitchen: Kitchen, tmp_path: Path) -> None:
    kitchen.export(out=".")
    assert (tmp_path / "shop-1.4.0.bundle").is_file()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--out", "x.tar"], 2),
        (["--split", "banana"], 2),
        (["--split", "5K"], 2),
        (["--platform", "amd64"], 2),
        (["--platform", "linux/amd64", "--all-platforms"], 2),
        (["--platform", "linux/s390x"], 1),
        (["--tool", "none.pyz"], 2),
        (["--since", "none.bundle"], 1),
        (["--key", "none.key"], 1),
        (["--layout", "none"], 1),
    ],
)
def test_what_cannot_be_exported_is_refused_and_leaves_nothing(kitchen: Kitchen, options, code: int) -> None:
    outcome = kitchen.export(*options, code=code)
    assert "hint: " in outcome.err
    assert not list(kitchen.folder.glob("*.bundle*"))
    assert not list(kitchen.folder.glob(".*.unfinished"))


def test_a_site_that_trusts_a_key_takes_no_unsigned_folder(kitchen: Kitchen, cli: Cli) -> None:
    keys = [{"key": kitchen.key("acme").read_text(), "name": "acme"}]
    site = kitchen.folder / "acme.yaml"
    spec = {"registry": {"host": "registry.site"}, "keys": keys}
    content = {"apiVersion": "bundler.dev/v1", "kind": "Site", "metadata": {"name": "acme"}, "spec": spec}
    site.write_text(json.dumps(content))
    outcome = cli("template", str(kitchen.folder / "shop"), "--site", str(site))
    assert (outcome.code, outcome.out) == (23, ""), outcome.err
    assert "error[unsigned]" in outcome.err


# --- verify: the images ------------------------------------------------------------------------------------------


def test_verify_holds_what_the_bundle_renders_against_the_index(kitchen: Kitchen, cli: Cli) -> None:
    kitchen.export("--set", "metrics.enabled=false")
    assert cli("verify", kitchen.file, "-o", "json").ok().document["images"] == 1
    outcome = cli.golden("delivery/incomplete", "verify", kitchen.file, "--set", "metrics.enabled=true")
    assert outcome.code == 20
    assert "Pod/web metrics (templates/pod.yaml:8): registry.example/metrics:2 is not in it" in outcome.err


def test_verify_takes_values_from_files_and_from_the_site(kitchen: Kitchen, cli: Cli) -> None:
    kitchen.export("--set", "metrics.enabled=false")
    (kitchen.folder / "on.yaml").write_text("metrics: {enabled: true}\n")
    site = kitchen.folder / "acme.yaml"
    site.write_text("apiVersion: bundler.dev/v1\nkind: Site\nmetadata: {name: acme}\nspec:\n  values: {metrics: {enabled: true}}\n")  # fmt: skip
    assert cli("verify", kitchen.file, "-f", kitchen.folder / "on.yaml").code == 20
    assert cli("verify", kitchen.file, "--site", site).code == 20
    cli("verify", kitchen.file, "--site", site, "--set", "metrics.enabled=false").ok()


def test_verify_asks_no_cluster_for_its_version(kitchen: Kitchen, cli: Cli) -> None:
    path = kitchen.folder / "shop" / "bundle.yaml"
    path.write_text(path.read_text().replace("spec: {}", "spec: {kubeVersion: '<1.20'}"))
    kitchen.export()
    cli("verify", kitchen.file, KUBECONFIG="/nowhere").ok()


def test_a_bundle_that_needs_values_is_verified_without_its_images_until_they_are_given(
    kitchen: Kitchen, cli: Cli
) -> None:
    schema = {**SCHEMA, "required": ["name"], "properties": {**SCHEMA["properties"], "name": {"type": "string"}}}
    (kitchen.folder / "shop" / "values.schema.json").write_text(json.dumps(schema))
    kitchen.export("--set", "name=x")
    outcome = cli("verify", kitchen.file, "-o", "json").ok()
    assert outcome.document["images"] is None
    assert "images were not checked" in outcome.err
    assert cli("verify", kitchen.file, "--set", "name=x", "-o", "json").ok().document["images"] == 1
    assert cli("verify", kitchen.file, "--set", "nam=x").code == 1


def test_values_for_an_archive_are_refused(kitchen: Kitchen, cli: Cli) -> None:
    cli("package", kitchen.folder / "shop", "--out", kitchen.folder).ok()
    assert cli("verify", kitchen.folder / "shop-1.4.0.tgz", "--set", "metrics.enabled=true").code == 2


# --- verify: every case has its own exit code --------------------------------------------------------------------


def test_a_file_that_is_not_signed_is_23_where_a_key_is_named(kitchen: Kitchen, cli: Cli) -> None:
    kitchen.export()
    assert cli.golden("delivery/unsigned", "verify", kitchen.file, "--key", kitchen.key("acme")).code == 23
    assert "signature not asked for" in cli("verify", kitchen.file).ok().out


def test_a_signature_by_another_key_is_24(kitchen: Kitchen, cli: Cli) -> None:
    kitchen.export("--key", kitchen.key("other").with_suffix(".key"))
    assert cli.golden("delivery/untrusted", "verify", kitchen.file, "--key", kitchen.key("acme")).code == 24


def test_a_stripped_signature_is_23(kitchen: Kitchen, cli: Cli) -> None:
    public = kitchen.key("acme")
    kitchen.export("--key", public.with_suffix(".key"))
    signed = kitchen.file.read_bytes()
    kitchen.export()
    unsigned = kitchen.file.read_bytes()
    assert len(signed) == len(unsigned)
    assert cli("verify", kitchen.file, "--key", public).code == 23
    cli("sign", kitchen.file, "--key", public.with_suffix(".key")).ok()
    assert kitchen.file.read_bytes() == signed


def test_an_index_that_was_changed_after_it_was_signed_is_20(kitchen: Kitchen, cli: Cli) -> None:
    public = kitchen.key("acme")
    kitchen.export("--key", public.with_suffix(".key"))
    with Delivery.open(kitchen.file) as delivery:
        envelopes = delivery.envelopes
    kitchen.export("--all-platforms")
    from bundler.delivery.signature_region import replace_signatures

    replace_signatures([kitchen.file], envelopes)
    assert cli.golden("delivery/swapped-index", "verify", kitchen.file, "--key", public).code == 20


def test_a_damaged_file_is_20(kitchen: Kitchen, cli: Cli) -> None:
    kitchen.export()
    content = bytearray(kitchen.file.read_bytes())
    content[-2000] ^= 1
    kitchen.file.write_bytes(content)
    assert cli.golden("delivery/damaged", "verify", kitchen.file).code == 20


@pytest.mark.medium
def test_parts_have_codes_of_their_own(kitchen: Kitchen, cli: Cli) -> None:
    write_layout(make_image("app", layer_bytes=(3000, 2_500_000)), kitchen.folder / "app", tag="registry.example/app:1")
    public = kitchen.key("acme")
    parts = kitchen.export("--split", "1M", "--key", public.with_suffix(".key"), "-o", "json").document["files"]
    assert [part[-4:] for part in parts] == [".001", ".002", ".003"]
    one, two, three = (kitchen.folder / f"shop.bundle.{number:03d}" for number in (1, 2, 3))
    cli("verify", one, two, three, "--key", public).ok()
    cli("sign", two, "--key", kitchen.key("other").with_suffix(".key")).ok()
    assert "other" in cli("verify", kitchen.file, "--key", kitchen.key("other")).ok().out
    kept = two.read_bytes()
    two.unlink()
    assert cli.golden("delivery/part-missing", "verify", one).code == 21
    two.write_bytes(kept[:-5] + bytes(5))
    damaged = cli.golden("delivery/part-damaged", "verify", one)
    assert damaged.code == 20
    assert str(two) in damaged.err
    kitchen.export("--split", "1M", "--all-platforms", out="other.bundle")
    two.write_bytes((kitchen.folder / "other.bundle.002").read_bytes())
    assert cli.golden("delivery/part-foreign", "verify", one).code == 22


def test_a_policy_that_asks_for_two_signers_is_25(kitchen: Kitchen, cli: Cli, tmp_path: Path) -> None:
    acme, board = kitchen.key("acme"), kitchen.key("board")
    kitchen.export("--key", acme.with_suffix(".key"))
    site = tmp_path / "acme.yaml"
    keys = "".join(f"    - {{name: {p.stem}, key: {p.read_text().strip()}}}\n" for p in (acme, board))
    head = "apiVersion: bundler.dev/v1\nkind: Site\nmetadata: {name: acme}\nspec:\n"
    site.write_text(f"{head}  keys:\n{keys}  policy: {{requireSignature: true, threshold: 2}}\n")
    assert cli.golden("delivery/threshold", "verify", kitchen.file, "--site", site).code == 25
    cli("sign", kitchen.file, "--key", board.with_suffix(".key")).ok()
    assert "acme" in cli("verify", kitchen.file, "--site", site).ok().out
    site.write_text(f"{head}  keys:\n{keys}  policy: {{minimumVersions: {{shop: 2.0.0}}}}\n")
    assert cli.golden("delivery/too-old", "verify", kitchen.file, "--site", site).code == 25


def test_a_delta_without_its_base_is_27(kitchen: Kitchen, cli: Cli) -> None:
    kitchen.export()
    old = kitchen.file
    kitchen.export("--since", old, out="delta.bundle")
    delta = kitchen.folder / "delta.bundle"
    assert cli.golden("delivery/base-missing", "verify", delta).code == 27
    cli("verify", delta, "--base", old).ok()
    assert "builds on shop 1.4.0" in cli("show", delta).ok().out


def test_a_delta_of_a_delta_names_the_base_that_is_not_at_hand(kitchen: Kitchen, cli: Cli) -> None:
    files = []
    for version in ("1.4.0", "1.5.0", "1.6.0"):
        definition = kitchen.folder / "shop" / "bundle.yaml"
        definition.write_text(re.sub(r"1\.\d\.0", version, definition.read_text()))
        since = ["--since", files[-1]] if files else []
        files.append(kitchen.folder / f"shop-{version}.bundle")
        kitchen.export(*since, out=files[-1].name)
    said = cli("verify", files[2], "--base", files[1])
    assert said.code == 27
    assert "builds on shop 1.4.0" in said.err
    assert "--base shop-1.4.0.bundle" in said.err
    assert "--base shop-1.5.0.bundle" in cli("verify", files[2]).err
    cli("verify", files[2], "--base", files[1], "--base", files[0]).ok()


# --- keys and archives -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [[], ["--split", "1M"]])
def test_an_export_is_not_written_over_the_delivery_that_it_builds_on(kitchen: Kitchen, cli: Cli, more) -> None:
    kitchen.export()
    before = kitchen.file.read_bytes()
    refused = kitchen.export("--since", kitchen.file, *more, code=2)
    assert "hint: Raise metadata.version" in refused.err
    assert cli("export", kitchen.file, "--out", kitchen.file, *more).code == 2
    assert kitchen.file.read_bytes() == before


def test_an_archive_is_signed_beside_it(kitchen: Kitchen, cli: Cli, tmp_path: Path) -> None:
    archive, public = tmp_path / "shop-1.4.0.tgz", kitchen.key("acme")
    cli("package", tmp_path / "shop", "--out", archive).ok()
    assert cli("verify", archive, "--key", public).code == 23
    cli("sign", archive, "--key", public.with_suffix(".key")).ok()
    assert 'signed by "acme" (key id' in cli("verify", archive, "--key", public).ok().out
    beside = tmp_path / "shop-1.4.0.tgz.sig"
    cli("sign", archive, "--key", kitchen.key("other").with_suffix(".key")).ok()
    assert cli("verify", archive, "--key", public).code == 0
    beside.write_bytes(beside.read_bytes().replace(b"A", b"B", 1))
    assert cli("verify", archive, "--key", public).code == 20


def test_an_archive_can_be_signed_as_it_is_packed(kitchen: Kitchen, cli: Cli, tmp_path: Path) -> None:
    archive, public = tmp_path / "shop-1.4.0.tgz", kitchen.key("acme")
    cli("package", tmp_path / "shop", "--out", archive, "--key", public.with_suffix(".key")).ok()
    cli("verify", archive, "--key", public).ok()


def test_an_archive_of_another_bundle_is_not_covered_by_the_signature(
    kitchen: Kitchen, cli: Cli, tmp_path: Path
) -> None:
    archive, public = tmp_path / "shop-1.4.0.tgz", kitchen.key("acme")
    cli("package", tmp_path / "shop", "--out", archive).ok()
    cli("sign", archive, "--key", public.with_suffix(".key")).ok()
    (tmp_path / "shop" / "values.yaml").write_text("metrics: {enabled: true}\n")
    cli("package", tmp_path / "shop", "--out", archive).ok()
    assert cli("verify", archive, "--key", public).code == 20


def test_a_signature_does_not_outlive_what_it_signed(kitchen: Kitchen, cli: Cli, tmp_path: Path) -> None:
    acme, other = kitchen.key("acme"), kitchen.key("other")
    packed = tmp_path / "shop-1.4.0.tgz"
    assert "sign it again" not in cli("package", kitchen.folder / "shop", "--out", packed).ok().err
    cli("sign", packed, "--key", acme.with_suffix(".key")).ok()
    assert "sign it again" not in cli("package", kitchen.folder / "shop", "--out", packed).ok().err
    (kitchen.folder / "shop" / "values.yaml").write_text("metrics: {enabled: true}\n")
    assert "sign it again" in cli("package", kitchen.folder / "shop", "--out", packed).ok().err
    assert cli("verify", packed, "--key", acme).code == 20
    refused = cli("push", packed, "oci://registry.example/shop")
    assert refused.code == 20
    assert "error[signature-wrong]: pushing shop 1.4.0" in refused.err
    cli("sign", packed, "--key", other.with_suffix(".key")).ok()
    cli("verify", packed, "--key", acme, "--key", other).ok()
    packed.with_name(packed.name + ".sig").write_text("no signature")
    assert "cannot be read: not JSON" in cli("push", packed, "oci://registry.example/shop").err


@pytest.mark.medium
def test_a_key_with_a_passphrase_needs_it(kitchen: Kitchen, cli: Cli, tmp_path: Path) -> None:
    word, wrong = tmp_path / "word", tmp_path / "wrong"
    word.write_text("correct horse\n")
    wrong.write_text("battery\n")
    key = tmp_path / "k.key"
    cli("keygen", "acme", "--out", key, "--passphrase-file", word).ok()
    kitchen.export()
    cli("sign", kitchen.file, "--key", key, "--passphrase-file", word).ok()
    assert cli("sign", kitchen.file, "--key", key, "--passphrase-file", wrong).code == 1
    assert "there is no terminal to ask on" in cli("sign", kitchen.file, "--key", key).err
    assert cli("keygen", "acme", "--out", key).code == 1


def test_an_empty_passphrase_is_none(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "words").write_text("\nsecond line\n")
    outcome = cli("keygen", "acme", "--out", tmp_path / "acme.key", "--passphrase-file", tmp_path / "words")
    assert (outcome.code, list(tmp_path.glob("acme*"))) == (1, [])
    assert "is empty" in outcome.err


def test_a_private_key_gets_no_name_of_a_public_one(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("keygen", "acme", "--out", tmp_path / "acme.pub")
    assert (outcome.code, list(tmp_path.glob("*.pub*"))) == (2, [])
    assert "--out acme.key" in outcome.err


def test_the_private_key_is_never_said(kitchen: Kitchen, cli: Cli) -> None:
    public = kitchen.key("acme")
    secret = public.with_suffix(".key").read_text().splitlines()[5]
    outcome = cli("verify", kitchen.file, "--key", public.with_suffix(".key"))
    assert outcome.code == 1
    assert secret not in outcome.out + outcome.err
