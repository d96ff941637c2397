"""Which settings of a bundle's switches are rendered to see every image. Layer: images, pure.

All settings of n switches are 2**n; these are tried: the order as given, each switch alone at each of its other values,
everything on, everything off, each other value of an enumeration with everything on, and pairs of two switches as long
as the whole stays within ``MAX_VARIANTS``: booleans with booleans first, then with enumerations, then enumerations with
each other. Numbers are set all at once, as small and as large as they may be, texts that are empty are filled, and
halves of them where that leads to something. An image that needs more than that, three switches set against their
defaults while the others are not, is not found that way: ``spec.images`` with ``when`` declares such a one.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from bundler.model.json import JSONValue
from bundler.model.lean import dataclass

MAX_VARIANTS = 160
"""More settings than these are not tried for the sake of pairs."""
MAX_SINGLES = 1000
"""More switches than these are not tried at all; the answer says so."""

Variant: TypeAlias = "tuple[tuple[str, JSONValue], ...]"
"""Paths in the values and what is set there; empty: the order as given."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A place in the values with few choices."""

    path: str
    choices: tuple[JSONValue, ...]
    now: JSONValue
    """What the order as given has there; None where nothing is set."""

    @property
    def others(self) -> tuple[JSONValue, ...]:
        """The choices that are not taken now."""
        return tuple(choice for choice in self.choices if not _is_same(choice, self.now))

    @property
    def is_boolean(self) -> bool:
        """Return whether it is a plain on and off."""
        return all(isinstance(choice, bool) for choice in self.choices)


@dataclass(frozen=True, slots=True)
class Extent:
    """A number in the values, and how small and how large it can be; or an empty text, and one that fits there."""

    path: str
    least: float | str | None
    """None: it is not set."""
    most: float | str


@dataclass(frozen=True, slots=True)
class Matrix:
    """The settings to try."""

    variants: tuple[Variant, ...]
    """The order as given (empty) first; each once."""
    has_pairs: bool
    """False where not every two switches were tried together: there are too many."""
    is_cut: bool
    """True where not even every switch is tried alone."""


def make_matrix(switches: Sequence[Switch], *, max_variants: int = MAX_VARIANTS) -> Matrix:
    """Return the settings that are tried, in a fixed order."""
    singles: list[Variant] = [((switch.path, choice),) for switch in switches for choice in switch.others]
    is_cut = len(singles) > MAX_SINGLES
    everything = _all(switches, is_on=True)
    base: list[Variant] = [(), *singles[:MAX_SINGLES], everything, _all(switches, is_on=False)]
    plain = [] if is_cut else [one for one in switches if not one.is_boolean]
    base += [(*everything, (one.path, choice)) for one in plain for choice in one.others if everything]
    tried = {_key(variant): variant for variant in base}
    has_pairs = not is_cut
    for variant in () if is_cut else _pairs(switches):
        if len(tried) >= max_variants and _key(variant) not in tried:
            has_pairs = False
            break
        tried.setdefault(_key(variant), variant)
    return Matrix(tuple(tried.values()), has_pairs, is_cut)


def ends_of(thresholds: Sequence[Switch], extents: Sequence[Extent]) -> tuple[Variant, ...]:
    """Return each threshold alone, then all numbers and texts at once: at most, and at least."""
    most: Variant = tuple((one.path, one.most) for one in extents)
    least: Variant = tuple((one.path, one.least) for one in extents)
    alone: list[Variant] = [((one.path, choice),) for one in thresholds for choice in one.others]
    return tuple(dict.fromkeys(end for end in (*alone, most, least) if end))


def everything_on(switches: Sequence[Switch]) -> Variant:
    """Return the setting with every boolean on."""
    return _all(switches, is_on=True)


def described(variant: Variant) -> str:
    """Return ``cache.enabled=true metrics.enabled=false``; nothing for the order as given."""
    return " ".join(f"{path}={value if isinstance(value, str) else json.dumps(value)}" for path, value in variant)


def _all(switches: Iterable[Switch], *, is_on: bool) -> Variant:
    return tuple((one.path, is_on) for one in switches if one.is_boolean and one.now is not is_on)


def _pairs(switches: Sequence[Switch]) -> Iterator[Variant]:
    plain = [switch for switch in switches if switch.is_boolean]
    others = [switch for switch in switches if not switch.is_boolean]
    pairs = (itertools.combinations(plain, 2), itertools.product(plain, others), itertools.combinations(others, 2))
    # the most telling first: what is switched on and off decides more often than how something is done
    for one, other in itertools.chain(*pairs):
        for first, second in itertools.product(one.others, other.others):
            yield ((one.path, first), (other.path, second))


def _key(variant: Variant) -> str:
    return json.dumps(variant, sort_keys=True)


def _is_same(one: JSONValue, other: JSONValue) -> bool:
    return type(one) is type(other) and one == other
