"""What is tried again and what is not."""

import json
import socket
import ssl

import pytest
from hypothesis import given, strategies as st

from bundler.cluster.request import Reply, Request
from bundler.cluster.retry import failure_of
from bundler.http.dial import ProxyError
from bundler.http.retry import MAX_DELAY_S, delay_s, failure_of_error, retry_after_s
from bundler.http.wire import ClosedError

GET = Request(method="GET", target="/x", subject="x")
PATCH = Request(method="PATCH", target="/x", subject="x", verb="patch")
POST = Request(method="POST", target="/x", subject="x", verb="create")
MOVED = 'Operation cannot be fulfilled on deployments.apps "web": the object has been modified; please apply again'


def reply(status: int, message: str = "", **details: object) -> Reply:
    body = {"kind": "Status", "message": message, "code": status, "details": details}
    return Reply(status, {}, json.dumps(body).encode())


LATE_CONVERSION = (
    "failed to convert new object (/w; a.example/v1, Kind=W) to proper version (a.example/v2): "
    'conversion webhook for a.example/v1, Kind=W failed: Post "https://op.ns.svc": connect: connection refused'
)


@pytest.mark.parametrize(
    ("status", "message", "passes"),
    [
        (200, "", False),
        (400, "", False),
        (401, "", False),
        (403, 'secrets "a" is forbidden: exceeded quota', False),
        (404, "", False),
        (409, "", False),
        (410, "", False),
        (413, "", False),
        (422, "", False),
        (429, "Too many requests", True),
        (500, "etcdserver: leader changed", True),
        (500, "etcdserver: request timed out", True),
        (
            500,
            'failed calling webhook "v.example": Post "https://v.ns.svc": dial tcp 10.0.0.1:443: connect: connection refused',
            True,
        ),
        (500, 'admission webhook "policy.example" denied the request: no', False),
        (503, 'admission webhook "policy.example" denied the request: no', False),
        (
            500,
            "failed to create typed patch object (/d; apps/v1, Kind=Deployment): .spec.x: field not declared in schema",
            False,
        ),
        (500, "failed to convert new object (/s; /v1, Kind=Secret) to proper version: illegal base64 data", False),
        (
            500,
            LATE_CONVERSION,
            True,
        ),
        (502, "", True),
        (503, "the server is currently unable to handle the request", True),
        (504, "", True),
    ],
)
def test_passing_answers_are_told_from_refusals(status: int, message: str, passes: bool) -> None:
    assert (failure_of(GET, reply(status, message)) is not None) is passes


def test_an_apply_that_lost_a_race_inside_the_server_is_repeated_and_an_update_is_not() -> None:
    put = Request(method="PUT", target="/x", subject="x", verb="update")
    assert failure_of(PATCH, reply(409, MOVED)) is not None
    assert failure_of(put, reply(409, MOVED)) is None
    conflict = reply(409, MOVED, causes=[{"reason": "FieldManagerConflict", "message": "", "field": ".spec"}])
    assert failure_of(PATCH, conflict) is None


def test_a_throttled_request_surely_did_nothing() -> None:
    throttled, failed = failure_of(POST, reply(429)), failure_of(POST, reply(503))
    assert throttled is not None
    assert failed is not None
    assert (throttled.may_have_arrived, failed.may_have_arrived) == (False, True)


@pytest.mark.parametrize(
    ("error", "why", "is_final"),
    [
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer", False),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused", False),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known", False),
        (TimeoutError("timed out"), "no answer in time", False),
        (ClosedError("the connection was closed before an answer"), "closed before an answer", False),
        (ssl.SSLCertVerificationError("self-signed"), "not trusted", True),
        (ProxyError("the proxy p:1 refuses the way to a:2: 403"), "refuses the way", True),
    ],
)
def test_broken_connections_are_explained(error: Exception, why: str, is_final: bool) -> None:
    failure = failure_of_error(error, may_have_arrived=True)
    assert why in failure.why
    assert failure.is_final is is_final


@pytest.mark.parametrize(
    ("header", "expected"),
    [("", 0), ("7", 7), (" 3 ", 3), ("Wed, 21 Oct 2026 07:28:00 GMT", 1), ("-1", 1), ("9" * 9, 1)],
)
def test_retry_after_is_read(header: str, expected: float) -> None:
    assert retry_after_s(header) == expected


@pytest.mark.medium
@given(st.integers(1, 10_000), st.floats(0, 100), st.floats(0, 1))
def test_pauses_respect_the_server_and_stay_bounded(tries: int, wait_s: float, jitter: float) -> None:
    pause = delay_s(tries, wait_s=wait_s, jitter=jitter)
    assert pause >= wait_s
    assert 0.05 <= pause <= 1.5 * max(MAX_DELAY_S, wait_s)


def test_pauses_grow() -> None:
    pauses = [delay_s(tries, wait_s=0, jitter=0.5) for tries in range(1, 9)]
    assert pauses == sorted(pauses)
    assert pauses[7] > 20 * pauses[0]
