"""Catalogues against a real registry: built, signed, pushed, searched, and installed from by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler import NetworkRules, Session, SessionOptions
from tests.lib.bundles import make_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.fixtures_cli import Cli, Outcome
    from tests.lib.registry import RealRegistry

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ release.name }}'}\ndata: {word: WORD}\n"


class Team:
    """A team that publishes bundles and a catalogue of them."""

    def __init__(self, cli: Cli, registry: RealRegistry, place: str) -> None:
        self.cli, self.host, self.place = cli, registry.host, f"oci://{registry.host}/{place}"
        self.catalogue = f"{self.place}/catalogue"
        self.key, self.public = cli.home / "team.key", cli.home / "team.pub"
        cli("keygen", "team", "--out", self.key).ok()

    def __call__(self, *words: str | Path, **variables: str) -> Outcome:
        return self.cli(*words, "--insecure-http", self.host, **variables)

    def bundle(self, name: str, version: str, word: str = "here") -> Path:
        return make_bundle(
            self.cli.home / f"{version}-{word}",
            {"templates/a.yaml": CONFIG.replace("WORD", word)},
            name=name,
            version=version,
        )

    def publish(self, *bundles: Path, signed: bool = True) -> None:
        for bundle in bundles:
            archive = self.cli.home / f"{bundle.name}.tgz"
            self.cli("package", bundle, "--out", archive, "--key", self.key).ok()
            self("push", archive, f"{self.place}/{bundle.name}").ok()
        out = self.cli.home / "catalogue.json"
        key = ("--key", self.key) if signed else ()
        repositories = sorted({f"{self.place}/{bundle.name}" for bundle in bundles})
        self("catalogue", "build", *repositories, "--out", out, *key).ok()
        self("catalogue", "push", out, self.catalogue).ok()

    def site(self, spec: str = "") -> Path:
        path = self.cli.home / "acme.yaml"
        keys = f"  keys: [{{key: '{self.public.read_text().strip()}'}}]\n"
        path.write_text(f"apiVersion: bundler.dev/v1\nkind: Site\nmetadata: {{name: acme}}\nspec:\n{keys}{spec}")
        return path


@pytest.fixture
def team(cli: Cli, registry: RealRegistry, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Team:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return Team(cli, registry, "".join(letter for letter in request.node.name.lower() if letter.isalnum())[:60])


def test_what_a_team_publishes_is_found_shown_pulled_and_installed_by_name(team: Team, tmp_path: Path) -> None:
    team.publish(team.bundle("pay", "1.0.0", "old"), team.bundle("pay", "1.1.0", "new"), team.bundle("app", "2.0.0"))
    known = {"BUNDLER_CATALOGUES": team.catalogue}
    found = team("search", "pay", "-o", "json", **known).ok().document["found"]
    assert [(one["reference"], one["versions"]) for one in found] == [("pay", ["1.1.0", "1.0.0"])]

    site = team.site(f"  catalogues: ['{team.catalogue}']\n")
    shown = team("show", "pay@^1.0", "--site", site).ok()
    assert f'catalogue {team.catalogue}: signed by "team"' in shown.err
    assert f"bundle pay of catalogue {team.catalogue}: {team.place}/pay:1.1.0 1.1.0, sha256:" in shown.err
    installed = team("install", "till", "pay@1.0.0", "--site", site).ok()
    assert 'bundle pay 1.0.0: signed by "team"' in installed.err
    assert "old" in team.cli("get", "manifest", "till").ok().out
    team("upgrade", "till", f"{team.catalogue}#pay").ok()
    assert "new" in team.cli("get", "manifest", "till").ok().out

    pulled = team("pull", "app", "--out", tmp_path, "--site", site, "-o", "json").ok().document
    assert (pulled["path"], pulled["signatures"]) == (str(tmp_path / "app-2.0.0.tgz"), 1)
    refused = team("pull", "redis", **known)
    assert (refused.code, "it is on this machine already" in refused.err) == (1, True)
    offline = team("search", "pay", "--offline", **known).ok()
    assert (offline.out, "searched no catalogue, because of --offline" in offline.err) == ("", True)


def test_a_python_program_finds_and_acquires_by_name(team: Team) -> None:
    team.publish(team.bundle("pay", "1.0.0"))
    options = SessionOptions(catalogues=(team.catalogue,), network=NetworkRules(insecure_http=(team.host,)))
    with Session.local(options=options) as session:
        found = session.search(["pay"], site=team.site()).found
        assert [one.reference for one in found] == ["pay"]
        assert session.acquire("pay", site=team.site()).bundle.digest == found[0].digest


def test_how_a_site_file_says_its_registry_is_spoken_to_holds_for_catalogues_and_bundles(team: Team) -> None:
    team.publish(team.bundle("pay", "1.0.0"))
    place = team.place.removeprefix(f"oci://{team.host}/")
    site = team.site(
        f"  catalogues: ['{team.catalogue}']\n  registry: {{host: '{team.host}', prefix: {place}, insecureHTTP: true}}\n"
    )
    assert team.cli("show", "pay", "--site", site).ok().out.startswith("pay")
    assert team.cli("search", "pay", "--site", site, "-o", "json").ok().document["found"][0]["reference"] == "pay"
    unsaid = team.cli("show", f"{team.catalogue}#pay")
    assert (unsaid.code, "insecure" in unsaid.err) == (1, True)
