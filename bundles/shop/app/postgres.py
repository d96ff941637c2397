"""A client of PostgreSQL: queries without parameters, a login with SCRAM-SHA-256.

Source: postgresql.org/docs, "Frontend/Backend Protocol" 3.0; RFC 5802 and RFC 7677.
"""

import base64
import hashlib
import hmac
import os
import socket
import struct

OK, SASL, SASL_CONTINUE, SASL_FINAL = 0, 10, 11, 12


class Postgres:
    """One connection."""

    def __init__(self, host, port, database, user, password, timeout_s=2.0):
        self._socket = socket.create_connection((host, port), timeout=timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        names = b"\0".join(part.encode() for part in ("user", user, "database", database)) + b"\0\0"
        self._send(b"", struct.pack("!i", 3 << 16) + names)
        self._log_in(password)
        self._rows()

    def ask(self, sql):
        """Return the rows of a query, each a list of texts.

        Raises:
            OSError: where the server is gone, or refuses it.
        """
        self._send(b"Q", sql.encode() + b"\0")
        return self._rows()

    def close(self):
        self._socket.close()

    def _log_in(self, password):
        method, _ = self._login_step()
        if method == OK:
            return
        if method != SASL:
            raise OSError("PostgreSQL asks for another login than SCRAM-SHA-256")
        nonce = base64.b64encode(os.urandom(18)).decode()
        own = f"n=,r={nonce}"
        first = f"n,,{own}".encode()
        self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first)
        _, challenge = self._login_step()
        asked = dict(part.split("=", 1) for part in challenge.decode().split(","))
        if not asked["r"].startswith(nonce):
            raise OSError("PostgreSQL answers another login than ours")
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(asked["s"]), int(asked["i"]))
        last = f"c=biws,r={asked['r']}"
        signed = f"{own},{challenge.decode()},{last}"
        key = _mac(salted, b"Client Key")
        signature = _mac(hashlib.sha256(key).digest(), signed.encode())
        proof = base64.b64encode(bytes(one ^ other for one, other in zip(key, signature, strict=True)))
        self._send(b"p", f"{last},p={proof.decode()}".encode())
        _, answer = self._login_step()
        expected = base64.b64encode(_mac(_mac(salted, b"Server Key"), signed.encode()))
        if not hmac.compare_digest(answer, b"v=" + expected):
            raise OSError("this is not the PostgreSQL that knows the password")
        self._login_step()

    def _login_step(self):
        kind, body = self._receive()
        if kind != b"R":
            raise OSError("PostgreSQL sent something else than a login")
        return struct.unpack("!i", body[:4])[0], body[4:]

    def _rows(self):
        """Read until the server is ready for the next query."""
        rows, error = [], None
        while True:
            try:
                kind, body = self._receive()
            except Refused as refused:
                error = refused
                continue
            if kind == b"D":
                rows.append(list(_columns(body)))
            elif kind == b"Z":
                if error:
                    raise error
                return rows

    def _send(self, kind, body):
        self._socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def _receive(self):
        kind, size = self._read(1), struct.unpack("!i", self._read(4))[0]
        body = self._read(size - 4)
        if kind == b"E":
            fields = {part[:1]: part[1:].decode() for part in body.split(b"\0") if part}
            raise Refused(fields.get(b"M", "PostgreSQL refuses"))
        return kind, body

    def _read(self, size):
        found = self._file.read(size)
        if len(found) < size:
            raise ConnectionError("PostgreSQL closed the connection")
        return found


class Refused(OSError):
    """What the server says against it."""


def _columns(body):
    at = 2
    for _ in range(*struct.unpack("!h", body[:2])):
        (size,) = struct.unpack("!i", body[at : at + 4])
        at += 4
        yield None if size < 0 else body[at : at + size].decode()
        at += max(size, 0)


def _mac(key, text):
    return hmac.new(key, text, "sha256").digest()
