"""Counted bounds of templates and expressions. Layer: expressions, pure.

Bounds are counts, never clocks: the same template stops at the same place on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import local

from bundler.model.lean import dataclass

_CHARS_PER_STEP = 256
"""Making text costs steps too, so that a loop of long strings ends by its count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much one rendering, or one expression, may do."""

    max_steps: int = 1_000_000
    """Loop rounds, calls, and items that filters walk over."""
    max_text_chars: int = 10 * 1024 * 1024
    """One string, one macro's output."""
    max_output_chars: int = 50 * 1024 * 1024
    """All templates of a bundle together."""
    max_int_bits: int = 4096


DEFAULT_BOUNDS = Bounds()


class LimitReachedError(Exception):
    """A count went over its bound; translated to TemplateLimitError where file and line are known."""

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


class Meter:
    """Count what one rendering does."""

    __slots__ = ("_bounds", "_output_left", "_steps_left")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._steps_left = bounds.max_steps
        self._output_left = bounds.max_output_chars

    def charge(self, steps: int) -> None:
        """Count ``steps``.

        Raises:
            LimitReachedError: when the steps are used up.
        """
        self._steps_left -= steps
        if self._steps_left < 0:
            raise LimitReachedError(
                f"it takes more than {self._bounds.max_steps:,} steps",
                "loop over less: steps are loop rounds, calls, items that filters walk over, and long texts",
            )

    def charge_text(self, length: int) -> None:
        """Count the making of a string of ``length`` characters, before it is made where that is possible.

        Raises:
            LimitReachedError: when it is too long.
        """
        if length > self._bounds.max_text_chars:
            raise LimitReachedError(
                f"it makes a text of {length:,} characters; {self._bounds.max_text_chars:,} are allowed",
                "keep large content in files of their own, or make the text shorter",
            )
        if length >= _CHARS_PER_STEP:
            self.charge(length // _CHARS_PER_STEP)

    def charge_output(self, length: int) -> None:
        """Count ``length`` characters that a template wrote.

        Raises:
            LimitReachedError: when all templates together wrote too much.
        """
        self._output_left -= length
        if self._output_left < 0:
            raise LimitReachedError(
                f"the templates write more than {self._bounds.max_output_chars:,} characters",
                "split the bundle, or loop over less",
            )

    def check_int_bits(self, bits: int) -> None:
        """Refuse integers that take minutes to compute or print.

        Raises:
            LimitReachedError: when ``bits`` is over the bound.
        """
        if bits > self._bounds.max_int_bits:
            raise LimitReachedError(
                f"it makes an integer of more than {self._bounds.max_int_bits:,} bits",
                "use smaller numbers",
            )


class _Thread(local):
    """What one thread renders under."""

    meter: Meter | None = None


_THREAD = _Thread()


def current_meter() -> Meter:
    """Return the meter of the current rendering; a fresh one outside of any (constants folded by the compiler)."""
    meter = _THREAD.meter
    return Meter(DEFAULT_BOUNDS) if meter is None else meter


class metered:  # noqa: N801 - used as a with statement, like contextlib's own
    """Make ``meter`` the current one inside a ``with`` block."""

    __slots__ = ("_before", "_meter")

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def __enter__(self) -> Meter:
        self._before, _THREAD.meter = _THREAD.meter, self._meter
        return self._meter

    def __exit__(self, *_exc: object) -> None:
        _THREAD.meter = self._before


def join_pieces(pieces: Iterable[str]) -> str:
    """Join what a macro or block wrote, within the bound of one text."""
    parts = pieces if isinstance(pieces, list) else list(pieces)
    current_meter().charge_text(sum(map(len, parts)))
    return "".join(parts)
