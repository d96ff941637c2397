"""Log in to a registry: try the credentials, then keep them. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bundler.errors.delivery import RegistryLoginError
from bundler.model.results import LoginResult

if TYPE_CHECKING:
    from bundler.ports import Registry


def login(host: str, registry: Registry, keep: Callable[[], str]) -> LoginResult:
    """Ask a registry whether it takes the credentials that ``registry`` uses, and keep them only then.

    Args:
        host: of the registry.
        registry: a client that uses the new credentials.
        keep: writes them where docker and podman look; returns where.

    Raises:
        RegistryLoginError: when the registry refuses them, or they cannot be kept.
        RegistryError: when it cannot be reached.
    """
    try:
        was_checked = registry.log_in(host)
    except RegistryLoginError as error:
        hint = "check the name and the password; nothing was kept"
        raise RegistryLoginError(f"logging in to {host}", context=error.context, hint=hint) from error
    return LoginResult(kept=keep(), was_checked=was_checked)
