"""Who we are: the files of docker and podman, and credential helpers."""

from __future__ import annotations

import base64
import json
import stat
from functools import partial
from typing import TYPE_CHECKING

import pytest

from bundler.errors.delivery import RegistryLoginError
from bundler.oci.credentials import CredentialFiles, Credentials, credentials_in
from bundler.oci.helpers import HelperMissingError, run_helper
from tests.unit.cluster.support import surroundings

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "correct-horse-7"


def auths(**entries: str) -> dict[str, object]:
    """Return a file's body: host -> NAME (the password is always the same)."""
    return {
        "auths": {
            host: {"auth": base64.b64encode(f"{user}:{SECRET}".encode()).decode()} for host, user in entries.items()
        }
    }


def write(path: Path, body: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body if isinstance(body, str) else json.dumps(body))
    return path


def files(home: Path, **env: str) -> CredentialFiles:
    around = surroundings(env={"PATH": f"{home / 'bin'}:/usr/bin:/bin", **env})
    return CredentialFiles(env, home, partial(run_helper, around))


def helper(home: Path, name: str, script: str) -> None:
    program = write(home / "bin" / f"docker-credential-{name}", f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def user(found: Credentials | None) -> str:
    return found.user if found else ""


def test_the_first_file_that_knows_the_host_is_believed(tmp_path: Path) -> None:
    env = {"XDG_RUNTIME_DIR": str(tmp_path / "run")}
    write(tmp_path / ".docker/config.json", auths(a="docker", b="docker", c="docker"))
    assert user(files(tmp_path, **env).find("a")) == "docker"
    write(tmp_path / ".config/containers/auth.json", auths(a="config", b="config"))
    write(tmp_path / "run/containers/auth.json", auths(a="run"))
    found = files(tmp_path, **env)
    assert [user(found.find(host)) for host in "abcd"] == ["run", "config", "docker", ""]


def test_a_file_that_is_named_is_the_only_one(tmp_path: Path) -> None:
    write(tmp_path / ".docker/config.json", auths(a="docker"))
    own = write(tmp_path / "own.json", auths(b="own"))
    found = files(tmp_path, REGISTRY_AUTH_FILE=str(own))
    assert [user(found.find(host)) for host in "ab"] == ["", "own"]
    other = write(tmp_path / "other/config.json", auths(a="other"))
    assert user(files(tmp_path, DOCKER_CONFIG=str(other.parent)).find("a")) == "other"


@pytest.mark.parametrize(
    ("key", "host", "repository", "expected"),
    [
        ("registry.site/team/app", "registry.site", "team/app/web", True),
        ("registry.site/team/app", "registry.site", "team/application", False),
        ("registry.site", "registry.site", "team/app", True),
        ("https://registry.site/v1/", "registry.site", "x", True),
        ("https://index.docker.io/v1/", "docker.io", "library/nginx", True),
        ("docker.io", "docker.io", "library/nginx", True),
        ("registry.site:5000", "registry.site", "x", False),
    ],
)
def test_keys_name_hosts_or_parts_of_them(tmp_path: Path, key: str, host: str, repository: str, expected: bool) -> None:
    write(tmp_path / ".docker/config.json", auths(**{key: "ada"}))
    assert (user(files(tmp_path).find(host, repository)) == "ada") is expected


def test_the_longest_part_that_fits_wins(tmp_path: Path) -> None:
    write(tmp_path / ".docker/config.json", auths(**{"a": "host", "a/b": "part", "a/b/c": "whole"}))
    found = files(tmp_path)
    assert [user(found.find("a", name)) for name in ("b/c", "b/d", "d")] == ["whole", "part", "host"]


def test_an_identity_token_stands_in_for_a_password(tmp_path: Path) -> None:
    write(
        tmp_path / ".docker/config.json",
        {"auths": {"a": {"auth": base64.b64encode(b"x:").decode(), "identitytoken": "t"}}},
    )
    found = files(tmp_path).find("a")
    assert found is not None
    assert found.identity_token == "t"


def test_secrets_are_not_printed(tmp_path: Path) -> None:
    write(tmp_path / ".docker/config.json", auths(a="ada"))
    assert SECRET not in repr(files(tmp_path).find("a"))


@pytest.mark.parametrize("body", ["{", "[1]", '{"auths": {"a": {"auth": "***"}}}'])
def test_a_broken_file_is_told_without_its_content(tmp_path: Path, body: str) -> None:
    path = write(tmp_path / ".docker/config.json", body)
    if body == "[1]":
        assert files(tmp_path).find("a") is None
        return
    with pytest.raises(RegistryLoginError) as caught:
        files(tmp_path).find("a")
    assert str(path) in caught.value.context[0]


def test_helpers_are_asked_for_their_hosts(tmp_path: Path) -> None:
    helper(tmp_path, "one", 'read server; printf \'{"Username":"%s-%s","Secret":"s"}\' "$1" "$server"')
    helper(tmp_path, "all", 'printf \'{"Username":"<token>","Secret":"refresh"}\'')
    write(tmp_path / ".docker/config.json", {"credHelpers": {"a": "one"}, "credsStore": "all"})
    found = files(tmp_path)
    assert user(found.find("a")) == "get-a"
    other = found.find("b")
    assert other is not None
    assert (other.user, other.identity_token) == ("", "refresh")


def test_a_helper_that_knows_nothing_leaves_the_word_to_the_file(tmp_path: Path) -> None:
    helper(tmp_path, "none", "echo 'credentials not found in native keychain'; exit 1")
    write(tmp_path / ".docker/config.json", auths(a="ada") | {"credsStore": "none"})
    assert user(files(tmp_path).find("a")) == "ada"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (f"echo {SECRET}; echo 'the keyring is locked' >&2; exit 3", "status 3: the keyring is locked"),
        (f"echo {SECRET}", "not JSON"),
        (None, "docker-credential-sick is not installed"),
    ],
)
def test_a_helper_that_fails_is_told_without_what_it_printed(tmp_path: Path, script: str | None, told: str) -> None:
    if script is not None:
        helper(tmp_path, "sick", script)
    write(tmp_path / ".docker/config.json", {"credHelpers": {"a": "sick"}})
    with pytest.raises(RegistryLoginError) as caught:
        files(tmp_path).find("a")
    assert told in caught.value.context[0]
    assert SECRET not in " ".join((str(caught.value), *caught.value.context, caught.value.hint))


def test_a_login_is_kept_beside_what_the_file_holds_and_for_the_user_alone(tmp_path: Path) -> None:
    path = write(tmp_path / ".docker/config.json", auths(b="bob") | {"psFormat": "x"})
    path.chmod(0o644)
    assert files(tmp_path).store("a", Credentials(user="ada", password="p:w")) == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    body = json.loads(path.read_text())
    assert body["psFormat"] == "x"
    found = files(tmp_path)
    assert user(found.find("b")) == "bob"
    kept = found.find("a")
    assert kept is not None
    assert (kept.user, kept.password) == ("ada", "p:w")


def test_a_login_goes_where_the_next_one_is_looked_for(tmp_path: Path) -> None:
    own = tmp_path / "deep" / "own.json"
    files(tmp_path, REGISTRY_AUTH_FILE=str(own)).store("a", Credentials(user="ada", password="x"))
    assert user(files(tmp_path, REGISTRY_AUTH_FILE=str(own)).find("a")) == "ada"
    podman = write(tmp_path / ".config/containers/auth.json", {})
    assert files(tmp_path).store("docker.io", Credentials(user="hub", password="x")) == str(podman)
    assert "https://index.docker.io/v1/" in json.loads(podman.read_text())["auths"]
    assert user(files(tmp_path).find("docker.io")) == "hub"


def test_a_login_is_given_to_the_helper_where_there_is_one(tmp_path: Path) -> None:
    helper(tmp_path, "keep", f"cat > {tmp_path}/kept")
    path = write(tmp_path / ".docker/config.json", {"credsStore": "keep"})
    before = path.read_text()
    assert files(tmp_path).store("a", Credentials(user="ada", password=SECRET)) == "credential helper keep"
    assert json.loads((tmp_path / "kept").read_text()) == {"ServerURL": "a", "Username": "ada", "Secret": SECRET}
    assert path.read_text() == before


def test_a_login_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    write(tmp_path / "file", "")
    with pytest.raises(RegistryLoginError) as caught:
        files(tmp_path, REGISTRY_AUTH_FILE=str(tmp_path / "file" / "auth.json")).store("a", Credentials(user="ada"))
    assert str(tmp_path / "file") in caught.value.context[0]


@pytest.mark.parametrize("form", ["broken", "unpadded", "padded"])
def test_an_auth_is_read_with_line_breaks_and_without_padding(tmp_path: Path, form: str) -> None:
    packed = base64.b64encode(f"ada-of-the-site:{SECRET}".encode()).decode()
    assert packed.endswith("=")
    text = {"broken": f"{packed[:20]}\r\n{packed[20:]}\n", "unpadded": packed.rstrip("="), "padded": packed}[form]
    body = {"auths": {"a": {"auth": text}}}
    write(tmp_path / ".docker/config.json", body)
    for found in (files(tmp_path).find("a"), credentials_in(body, "a", source="Secret/pull")):
        assert found is not None
        assert (found.user, found.password) == ("ada-of-the-site", SECRET)


@pytest.mark.parametrize("auth", ["YWRh", "?", "YWRh\x00", "/w=="])
def test_an_auth_that_is_none_is_an_error_that_names_its_entry(tmp_path: Path, auth: str) -> None:
    path = write(tmp_path / ".docker/config.json", {"auths": {"a": {"auth": auth}}})
    with pytest.raises(RegistryLoginError) as caught:
        files(tmp_path).find("a")
    assert caught.value.context == (f"{path}: the entry of a is not NAME:PASSWORD in base64",)


@pytest.mark.parametrize(
    "key", ["registry.site/", "https://registry.site/", "http://registry.site/v2/", "https://registry.site/v1/"]
)
def test_a_key_with_a_slash_or_a_scheme_is_its_host(tmp_path: Path, key: str) -> None:
    write(tmp_path / ".docker/config.json", auths(**{key: "ada"}))
    assert user(files(tmp_path).find("registry.site", "team/app")) == "ada"
    assert user(files(tmp_path).find("registry.example")) == ""


def test_the_very_key_wins_over_one_that_means_the_same(tmp_path: Path) -> None:
    write(tmp_path / ".docker/config.json", auths(**{"https://a/": "url", "a": "host", "a/": "slash"}))
    assert user(files(tmp_path).find("a")) == "host"


def test_a_registry_token_is_a_login(tmp_path: Path) -> None:
    write(tmp_path / ".docker/config.json", {"auths": {"a": {"registrytoken": "bearer-1"}}})
    found = files(tmp_path).find("a")
    assert found is not None
    assert found.registry_token == "bearer-1"
    assert "bearer-1" not in repr(found)


@pytest.mark.parametrize("helpers", [{"credsStore": "desktop"}, {"credHelpers": {"a": "desktop"}}])
def test_a_helper_that_is_not_installed_leaves_the_login_beside_it(tmp_path: Path, helpers: dict[str, object]) -> None:
    write(tmp_path / ".docker/config.json", {**auths(a="ada"), **helpers})
    assert user(files(tmp_path).find("a")) == "ada"
    write(tmp_path / ".docker/config.json", {**helpers})
    with pytest.raises(RegistryLoginError, match="running the credential helper desktop"):
        files(tmp_path).find("a")


def test_a_helper_that_fails_is_not_passed_over(tmp_path: Path) -> None:
    write(tmp_path / ".docker/config.json", {**auths(a="stale"), "credsStore": "locked"})
    helper(tmp_path, "locked", "echo 'the keychain is locked' >&2; exit 1")
    with pytest.raises(RegistryLoginError, match="locked"):
        files(tmp_path).find("a")


@pytest.mark.parametrize(
    ("key", "is_meant"),
    [("*.site", True), ("https://reg*.site/v1/", True), ("*", False), ("*.*.site", False), ("registry.*x", False)],
)
def test_a_pull_secret_may_name_hosts_by_a_pattern_as_the_kubelet_reads_them(key: str, is_meant: bool) -> None:
    assert (user(credentials_in(auths(**{key: "ada"}), "registry.site", source="Secret/pull")) == "ada") == is_meant


def test_a_helper_is_not_taken_from_the_folder_that_the_command_runs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, "near", 'printf \'{"Username":"u","Secret":"s"}\'')
    monkeypatch.chdir(tmp_path / "bin")
    with pytest.raises(HelperMissingError, match="running the credential helper near"):
        run_helper(surroundings(env={"PATH": ":.:/usr/bin:/bin"}), "near", "get", "a")


def test_a_helper_that_prints_without_end_is_stopped(tmp_path: Path) -> None:
    helper(tmp_path, "loud", "exec yes")
    with pytest.raises(RegistryLoginError) as raised:
        run_helper(surroundings(env={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}), "loud", "get", "a")
    assert raised.value.context == ("docker-credential-loud: it printed more than 1048576 bytes",)
