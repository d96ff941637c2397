"""Credential helpers: programs named ``docker-credential-NAME``. Layer: adapter; starts programs.

Source: github.com/docker/docker-credential-helpers, README, "Development".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.delivery import RegistryLoginError
from bundler.http.retry import folded

if TYPE_CHECKING:
    from bundler.http.client_config import ClientConfig

_NOT_FOUND = "credentials not found"
_HINT = "try it by hand, or take it out of credHelpers or credsStore and log in again"


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
        HelperMissingError: when it is not there.
        RegistryLoginError: when it fails.
    """
    import shutil  # noqa: PLC0415 - only helpers need programs
    import subprocess  # noqa: PLC0415, TID251 - credential helpers are programs

    doing = f"running the credential helper {helper}"
    name = f"docker-credential-{helper}"
    program = shutil.which(name, path=around.env.get("PATH"))
    if program is None or "/" in helper:
        raise HelperMissingError(doing, context=[f"the program {name} is not there"], hint=f"install {name}; {_HINT}")
    try:
        finished = subprocess.run(  # noqa: S603 - the user's own configuration names the program
            [program, verb],
            input=text.encode(),
            env=dict(around.env),
            capture_output=True,
            timeout=max(around.budget(), 1.0),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it did not end in time"
        raise RegistryLoginError(doing, context=[f"{name}: {reason}"], hint=_HINT) from error
    said = finished.stdout.decode(errors="replace")
    if finished.returncode == 0:
        return said
    if _NOT_FOUND in said.lower():
        return ""
    # What it printed may hold a secret; only the status and its complaint are told.
    complaint = folded(finished.stderr.decode(errors="replace"), 200)
    found = f"{name} {verb} ended with status {finished.returncode}{f': {complaint}' if complaint else ''}"
    raise RegistryLoginError(doing, context=[found], hint=_HINT)
