"""What is known of each registry host: authority, plain HTTP. Layer: adapter; reads the user's configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bundler import syntax
from bundler.errors.delivery import RegistryError
from bundler.model.json import list_at, mapping_at, text_at, value_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bundler.model.json import JSONValue

DOCKER_HUB = "docker.io"
DOCKER_HUB_API = "registry-1.docker.io"
CONFIG_FILE = "registries.yaml"
_MAX_BYTES = 1024 * 1024
_KEYS = ("ca", "clientCertificate", "clientKey", "insecureHTTP", "mirrors")
_MIRROR = re.compile(r"(?:\[[0-9A-Fa-f:]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)(?::[0-9]{1,5})?(?:/[a-z0-9._/-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """How one host is connected to."""

    authority_file: Path | None = None
    """PEM certificates that are trusted beside those of the system."""
    uses_plain_http: bool = False
    client_certificate: Path | None = None
    """PEM; shown to the registry. Its key is in the same file, or in ``client_key``."""
    client_key: Path | None = None
    mirrors: tuple[str, ...] = ()
    """``mirror.site:5000/hub``: read first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings:
    """How hosts are connected to."""

    hosts: Mapping[str, HostSettings] = field(default_factory=dict)
    """From the configuration file, by host as it is in references."""
    authority_file: Path | None = None
    """``--registry-ca``: for every host that has none of its own."""
    plain_http: frozenset[str] = frozenset()
    """``--insecure-http``: hosts that may be connected to without TLS."""
    config_path: Path | None = None
    """Where the configuration file is, or would be; for hints."""

    def of(self, host: str) -> HostSettings:
        """Return how one host is connected to."""
        known = self.hosts.get(host, HostSettings())
        return replace(
            known,
            authority_file=known.authority_file or self.authority_file,
            uses_plain_http=known.uses_plain_http or host in self.plain_http,
        )


def load_settings(
    folder: Path, *, authority_file: Path | None = None, plain_http: Sequence[str] = ()
) -> RegistrySettings:
    """Read ``registries.yaml`` in ``folder``, and put what the command line says on top.

    Args:
        folder: of the user's settings.
        authority_file: additional certificate authority, PEM.
        plain_http: hosts to reach without TLS.

    Raises:
        RegistryError: when the file cannot be read; every problem is in the context.
    """
    path = folder / CONFIG_FILE
    return RegistrySettings(
        hosts=_read_hosts(path),
        authority_file=authority_file,
        plain_http=frozenset(plain_http),
        config_path=path,
    )


def _read_hosts(path: Path) -> dict[str, HostSettings]:
    try:
        text = path.read_text("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is not UTF-8 text"
        raise _unreadable(path, [f"{path}: {reason}"]) from error

    try:
        value = syntax.reader.read_document(text[:_MAX_BYTES]).value
    except syntax.events.YamlSyntaxError as error:
        raise _unreadable(path, [f"{path}:{error.line}: {error.problem}"]) from error
    hosts = mapping_at(value, "registries")
    problems = [f"{path}: {problem}" for problem in _problems(value)]
    if problems:
        raise _unreadable(path, sorted(problems))
    return {host: _host_settings(entry, path.parent) for host, entry in hosts.items()}


def _problems(value: JSONValue) -> list[str]:
    if value is None:
        return []
    top = mapping_at(value)
    found = [f"{key!r} is not known; only `registries` is" for key in top if key != "registries"]
    for host, entry in mapping_at(value, "registries").items():
        known = mapping_at(entry)
        unknown = set(known) - set(_KEYS)
        found += [f"registries.{host}: {key!r} is not known; {', '.join(_KEYS)} are" for key in unknown]
        for key in ("ca", "clientCertificate", "clientKey"):
            if key in known and not text_at(entry, key):
                found.append(f"registries.{host}.{key} must be the path of a PEM file")
        if "clientKey" in known and "clientCertificate" not in known:
            found.append(f"registries.{host}.clientKey needs a clientCertificate")
        if "mirrors" in known and not _are_mirrors(known["mirrors"]):
            found.append(f"registries.{host}.mirrors must be a list of HOST or HOST/PREFIX")
        if "insecureHTTP" in known and not isinstance(known["insecureHTTP"], bool):
            found.append(f"registries.{host}.insecureHTTP must be true or false")
    if not top or (top.get("registries") is not None and not isinstance(top["registries"], dict)):
        found.append("it must be a mapping with `registries`, and that a mapping by host")
    return found


def _host_settings(entry: JSONValue, folder: Path) -> HostSettings:
    def file(key: str) -> Path | None:
        name = text_at(entry, key)
        # A path that begins with ~ is absolute once that is expanded.
        return folder / Path(name).expanduser() if name else None

    return HostSettings(
        authority_file=file("ca"),
        uses_plain_http=value_at(entry, "insecureHTTP") is True,
        client_certificate=file("clientCertificate"),
        client_key=file("clientKey"),
        mirrors=tuple(str(mirror) for mirror in list_at(entry, "mirrors")),
    )


def _are_mirrors(value: JSONValue) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and _MIRROR.fullmatch(one) for one in value)


def _unreadable(path: Path, found: Sequence[str]) -> RegistryError:
    hint = "correct the file: registries: {registry.site:5000: {ca: site-ca.pem}}"
    return RegistryError(f"reading the settings of registries in {path}", context=found, hint=hint)
