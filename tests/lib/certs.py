"""Certificates and keys for the test control plane: one authority, leaf certificates, a key for ServiceAccount tokens.

Elliptic-curve keys, since ten of them cost less than one RSA key.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

VALID_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """Two PEM files: a certificate (or public key) and its private key."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority that writes what it signs into one folder."""

    def __init__(self, folder: Path) -> None:
        """Make a new authority; its certificate is `folder/ca.crt`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _distinguished_name("controlplane-ca", groups=())
        signed = (
            _builder(self._name, self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_ca_key_usage(), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = folder / "ca.crt"
        self.certificate.write_bytes(signed.public_bytes(Encoding.PEM))

    def issue(
        self,
        name: str,
        *,
        groups: tuple[str, ...] = (),
        server: bool = False,
        peer: bool = False,
        names: tuple[str, ...] = (),
    ) -> KeyPair:
        """Sign a certificate with common name `name`; Kubernetes reads the name as user and organizations as groups.

        Args:
            name: the common name, and the name of the files.
            groups: organizations.
            server: it is for a server, on loopback or by one of `names`.
            peer: it is for a server that is a client of others like it.
            names: further host names of the server.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        server = server or peer
        purposes = [ExtendedKeyUsageOID.SERVER_AUTH] * server + [ExtendedKeyUsageOID.CLIENT_AUTH] * (peer or not server)
        builder = (
            _builder(_distinguished_name(name, groups), self._name, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if server:
            builder = builder.add_extension(_names_of_server(names), critical=False)
        signed = builder.sign(self._key, hashes.SHA256())
        pair = KeyPair(certificate=self._folder / f"{name}.crt", key=self._folder / f"{name}.key")
        pair.certificate.write_bytes(signed.public_bytes(Encoding.PEM))
        _write_key(pair.key, key)
        return pair


def make_signing_keys(folder: Path, name: str) -> KeyPair:
    """Make the bare key pair that signs ServiceAccount tokens; `certificate` is the public key."""
    key = ec.generate_private_key(ec.SECP256R1())
    pair = KeyPair(certificate=folder / f"{name}.pub", key=folder / f"{name}.key")
    pair.certificate.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    _write_key(pair.key, key)
    return pair


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
    )


def _distinguished_name(common_name: str, groups: tuple[str, ...]) -> x509.Name:
    organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _names_of_server(others: tuple[str, ...]) -> x509.SubjectAlternativeName:
    names = ("localhost", "kubernetes", "kubernetes.default.svc", *others)
    addresses = ("127.0.0.1", "10.96.0.1")
    return x509.SubjectAlternativeName(
        [*map(x509.DNSName, names), *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses)]
    )


def _ca_key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    path.chmod(0o600)
