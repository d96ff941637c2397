"""Which webhook an API server could not call, from what it says."""

from __future__ import annotations

import pytest

from bundler.cluster.silent_webhook import silent_webhook

HEAD = 'Internal error occurred: failed calling webhook "gate.example": '
CALL = 'failed to call webhook: Post "https://gate.ops.svc:443/check?timeout=10s": '
ADMISSION = "admission webhook gate.example (Service ops/gate)"
CONVERSION = "conversion webhook for a.example/v1, Kind=Widget failed: "


@pytest.mark.parametrize(
    ("message", "named", "why"),
    [
        (HEAD + CALL + "dial tcp 10.0.0.1:443: connect: connection refused", ADMISSION,
         "dial tcp 10.0.0.1:443: connect: connection refused"),
        (HEAD + CALL + "context deadline exceeded", ADMISSION, "context deadline exceeded"),
        (HEAD + CALL + "tls: failed to verify certificate: x509: certificate signed by unknown authority", ADMISSION,
         "tls: failed to verify certificate: x509: certificate signed by unknown authority"),
        (HEAD + 'failed to call webhook: no endpoints available for service "gate"',
         "admission webhook gate.example (Service gate)", 'no endpoints available for service "gate"'),
        (HEAD + 'failed to call webhook: Post "https://127.0.0.1:4443/?timeout=1s": EOF',
         "admission webhook gate.example (127.0.0.1)", "EOF"),
        (HEAD + "failed to call webhook: the server could not find the requested resource",
         "admission webhook gate.example", "the server could not find the requested resource"),
        (CONVERSION + 'Post "https://op.ops.svc:443/convert?timeout=30s": connect: connection refused',
         "conversion webhook of a.example/v1 Widget (Service ops/op)", "connect: connection refused"),
        (CONVERSION + 'service "op" not found', "conversion webhook of a.example/v1 Widget (Service op)",
         'service "op" not found'),
    ],
)  # fmt: skip
def test_a_webhook_that_was_not_reached_is_named_with_its_service_and_the_reason(message, named, why):
    found = silent_webhook(message)
    assert found is not None
    assert (str(found), found.why) == (named, why)


@pytest.mark.parametrize(
    "message",
    [
        'admission webhook "gate.example" denied the request: no',
        CONVERSION + "spec.size: cannot be converted",
        "etcdserver: leader changed",
    ],
)
def test_what_a_webhook_says_is_no_silence(message):
    assert silent_webhook(message) is None
