"""Connections that are kept, and given back late."""

from __future__ import annotations

import socket

from bundler.http.dial import Pool
from bundler.http.wire import Connection


def connected() -> tuple[Connection, socket.socket]:
    near, far = socket.socketpair()
    connection = Connection(near)
    connection.is_reusable = True
    return connection, far


def is_over(far: socket.socket) -> bool:
    far.settimeout(0.05)
    try:
        return far.recv(1) == b""
    except TimeoutError:
        return False


def test_what_is_given_back_is_kept_until_the_pool_closes():
    connection, far = connected()
    with far:
        pool = Pool(lambda: connection)
        pool.give_back(connection)
        assert not is_over(far)
        assert pool.take() == (connection, True)
        pool.give_back(connection)
        pool.close()
        assert is_over(far)


def test_what_a_thread_gives_back_after_that_is_closed():
    connection, far = connected()
    with far:
        pool = Pool(lambda: connection)
        taken, _ = pool.take()
        pool.close()
        pool.give_back(taken)
        assert is_over(far)


def test_what_was_idle_for_long_may_be_dead_and_is_not_used_again():
    connection, far = connected()
    other, far_of_other = connected()
    with far, far_of_other:
        pool = Pool(lambda: other)
        pool.give_back(connection)
        assert pool.take() == (connection, True)
        pool.give_back(connection)
        connection.idle_since -= 16
        assert pool.take() == (other, False)
        assert is_over(far)
        other.close()
