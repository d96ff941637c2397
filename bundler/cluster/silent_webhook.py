"""Read from the API server's words which webhook it could not call. Layer: adapter, pure.

Source: k8s.io/apiserver, pkg/admission/plugin/webhook (`failed calling webhook`), and k8s.io/apiextensions-apiserver,
pkg/apiserver/conversion/webhook_converter.go (`conversion webhook for … failed`).
"""

from __future__ import annotations

import re
from typing import Final

from bundler.model.lean import dataclass

_ADMISSION: Final = re.compile(r'failed calling (?:admission )?webhook "(?P<name>[^"]+)": ')
_CONVERSION: Final = re.compile(r"conversion webhook for (?P<name>\S+, Kind=\w+) failed: ")
_CALL: Final = re.compile(r'Post "https://(?P<host>[^/"?:]+)[^"]*": ')
_OF_A_SERVICE: Final = re.compile(r"(?P<service>[^.]+)\.(?P<namespace>[^.]+)\.svc")
_NAMED_SERVICE: Final = re.compile(r'service "(?P<service>[^"]+)"')
_UNCALLED: Final = ("no endpoints available for service", "no service port", "not found", "error resolving")


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentWebhook:
    """A webhook that the API server could not call, or that did not answer in time."""

    name: str
    """``admission webhook check.example``, ``conversion webhook of example.com/v1 Widget``."""
    place: str
    """``Service ops/gate``, or a host; empty where the server does not say."""
    why: str
    """``connect: connection refused``."""

    def __str__(self) -> str:
        return f"{self.name} ({self.place})" if self.place else self.name


def silent_webhook(message: str) -> SilentWebhook | None:
    """Return the webhook that a failure is about; None for any other failure, a refusal by a webhook among them.

    Args:
        message: of the API server.
    """
    found = _ADMISSION.search(message)
    if found is not None:
        return _webhook(f"admission webhook {found['name']}", message[found.end() :])
    found = _CONVERSION.search(message)
    if found is None or not _is_uncalled(message[found.end() :]):
        return None
    version, _, kind = found["name"].partition(", Kind=")
    return _webhook(f"conversion webhook of {version} {kind}", message[found.end() :])


def _is_uncalled(rest: str) -> bool:
    return _CALL.search(rest) is not None or any(words in rest for words in _UNCALLED)


def _webhook(name: str, rest: str) -> SilentWebhook:
    call = _CALL.search(rest)
    why = (rest[call.end() :] if call else rest).removeprefix("failed to call webhook: ")
    host = call["host"] if call else ""
    service = _OF_A_SERVICE.match(host) or _NAMED_SERVICE.search(rest)
    if service is None:
        return SilentWebhook(name=name, place=host, why=why)
    parts = service.groupdict()
    return SilentWebhook(
        name=name, place="Service " + "/".join(filter(None, (parts.get("namespace"), parts["service"]))), why=why
    )
