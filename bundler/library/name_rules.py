"""Which names of releases, namespaces and sites are accepted. Layer: library, pure."""

from __future__ import annotations

from typing import Final

from bundler.errors import UsageError
from bundler.model.names import NAME_MAX_CHARS, is_dns_label, service_account

_NAMESPACE_MAX_CHARS: Final = 63


def check_name(release: str) -> str:
    """Return a release's name.

    Raises:
        UsageError: when it cannot be one.
    """
    return _checked(release, "the release's name", "a release", more="; a bundle's path comes after the name")


def check_namespace(name: str) -> str:
    """Return a namespace's name.

    Raises:
        UsageError: when it cannot be one.
    """
    return _checked(name, "the namespace", "a namespace", max_chars=_NAMESPACE_MAX_CHARS)


def check_site_name(name: str) -> str:
    """Return a site's name, by the rule for names of bundles.

    Raises:
        UsageError: when it cannot be one.
    """
    return _checked(name, "the site's name", "a site", more="; --out FILE says where the file goes")


def check_account(user: str) -> str:
    """Return the ServiceAccount that a session acts as; empty where it acts as itself.

    Raises:
        UsageError: when it cannot be one.
    """
    if not user or service_account(user) is not None:
        return user
    raise UsageError(
        "reading whom the session acts as",
        context=[f"{user!r} is no ServiceAccount"],
        hint="name it as the API server does: system:serviceaccount:NAMESPACE:NAME",
    )


def _checked(name: str, what: str, owner: str, *, max_chars: int = NAME_MAX_CHARS, more: str = "") -> str:
    if is_dns_label(name) and len(name) <= max_chars:
        return name
    raise UsageError(
        f"reading {what}",
        context=[f"{name!r} cannot be the name of {owner}"],
        hint=f"use small letters, digits and dashes, at most {max_chars}{more}",
    )
