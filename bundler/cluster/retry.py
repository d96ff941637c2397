"""Which answers of an API server are failures that pass by themselves. Layer: adapter, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cluster.silent_webhook import silent_webhook
from bundler.cluster.status import one_line, read_status
from bundler.http.retry import MAX_WHY_CHARS, PASSING_STATUS, Failure, retry_after_s

if TYPE_CHECKING:
    from bundler.cluster.request import Reply, Request

_FINAL_500 = ("failed to create typed ", "failed to create manager ", "failed to convert ")
"""How the API server begins, with status 500, what it thinks of the object that was sent (seen with 1.36: unknown
fields, duplicate keys, wrong types in an apply). The same bytes would fail again."""
_DENIED = "denied the request"
"""An admission webhook may refuse with any status."""
_NOT_READY = "not yet ready to handle request"
_MOVED = "the object has been modified"


def failure_of(request: Request, reply: Reply) -> Failure | None:
    """Return whether an answer is a passing failure; None: it is the answer, good or bad."""
    if reply.status == 409 and request.verb == "patch":
        return _moved(reply)
    if reply.status == 403:
        return _not_ready(reply)
    return _passing(reply) if reply.status in PASSING_STATUS else None


def _passing(reply: Reply) -> Failure | None:
    status = read_status(reply.status, reply.body)
    if _DENIED in status.message:
        return None
    webhook = silent_webhook(status.message)
    if webhook is not None:
        return Failure(why=webhook.why, status=reply.status, waits_for=str(webhook))
    if reply.status == 500 and status.message.startswith(_FINAL_500):
        return None
    return Failure(
        why=one_line(f"{reply.status}: {status.message}", MAX_WHY_CHARS),
        may_have_arrived=reply.status != 429,
        status=reply.status,
        wait_s=retry_after_s(reply.headers.get("retry-after", ""), now=reply.headers.get("date", "")),
    )


def _not_ready(reply: Reply) -> Failure | None:
    """A server that has just started refuses writes until its admission plugins have read what they judge by."""
    status = read_status(reply.status, reply.body)
    if _NOT_READY not in status.message:
        return None
    return Failure(why=one_line(f"403: {status.message}", MAX_WHY_CHARS), may_have_arrived=False)


def _moved(reply: Reply) -> Failure | None:
    """An apply without resourceVersion only lost a race against another writer inside the server."""
    status = read_status(reply.status, reply.body)
    if status.causes or _MOVED not in status.message:
        return None
    return Failure(why=f"409: {status.message}", may_have_arrived=False)
