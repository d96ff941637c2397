"""Key files: a private key readable by its owner alone, a public key of one line. Layer: signing; local files.

The private file is text: a head of ``word: value`` lines, then base64. With a passphrase, the key is encrypted by
ChaCha20-Poly1305 under a scrypt key, and the head is authenticated with it.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bundler import signing
from bundler.errors.delivery import KeyFileError
from bundler.errors.disk import hint_to_write
from bundler.model.trust import PUBLIC_KEY_WORD, TrustedKey, make_key, parse_public_key

if TYPE_CHECKING:
    from pathlib import Path


BEGIN: Final = "-----BEGIN BUNDLER PRIVATE KEY-----"
END: Final = "-----END BUNDLER PRIVATE KEY-----"
_VERSION = "bundler-key.v1"
_MAX_FILE_BYTES = 16 * 1024
_SCRYPT = re.compile(r"scrypt n=(\d{1,7}) r=(\d{1,2}) p=(\d) salt=([0-9a-f]{32})")
_SCRYPT_N = 2**15
_MAX_SCRYPT_N = 2**18
_SCRYPT_MEMORY_BYTES = 512 * 1024 * 1024
_NONCE = bytes(12)
"""The scrypt key is used for one message ever: its salt is new for each file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A private key in memory, and its public half."""

    key: TrustedKey
    secret: bytes
    """Raw Ed25519 seed, 32 bytes."""


def generate_key(name: str) -> KeyPair:
    """Make a new key.

    Raises:
        KeyFileError: when the name cannot be that of a key.
    """
    return _pair(secrets.token_bytes(32), name, doing=f"making the key {name}")


def private_text(pair: KeyPair, passphrase: str = "") -> str:
    """Return the text of a private key file; encrypted where there is a passphrase."""
    salt = secrets.token_hex(16)
    kdf = f"scrypt n={_SCRYPT_N} r=8 p=1 salt={salt}" if passphrase else "none"
    head = f"{_VERSION}\nname: {pair.key.name}\nkdf: {kdf}\n"
    body = pair.secret
    if passphrase:
        body = signing.library.load_cipher(_key_from(passphrase, kdf)).encrypt(_NONCE, pair.secret, head.encode())
    return f"{BEGIN}\n{head}\n{base64.b64encode(body).decode()}\n{END}\n"


def write_pair(pair: KeyPair, private: Path, public: Path, *, passphrase: str = "") -> None:
    """Write both files; neither may exist. The private one is readable by its owner alone from its first byte.

    Args:
        pair: the new keys.
        private: file of the private key.
        public: file of the public key.
        passphrase: encrypts the private key; empty stores it plain.

    Raises:
        KeyFileError: when one exists or cannot be written.
    """
    taken = [str(path) for path in (private, public) if path.exists()]
    if taken:
        found = [f"{path} exists" for path in taken]
        raise KeyFileError("writing a key pair", context=found, hint="name another file; keys are never overwritten")
    _write_new(private, private_text(pair, passphrase), mode=0o600)
    try:
        _write_new(public, f"{pair.key.line}\n", mode=0o644)
    except BaseException:
        private.unlink(missing_ok=True)  # half a pair would be in the way of the next run
        raise


def read_public(path: Path) -> TrustedKey:
    """Read a ``.pub`` file.

    Raises:
        KeyFileError: when it is none.
    """
    doing = f"reading public key {path}"
    text, _ = _read(path, doing)
    if BEGIN in text:
        hint = "give the .pub file; the private key stays where it is"
        raise KeyFileError(doing, context=[f"{path} holds a private key"], hint=hint)
    try:
        return parse_public_key(text)
    except ValueError as error:
        raise KeyFileError(doing, context=[f"{path}: {error}"], hint="give a file that keygen wrote") from error


def read_private(path: Path, ask_passphrase: Callable[[], str]) -> KeyPair:
    """Read a private key file; ``ask_passphrase`` is called where it is encrypted.

    Raises:
        KeyFileError: when others may read it, when it is none, or when the passphrase is wrong.
    """
    doing = f"reading private key {path}"
    text, mode = _read(path, doing)
    if text.startswith(PUBLIC_KEY_WORD):
        hint = "give the file of the private key; it is where keygen wrote it"
        raise KeyFileError(doing, context=[f"{path} holds a public key"], hint=hint)
    if mode & 0o077:
        found = f"{path} has mode {mode & 0o777:04o}: others can read it"
        raise KeyFileError(
            doing, context=[found], hint=f"run `chmod 600 {shlex.quote(str(path))}`, and think about who has seen it"
        )
    head, kdf, name, body = _parsed(text, path, doing)
    secret = body if kdf == "none" else _decrypted(kdf, head, body, ask_passphrase(), doing)
    return _pair(secret, name, doing=doing)


def _pair(secret: bytes, name: str, *, doing: str) -> KeyPair:
    try:
        return KeyPair(key=make_key(signing.library.public_half(secret), name), secret=secret)
    except ValueError as error:
        raise KeyFileError(doing, context=[str(error)], hint="give a name of one line; make keys by keygen") from error


def _parsed(text: str, path: Path, doing: str) -> tuple[str, str, str, bytes]:
    pattern = rf"{BEGIN}\n({_VERSION}\nname: ([^\n]+)\nkdf: ([^\n]+)\n)\n([A-Za-z0-9+/=]+)\n{END}\n?"
    match = re.fullmatch(pattern, text)
    is_known = match is not None and (match[3] == "none" or _SCRYPT.fullmatch(match[3]))
    if match is None or not is_known:
        raise KeyFileError(doing, context=[f"{path} is no {_VERSION} file"], hint="give a file that keygen wrote")
    try:
        return match[1], match[3], match[2], base64.b64decode(match[4], validate=True)
    except ValueError as error:
        raise KeyFileError(doing, context=[f"{path} is damaged"], hint="restore it from a copy") from error


def _decrypted(kdf: str, head: str, body: bytes, passphrase: str, doing: str) -> bytes:
    try:
        secret = signing.library.decrypt(_key_from(passphrase, kdf), _NONCE, body, head.encode())
    except ValueError as error:
        raise KeyFileError(doing, context=[str(error)], hint="give a file that keygen wrote") from error
    if secret is None:
        found = "the passphrase is wrong, or the file was changed"
        raise KeyFileError(doing, context=[found], hint="try again; a lost passphrase cannot be recovered")
    return secret


def _key_from(passphrase: str, kdf: str) -> bytes:
    match = _SCRYPT.fullmatch(kdf)
    if match is None or not 2 <= int(match[1]) <= _MAX_SCRYPT_N:
        raise ValueError("unknown key derivation")
    n, r, p = (int(match[group]) for group in (1, 2, 3))
    salt = bytes.fromhex(match[4])
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=n, r=r, p=p, maxmem=_SCRYPT_MEMORY_BYTES, dklen=32)


def _read(path: Path, doing: str) -> tuple[str, int]:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MAX_FILE_BYTES + 1)
        if len(content) > _MAX_FILE_BYTES:
            raise KeyFileError(doing, context=[f"{path} is too large for a key"], hint="give a file that keygen wrote")
        return content.decode(), mode
    except OSError as error:
        found = f"{path}: {error.strerror or error}"
        raise KeyFileError(doing, context=[found], hint="check the path and its permissions") from error
    except UnicodeDecodeError as error:
        raise KeyFileError(doing, context=[f"{path} is not text"], hint="give a file that keygen wrote") from error


def _write_new(path: Path, text: str, *, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), mode)
                file.write(text)
        except BaseException:
            path.unlink(missing_ok=True)  # a key file that is empty would be taken for one
            raise
    except OSError as error:
        found = f"{path}: {error.strerror or error}"
        raise KeyFileError(
            f"writing key file {path}",
            context=[found],
            hint=hint_to_write(error, "choose a folder that you can write to"),
        ) from error
