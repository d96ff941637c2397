"""What a run tells while it goes on; one class per event. Layer: model, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.change import Action
    from bundler.model.health import Health
    from bundler.model.refs import ObjectRef


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the user."""

    text: str


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning; the same one is shown once."""

    text: str


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """A phase of the run: ``planning``, ``applying``, ``waiting``, ``pruning``."""

    name: str
    total: int


@dataclass(frozen=True, slots=True)
class ChangeStarted:
    """A write is about to be made."""

    ref: ObjectRef
    action: Action


@dataclass(frozen=True, slots=True)
class ChangeFinished:
    """A write was answered."""

    ref: ObjectRef
    action: Action


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """An object that is waited for looks different."""

    ref: ObjectRef
    health: Health
    detail: str = ""
    """The pod's own reason, where it has one."""


@dataclass(frozen=True, slots=True)
class Retrying:
    """A request failed in passing and is sent again."""

    doing: str
    attempt: int
    why: str


@dataclass(frozen=True, slots=True)
class BytesMoved:
    """How far moving bytes is; told often, shown now and then."""

    doing: str
    """``importing``, ``exporting``."""
    done: int
    """Bytes."""
    total: int
    """Bytes."""


Event: TypeAlias = (
    Notice | Warned | PhaseStarted | ChangeStarted | ChangeFinished | HealthChanged | Retrying | BytesMoved
)
