"""TLS contexts made from a kubeconfig's certificates. Layer: adapter."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.errors import CredentialsError, KubeconfigError

if TYPE_CHECKING:
    from bundler.cluster.kubeconfig import Blob, ClusterEntry


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate chain and its private key, as PEM bytes or as files."""

    chain: Blob
    key: Blob = field(repr=False)


def make_context(cluster: ClusterEntry, certificate: ClientCertificate | None) -> ssl.SSLContext:
    """Return a context that verifies chain and host name, as strictly as kubectl does and no more.

    VERIFY_X509_STRICT, which Python 3.13 turns on in its default context, refuses the authorities of older EKS and
    microk8s clusters (no Authority Key Identifier). Like Go, an intermediate certificate may be the anchor of trust.

    Raises:
        KubeconfigError: the authority cannot be read.
        CredentialsError: the client certificate cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if not cluster.is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.hostname_checks_common_name = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        _trust(context, cluster.authority)
    if certificate is not None:
        _present(context, certificate)
    return context


def _trust(context: ssl.SSLContext, authority: Blob) -> None:
    if not authority:
        context.load_default_certs()
        return
    try:
        data = authority.file.read_bytes() if authority.file else authority.data
        context.load_verify_locations(cadata=data.decode("ascii"))
    except (OSError, ValueError) as error:
        # ssl.SSLError is an OSError; its text names no file.
        raise KubeconfigError(
            "reading the certificate authority of the cluster",
            context=[f"{authority.file or 'certificate-authority-data'}: {_reason(error)}"],
            hint="give PEM certificates in certificate-authority-data or certificate-authority",
        ) from error


def _present(context: ssl.SSLContext, certificate: ClientCertificate) -> None:
    try:
        if certificate.chain.file and certificate.key.file:
            context.load_cert_chain(certificate.chain.file, certificate.key.file)
        else:
            _load_from_memory(context, _content(certificate.chain), _content(certificate.key))
    except (OSError, ValueError) as error:
        names = [str(blob.file) for blob in (certificate.chain, certificate.key) if blob.file]
        raise CredentialsError(
            "loading the client certificate",
            context=[f"{' and '.join(names) or 'client-certificate-data and client-key-data'}: {_reason(error)}"],
            hint="check that certificate and key are PEM, unencrypted, and belong together",
        ) from error


def _content(blob: Blob) -> bytes:
    return blob.file.read_bytes() if blob.file else blob.data


def _load_from_memory(context: ssl.SSLContext, chain: bytes, key: bytes) -> None:
    """Load through a file, the only door OpenSSL has in Python: mode 0600, in a folder of our own, gone at once."""
    import tempfile  # noqa: PLC0415 - 6 ms that only client certificates pay

    folder = Path(tempfile.mkdtemp(prefix="bundler-"))
    file = folder / "client.pem"
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
            written.write(key + b"\n" + chain)
        # A password makes OpenSSL fail on an encrypted key instead of asking on the terminal.
        context.load_cert_chain(file, password="")
    finally:
        file.unlink(missing_ok=True)
        folder.rmdir()


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not PEM"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "not PEM"
