"""login, push, pull, lock and install oci:// from the command line, through TLS of a private authority and a login."""

from __future__ import annotations

import json
import stat
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bundler import NetworkRules, Session, SessionOptions
from bundler.errors.delivery import RegistryLoginError, UnsignedError
from tests.lib.registry import PASSWORD, USER

if TYPE_CHECKING:
    from tests.lib.fixtures_cli import Cli, Outcome
    from tests.lib.registry import RealRegistry


class Desk:
    """A user with a registry, and folders of bundles."""

    def __init__(self, cli: Cli, registry: RealRegistry, place: str) -> None:
        self.cli, self.registry = cli, registry
        self.address = f"oci://{registry.host}/{place}"

    def __call__(self, *words: str | Path, **variables: str) -> Outcome:
        return self.cli(*words, "--registry-ca", self.registry.ca, **variables)

    def login(self, password: str = PASSWORD) -> Outcome:
        words = ("login", self.registry.host, "-u", USER, "--password-stdin", "--registry-ca", self.registry.ca)
        return self.cli(*words, stdin=f"{password}\n")

    def bundle(self, name: str, version: str = "1.0.0", *, component: str = "", word: str = "here") -> Path:
        """Write a bundle of one ConfigMap."""
        folder = self.cli.home / name
        (folder / "templates").mkdir(parents=True, exist_ok=True)
        components = f"spec: {{components: [{component}]}}\n" if component else ""
        (folder / "bundle.yaml").write_text(
            "apiVersion: bundler.dev/v1\nkind: Bundle\n"
            f"metadata: {{name: {name}, version: {version}, description: A bundle of one object}}\n{components}"
        )
        (folder / "templates" / "config.yaml").write_text(
            "apiVersion: v1\nkind: ConfigMap\n"
            f'metadata: {{name: "{{{{ release.name }}}}-{name}"}}\ndata: {{word: {word}}}\n'
        )
        return folder


@pytest.fixture
def desk(
    cli: Cli, secure_registry: RealRegistry, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    place = "".join(letter for letter in request.node.name.lower() if letter.isalnum())[:60]
    return Desk(cli, secure_registry, f"bundles/{place}")


def test_a_login_is_tried_before_it_is_kept(desk: Desk) -> None:
    wrong = desk.login("wrong-horse-8")
    assert wrong.code == 1
    assert "error[registry-login]" in wrong.err
    assert "asked as ada (from this login)" in wrong.err
    assert "Check the name and the password" in wrong.err
    assert "wrong-horse-8" not in wrong.err
    kept = desk.cli.home / ".docker" / "config.json"
    assert not kept.exists()
    desk.login().ok()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    desk("push", desk.bundle("shop"), desk.address).ok()


def test_a_bundle_that_was_pushed_is_pulled_byte_for_byte_and_installed(desk: Desk) -> None:
    desk.login().ok()
    packed = desk.cli.home / "shop.tgz"
    desk.cli("package", desk.bundle("shop"), "--out", packed).ok()
    assert "pushed oci://" in desk("push", packed, desk.address).ok().out
    out = desk.cli.home / "out"
    out.mkdir()
    pulled = desk("pull", desk.address, "--out", out, "-o", "json").ok().document
    assert (out / "shop-1.0.0.tgz").read_bytes() == packed.read_bytes()
    installed = desk("install", "web", f"{desk.address}:1.0.0").ok()
    assert pulled["digest"] in installed.err
    assert "create ConfigMap/web-shop" in installed.err
    status = desk.cli("history", "web", "-o", "json").ok()
    assert "1.0.0" in status.out


def test_skopeo_sees_the_artifact_with_its_media_types_and_annotations(desk: Desk) -> None:
    desk.login().ok()
    desk("push", desk.bundle("shop"), desk.address).ok()
    creds = ["--tls-verify=false", f"--creds={USER}:{PASSWORD}"]
    raw = json.loads(desk.registry.skopeo("inspect", "--raw", *creds, f"docker://{desk.address[6:]}:1.0.0"))
    assert raw["artifactType"] == "application/vnd.bundler.bundle.v1"
    assert raw["config"]["mediaType"] == "application/vnd.bundler.bundle.config.v1+json"
    assert [layer["mediaType"] for layer in raw["layers"]] == ["application/vnd.bundler.bundle.archive.v1.tar+gzip"]
    assert raw["annotations"]["org.opencontainers.image.version"] == "1.0.0"
    assert raw["annotations"]["org.opencontainers.image.description"] == "A bundle of one object"
    copied = desk.cli.home / "copied"
    desk.registry.skopeo("copy", "-q", f"--src-creds={USER}:{PASSWORD}", "--src-tls-verify=false",
                         f"docker://{desk.address[6:]}:1.0.0", f"dir:{copied}")  # fmt: skip
    layer = copied / raw["layers"][0]["digest"].removeprefix("sha256:")
    with tarfile.open(layer) as archive:
        assert "shop/bundle.yaml" in archive.getnames()


def test_a_published_version_never_changes(desk: Desk) -> None:
    desk.login().ok()
    desk("push", desk.bundle("shop"), desk.address).ok()
    assert "was published already, the same bundle" in desk("push", desk.bundle("shop"), desk.address).ok().out
    refused = desk("push", desk.bundle("shop", word="there"), desk.address)
    assert refused.code == 1
    assert "error[version-published]" in refused.err
    desk("push", desk.bundle("shop", "1.0.1", word="there"), desk.address).ok()
    wrong = desk("push", desk.bundle("shop", "1.0.2"), f"{desk.address}:2.0.0")
    assert (wrong.code, "the address names 2.0.0, the bundle is 1.0.2" in wrong.err) == (2, True)


def test_a_range_takes_the_highest_release_and_build_metadata_survives(desk: Desk) -> None:
    desk.login().ok()
    for version in ("1.0.0", "1.2.0+build.7", "1.10.0", "2.0.0-rc.1"):
        desk("push", desk.bundle("shop", version), desk.address).ok()
    out = desk.cli.home / "out"
    out.mkdir()
    for accepts, expected in (("", "1.10.0"), ("~1.2", "1.2.0+build.7"), ("<1.1", "1.0.0")):
        desk("pull", desk.address, "--version", accepts, "--out", out).ok()
        assert (out / f"shop-{expected}.tgz").is_file()
    desk("pull", f"{desk.address}:2.0.0-rc.1", "--out", out).ok()
    missing = desk("pull", desk.address, "--version", ">=9")
    assert missing.code == 1
    assert "Choose one that exists: 2.0.0-rc.1, 1.10.0, 1.2.0+build.7, 1.0.0" in missing.err
    nothing = desk("pull", f"{desk.address}:7.7.7")
    assert "error[registry-not-found]" in nothing.err


def test_components_come_from_registries_are_locked_and_drift_is_told_by_line(desk: Desk) -> None:
    desk.login().ok()
    desk("push", desk.bundle("db"), desk.address).ok()
    app = desk.bundle("app", component=f'{{name: db, bundle: "{desk.address}", version: "^1"}}')
    loose = desk("template", app).ok()
    assert "`bundler lock` would hold it" in loose.err
    assert "app-db" in loose.out
    assert desk("lock", app, "--check").code == 3
    assert desk("lock", app, "-o", "json").ok().document[0]["version"] == "1.0.0"
    desk("push", desk.bundle("db", "1.1.0", word="newer"), desk.address).ok()
    held = desk("template", app).ok()
    assert "word: here" in held.out
    desk("lock", app, "--check").ok()
    lock = (app / "bundle.lock").read_text()
    (app / "bundle.lock").write_text(lock.replace("1.0.0", "1.1.0"))
    drift = desk("lock", app, "--check")
    assert drift.code == 3
    assert f"bundle.lock:6: component db is locked at 1.1.0, {desk.address} is 1.0.0" in drift.err
    stale = desk("template", app)
    assert stale.code == 1
    assert "is not what bundle.lock names" in stale.err
    digest = lock.partition("sha256: ")[2].strip()
    (app / "bundle.lock").write_text(lock.replace(digest, "0" * 64))
    assert "bundle.lock:8: component db 1.0.0 has other files now" in desk("lock", app, "--check").err
    (app / "bundle.lock").write_text(lock.replace("sha256: ", "sha256: x"))
    assert "hint: Restore it from version control" in desk("lock", app, "--check").err
    (app / "bundle.lock").write_text(lock)
    desk("lock", app).ok()
    assert "word: newer" in desk("template", app).ok().out


def test_what_is_locked_and_kept_needs_no_registry_and_what_is_vendored_no_cache(desk: Desk, tmp_path: Path) -> None:
    desk.login().ok()
    desk("push", desk.bundle("db"), desk.address).ok()
    app = desk.bundle("app", component=f'{{name: db, bundle: "{desk.address}", version: "^1"}}')
    desk("lock", app).ok()
    assert "app-db" in desk.cli("template", app).ok().out
    elsewhere = str(tmp_path / "empty")
    assert desk.cli("template", app, BUNDLER_CACHE_DIR=elsewhere).code == 1
    desk("lock", app, "--vendor").ok()
    assert (app / "components" / "db" / "bundle.yaml").is_file()
    assert "app-db" in desk.cli("template", app, BUNDLER_CACHE_DIR=elsewhere).ok().out
    packed = tmp_path / "app.tgz"
    desk.cli("package", app, "--out", packed, BUNDLER_CACHE_DIR=elsewhere).ok()
    assert "app-db" in desk.cli("template", packed, BUNDLER_CACHE_DIR=elsewhere).ok().out


def test_packaging_takes_components_along_and_gives_the_same_bytes(desk: Desk, tmp_path: Path) -> None:
    desk.login().ok()
    desk("push", desk.bundle("db"), desk.address).ok()
    app = desk.bundle("app", component=f'{{name: db, bundle: "{desk.address}", version: "^1"}}')
    desk("package", app, "--out", tmp_path / "one.tgz").ok()
    desk("lock", app, "--vendor").ok()
    desk("package", app, "--out", tmp_path / "two.tgz").ok()
    assert (tmp_path / "one.tgz").read_bytes() == (tmp_path / "two.tgz").read_bytes()


def test_a_signature_travels_with_the_bundle(desk: Desk, tmp_path: Path) -> None:
    desk.login().ok()
    desk.cli("keygen", "acme release", "--out", tmp_path / "acme.key").ok()
    public = next(tmp_path.glob("*.pub"))
    packed = tmp_path / "shop-1.0.0.tgz"
    desk.cli("package", desk.bundle("shop"), "--out", packed).ok()
    desk("push", packed, desk.address).ok()
    unsigned = desk("pull", desk.address, "--key", public, "--out", tmp_path / "none.tgz")
    assert (unsigned.code, (tmp_path / "none.tgz").exists()) == (23, False)
    desk.cli("sign", packed, "--key", tmp_path / "acme.key").ok()
    assert ", signed" in desk("push", packed, desk.address).ok().out
    pulled = desk("pull", desk.address, "--key", public, "--out", tmp_path / "again.tgz").ok()
    assert 'signed by "acme release"' in pulled.err
    desk.cli("verify", tmp_path / "again.tgz", "--key", public).ok()
    desk("push", desk.bundle("shop", "1.0.1"), desk.address).ok()
    desk("pull", desk.address, "--out", tmp_path / "again.tgz").ok()
    assert not (tmp_path / "again.tgz.sig").exists()
    desk("pull", f"{desk.address}:1.0.0", "--out", tmp_path / "again.tgz").ok()
    site = tmp_path / "site.yaml"
    key = public.read_text().strip()
    site.write_text(
        "apiVersion: bundler.dev/v1\nkind: Site\nmetadata: {name: acme}\n"
        f"spec:\n  keys:\n    - {{name: acme, key: '{key}'}}\n  policy: {{requireSignature: true}}\n"
    )
    installed = desk("install", "web", f"{desk.address}:1.0.0", "--site", site).ok()
    assert "signed by" in installed.err
    assert desk("install", "other", desk.bundle("shop"), "--site", site).code == 23


def test_the_same_settings_in_a_file_serve_every_verb(desk: Desk) -> None:
    folder = desk.cli.home / ".config" / "bundler"
    folder.mkdir(parents=True)
    (folder / "registries.yaml").write_text(f"registries:\n  '{desk.registry.host}': {{ca: {desk.registry.ca}}}\n")
    words = ("login", desk.registry.host, "-u", USER, "--password-stdin")
    desk.cli(*words, stdin=PASSWORD).ok()
    desk.cli("push", desk.bundle("shop"), desk.address).ok()
    desk.cli("pull", desk.address, "--out", desk.cli.home).ok()
    desk.cli("show", desk.address).ok()
    desk.cli("template", desk.address).ok()
    desk.cli("install", "web", desk.address).ok()
    desk.cli("diff", "web", desk.address, "--exit-code").ok()


def test_without_the_authority_every_verb_says_what_to_pass(desk: Desk) -> None:
    for words in (("push", desk.bundle("shop"), desk.address), ("pull", desk.address), ("install", desk.address)):
        told = desk.cli(*words)
        assert told.code == 1
        assert "issuer CN=controlplane-ca" in told.err
        assert "Pass --registry-ca FILE" in told.err


def test_what_is_no_bundle_is_told(desk: Desk, registry: RealRegistry, tmp_path: Path) -> None:
    from tests.lib.images import make_image, write_layout

    layout = write_layout(make_image("no-bundle", has_index=False), tmp_path / "layout", tag="1.0.0")
    registry.skopeo(
        "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:1.0.0", f"docker://{registry.host}/no/bundle:1.0.0"
    )
    told = desk.cli("install", f"oci://{registry.host}/no/bundle", "--insecure-http", registry.host)
    assert told.code == 1
    assert "it is not a bundle, but application/vnd.oci.image.config.v1+json" in told.err


def test_the_library_fetches_from_a_registry_what_the_site_trusts_and_refuses_the_rest(desk: Desk) -> None:
    home = desk.cli.home
    desk.login().ok()
    desk.cli("keygen", "acme release", "--out", home / "acme.key").ok()
    site = home / "acme.yaml"
    desk.cli("site", "init", "acme", "--key", home / "acme.pub", "--out", site).ok()
    packed = home / "shop.tgz"
    desk.cli("package", desk.bundle("shop"), "--out", packed, "--key", home / "acme.key").ok()
    desk("push", packed, desk.address).ok()
    desk("push", desk.bundle("other"), f"{desk.address}-other").ok()

    network = NetworkRules(registry_ca=Path(desk.registry.ca))
    logins = SessionOptions(network=network, environment={"HOME": str(home)})
    with Session.local(options=logins) as session:
        taken = session.acquire(desk.address, site=site)
        assert taken.evidence is not None
        assert [key.name for key in taken.evidence.signers] == ["acme release"]
        assert session.acquire(f"{desk.address}-other").bundle.metadata.name == "other"
        with pytest.raises(UnsignedError):
            session.acquire(f"{desk.address}-other", site=site)
    with Session.local(options=SessionOptions(network=network)) as session, pytest.raises(RegistryLoginError):
        session.acquire(desk.address)
