"""Whom we trust, and how we show our own certificate."""

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bundler.cluster.kubeconfig import Blob, ClusterEntry, UserEntry
from bundler.cluster.tls import ClientCertificate, make_context
from bundler.errors.cluster import ClusterError, CredentialsError, KubeconfigError, UnavailableError
from tests.lib.certs import Authority, KeyPair
from tests.lib.stub_server import Say, StubProxy, StubServer
from tests.unit.cluster.support import CONFIG_MAP, ROUTES, access, client, config_map, surroundings

OK = Say(body=config_map())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def server_pair(authority: Authority) -> KeyPair:
    return authority.issue("server", server=True)


def certificate(
    name: str, *, host: str = "", signer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None
):  # type: ignore[no-untyped-def]
    """Make a certificate without key identifiers, like those of old EKS and microk8s authorities."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer[0].subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=not host, path_length=None), critical=False)
    )
    if host:
        import ipaddress

        names = [x509.IPAddress(ipaddress.ip_address(host))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer[1] if signer else key, hashes.SHA256()), key


def write_pair(
    folder: Path, made: tuple[x509.Certificate, ec.EllipticCurvePrivateKey], *, password: bytes = b""
) -> KeyPair:
    pair = KeyPair(certificate=folder / "it.crt", key=folder / "it.key")
    pair.certificate.write_bytes(made[0].public_bytes(Encoding.PEM))
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    pair.key.write_bytes(made[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    return pair


def test_a_trusted_server_is_spoken_with(authority: Authority, server_pair: KeyPair) -> None:
    with StubServer([OK], routes=ROUTES, certificate=server_pair) as server:
        assert client(server.url, authority=authority.certificate).get(CONFIG_MAP) is not None


def test_a_server_of_another_authority_is_refused_at_once(server_pair: KeyPair, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    with (
        StubServer([OK], routes=ROUTES, certificate=server_pair) as server,
        pytest.raises(UnavailableError) as caught,
    ):
        client(server.url, authority=other.certificate).get(CONFIG_MAP)
    assert "certificate is not trusted" in caught.value.context[0]
    assert "(1 try)" in caught.value.context[0]
    assert "certificate-authority" in caught.value.hint


def test_the_host_name_is_checked_and_can_be_named(authority: Authority, server_pair: KeyPair) -> None:
    with StubServer([OK], routes=ROUTES, certificate=server_pair) as server:
        for name, works in (("kubernetes", True), ("elsewhere.example", False)):
            opened = _opened(server.url, authority=Blob(file=authority.certificate), tls_server_name=name)
            if works:
                assert opened.get(CONFIG_MAP) is not None
            else:
                with pytest.raises(UnavailableError, match="reading"):
                    opened.get(CONFIG_MAP)


def test_verification_can_be_switched_off(server_pair: KeyPair) -> None:
    with StubServer([OK], routes=ROUTES, certificate=server_pair) as server:
        assert _opened(server.url, is_verified=False).get(CONFIG_MAP) is not None


def test_an_authority_without_key_identifiers_is_trusted(tmp_path: Path) -> None:
    root = certificate("old-ca")
    pair = write_pair(tmp_path, certificate("server", host="127.0.0.1", signer=root))
    strict = ssl.create_default_context()
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    authority = Blob(data=root[0].public_bytes(Encoding.PEM))
    with StubServer([OK], routes=ROUTES, certificate=pair) as server:
        assert _opened(server.url, authority=authority).get(CONFIG_MAP) is not None
    context = make_context(ClusterEntry(server=server.url, authority=authority), None)
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_an_intermediate_authority_may_be_the_anchor(tmp_path: Path) -> None:
    root = certificate("root")
    middle = certificate("middle", signer=root)
    pair = write_pair(tmp_path, certificate("server", host="127.0.0.1", signer=middle))
    with StubServer([OK], routes=ROUTES, certificate=pair) as server:
        anchor = Blob(data=middle[0].public_bytes(Encoding.PEM))
        assert _opened(server.url, authority=anchor).get(CONFIG_MAP) is not None


@pytest.mark.parametrize("kind", ["files", "memory", "mixed"])
def test_a_client_certificate_is_shown_and_leaves_nothing_behind(
    kind: str, authority: Authority, server_pair: KeyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pair = authority.issue("ada")
    chain = Blob(file=pair.certificate) if kind != "memory" else Blob(data=pair.certificate.read_bytes())
    key = Blob(file=pair.key) if kind == "files" else Blob(data=pair.key.read_bytes())
    trusted = str(authority.certificate)
    with StubServer([OK], routes=ROUTES, certificate=server_pair, client_authority=trusted) as server:
        entry = UserEntry(name="ada", certificate=chain, key=key)
        assert client(server.url, user=entry, authority=authority.certificate).get(CONFIG_MAP) is not None
    assert list(tmp_path.iterdir()) == []


def test_an_encrypted_key_is_refused_without_a_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "pki").mkdir()
    pair = write_pair(tmp_path / "pki", certificate("ada"), password=b"hunter22")
    files = ClientCertificate(Blob(file=pair.certificate), Blob(file=pair.key))
    memory = ClientCertificate(Blob(data=pair.certificate.read_bytes()), Blob(data=pair.key.read_bytes()))
    for shown in (files, memory):
        with pytest.raises(CredentialsError) as caught:
            make_context(ClusterEntry(server="https://a", is_verified=False), shown)
        assert "unencrypted" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["pki"]


@pytest.mark.parametrize(
    "authority_blob", [Blob(data=b"not pem"), Blob(data="é".encode()), Blob(file=Path("/nowhere/ca.crt"))]
)
def test_an_authority_that_cannot_be_read_is_named(authority_blob: Blob) -> None:
    with pytest.raises(KubeconfigError) as caught:
        make_context(ClusterEntry(server="https://a", authority=authority_blob), None)
    assert str(authority_blob.file or "certificate-authority-data") in caught.value.context[0]


def test_tls_goes_through_a_proxy(authority: Authority, server_pair: KeyPair) -> None:
    with StubServer([OK], routes=ROUTES, certificate=server_pair) as server, StubProxy() as proxy:
        opened = client(server.url, authority=authority.certificate, proxy_url=proxy.url)
        assert opened.get(CONFIG_MAP) is not None
    assert proxy.tunnels
    assert set(proxy.tunnels) == {f"127.0.0.1:{server.port}"}


def test_a_server_without_tls_is_no_traceback(authority: Authority) -> None:
    with StubServer([OK], routes=ROUTES) as server, pytest.raises(ClusterError) as caught:
        client(server.url.replace("http:", "https:"), authority=authority.certificate).get(CONFIG_MAP)
    assert caught.value.context


def _opened(server: str, **cluster: object):  # type: ignore[no-untyped-def]
    from bundler.cluster.client import HttpClusterClient
    from tests.unit.cluster.support import OPENED

    opened = HttpClusterClient.open(access(server, **cluster), surroundings())
    OPENED.append(opened)
    return opened
