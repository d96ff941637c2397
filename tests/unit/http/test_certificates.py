"""Who signed a certificate, read from its bytes."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from bundler.http.certificates import issuer_name
from tests.lib.certs import Authority

if TYPE_CHECKING:
    from pathlib import Path


def test_the_issuer_is_named(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("registry", server=True)
    assert issuer_name(ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())) == "CN=controlplane-ca"


@given(st.binary(max_size=200))
def test_what_is_no_certificate_is_refused_and_nothing_else_happens(data: bytes) -> None:
    try:
        assert isinstance(issuer_name(data), str)
    except (ValueError, IndexError, StopIteration):
        return


def test_a_cut_certificate_is_refused(tmp_path: Path) -> None:
    whole = ssl.PEM_cert_to_DER_cert(Authority(tmp_path).certificate.read_text())
    with pytest.raises((ValueError, IndexError, StopIteration)):
        issuer_name(whole[:40])
