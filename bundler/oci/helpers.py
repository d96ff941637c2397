"""Credential helpers: programs named ``docker-credential-NAME``. Layer: adapter; starts programs.

Source: github.com/docker/docker-credential-helpers, README, "Development".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler import http
from bundler.errors.delivery import RegistryLoginError
from bundler.http.retry import folded

if TYPE_CHECKING:
    from bundler.http.client_config import ClientConfig

_NOT_FOUND = "credentials not found"
_HINT = "run it by hand, or remove it from credHelpers or credsStore and log in again"


class HelperMissingError(RegistryLoginError):
    """The program of a credential helper is not installed here."""


def run_helper(around: ClientConfig, helper: str, verb: str, text: str) -> str:
    """Return what a helper prints; empty where it knows nothing of that server.

    Args:
        around: its environment, and the time that is left.
        helper: the name after ``docker-credential-``.
        verb: ``get`` or ``store``.
        text: its standard input; never shown.

    Raises:
        HelperMissingError: when it does not exist.
        RegistryLoginError: when it fails.
    """
    doing = f"running the credential helper {helper}"
    name = f"docker-credential-{helper}"
    program = http.programs.find_program(name, around.env) if "/" not in helper else None
    if program is None:
        raise HelperMissingError(doing, context=[f"{name} is not installed"], hint=f"install {name}; {_HINT}")
    timeout_s = max(around.budget(), 1.0)
    try:
        finished = http.programs.run_program([program, verb], env=around.env, timeout_s=timeout_s, given=text.encode())
    except http.programs.ProgramError as error:
        raise RegistryLoginError(doing, context=[f"{name}: {error}"], hint=_HINT) from error
    said = finished.stdout.decode(errors="replace")
    if finished.status == 0:
        return said
    if _NOT_FOUND in said.lower():
        return ""
    # What it printed may hold a secret; only the status and its complaint are shown.
    complaint = folded(finished.stderr.decode(errors="replace"), 200)
    found = f"{name} {verb} ended with status {finished.status}{f': {complaint}' if complaint else ''}"
    raise RegistryLoginError(doing, context=[found], hint=_HINT)
