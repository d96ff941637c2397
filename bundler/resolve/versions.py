"""Versions and ranges of versions. Layer: resolve, pure.

Own code, because no maintained library fits: ``packaging`` reads PEP 440, ``semver`` has no such ranges, and
``semantic_version`` admits pre-releases by other rules and has been without a release for years.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import takewhile

from bundler.errors.bundle import VersionRangeError
from bundler.model.lean import dataclass, field
from bundler.model.pattern import LazyPattern
from bundler.model.size import shortened

_IDENTIFIER_CHARS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-")
_STARS = frozenset("xX*")
_OPERATORS = frozenset({"", ">=", "<=", "!=", "==", "=", ">", "<", "^", "~>", "~"})
_COMPARATOR = LazyPattern(r"([<>=!^~]*)\s*([^\s,<>=!^~|]+)(?:[\s,]+|(?=[<>=!])|$)")
"""Comparators are separated by spaces or commas; ``>=1<2`` is clear without, ``1.2~ 3`` is not."""
_KUBERNETES = LazyPattern(r"v?([0-9]{1,9})\.([0-9]{1,9})\+?(?:\.([0-9]{1,9}))?(?:[-+.].*)?")
_MAX_DIGITS = 100
"""Python bounds the digits it converts; so do we, evenly."""
_SHOWN_CHARS = 80
"""Of a text in a message: it may be one that no one typed."""

_RELEASE: tuple[tuple[int, int, str], ...] = ((2, 0, ""),)

_VERSION_HINT = "write a version as MAJOR.MINOR.PATCH, for instance 1.4.0 or 2.0.0-rc.1 (https://semver.org)"
_RANGE_HINT = 'write a range like ">=1.2 <3", "^2", "~16.2", "1.x", "*" or "1.4.0"; "||" stands between alternatives'


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A semantic version; ordered and compared by precedence, so build metadata does not count.

    Source: Semantic Versioning 2.0.0, sections 2, 9, 10 and 11.
    """

    major: int
    minor: int
    patch: int
    precedence: tuple[tuple[int, int, str], ...] = _RELEASE
    """Of the pre-release: numbers before words; a release after all of them."""
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.text or f"{self.major}.{self.minor}.{self.patch}"

    @property
    def is_prerelease(self) -> bool:
        """Return whether there is a ``-something``."""
        return self.precedence != _RELEASE

    @property
    def core(self) -> tuple[int, int, int]:
        """Major, minor and patch."""
        return (self.major, self.minor, self.patch)


@dataclass(frozen=True, slots=True)
class _Comparator:
    """From ``lower`` (included) to ``upper`` (not included), or everything outside of that."""

    lower: Version | None
    upper: Version | None
    is_negated: bool = False

    def admits(self, version: Version) -> bool:
        is_inside = (self.lower is None or version >= self.lower) and (self.upper is None or version < self.upper)
        return is_inside != self.is_negated


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Alternatives of comparators that must all hold."""

    text: str
    alternatives: tuple[tuple[tuple[_Comparator, ...], frozenset[tuple[int, int, int]]], ...]
    """With each: the versions of which pre-releases were named."""

    def __str__(self) -> str:
        return self.text

    def admits(self, version: Version) -> bool:
        """Return whether ``version`` is in the range.

        A pre-release is only admitted where the range itself names a pre-release of the same major.minor.patch: who
        asks for ``>=1.2`` does not ask for untested versions.
        """
        return any(
            (not version.is_prerelease or version.core in named) and all(one.admits(version) for one in comparators)
            for comparators, named in self.alternatives
        )


def parse_version(text: str) -> Version:
    """Read a semantic version.

    Raises:
        VersionRangeError: when ``text`` is none.
    """
    numbers, precedence = _parts(text)
    if precedence is None or len(numbers) != 3 or not all(map(_is_number, numbers)):
        raise VersionRangeError(
            "reading a version",
            context=[f'"{shortened(text, _SHOWN_CHARS)}" is not a semantic version'],
            hint=_VERSION_HINT,
        )
    major, minor, patch = map(int, numbers)
    return Version(major, minor, patch, precedence, text)


def parse_range(text: str) -> VersionRange:
    """Read a range of versions; an empty one admits every release.

    Raises:
        VersionRangeError: when ``text`` is none.
    """
    return VersionRange(text, tuple(_alternative(part, text) for part in text.split("||")))


def newest_within(accepts: str, published: Iterable[str], *, running: str = "") -> str:
    """Return the newest version within a range; empty if there is none.

    Args:
        accepts: the range. Pre-releases count only where it names one of the same major.minor.patch.
        published: what the registry lists; what is not a version is skipped.
        running: the version that is there: within the range, no older one is taken, published or not.

    Raises:
        VersionRangeError: when the range cannot be read.
    """
    wanted, found = parse_range(accepts), dict[str, Version]()
    for text in filter(None, (running, *published)):
        with suppress(VersionRangeError):
            found[text] = parse_version(text)
    fitting = [text for text, version in found.items() if wanted.admits(version)]
    return max(fitting, key=lambda text: (found[text], text == running, text), default="")


def parse_kubernetes_version(text: str) -> Version:
    """Read what a cluster says of itself (``v1.29.3-eks-1234``): major, minor and patch alone.

    Raises:
        VersionRangeError: when ``text`` has no such numbers.
    """
    match = _KUBERNETES.fullmatch(text)
    if match is None:
        hint = "name a Kubernetes version like 1.31 or v1.31.4"
        raise VersionRangeError(
            "reading a Kubernetes version", context=[f'"{shortened(text, _SHOWN_CHARS)}" is not one'], hint=hint
        )
    return Version(int(match[1]), int(match[2]), int(match[3] or 0))


def _parts(text: str) -> tuple[list[str], tuple[tuple[int, int, str], ...] | None]:
    """Return what is between the dots before ``-`` and ``+``, and how the pre-release compares.

    That is None where the pre-release or the build is none, or stands after fewer than three numbers.
    """
    rest, plus, build = text.partition("+")
    core, dash, prerelease = rest.partition("-")
    numbers = core.split(".")
    if ((plus or dash) and len(numbers) < 3) or (plus and not all(map(_is_identifier, build.split(".")))):
        return numbers, None
    return numbers, _precedence(prerelease) if dash else _RELEASE


def _is_number(text: str) -> bool:
    is_short = len(text) <= _MAX_DIGITS
    return is_short and text.isascii() and text.isdigit() and (text[0] != "0" or text == "0")


def _is_identifier(text: str) -> bool:
    return text != "" and _IDENTIFIER_CHARS.issuperset(text)


def _precedence(prerelease: str) -> tuple[tuple[int, int, str], ...] | None:
    """Return how a pre-release compares; None where it is none, as where a number has a leading zero."""
    parts = prerelease.split(".")
    if not all(_is_number(part) if part.isdigit() else _is_identifier(part) for part in parts):
        return None
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


def _alternative(part: str, text: str) -> tuple[tuple[_Comparator, ...], frozenset[tuple[int, int, int]]]:
    comparators = []
    named = set()
    rest = part.strip()
    if not rest and part != text:
        raise _no_range(text, "there is nothing beside ||")
    while rest:
        match = _COMPARATOR.match(rest)
        if match is None or match[1] not in _OPERATORS:
            raise _no_range(text, f'"{shortened(rest, _SHOWN_CHARS)}" cannot be read')
        numbers, low = _operand(match[2], text)
        comparators.append(_comparator(match[1], numbers, low))
        if low.is_prerelease:
            named.add(low.core)
        rest = rest[match.end() :]
    return tuple(comparators), frozenset(named)


def _operand(operand: str, text: str) -> tuple[tuple[int, ...], Version]:
    """Return the numbers that are given, and the version with zeros for those that are not."""
    parts, precedence = _parts(operand.removeprefix("v"))
    if precedence is None or len(parts) > 3 or not all(part in _STARS or _is_number(part) for part in parts):
        raise _no_range(text, f'"{shortened(operand, _SHOWN_CHARS)}" is not a version')
    numbers = [int(part) for part in takewhile(_is_number, parts)]
    if any(part not in _STARS for part in parts[len(numbers) :]):
        raise _no_range(text, f'"{shortened(operand, _SHOWN_CHARS)}" has a number behind a star')
    if len(numbers) < 3:
        precedence = _RELEASE
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return tuple(numbers), Version(major, minor, patch, precedence)


def _comparator(operator: str, numbers: tuple[int, ...], low: Version) -> _Comparator:
    if not numbers:  # a star; what is neither below nor above everything is nothing
        return _Comparator(None, None, is_negated=operator in {"<", ">", "!="})
    after = _after(numbers, low)
    bounds: dict[str, tuple[Version | None, Version | None]] = {
        ">=": (low, None),
        "<": (None, low),
        ">": (after, None),
        "<=": (None, after),
        "^": (low, _next_incompatible(numbers)),
        "~": (low, _bumped(numbers[:2])),
        "~>": (low, _bumped(numbers[:2])),
    }
    lower, upper = bounds.get(operator, (low, after))
    return _Comparator(lower, upper, is_negated=operator == "!=")


def _after(numbers: tuple[int, ...], low: Version) -> Version:
    """Return the first version after everything that ``numbers`` stand for."""
    if len(numbers) < 3:
        return _bumped(numbers)
    return Version(*low.core, (*low.precedence, (-1, 0, "")))


def _next_incompatible(numbers: tuple[int, ...]) -> Version:
    """Return the version before which the first number that is not zero stays."""
    for place, number in enumerate(numbers):
        if number:
            return _bumped(numbers[: place + 1])
    return _bumped(numbers)


def _bumped(numbers: tuple[int, ...]) -> Version:
    """Return the version after the last given number: (1, 2) makes 1.3.0, with its pre-releases."""
    major, minor, patch = (*numbers[:-1], numbers[-1] + 1, 0, 0)[:3]
    return Version(major, minor, patch, ())


def _no_range(text: str, found: str) -> VersionRangeError:
    return VersionRangeError(
        "reading a range of versions", context=[f'"{shortened(text, _SHOWN_CHARS)}": {found}'], hint=_RANGE_HINT
    )
