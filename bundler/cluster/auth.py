"""Credentials: what goes with each request, and how it is renewed. Layer: adapter.

The only module that imports ``kubernetes``: for the legacy auth-provider entries, whose refreshing it knows.
"""

from __future__ import annotations

import base64
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bundler import http
from bundler.cluster.credentials import (
    FixedCredentials,
    RenewedCredentials,
    TokenFileCredentials,
    configured_certificate,
)
from bundler.cluster.kubeconfig import Blob
from bundler.cluster.status import one_line
from bundler.cluster.tls import ClientCertificate, authority_of
from bundler.errors.cluster import CredentialsError
from bundler.errors.delivery import OfflineError
from bundler.model.events import Notice
from bundler.model.json import decode_json, items_at, mapping_at, strings_at, text_at, value_at
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.cluster.credentials import Credentials
    from bundler.cluster.kubeconfig import ClusterAccess, ClusterEntry, UserEntry
    from bundler.http.client_config import ClientConfig
    from bundler.model.json import Body

RENEW_BEFORE = timedelta(seconds=60)
_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_PLUGIN_HINT = "run the plugin by hand to see what it needs; logging in again often helps"


def make_credentials(access: ClusterAccess, around: ClientConfig) -> Credentials:
    """Choose how to prove who we are.

    Raises:
        CredentialsError: when the user entry contradicts itself.
    """
    user = access.user
    # As with kubectl, what is in the kubeconfig itself wins over a plugin.
    has_own = bool(user.token or user.token_file or user.username)
    if user.exec is not None and not has_own:
        return ExecCredentials(access, around)
    if user.auth_provider is not None and not has_own:
        return LegacyCredentials(user, clock=around.clock)
    if user.token_file is not None:
        return TokenFileCredentials(user, clock=around.clock, budget=around.budget)
    return FixedCredentials(user)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Issued:
    """What a plugin printed."""

    token: str
    certificate: ClientCertificate | None
    expires: datetime | None


class ExecCredentials:
    """A credential plugin: a program that prints an ExecCredential.

    Source: kubernetes.io/docs/reference/access-authn-authz/authentication, "client-go credential plugins".
    """

    def __init__(self, access: ClusterAccess, around: ClientConfig) -> None:
        self._access, self._around = access, around
        self._spec = access.user.exec or {}
        self._version = text_at(self._spec, "apiVersion")
        if self._version not in _VERSIONS:
            found = f"user {access.user.name!r}: exec has apiVersion {self._version or 'none'!r}"
            hint = f"update the plugin and its kubeconfig entry to {' or '.join(_VERSIONS)}"
            raise CredentialsError("reading the kubeconfig", context=[found], hint=hint)
        self._lock = threading.Lock()
        self._issued: _Issued | None = None

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the token; a minute before it expires the plugin is run again.

        Raises:
            CredentialsError: when the plugin is missing or fails.
        """
        token = self._current().token
        return (("Authorization", f"Bearer {token}"),) if token else ()

    def certificate(self) -> ClientCertificate | None:
        """Return the certificate that the plugin printed, or the kubeconfig's.

        Raises:
            CredentialsError: when the plugin is missing or fails.
        """
        return self._current().certificate or configured_certificate(self._access.user)

    def renew(self) -> bool:
        """Let the plugin run again before the next request."""
        with self._lock:
            self._issued = None
        return True

    def _current(self) -> _Issued:
        # The lock is held while the plugin runs: eight threads need one login, not eight.
        with self._lock:
            issued = self._issued
            if issued is None or (
                issued.expires is not None and self._around.clock.now() >= issued.expires - RENEW_BEFORE
            ):
                issued = self._issued = self._read(self._run())
            return issued

    def _run(self) -> str:
        command = self._command()
        is_interactive = self._is_interactive()
        try:
            finished = http.programs.run_program(
                [command, *strings_at(self._spec, "args")],
                env=self._environment(is_interactive=is_interactive),
                timeout_s=max(self._around.budget(), 1.0),
                given=None if is_interactive else b"",
            )
        except http.programs.ProgramError as error:
            raise self._failed(str(error)) from error
        said = finished.stderr.decode(errors="replace")
        if finished.status != 0:
            raise self._failed(f"it ended with status {finished.status}", *_last_lines(said))
        for line in _last_lines(said):
            self._around.report(Notice(f"{Path(command).name}: {line}"))
        return finished.stdout.decode(errors="replace")

    def _command(self) -> str:
        name = text_at(self._spec, "command")
        # A path is relative to the kubeconfig; a bare name is looked up like any program.
        found = http.programs.find_program(
            str(self._access.user.folder / name) if "/" in name else name, self._around.env
        )
        if found is None:
            # `or ""` would drop the author's own advice on how to get the plugin, the best hint there is.
            hint = one_line(text_at(self._spec, "installHint"), 500) or f"install {name or 'it'}, or put it on the PATH"
            raise CredentialsError(
                "running the credential plugin",
                context=[f"user {self._access.user.name!r} of the kubeconfig needs {name!r}, which is not installed"],
                hint=hint,
            )
        return found

    def _is_interactive(self) -> bool:
        mode = text_at(self._spec, "interactiveMode") or "IfAvailable"
        if mode == "Always" and not self._around.is_interactive:
            raise self._failed("it always asks on a terminal, and there is none")
        return mode != "Never" and self._around.is_interactive

    def _environment(self, *, is_interactive: bool) -> dict[str, str]:
        own = {text_at(item, "name"): text_at(item, "value") for item in items_at(self._spec, "env")}
        spec: dict[str, object] = {"interactive": is_interactive}
        if value_at(self._spec, "provideClusterInfo") is True:
            spec["cluster"] = _cluster_info(self._access.cluster, timeout_s=self._around.budget())
        info = {"apiVersion": self._version, "kind": "ExecCredential", "spec": spec}
        return {**self._around.env, **own, "KUBERNETES_EXEC_INFO": json.dumps(info)}

    def _read(self, text: str) -> _Issued:
        try:
            answer = decode_json(text)
            status = mapping_at(answer, "status")
            expires = _time(text_at(status, "expirationTimestamp"))
        except ValueError as error:
            raise self._failed("what it printed is not an ExecCredential in JSON") from error
        version = text_at(answer, "apiVersion")
        if version != self._version:
            raise self._failed(f"it printed apiVersion {version or 'none'!r} instead of {self._version!r}")
        token = text_at(status, "token")
        chain, key = text_at(status, "clientCertificateData"), text_at(status, "clientKeyData")
        if not token and not (chain and key):
            raise self._failed("it printed neither a token nor a certificate with its key")
        certificate = ClientCertificate(Blob(data=chain.encode()), Blob(data=key.encode())) if chain and key else None
        return _Issued(token=token, certificate=certificate, expires=expires)

    def _failed(self, *found: str) -> CredentialsError:
        name = text_at(self._spec, "command")
        first, *rest = found
        return CredentialsError("running the credential plugin", context=[f"{name}: {first}", *rest], hint=_PLUGIN_HINT)


class LegacyCredentials(RenewedCredentials):
    """An ``auth-provider`` entry (oidc, gcp): ``kubernetes`` refreshes it, at the price of its import (0.3 s)."""

    def _asked(self) -> str:
        return legacy_authorization(self._user)


def legacy_authorization(user: UserEntry) -> str:
    """Return the Authorization header of an ``auth-provider`` entry.

    Raises:
        CredentialsError: when the provider is unknown or gives no token.
        OfflineError: when it wants to ask a server that ``--offline`` does not let pass.
    """
    name = text_at(user.auth_provider, "name")
    try:
        from kubernetes import client, config  # noqa: PLC0415 - 0.3 s that only these users pay
    except ImportError as error:
        raise _legacy_failed(user, name, "bundler as one file carries no library for it") from error

    load: Callable[..., None] = config.load_kube_config_from_dict
    # The server is never contacted: only the user entry is read.
    described = {
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": "https://127.0.0.1"}}],
        "users": [{"name": "it", "user": {"auth-provider": json.loads(json.dumps(user.auth_provider))}}],
    }
    configuration = client.Configuration()
    try:
        load(described, client_configuration=configuration, persist_config=False)
        authorization = configuration.get_api_key_with_prefix("BearerToken")
    except OfflineError:
        raise
    except Exception as error:
        raise _legacy_failed(user, name, f"{type(error).__name__}") from error
    if not authorization:
        raise _legacy_failed(user, name, "it gives no token")
    return str(authorization)


def _legacy_failed(user: UserEntry, name: str, why: str) -> CredentialsError:
    return CredentialsError(
        "asking the auth-provider of the kubeconfig",
        context=[f"user {user.name!r}, auth-provider {name!r}: {why}"],
        hint="use a credential plugin (exec) instead; auth-provider was removed from kubectl 1.26",
    )


def _cluster_info(cluster: ClusterEntry, *, timeout_s: float) -> Body:
    authority = authority_of(cluster.authority, timeout_s=timeout_s)
    info: dict[str, object] = {
        "server": cluster.server,
        "tls-server-name": cluster.tls_server_name,
        "insecure-skip-tls-verify": not cluster.is_verified,
        "certificate-authority-data": base64.b64encode(authority).decode(),
        "proxy-url": cluster.proxy_url,
        "config": cluster.exec_config,
    }
    return json_object({key: value for key, value in info.items() if value})


def json_object(value: object) -> Body:
    """Return a mapping as JSON has it."""
    return mapping_at({"it": json.loads(json.dumps(value))}, "it")


def _time(text: str) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _last_lines(text: str) -> list[str]:
    return [one_line(line, 300) for line in text.splitlines() if line.strip()][-10:]
