"""What things may be called, and the identity that goes with a release's name. Layer: model, pure."""

from __future__ import annotations

import hashlib

NAME_MAX_CHARS = 53
"""Of releases, bundles and components; a name of theirs is a DNS label."""

_LOWER = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_LABEL_CHARS = _LOWER | {"-"}

_UID_SPACE = bytes.fromhex("5d1d3c0e7a0b5b539d5f0f2c7a4be001")


def is_dns_label(text: str) -> bool:
    """Return whether a text is of lower-case letters, digits and inner hyphens; of any length.

    Source: RFC 1123, section 2.1, as Kubernetes reads it: in lower case.
    """
    return is_framed(text, _LABEL_CHARS, _LOWER)


def is_framed(text: str, chars: frozenset[str], ends: frozenset[str]) -> bool:
    """Return whether a text has only ``chars``, and begins and ends with one of ``ends``.

    Args:
        text: to check.
        chars: allowed characters.
        ends: characters allowed at both ends.
    """
    return text[:1] in ends and text[-1] in ends and chars.issuperset(text)


_SERVICE_ACCOUNT = "system:serviceaccount:"


def service_account(user: str) -> tuple[str, str] | None:
    """Return namespace and name of the ServiceAccount that a user is; None for every other user.

    Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/

    Args:
        user: as the API server names it: ``system:serviceaccount:prod:deployer``.
    """
    namespace, _, name = user.removeprefix(_SERVICE_ACCOUNT).partition(":")
    is_one = user.startswith(_SERVICE_ACCOUNT) and is_dns_label(namespace) and all(map(is_dns_label, name.split(".")))
    return (namespace, name) if is_one else None


def release_uid(namespace: str, name: str) -> str:
    """Return the identity that the objects of a release carry.

    It is derived, not drawn: a release that is installed again over kept claims and passwords, or whose record was
    lost, finds its own objects by it. It has the form of a version 5 UUID (RFC 9562, section 5.5); the module for
    those takes longer to load than this.
    """
    octets = bytearray(hashlib.sha1(_UID_SPACE + f"{namespace}/{name}".encode(), usedforsecurity=False).digest()[:16])
    octets[6] = octets[6] & 0x0F | 0x50
    octets[8] = octets[8] & 0x3F | 0x80
    text = octets.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
