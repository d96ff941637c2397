"""Turn refusals and failures of registries into our errors, once. Layer: adapter, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.delivery import (
    ContentMismatchError,
    RegistryError,
    RegistryForbiddenError,
    RegistryLoginError,
    RegistryNotFoundError,
    RegistryRejectedError,
    RegistryUnavailableError,
)
from bundler.http.retry import PROXY_HINT

OUT_OF_TIME = "the time of the command is over"
LONG_WAIT_S = 30.0
"""What a registry asks to wait, from which on messages say so."""

if TYPE_CHECKING:
    from bundler.http.retry import Failure
    from bundler.oci.requests import Answer
    from bundler.oci.settings import RegistrySettings


def refusal(doing: str, host: str, answer: Answer, *, who: str, by: str = "") -> RegistryError:
    """Return the error that an answer with status 400 or more stands for.

    Args:
        doing: what was asked.
        host: of the registry.
        answer: read to its end.
        who: as whom we asked: ``as ada (from ~/.docker/config.json)``, ``without credentials``.
        by: another host that answered on its behalf: its token server.
    """
    words = answer.says or "it gives no reason"
    found = [f"{f'{by}, for {host},' if by else host} answers {answer.status}: {words}"]
    match answer.status:
        case 401:
            hint = f"log in with `bundler login {host}`, or check that this user may do that"
            return RegistryLoginError(doing, context=[*found, f"asked {who}"], hint=hint)
        case 403:
            hint = "ask for the right to do that, or name a repository that is yours"
            return RegistryForbiddenError(doing, context=[*found, f"asked {who}"], hint=hint)
        case 404:
            return RegistryNotFoundError(doing, context=found, hint="check the name, the tag and the registry")
        case _ if answer.is_full:
            hint = f"make room on the disk of {host}, then run the command again: what is there is not sent twice"
            return RegistryRejectedError(doing, context=found, hint=hint)
        case _:
            speaks_tls = answer.status == 400 and b"HTTP request to an HTTPS server" in answer.body
            hint = f"leave out --insecure-http {host}, and insecureHTTP in files: it uses TLS"
            return RegistryRejectedError(
                doing, context=found, hint=hint if speaks_tls else _rejected_hint(answer.status)
            )


def refusal_elsewhere(doing: str, host: str, answer: Answer, *, by: str) -> RegistryError:
    """Return the error for what another host refuses, where the registry sent us: it is never told who we are.

    Args:
        doing: what is being done, for messages.
        host: of the registry that redirected.
        answer: of the other host.
        by: the host that answered.
    """
    words = answer.says or "it gives no reason"
    kind = RegistryNotFoundError if answer.status == 404 else RegistryForbiddenError
    return kind(
        doing,
        context=[f"{by}, where {host} keeps its content, answers {answer.status}: {words}"],
        hint=f"run the command again; if {by} keeps refusing, check the storage of {host}",
    )


def _rejected_hint(status: int) -> str:
    if status == 413:
        return "the registry, or a proxy before it, limits the size of requests; raise that limit"
    if status == 405:
        return "the registry is read-only, or does not know this kind of request"
    return "see the registry's message, and its log"


def shown_wait(seconds: float) -> str:
    """Return ``40 s``, ``25 min`` or ``6 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def untrusted(doing: str, host: str, why: str, *, issuer: str, settings: RegistrySettings) -> RegistryUnavailableError:
    """Return the error for a certificate that does not verify.

    Args:
        doing: what was asked.
        host: whose certificate it is.
        why: what the check found.
        issuer: who signed it (``CN=Site CA``); empty where that is not known.
        settings: of registries, which name the configuration file.
    """
    signed = f" (issuer {issuer})" if issuer else ""
    where = f" or add it in {settings.config_path}" if settings.config_path else ""
    return RegistryUnavailableError(
        doing,
        context=[f"{host}: {why}{signed}"],
        hint=f"pass --registry-ca FILE with the certificate of the authority{where}",
    )


def unavailable(
    doing: str, host: str, failure: Failure, *, tries: int, speaks_plain: bool = False
) -> RegistryUnavailableError:
    """Return the error for a registry that could not be reached, or failed until the time ran out.

    Args:
        doing: what was asked.
        host: that did not answer.
        failure: the last one.
        tries: how many; 0 where there was no time for one.
        speaks_plain: it seems to speak HTTP without TLS.
    """
    how_often = "1 try" if tries == 1 else f"{tries} tries"
    hint = "check the name, the network and the proxy, then run the same command again"
    why = failure.why
    if not tries:
        hint = "run the command again, with more --timeout; what was moved is not moved again"
        return RegistryUnavailableError(doing, context=[f"{host}: {why}"], hint=hint)
    if failure.wait_s >= LONG_WAIT_S:
        why += f", and asks to wait {shown_wait(failure.wait_s)}"
        hint = f"run the command again after that time; with a login (`bundler login {host}`) limits are often higher"
    elif failure.status == 429:
        hint = f"run the same command again later; with a login (`bundler login {host}`) limits are often higher"
    elif failure.status:
        hint = "check the registry and its log, and the proxy in front of it, then run the same command again"
    elif failure.is_proxy:
        hint = PROXY_HINT
    elif speaks_plain:
        hint = f"pass --insecure-http {host} if it uses plain HTTP on purpose"
    return RegistryUnavailableError(doing, context=[f"{host}: {why} ({how_often})"], hint=hint)


def altered(doing: str, found: str) -> RegistryRejectedError:
    """Return the error for content that was right when it was sent."""
    hint = "run the command again; if it fails again, check the registry, and the proxy before it"
    return RegistryRejectedError(doing, context=[found], hint=hint)


def mismatch(doing: str, found: str) -> ContentMismatchError:
    """Return the error for content that is not what its digest says."""
    return ContentMismatchError(
        doing, context=[found], hint="fetch it again; if that does not help, the registry is damaged"
    )
