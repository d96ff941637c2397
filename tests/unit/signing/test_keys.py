from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bundler import signing
from bundler.errors.delivery import KeyFileError, SignatureError
from bundler.model.trust import make_key, parse_public_key
from bundler.signing.keys import generate_key, private_text, read_private, read_public, write_pair

if TYPE_CHECKING:
    from pathlib import Path


def no_passphrase() -> str:
    raise AssertionError("no one should be asked")


def test_a_pair_can_be_written_and_read_again(tmp_path: Path) -> None:
    pair = generate_key("acme release 2026")
    write_pair(pair, tmp_path / "acme.key", tmp_path / "acme.pub")
    assert read_private(tmp_path / "acme.key", no_passphrase) == pair
    assert read_public(tmp_path / "acme.pub") == pair.key
    assert (tmp_path / "acme.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.medium
def test_a_pair_with_a_passphrase_needs_it(tmp_path: Path) -> None:
    pair = generate_key("acme")
    write_pair(pair, tmp_path / "acme.key", tmp_path / "acme.pub", passphrase="correct horse")
    assert read_private(tmp_path / "acme.key", lambda: "correct horse") == pair
    with pytest.raises(KeyFileError, match="reading private key") as caught:
        read_private(tmp_path / "acme.key", lambda: "battery staple")
    assert caught.value.context == ("the passphrase is wrong, or the file was changed",)


def test_an_encrypted_key_holds_its_name_to_the_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "acme.key"
    path.write_text(private_text(generate_key("acme"), "pass").replace("name: acme", "name: evil"))
    path.chmod(0o600)
    with pytest.raises(KeyFileError):
        read_private(path, lambda: "pass")


def test_an_encrypted_key_does_not_hold_the_key_in_clear() -> None:
    pair = generate_key("acme")
    clear = private_text(pair).splitlines()[5]
    assert clear not in private_text(pair, "pass")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o677])
def test_a_private_key_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    write_pair(generate_key("acme"), tmp_path / "k", tmp_path / "k.pub")
    (tmp_path / "k").chmod(mode)
    with pytest.raises(KeyFileError) as caught:
        read_private(tmp_path / "k", no_passphrase)
    assert f"mode {mode:04o}" in caught.value.context[0]
    assert "chmod 600" in caught.value.hint


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    write_pair(generate_key("acme"), tmp_path / "k", tmp_path / "k.pub")
    before = (tmp_path / "k").read_bytes()
    with pytest.raises(KeyFileError) as caught:
        write_pair(generate_key("acme"), tmp_path / "k", tmp_path / "other.pub")
    assert caught.value.context == (f"{tmp_path / 'k'} exists",)
    assert (tmp_path / "k").read_bytes() == before
    assert not (tmp_path / "other.pub").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text.replace("bundler-key.v1", "bundler-key.v2"),
        lambda text: text.replace("kdf: none", "kdf: md5"),
        lambda text: text.replace("kdf: none", f"kdf: scrypt n=9999999 r=8 p=1 salt={'0' * 32}"),
        lambda text: text.replace("-----END", "----END"),
        lambda text: re.sub(r"\n[A-Za-z0-9+/=]{40,}\n", "\nAAAA\n", text),
        lambda text: text * 400,
        lambda text: text.replace("name: acme", 'name: ac"me'),
    ],
)
def test_what_is_no_key_file_is_refused(tmp_path: Path, change) -> None:
    path = tmp_path / "k"
    path.write_text(change(private_text(generate_key("acme"))))
    path.chmod(0o600)
    with pytest.raises(KeyFileError) as caught:
        read_private(path, lambda: "pass")
    assert caught.value.context
    assert caught.value.hint


def test_a_file_that_is_not_there_or_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none", tmp_path / "binary"):
        with pytest.raises(KeyFileError):
            read_public(path)


def test_a_private_key_given_as_the_public_one_is_not_read_out(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_text(private_text(generate_key("acme")))
    with pytest.raises(KeyFileError) as caught:
        read_public(path)
    assert "holds a private key" in caught.value.context[0]


def test_a_public_key_given_as_the_private_one_is_told_as_that(tmp_path: Path) -> None:
    write_pair(generate_key("acme"), tmp_path / "k", tmp_path / "k.pub")
    with pytest.raises(KeyFileError) as caught:
        read_private(tmp_path / "k.pub", no_passphrase)
    assert caught.value.context == (f"{tmp_path / 'k.pub'} holds a public key",)
    assert "chmod" not in caught.value.hint


def test_a_public_line_round_trips() -> None:
    key = make_key(bytes(range(32)), "acme release 2026")
    assert parse_public_key(key.line + "\n") == key
    assert parse_public_key(key.line, name="other").name == "other"
    assert key.shown == '"acme release 2026" (key id 630dcd2966c43366)'


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ssh-ed25519 AAAA x",
        "bundler-ed25519",
        "bundler-ed25519 AAAA acme",
        "bundler-ed25519 ??? acme",
        "bundler-ed25519 AA\nAA x",
    ],
)
def test_what_is_no_public_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        parse_public_key(line)


@pytest.mark.parametrize("passphrase", ["", "pass"])
def test_without_the_library_it_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passphrase: str
) -> None:
    import sys

    write_pair(generate_key("acme"), tmp_path / "k", tmp_path / "k.pub", passphrase=passphrase)
    for name in [name for name in sys.modules if name.startswith("cryptography")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    monkeypatch.delitem(sys.modules, "bundler.signing.library")
    monkeypatch.delattr(signing, "library")
    with pytest.raises(SignatureError, match="signing or checking") as caught:
        read_private(tmp_path / "k", lambda: passphrase)
    assert "`cryptography` cannot be loaded" in caught.value.context[0]
    assert read_public(tmp_path / "k.pub").name == "acme"


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "two\nlines", 'quo"te'])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(KeyFileError):
        generate_key(name)
