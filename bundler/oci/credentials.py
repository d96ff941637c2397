"""Who we are at a registry: the files that docker and podman share. Layer: adapter; reads and writes those files.

Source: docker's config.json (docs, `docker login`, "Credential store") and containers-auth.json(5).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.errors.delivery import RegistryLoginError
from bundler.errors.disk import hint_to_write
from bundler.files.whole_file import write_whole
from bundler.model.json import decode_json, is_mapping, mapping_at, text_at
from bundler.oci.helpers import HelperMissingError
from bundler.oci.settings import DOCKER_HUB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bundler.model.json import Body

DOCKER_HUB_KEY = "https://index.docker.io/v1/"
_TOKEN_USER = "<token>"  # noqa: S105 - a word of the helpers' protocol, no password
_HINT = "correct the file, or log in again with `bundler login HOST`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A name and what proves it."""

    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    """An OAuth2 refresh token, in place of a password."""
    registry_token: str = field(default="", repr=False)
    """A bearer token that is sent as it is."""
    source: str = ""
    """Which file or helper said so, for messages."""

    @property
    def basic(self) -> str:
        """Value of an Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


class CredentialFiles:
    """Credentials by host, from the first file that knows it; read once."""

    def __init__(self, env: Mapping[str, str], home: Path, run_helper: Callable[[str, str, str], str]) -> None:
        """Remember where to look.

        Args:
            env: the environment: REGISTRY_AUTH_FILE, DOCKER_CONFIG, XDG_RUNTIME_DIR, XDG_CONFIG_HOME.
            home: of the user.
            run_helper: ``helpers.run_helper`` bound to its surroundings: (helper, verb, text) -> what it printed.
        """
        self._env, self._home, self._run_helper = env, home, run_helper
        self._bodies: dict[Path, Body] = {}

    def paths(self) -> list[Path]:
        """Return the files that are checked, the first one first."""
        if own := self._env.get("REGISTRY_AUTH_FILE"):
            return [Path(own)]
        runtime = self._env.get("XDG_RUNTIME_DIR")
        config = self._env.get("XDG_CONFIG_HOME")
        podman = [Path(runtime) / "containers/auth.json"] if runtime else []
        podman.append((Path(config) if config else self._home / ".config") / "containers/auth.json")
        return [*podman, self._docker_path()]

    def find(self, host: str, repository: str = "") -> Credentials | None:
        """Return who we are at ``host``; None: no one.

        Args:
            host: as it is in references.
            repository: whose own entry (podman knows ``host/name/space``) wins over the host's.

        Raises:
            RegistryLoginError: when a file cannot be read, or a credential helper fails.
        """
        for path in self.paths():
            body = self._body(path)
            kept = _from_auths(body, host, repository, path)
            try:
                found = self._from_helper(body, host, path) or kept
            except HelperMissingError:
                # The file came from another machine; docker and podman continue with what else is in it.
                if kept is None:
                    raise
                found = kept
            if found is not None:
                return found
        return None

    def login_path(self) -> Path:
        """Return the file that `login` writes: the one in use, else podman's where it is there, else docker's."""
        if own := self._env.get("REGISTRY_AUTH_FILE"):
            return Path(own)
        if self._env.get("DOCKER_CONFIG"):
            return self._docker_path()
        return next((path for path in self.paths() if path.is_file()), self._docker_path())

    def store(self, host: str, credentials: Credentials) -> str:
        """Keep credentials; returns where, for people.

        Raises:
            RegistryLoginError: when the file cannot be written or the helper fails.
        """
        path = self.login_path()
        body = self._body(path)
        key = _key_of(host)
        if helper := _helper_of(body, host):
            entry = {"ServerURL": key, "Username": credentials.user, "Secret": credentials.password}
            self._run_helper(helper, "store", json.dumps(entry))
            return f"credential helper {helper}"
        plain = base64.b64encode(f"{credentials.user}:{credentials.password}".encode()).decode()
        auths = {**mapping_at(body, "auths"), key: {"auth": plain}}
        _write(path, {**body, "auths": auths})
        self._bodies.pop(path, None)
        return str(path)

    def _docker_path(self) -> Path:
        folder = self._env.get("DOCKER_CONFIG")
        return (Path(folder) if folder else self._home / ".docker") / "config.json"

    def _body(self, path: Path) -> Body:
        if path not in self._bodies:
            self._bodies[path] = _read(path)
        return self._bodies[path]

    def _from_helper(self, body: Body, host: str, path: Path) -> Credentials | None:
        helper = _helper_of(body, host)
        if not helper:
            return None
        said = self._run_helper(helper, "get", _key_of(host))
        if not said:
            return None
        try:
            answer = decode_json(said)
        except ValueError as error:
            raise RegistryLoginError(
                f"asking the credential helper {helper} of {path}",
                context=["what it printed is not JSON"],
                hint="run it by hand, or remove it from the file",
            ) from error
        user, secret = text_at(answer, "Username"), text_at(answer, "Secret")
        source = f"credential helper {helper}"
        if user == _TOKEN_USER:
            return Credentials(identity_token=secret, source=source)
        return Credentials(user=user, password=secret, source=source) if user or secret else None


def credentials_in(body: Body, host: str, repository: str = "", *, source: str) -> Credentials | None:
    """Return who a config.json says that someone is at ``host``: of a pull secret, say, as pods use it.

    Args:
        body: the parsed file, ``{"auths": …}``.
        host: as it is in references.
        repository: whose own entry wins over the host's.
        source: what it is called in messages.

    Raises:
        RegistryLoginError: when an entry cannot be read.
    """
    return _from_auths(body, host, repository, Path(source)) or _from_patterns(body, host, Path(source))


def _key_of(host: str) -> str:
    return DOCKER_HUB_KEY if host == DOCKER_HUB else host


def _helper_of(body: Body, host: str) -> str:
    helpers = mapping_at(body, "credHelpers")
    return text_at(helpers, _key_of(host)) or text_at(helpers, host) or text_at(body, "credsStore")


def _from_auths(body: Body, host: str, repository: str, path: Path) -> Credentials | None:
    auths = mapping_at(body, "auths")
    by_name = {_plain(key): key for key in reversed(list(auths))} | {key: key for key in auths}
    for name in _keys(host, repository):
        key = by_name.get(name, "")
        if found := _from_entry(mapping_at(auths, key), key, path):
            return found
    return None


def _from_patterns(body: Body, host: str, path: Path) -> Credentials | None:
    """Return the login of a key such as ``*.registry.site``; ``*`` stays within one label, as the kubelet has it."""
    auths = mapping_at(body, "auths")
    labels = host.split(".")
    for key in (key for key in auths if "*" in key):
        patterns = _plain(key).partition("/")[0].split(".")
        is_same = len(patterns) == len(labels) and all(map(fnmatchcase, labels, patterns))
        if is_same and (found := _from_entry(mapping_at(auths, key), key, path)):
            return found
    return None


def _plain(key: str) -> str:
    """Return a key as references name it: old clients wrote whole URLs, others a slash at the end."""
    plain = key.removeprefix("https://").removeprefix("http://").rstrip("/")
    return plain.removesuffix("/v1").removesuffix("/v2")


def _keys(host: str, repository: str) -> Iterator[str]:
    parts = repository.split("/") if repository else []
    for length in range(len(parts), 0, -1):
        yield "/".join((host, *parts[:length]))
    yield host
    if host == DOCKER_HUB:
        yield from (DOCKER_HUB_KEY, "index.docker.io", "registry-1.docker.io")


def _from_entry(entry: Body, key: str, path: Path) -> Credentials | None:
    token, bearer = text_at(entry, "identitytoken"), text_at(entry, "registrytoken")
    user, password = text_at(entry, "username"), text_at(entry, "password")
    if encoded := text_at(entry, "auth"):
        try:
            user, password = decode_auth(encoded)
        except ValueError as error:
            found = [f"{path}: the entry of {key} is not NAME:PASSWORD in base64"]
            raise RegistryLoginError("reading the credentials of registries", context=found, hint=_HINT) from error
    if token or bearer or user:
        return Credentials(user=user, password=password, identity_token=token, registry_token=bearer, source=str(path))
    return None


def decode_auth(text: str) -> tuple[str, str]:
    """Return the name and password of an ``auth``, as docker (line breaks) and the kubelet (no padding) read it.

    Raises:
        ValueError: when it is not that.
    """
    packed = "".join(text.split())
    packed += "=" * (-len(packed) % 4)
    user, colon, password = base64.b64decode(packed, validate=True).decode().partition(":")
    if not colon:
        raise ValueError("there is no colon")
    return user, password.rstrip("\0")


def _read(path: Path) -> Body:
    try:
        body = decode_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is not JSON"
        found = [f"{path}: {reason}"]
        raise RegistryLoginError("reading the credentials of registries", context=found, hint=_HINT) from error
    return body if is_mapping(body) else {}


def _write(path: Path, body: Body) -> None:
    """Write whole or not at all, readable by the user alone."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A link (dotfiles kept elsewhere) is followed, not replaced.
        write_whole(path.resolve(), (json.dumps(body, indent=2) + "\n").encode(), mode=0o600)
    except OSError as error:
        found = [f"{path}: {error.strerror or error}"]
        hint = hint_to_write(error, "name another file with REGISTRY_AUTH_FILE")
        raise RegistryLoginError("writing the credentials of registries", context=found, hint=hint) from error
