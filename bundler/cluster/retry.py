"""Which failures pass by themselves, and how long to wait. Layer: adapter, pure."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bundler.cluster.dial import ProxyError
from bundler.cluster.status import one_line, read_status

if TYPE_CHECKING:
    from bundler.cluster.request import Reply, Request

FIRST_DELAY_S = 0.1
MAX_DELAY_S = 10.0
FIRST_CONTACT_TRIES = 3
"""Tries of a server that never answered: one that is switched off should not cost the whole time budget."""

_PASSING_STATUS = frozenset({429, 500, 502, 503, 504})
_FINAL_500 = ("failed to create typed ", "failed to create manager ", "failed to convert ")
"""How the API server begins, with status 500, what it thinks of the object that was sent (seen with 1.36: unknown
fields, duplicate keys, wrong types in an apply). The same bytes would fail again."""
_DENIED = "denied the request"
"""An admission webhook may refuse with any status."""
_MOVED = "the object has been modified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A try that failed in passing, or for good."""

    why: str
    is_final: bool = False
    may_have_arrived: bool = True
    is_contact: bool = False
    """No answer came at all."""
    is_trust: bool = False
    """The certificate does not verify."""
    wait_s: float = 0.0
    """What the server asked us to wait."""


def failure_of(request: Request, reply: Reply) -> Failure | None:
    """Tell whether an answer is a passing failure; None: it is the answer, good or bad."""
    if reply.status == 409 and request.verb == "patch":
        return _moved(reply)
    if reply.status not in _PASSING_STATUS:
        return None
    status = read_status(reply.status, reply.body)
    if _DENIED in status.message or (reply.status == 500 and status.message.startswith(_FINAL_500)):
        return None
    return Failure(
        why=one_line(f"{reply.status}: {status.message}", 300),
        may_have_arrived=reply.status != 429,
        wait_s=retry_after_s(reply.headers.get("retry-after", "")),
    )


def _moved(reply: Reply) -> Failure | None:
    """An apply without resourceVersion only lost a race against another writer inside the server."""
    status = read_status(reply.status, reply.body)
    if status.causes or _MOVED not in status.message:
        return None
    return Failure(why=f"409: {status.message}", may_have_arrived=False)


def failure_of_error(error: Exception, *, may_have_arrived: bool) -> Failure:
    """Say what a broken or refused connection means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"its certificate is not trusted: {getattr(error, 'verify_message', error)}"
        return Failure(why=why, is_final=True, is_trust=True, may_have_arrived=False, is_contact=True)
    if isinstance(error, TimeoutError):
        why = "no answer in time" if may_have_arrived else "no connection in time"
    elif isinstance(error, OSError):
        why = error.strerror or str(error) or type(error).__name__
    else:
        why = str(error)
    return Failure(
        why=one_line(why, 300),
        is_final=isinstance(error, ProxyError),
        may_have_arrived=may_have_arrived,
        is_contact=True,
    )


def retry_after_s(header: str) -> float:
    """Return the seconds of a Retry-After header; the form with a date, which API servers do not send, counts as 1."""
    text = header.strip()
    if not text:
        return 0.0
    return float(text) if text.isdecimal() and len(text) < 6 else 1.0


def delay_s(tries: int, *, wait_s: float, jitter: float) -> float:
    """Return how long to wait after ``tries`` failed tries; it doubles.

    ``jitter``, between 0 and 1 and random, keeps many clients from coming back at once.
    """
    backoff: float = min(FIRST_DELAY_S * 2 ** min(tries - 1, 10), MAX_DELAY_S)
    return max(backoff, wait_s) * (1 + jitter / 2) if wait_s else backoff * (0.5 + jitter / 2)
