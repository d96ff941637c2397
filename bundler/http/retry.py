"""Which failures pass by themselves, and how long to wait. Layer: adapter foundation, pure."""

from __future__ import annotations

import ssl
from datetime import datetime

from bundler.http.dial import DeadProxyError, ProxyError
from bundler.model.lean import dataclass

FIRST_DELAY_S = 0.1
MAX_DELAY_S = 10.0
FIRST_CONTACT_TRIES = 3
"""Tries of a server that never answered: one that is switched off should not cost the whole time budget."""

PASSING_STATUS = frozenset({429, 500, 502, 503, 504})
MAX_WHY_CHARS = 300
MAX_WAIT_DIGITS = 6
"""Eleven days; more is a mistake, or a time of day."""
_HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"
"""Source: RFC 9110, section 5.6.7."""


_PLAIN_REASONS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}
"""What OpenSSL finds in an answer that is no TLS."""


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
    is_plain: bool = False
    """The server seems to speak without TLS."""
    status: int = 0
    """Of the answer; 0 where none came."""
    is_proxy: bool = False
    """The proxy is to blame."""
    wait_s: float = 0.0
    """What the server asked us to wait."""
    waits_for: str = ""
    """What behind the server does not answer: a webhook, and where it is; empty where it is the server itself."""


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
        why=folded(why, MAX_WHY_CHARS),
        is_plain=isinstance(error, ssl.SSLError) and error.reason in _PLAIN_REASONS,
        is_final=isinstance(error, ProxyError),
        may_have_arrived=may_have_arrived,
        is_contact=True,
        is_proxy=isinstance(error, ProxyError | DeadProxyError),
    )


PROXY_HINT = (
    "fix the proxy, or correct its address where it is set; NO_PROXY excepts servers from HTTPS_PROXY and HTTP_PROXY"
)


def retry_after_s(header: str, *, now: str = "") -> float:
    """Return the seconds of a Retry-After header; what cannot be read counts as 1.

    Args:
        header: seconds or a date; empty: 0.
        now: the Date header beside it: the server's clock, which need not be ours.
    """
    text = header.strip()
    if not text:
        return 0.0
    if text.isascii() and text.isdecimal():
        return float(text) if len(text) <= MAX_WAIT_DIGITS else 1.0
    try:
        wait = datetime.strptime(text, _HTTP_DATE) - datetime.strptime(now.strip(), _HTTP_DATE)  # noqa: DTZ007 - GMT both
    except ValueError:
        return 1.0
    return max(wait.total_seconds(), 0.0)


def delay_s(tries: int, *, wait_s: float, jitter: float) -> float:
    """Return how long to wait after ``tries`` failed tries; it doubles.

    ``jitter``, between 0 and 1 and random, keeps many clients from coming back at once.

    Args:
        tries: that failed so far.
        wait_s: what the server asked to wait; 0 if nothing.
        jitter: 0 to 1, spreads clients.
    """
    backoff: float = min(FIRST_DELAY_S * 2 ** min(tries - 1, 10), MAX_DELAY_S)
    return max(backoff, wait_s) * (1 + jitter / 2) if wait_s else backoff * (0.5 + jitter / 2)


def folded(text: str, max_chars: int) -> str:
    """Return a text on one line, cut in the middle: the reason often stands at the end."""
    line = " ".join(text.split())
    if len(line) <= max_chars:
        return line
    tail = max_chars // 3
    return f"{line[: max_chars - tail - 3]} … {line[-tail:]}"
