"""Records of a release that are damaged, have lost their labels or were deleted. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bundler.errors.change import RecordDamagedError
from bundler.model.lean import dataclass
from bundler.model.release import ReleaseStatus, RevisionSummary

if TYPE_CHECKING:
    from bundler.actions.release.history import History

_NAMED = 5
"""How many packs without a head are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A revision that cannot be read: what it owned and which values it was given are not known."""

    revision: int
    message: str
    context: tuple[str, ...]
    hint: str

    @property
    def line(self) -> str:
        """What is wrong, in a line."""
        return f"revision {self.revision} cannot be read: {'; '.join((self.message, *self.context))}"

    def error(self) -> RecordDamagedError:
        """Return it as the error that it was."""
        return RecordDamagedError(self.message, context=self.context, hint=self.hint)


def lost_head(history: History) -> Damage | None:
    """Return the damage of a deployed revision whose head was deleted, as far as the other heads show it."""
    number = lost_number(history.summaries)
    return missing_head(history.namespace, history.release, number, ()) if number else None


def lost_number(summaries: Sequence[RevisionSummary]) -> int:
    """Return the number of a deployed revision whose head was deleted, as the one before shows; 0 if none was.

    Old revisions are dropped from the oldest on, so that a gap after the last superseded one is not work of ours.
    """
    last = next((one for one in reversed(summaries) if one.status is ReleaseStatus.SUPERSEDED), None)
    if last is None or any(one.status is ReleaseStatus.DEPLOYED for one in summaries if one.revision > last.revision):
        return 0
    later = {one.revision for one in summaries if one.revision > last.revision}
    missing = set(range(last.revision + 1, max(later, default=last.revision + 1) + 1)) - later
    return max(missing, default=0)


def unlabelled_head(release: str, number: int) -> Damage:
    """Return the damage of a head that lost the labels by which it is found."""
    name = f"bundler.release.{release}.v{number}"
    return Damage(
        revision=number,
        message=f"reading release record {name}",
        context=("the labels by which it is found were removed or changed",),
        hint=f"set them again: `kubectl label --overwrite secret {name} bundler.dev/record=head "
        f"bundler.dev/name={release} bundler.dev/revision={number}`, and bundler.dev/status",
    )


def missing_head(namespace: str, release: str, number: int, unclaimed: tuple[str, ...]) -> Damage:
    """Return the damage of a head that was deleted; a run that died before it wrote one has changed no object.

    Args:
        namespace: of the release.
        release: its name.
        number: of the revision.
        unclaimed: packs that no head names.
    """
    named = (f"no head names {', '.join(unclaimed[:_NAMED])}",) if unclaimed else ()
    return Damage(
        revision=number,
        message=f"reading release record bundler.release.{release}.v{number}",
        context=("it was deleted, and its objects are still there", *named),
        hint=f"restore it from a backup of namespace {namespace}, or continue without it",
    )
