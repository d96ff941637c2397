"""What is wrong with values, and how it is reported. Layer: values, pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from bundler.errors import Found
from bundler.errors.bundle import ValuesInvalidError
from bundler.model.json import JSONValue, type_name
from bundler.model.lean import dataclass
from bundler.model.orders import IN_AN_OBJECT
from bundler.model.redaction import MASK
from bundler.model.size import shortened

if TYPE_CHECKING:
    from bundler.model.values import Origin, Pointer

_ALIGN_CHARS = 60
_SHOWN_CHARS = 60
_DESCRIPTION_CHARS = 120
MAX_SUGGESTIONS = 10
"""A thousand unknown keys are one mistake, and looking for what each was meant to be takes its time."""
NO_LAYER = "no layer sets it"


@dataclass(frozen=True, slots=True)
class Problem:
    """One place where values break a rule."""

    pointer: Pointer
    """In the top bundle's values: a component's name stands before its own."""
    message: str
    origin: Origin | None
    """Who set it; None: no layer did."""
    description: str = ""
    """What the schema says the value is for."""
    unset: str = ""
    """The path, where an earlier revision recorded what this bundle no longer knows."""
    is_deleted: bool = False
    """It is missing because its origin deleted it."""

    @property
    def layer(self) -> str:
        """Who set it, in words: a file and line, or an option as typed."""
        if self.origin is None:
            return NO_LAYER
        return f"deleted by {self.origin}" if self.is_deleted else str(self.origin)

    def found(self, rule: str) -> Found:
        """Return the line of an error that begins with ``rule``."""
        origin = self.origin if self.origin is not None and self.origin.line else None
        remark = f" — {shortened(self.description, _DESCRIPTION_CHARS)}" if self.description else ""
        return Found(
            f"{rule}  ({self.layer}){remark}",
            message=self.message,
            field=self.pointer,
            file=origin.source if origin else "",
            line=origin.line if origin else 0,
        )


def invalid_values(
    problems: Iterable[Problem], *, subject: str, bundle_origin: str, new_path: Callable[[str], str]
) -> ValuesInvalidError:
    """Make the one error that tells all ``problems``, sorted by path.

    Args:
        problems: at least one.
        subject: what the values are for: ``release shop``.
        bundle_origin: the bundle as the user named it.
        new_path: where the schema has the last key of a path now; empty where it does not say.
    """
    found = sorted(set(problems), key=lambda one: (one.pointer, one.message, one.layer))
    recorded = [problem.unset for problem in found if problem.unset]
    hint = f"run `bundler values {shlex.quote(bundle_origin)} --explain` to see every value and where it comes from"
    if bundle_origin.startswith(IN_AN_OBJECT):
        hint = "correct the values of the order, or the Secret or ConfigMap that they come from"
    if recorded:
        renamed = " ".join(f"--unset {path} --set {new_path(path) or 'NEW.NAME'}=…" for path in recorded)
        hint = f"take back what was recorded, and give it under its new name where it has one: {renamed}"
    return ValuesInvalidError(
        f"checking values for {subject}",
        context=problem_lines(found),
        hint=hint,
    )


def problem_lines(problems: Sequence[Problem]) -> list[Found]:
    """Return one line per problem, the origins in one column."""
    rules = [f"{problem.pointer or '/'}: {problem.message}" for problem in problems]
    width = max((len(rule) for rule in rules if len(rule) <= _ALIGN_CHARS), default=0)
    return [problem.found(f"{rule:<{width}}") for rule, problem in zip(rules, problems, strict=True)]


def shown_value(value: JSONValue, *, is_sensitive: bool) -> str:
    """Return a value as an error may show it: masked when sensitive, short, one line; no inside of lists and maps."""
    if is_sensitive:
        return MASK
    kind = type_name(value)
    if kind in ("object", "array"):
        return "a mapping" if kind == "object" else "a list"
    shown = (
        str(value) if kind in ("number", "integer") else json.dumps(value, ensure_ascii=not str(value).isprintable())
    )
    return shortened(shown, _SHOWN_CHARS)


def meant_or_known(name: str, known: Collection[str], are: str = "known") -> str:
    """Return the end of a message about a name that is unknown: which one was meant, or what there is.

    Args:
        name: that was given.
        known: what it may be.
        are: begins the list of the known ones.
    """
    near = closest(name, known)
    return f'did you mean "{near}"?' if near else f"{are}: {', '.join(known) or 'none'}"


def closest(name: str, known: Iterable[str]) -> str:
    """Return the known name that was probably meant; empty where none is near."""
    names = list(known)
    by_lower = {candidate.lower(): candidate for candidate in names}
    if name.lower() in by_lower:
        return by_lower[name.lower()]
    import difflib  # noqa: PLC0415 - for a mistake only

    return next(iter(difflib.get_close_matches(name, names, n=1)), "")
