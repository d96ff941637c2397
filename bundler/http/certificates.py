"""Say who signed a certificate that is not trusted. Layer: adapter foundation.

Python's ssl tells nothing of a certificate that it did not verify, so its name is read from the bytes.

Source: RFC 5280, section 4.1; X.690, section 8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.http.dial import Dialer

_COMMON_NAME = bytes((0x55, 0x04, 0x03))
_ORGANIZATION = bytes((0x55, 0x04, 0x0A))


def issuer_of(dial: Dialer) -> str:
    """Return ``CN=Site CA`` of what a server shows; empty where that cannot be had."""
    try:
        certificate = dial.certificate()
        return issuer_name(certificate)
    except (OSError, ValueError, IndexError, StopIteration):
        return ""


def issuer_name(certificate: bytes) -> str:
    """Return the issuer's common name (or organization) in a DER certificate.

    Raises:
        ValueError, IndexError, StopIteration: when it is none.
    """
    whole = next(iter(_elements(certificate)))[1]
    body = next(iter(_elements(whole)))[1]
    fields = [element for element in _elements(body) if element[0] != 0xA0]
    names = dict(_names(fields[2][1]))
    for kind, label in ((_COMMON_NAME, "CN"), (_ORGANIZATION, "O")):
        if kind in names:
            return f"{label}={names[kind].decode('utf-8', errors='replace')}"
    return ""


def _names(name: bytes) -> Iterator[tuple[bytes, bytes]]:
    for _, relative in _elements(name):
        for _, pair in _elements(relative):
            kind, value = list(_elements(pair))[:2]
            yield kind[1], value[1]


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (tag, content) of the elements that stand one after the other."""
    place = 0
    while place < len(data):
        tag, size = data[place], data[place + 1]
        place += 2
        if size & 0x80:
            count = size & 0x7F
            size = int.from_bytes(data[place : place + count], "big")
            place += count
        if place + size > len(data):
            raise ValueError("cut short")
        yield tag, data[place : place + size]
        place += size
