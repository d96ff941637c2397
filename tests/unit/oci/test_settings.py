"""registries.yaml, and what the command line says on top."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.errors.delivery import RegistryError
from bundler.oci.settings import HostSettings, load_settings


def test_hosts_have_their_own_settings_and_the_command_line_serves_the_others(tmp_path: Path) -> None:
    (tmp_path / "registries.yaml").write_text(
        "registries:\n  a.site: {ca: site.pem}\n  b.site:5000: {insecureHTTP: true}\n"
    )
    known = load_settings(tmp_path, authority_file=Path("cli.pem"), plain_http=["c.site"])
    assert known.of("a.site") == HostSettings(authority_file=tmp_path / "site.pem")
    assert known.of("b.site:5000") == HostSettings(authority_file=Path("cli.pem"), uses_plain_http=True)
    assert known.of("c.site").uses_plain_http
    assert not known.of("d.site").uses_plain_http


def test_without_a_file_there_are_no_settings(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "nowhere").of("a") == HostSettings()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "registries: {a: {cert: x}}",
            "registries.a: 'cert' is not known; ca, clientCertificate, clientKey, insecureHTTP, mirrors are",
        ),
        ("registries: {a: {insecureHTTP: maybe}}", "registries.a.insecureHTTP must be true or false"),
        ("registries: {a: {ca: 7}}", "registries.a.ca must be the path"),
        ("registries: {a: {clientKey: k}}", "registries.a.clientKey needs a clientCertificate"),
        ("registries: {a: {clientCertificate: []}}", "registries.a.clientCertificate must be the path of a PEM file"),
        ("registries: {a: {mirrors: b}}", "registries.a.mirrors must be a list of HOST or HOST/PREFIX"),
        ("registries: {a: {mirrors: ['https://b']}}", "registries.a.mirrors must be a list of HOST or HOST/PREFIX"),
        ("mirrors: {}", "'mirrors' is not known; only `registries` is"),
        ("registries: []", "it must be a mapping"),
        ("- a", "it must be a mapping"),
        ("registries: {a: ", "registries.yaml:2: "),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "registries.yaml").write_text(text)
    with pytest.raises(RegistryError) as caught:
        load_settings(tmp_path)
    assert told in " ".join(caught.value.context)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "registries.yaml").write_text("registries: {a: {cert: x, insecureHTTP: 3}, b: {ca: ''}}\nother: 1\n")
    with pytest.raises(RegistryError) as caught:
        load_settings(tmp_path)
    assert len(caught.value.context) == 4
