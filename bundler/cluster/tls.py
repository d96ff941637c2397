"""TLS contexts made from a kubeconfig's certificates. Layer: adapter."""

from __future__ import annotations

import os
import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.cluster.files import TIMEOUT_S, read_bounded
from bundler.errors.cluster import CredentialsError, KubeconfigError
from bundler.http.tls import ssl_reason, strict_context, trust
from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.cluster.kubeconfig import Blob, ClusterEntry


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate chain and its private key, as PEM bytes or as files."""

    chain: Blob
    key: Blob = field(repr=False)


class KeptContext:
    """Makes a context when it is first asked for, and again when the client certificate became another one."""

    def __init__(
        self,
        cluster: ClusterEntry,
        certificate: Callable[[], ClientCertificate | None],
        *,
        budget: Callable[[], float] = lambda: TIMEOUT_S,
    ) -> None:
        """Prepare; nothing is read yet.

        Args:
            cluster: the entry of the kubeconfig.
            certificate: returns the client certificate that is to be presented now.
            budget: returns the seconds that are left for the command.
        """
        self._cluster, self._certificate, self._budget = cluster, certificate, budget
        self._lock = threading.Lock()
        self._kept: tuple[ClientCertificate | None, ssl.SSLContext] | None = None

    def __call__(self) -> ssl.SSLContext:
        """Return the context.

        Raises:
            KubeconfigError, CredentialsError: when certificates cannot be read.
        """
        certificate = self._certificate()
        with self._lock:
            if self._kept is None or self._kept[0] != certificate:
                self._kept = (certificate, make_context(self._cluster, certificate, timeout_s=self._budget()))
            return self._kept[1]


def make_context(
    cluster: ClusterEntry, certificate: ClientCertificate | None, *, timeout_s: float = TIMEOUT_S
) -> ssl.SSLContext:
    """Return a context that verifies chain and host name, unless the kubeconfig says not to.

    Args:
        cluster: the entry of the kubeconfig.
        certificate: what is presented to the server.
        timeout_s: seconds to wait for each file that is a pipe.

    Raises:
        KubeconfigError: the authority cannot be read.
        CredentialsError: the client certificate cannot be used.
    """
    context = strict_context()
    if not cluster.is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        _trust(context, cluster.authority, timeout_s)
    if certificate is not None:
        _present(context, certificate, timeout_s)
    return context


def authority_of(authority: Blob, *, timeout_s: float) -> bytes:
    """Return the certificates of a cluster's authority; empty where the kubeconfig gives none.

    Raises:
        KubeconfigError: when the file cannot be read.
    """
    try:
        return _content(authority, timeout_s)
    except (OSError, ValueError) as error:
        raise _untrusting(authority, error) from error


def _trust(context: ssl.SSLContext, authority: Blob, timeout_s: float) -> None:
    if not authority:
        context.load_default_certs()
        return
    data = authority_of(authority, timeout_s=timeout_s)
    try:
        trust(context, data)
    except (OSError, ValueError) as error:
        # ssl.SSLError is an OSError; its text names no file.
        raise _untrusting(authority, error) from error


def _untrusting(authority: Blob, error: OSError | ValueError) -> KubeconfigError:
    return KubeconfigError(
        "reading the certificate authority of the cluster",
        context=[f"{authority.file or 'certificate-authority-data'}: {ssl_reason(error)}"],
        hint="give PEM certificates in certificate-authority-data or certificate-authority",
    )


def _present(context: ssl.SSLContext, certificate: ClientCertificate, timeout_s: float) -> None:
    try:
        # OpenSSL would read a file without end for ever, so it never gets the name of one of theirs.
        _load_from_memory(context, _content(certificate.chain, timeout_s), _content(certificate.key, timeout_s))
    except (OSError, ValueError) as error:
        names = [str(blob.file) for blob in (certificate.chain, certificate.key) if blob.file]
        raise CredentialsError(
            "loading the client certificate",
            context=[f"{' and '.join(names) or 'client-certificate-data and client-key-data'}: {ssl_reason(error)}"],
            hint="check that certificate and key are PEM, unencrypted, and belong together",
        ) from error


def _content(blob: Blob, timeout_s: float) -> bytes:
    return read_bounded(blob.file, timeout_s=timeout_s) if blob.file else blob.data


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
