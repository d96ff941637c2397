"""The whole way of a catalogue on the command line, with a registry in memory; tests/e2e/test_catalogues.py has a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lib.bundles import make_bundle
from tests.lib.delivered import MemoryRegistry

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ release.name }}'}\ndata: {version: '{{ bundle.version }}'}\n"
)
PLACE = "oci://registry.site/team"
CATALOGUE = f"{PLACE}/catalogue"
KNOWN = {"BUNDLER_CATALOGUES": f"{CATALOGUE},"}


class Team:
    """A team with a key, bundles and a registry."""

    def __init__(self, cli, registry: MemoryRegistry) -> None:
        self.cli, self.registry = cli, registry
        self.key, self.file = cli.home / "team.key", cli.home / "catalogue.json"
        cli("keygen", "team", "--out", self.key).ok()

    def push(self, name: str, version: str) -> None:
        folder = make_bundle(self.cli.home / version, {"templates/a.yaml": CONFIG}, name=name, version=version)
        archive = self.cli.home / f"{name}-{version}.tgz"
        self.cli("package", folder, "--out", archive, "--key", self.key).ok()
        self.cli("push", archive, f"{PLACE}/{name}").ok()

    def publish(self, *sources: str, signed: bool = True) -> None:
        key = ("--key", self.key) if signed else ()
        self.cli("catalogue", "build", *sources, "--out", self.file, *key).ok()
        self.cli("catalogue", "push", self.file, CATALOGUE).ok()

    def site(self, more: str = "") -> Path:
        path = self.cli.home / "acme.yaml"
        public = self.key.with_suffix(".pub").read_text().strip()
        path.write_text(
            "apiVersion: bundler.dev/v1\nkind: Site\nmetadata: {name: acme}\n"
            f"spec:\n  catalogues: ['{CATALOGUE}']\n  keys: [{{key: '{public}'}}]\n{more}"
        )
        return path


@pytest.fixture
def team(cli, monkeypatch) -> Team:
    registry = MemoryRegistry()
    monkeypatch.setattr("bundler.library.registries.open_registry", lambda *_, **__: registry)
    return Team(cli, registry)


def test_a_bundle_is_searched_shown_pulled_and_installed_by_its_name(team, cli):
    team.push("pay", "1.0.0")
    team.push("pay", "1.1.0")
    team.publish(f"{PLACE}/pay")
    site = team.site()
    row = cli("search", "pay", "--site", site, "--color", "never").ok().out.splitlines()[1].split()
    assert (row[:2], row[-1]) == (["pay", "1.1.0"], CATALOGUE)
    assert cli("show", "pay@1.0.0", "-o", "json", **KNOWN).ok().document["version"] == "1.0.0"
    said = cli("install", "till", "pay", "--site", site, "--context", "sandbox").ok().err
    assert f'catalogue {CATALOGUE}: signed by "team"' in said
    assert f"bundle pay of catalogue {CATALOGUE}: {PLACE}/pay:1.1.0 1.1.0, sha256:" in said
    pulled = cli("pull", f"{CATALOGUE}#pay@1.0.0", "--out", cli.home / "pay.tgz", "-o", "json").ok().document
    assert (pulled["address"].startswith(f"{PLACE}/pay:1.0.0@sha256:"), pulled["signatures"]) == (True, 1)
    assert cli("pull", f"{PLACE}/pay", "--out", cli.home / "other.tgz").ok().code == 0
    for words in (("pay", "--version", "<1.1"), (f"{CATALOGUE}#pay", "--version", "1.0.0")):
        pulled = cli("pull", *words, "--out", cli.home, "-o", "json", **KNOWN).ok().document
        assert pulled["path"] == str(cli.home / "pay-1.0.0.tgz")
    assert cli("pull", "pay@1.0.0", "--version", "9", **KNOWN).code == 2
    refused = cli("pull", "redis", **KNOWN)
    assert (refused.code, "it is on this machine already" in refused.err) == (1, True)


def test_an_unsigned_catalogue_is_named_by_a_search_and_refused_by_an_install(team, cli):
    team.push("pay", "1.0.0")
    team.publish(f"{PLACE}/pay:1.0.0", signed=False)
    site = team.site()
    assert cli("show", "pay", **KNOWN).ok().code == 0
    assert cli("install", "pay", "--site", site, "--context", "sandbox").code == 23
    assert (
        f"warning: {CATALOGUE}: checking the signatures of catalogue" in cli("search", "pay", "--site", site).ok().err
    )
    assert cli("search", "--catalogue", CATALOGUE, "--key", team.key.with_suffix(".pub")).code == 23
    signed = cli("sign", team.file, "--key", team.key, "-o", "json").ok().document
    assert list(signed["signed"]) == [str(team.file)]
    pushed = cli("catalogue", "push", team.file, CATALOGUE, "-o", "json").ok().document
    assert (pushed["new"], pushed["signatures"], pushed["bundles"]) == (False, 1, 1)
    assert "was published already" in cli("catalogue", "push", team.file, CATALOGUE).ok().out
    assert cli("install", "pay", "--site", site, "--context", "sandbox").ok().code == 0


def test_a_site_file_is_checked_with_its_catalogues(team, cli):
    team.push("pay", "1.0.0")
    team.publish(f"{PLACE}/pay")
    site = team.site()
    checks = cli("site", "check", site, "--no-offline", "-o", "json", "--context", "sandbox").ok().document
    found = [one for one in checks if one["name"] == "catalogue"]
    assert [one["state"] for one in found] == ["passed"]
    assert "has 1 bundle, signed by" in str(found)
    team.registry.manifests.clear()
    gone = cli("site", "check", site, "--no-offline", "--context", "sandbox")
    assert (gone.code, "reading catalogue" in gone.out) == (1, True)
    assert "is not read offline" in cli("site", "check", site, "--context", "sandbox").ok().out


def test_a_repository_without_versions_makes_no_catalogue(team, cli):
    team.push("pay", "1.0.0")
    team.publish(f"{PLACE}/pay")
    built = cli("catalogue", "build", f"{PLACE}/pay", "--out", cli.home, "-o", "json").ok().document
    assert built["path"] == str(cli.home / "catalogue.json")
    outcome = cli("catalogue", "build", CATALOGUE, "--out", team.file)
    assert (outcome.code, "has no version of team/catalogue" in outcome.err) == (1, True)


def test_a_signature_that_is_left_beside_a_new_catalogue_is_warned_of(team, cli):
    team.push("pay", "1.0.0")
    team.publish(f"{PLACE}/pay")
    again = cli("catalogue", "build", f"{PLACE}/pay", "--out", team.file).ok()
    assert "may be the signature of another catalogue" in again.err
