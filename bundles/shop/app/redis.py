"""A client of Redis: the commands that the shop needs. Source: redis.io/docs, "Redis serialization protocol" (RESP2)."""

import socket


class Redis:
    """One connection."""

    def __init__(self, host, port, password, timeout_s=2.0):
        self._socket = socket.create_connection((host, port), timeout=timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        if password:
            self.ask(("AUTH", password))

    def ask(self, *commands):
        """Send commands together, and return the answer to each.

        Raises:
            OSError: where the server is gone, or refuses one.
        """
        self._socket.sendall(b"".join(_coded(words) for words in commands))
        answers = [self._answer() for _ in commands]
        for answer in answers:
            if isinstance(answer, OSError):
                raise answer
        return answers

    def close(self):
        self._socket.close()

    def _answer(self):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis closed the connection")
        kind, text = line[:1], line[1:-2].decode()
        if kind == b"-":
            return OSError(text)
        if kind == b":":
            return int(text)
        if kind != b"$":
            return text
        size = int(text)
        return None if size < 0 else self._file.read(size + 2)[:-2].decode()


def _coded(words):
    coded = [word.encode() for word in words]
    return b"*%d\r\n" % len(coded) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in coded)
