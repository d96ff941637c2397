"""What a registry asks for with 401: the WWW-Authenticate header. Layer: adapter, pure.

Source: RFC 9110, section 11.6.1; distribution's docs, Token Authentication Specification.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf'\s*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))\s*(?:,|$)')
_SCHEME = re.compile(rf"\s*,*\s*({_WORD})(?=\s|,|$)\s*,?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One way to authenticate."""

    scheme: str
    """``basic`` or ``bearer``, lower case."""
    realm: str = ""
    service: str = ""
    scope: str = ""
    error: str = ""
    """``insufficient_scope``, ``invalid_token``: why a token that we sent does not do."""


def parse_challenges(header: str) -> list[Challenge]:
    """Return the challenges of a header, which may be several lines; what cannot be read is left out."""
    return [challenge for line in header.split("\n") for challenge in _challenges(line)]


def choose_challenge(header: str) -> Challenge | None:
    """Return the challenge that we can answer: Bearer before Basic; None where there is none."""
    known = {challenge.scheme: challenge for challenge in reversed(parse_challenges(header))}
    return known.get("bearer") or known.get("basic")


def _challenges(line: str) -> Iterator[Challenge]:
    place = 0
    while match := _SCHEME.match(line, place):
        place = match.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(line, place):
            quoted, plain = parameter[2], parameter[3]
            parameters[parameter[1].lower()] = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            place = parameter.end()
        yield Challenge(
            scheme=match[1].lower(),
            realm=parameters.get("realm", ""),
            service=parameters.get("service", ""),
            scope=parameters.get("scope", ""),
            error=parameters.get("error", ""),
        )
