"""Hooks: objects of a bundle that are written at a named point of a change. Layer: model, pure.

What a hook is, it says itself in its annotations, so that the record, the cluster and a plan know it alike. Objects
in checks/ are written only to check a release.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bundler.model.bundle import CHECKS_FOLDER
from bundler.model.json import Body, JSONValue, mapping_at, text_at
from bundler.model.labels import HOOK, HOOK_DELETE_AFTER, HOOK_ORDER, HOOK_RUN, HOOK_TIMEOUT
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.manifest import Manifest

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
_MAX_DIGITS: Final = 6


class Operation(StrEnum):
    """What a change does to a release, as templates of hooks know it."""

    INSTALL = "install"
    UPGRADE = "upgrade"
    ROLLBACK = "rollback"
    UNINSTALL = "uninstall"


class Side(StrEnum):
    """On which side of the change a hook runs."""

    BEFORE = "before"
    AFTER = "after"


class DeleteAfter(StrEnum):
    """When an object of a hook is deleted."""

    SUCCESS = "success"
    """As soon as the hooks of its point have succeeded."""
    UNINSTALL = "uninstall"
    """With its release, or once it is no longer in the bundle."""
    NEVER = "never"
    """Not by bundler."""


class WrongHookError(ValueError):
    """Annotations of a hook that are not valid."""

    def __init__(self, sentence: str, hint: str) -> None:
        """Keep what is wrong, and what to write instead."""
        super().__init__(sentence)
        self.sentence, self.hint = sentence, hint


@dataclass(frozen=True, slots=True, order=True)
class HookPoint:
    """A named point of a change: ``before-upgrade``."""

    side: Side
    operation: Operation

    def __str__(self) -> str:
        return f"{self.side}-{self.operation}"


POINTS: Final = {str(point): point for side in Side for op in Operation for point in (HookPoint(side, op),)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """What the annotations of a hook say."""

    points: tuple[HookPoint, ...]
    order: int = 0
    timeout_s: int = 0
    """Of a Job: the cluster ends it then; 0: no bound of its own."""
    delete_after: DeleteAfter = DeleteAfter.UNINSTALL

    def point_of(self, operation: Operation) -> HookPoint | None:
        """Return at which of its points it runs in an operation; None where it does not run."""
        return next((point for point in self.points if point.operation is operation), None)


def hook_of(body: Body) -> Hook | None:
    """Return the hook that an object is; None for any other object.

    Raises:
        WrongHookError: when its annotations are not valid.
    """
    notes = mapping_at(body, "metadata", "annotations")
    if HOOK not in notes:
        return None
    return Hook(
        points=_points(text_at(notes, HOOK)),
        order=_order(notes.get(HOOK_ORDER, "0")),
        timeout_s=_timeout_s(notes.get(HOOK_TIMEOUT, "")),
        delete_after=_delete_after(notes.get(HOOK_DELETE_AFTER, DeleteAfter.UNINSTALL.value)),
    )


def hook_run(body: Body) -> str:
    """Return the run that the Job of a hook belongs to; empty for other objects."""
    return text_at(body, "metadata", "annotations", HOOK_RUN)


def is_check(manifest: Manifest) -> bool:
    """Return whether an object is there only to check a release."""
    file, component = manifest.source.file, manifest.component
    return (file.removeprefix(f"{component}/") if component else file).startswith(CHECKS_FOLDER)


def is_dormant(manifest: Manifest) -> bool:
    """Return whether an object is written at certain moments only: it may or may not be there."""
    return HOOK in mapping_at(manifest.body, "metadata", "annotations") or is_check(manifest)


def _points(text: str) -> tuple[HookPoint, ...]:
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in POINTS]
    if unknown:
        known = ", ".join(POINTS)
        raise WrongHookError(f"{HOOK} names the point {unknown[0]!r}, which does not exist", f"name one of {known}")
    points = tuple(sorted({POINTS[name] for name in names}))
    operations = [point.operation for point in points]
    twice = next((one for one in operations if operations.count(one) > 1), None)
    if twice is not None:
        hint = "write a second object with another name for one of the two"
        raise WrongHookError(f"{HOOK} names a point before and one after the {twice}", hint)
    return points


def _order(text: JSONValue) -> int:
    if isinstance(text, str) and _is_number(text.removeprefix("-")):
        return int(text)
    raise WrongHookError(f"{HOOK_ORDER} is {text!r}, which is not a whole number in quotes", 'write it like "10"')


def _is_number(digits: str) -> bool:
    return digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_DIGITS


def _timeout_s(text: JSONValue) -> int:
    if text == "":
        return 0
    if isinstance(text, str) and _is_number(text[:-1]) and int(text[:-1]) and text[-1] in _SECONDS:
        return int(text[:-1]) * _SECONDS[text[-1]]
    raise WrongHookError(f"{HOOK_TIMEOUT} is {text!r}, which is not a duration", "write it like 90s, 5m or 1h")


def _delete_after(text: JSONValue) -> DeleteAfter:
    known = {one.value: one for one in DeleteAfter}
    if isinstance(text, str) and text in known:
        return known[text]
    raise WrongHookError(f"{HOOK_DELETE_AFTER} is {text!r}", f"write one of {', '.join(known)}")
