"""What carrying out a plan consists of: steps, and which of them must be done before which. Layer: model, pure.

Steps hold names, digests and uids, no bodies: nothing in them is secret, and a plan can be stored, read again and
compared. What is sent, shown or waited for is found by the names of objects.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.change import Action
    from bundler.model.refs import ObjectRef


class Until(StrEnum):
    """What is waited for."""

    READY = "ready"
    """Objects are ready, and Jobs are complete; a run that does not wait passes over it, but not before the steps of a
    rollout."""
    COMPLETE = "complete"
    """Jobs of hooks, and those before the steps of a rollout, are complete; what follows relies on it, so that every
    run waits."""
    SUCCEEDED = "succeeded"
    """Backups are made; what follows may lose data, so that every run waits."""
    ESTABLISHED = "established"
    """Namespaces and definitions are served; nothing could be written without, so that every run waits."""
    GONE = "gone"
    """Deleted objects are no longer there."""


class Moment(StrEnum):
    """When a run writes its record."""

    BEGUN = "begun"
    """The intention, before the first object is written."""
    DONE = "done"
    """The outcome, after everything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One object that a step writes or deletes."""

    ref: ObjectRef
    action: Action
    live_uid: str = ""
    """Of the live object: another one of that name is not touched. Empty where there is none."""
    digest: str = ""
    """sha256 of what is sent, its secrets masked; empty for deletes, and for a Secret that is made while it is
    written."""
    claims: tuple[Target, ...] = ()
    """Volume claims that grow before their StatefulSet is made again."""
    waits_for_owned: bool = False
    """Of a delete: it ends after everything that the object owns is gone, where the cluster can do that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """Dry-run objects that could not be checked before."""

    id: str
    needs: tuple[str, ...]
    refs: tuple[ObjectRef, ...]
    which: str
    """Follows "checking objects": ``whose namespace, CRD or Role is new``."""
    written: str
    """What the run has written when this fails: ``only definitions were written``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Write objects that do not depend on each other."""

    id: str
    needs: tuple[str, ...]
    targets: tuple[Target, ...]
    component: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunJob:
    """Start a Job by writing it; an :class:`Await` that needs this step waits until it is complete."""

    id: str
    needs: tuple[str, ...]
    target: Target
    component: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Await:
    """Wait for objects."""

    id: str
    needs: tuple[str, ...]
    until: Until
    refs: tuple[ObjectRef, ...]
    component: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Delete objects that may go at the same time."""

    id: str
    needs: tuple[str, ...]
    targets: tuple[Target, ...]
    component: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discard:
    """Delete objects of hooks that this run has written, or an earlier try of it, and wait until they are gone."""

    id: str
    needs: tuple[str, ...]
    refs: tuple[ObjectRef, ...]
    component: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """One workload whose new pods get a share of the work; numbers as of planning."""

    ref: ObjectRef
    share: str
    """``1`` or ``25%``; what it comes to follows the number of replicas."""
    pods: int
    """How many new pods that is now."""
    of: int
    """How many pods the workload has now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """Bring stepped workloads to their shares, and wait until the step's gates have passed."""

    id: str
    needs: tuple[str, ...]
    number: int
    """Of the step, from 1."""
    workloads: tuple[Paced, ...]
    gates: tuple[str, ...]
    """Names of the bundle's gates, in the order in which they are asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """End the run here; what needs this step is left to a later run."""

    id: str
    needs: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Write the release's record."""

    id: str
    needs: tuple[str, ...]
    moment: Moment


Step: TypeAlias = Verify | Write | RunJob | Await | Delete | Discard | Advance | Pause | Record


def targets_of(step: Step) -> tuple[Target, ...]:
    """Return the objects that a step writes or deletes."""
    match step:
        case Write() | Delete():
            return step.targets
        case RunJob():
            return (step.target,)
        case _:
            return ()
