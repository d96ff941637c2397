"""TLS contexts: whom we trust, and how strictly. Layer: adapter foundation."""

from __future__ import annotations

import ssl


def strict_context() -> ssl.SSLContext:
    """Return a context that verifies chain and host name, as strictly as Go does and no more; it trusts no one yet.

    VERIFY_X509_STRICT, which Python 3.13 turns on in its default context, refuses the authorities of older EKS and
    microk8s clusters (no Authority Key Identifier). Like Go, an intermediate certificate may be the anchor of trust.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.hostname_checks_common_name = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def trust(context: ssl.SSLContext, authorities: bytes) -> None:
    """Trust PEM certificates.

    Raises:
        OSError, ValueError: when they are none; ``ssl_reason`` says why.
    """
    context.load_verify_locations(cadata=authorities.decode("ascii"))


def ssl_reason(error: OSError | ValueError) -> str:
    """Say in a few words what is wrong with a file of certificates."""
    if isinstance(error, ssl.SSLError):
        return error.reason or "not PEM"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "not PEM"
