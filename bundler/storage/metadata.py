"""What the metadata of records tells. Layer: adapter, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model import labels
from bundler.model.json import mapping_at, text_at
from bundler.model.release import ReleaseStatus
from bundler.storage.heads import read_summary
from bundler.storage.reading import reading
from bundler.storage.records import PACK, SENSITIVE, head_revision

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bundler.model.json import Body
    from bundler.model.release import RevisionSummary


def name_of(item: Body) -> str:
    """Return the name of an object."""
    return text_at(item, "metadata", "name")


def label_of(item: Body, key: str) -> str:
    """Return a label, empty where there is none."""
    return text_at(mapping_at(item, "metadata", "labels"), key)


def note_of(item: Body, key: str) -> str:
    """Return an annotation, empty where there is none."""
    return text_at(mapping_at(item, "metadata", "annotations"), key)


def kind_of(item: Body) -> str:
    """Return which kind of record a Secret is: ``head``, ``pack`` or ``sensitive``."""
    return label_of(item, labels.RECORD)


def number_of(item: Body) -> int:
    """Return the revision of a head, by its name: labels are what people change."""
    return head_revision(name_of(item))


def short_name(name: str) -> str:
    """Return the last part of a pack's name, as heads list it."""
    return name.rpartition(".")[2]


def summary_of(item: Body) -> RevisionSummary:
    """Return the columns of a head.

    Raises:
        RecordDamagedError, RecordTooNewError.
    """
    with reading(f"{text_at(item, 'metadata', 'namespace')}/{name_of(item)}"):
        return read_summary(item)


def unclaimed_records(items: Sequence[Body], revisions: Iterable[int], named: frozenset[str] | None) -> Iterator[Body]:
    """Yield the packs and sensitive parts that no head claims.

    Args:
        items: all records of a release.
        revisions: that have a head.
        named: the packs that these name; None where a damaged head hides some.
    """
    numbers = {*map(str, revisions)}
    for item in items:
        is_pack = kind_of(item) == PACK and named is not None and short_name(name_of(item)) not in named
        if is_pack or (kind_of(item) == SENSITIVE and label_of(item, labels.REVISION) not in numbers):
            yield item


def droppable(
    summaries: Sequence[RevisionSummary], history_max: int, *, damaged: frozenset[int] = frozenset()
) -> frozenset[int]:
    """Return the revisions that are too many: the oldest, but never the newest deployed one nor the newest of all.

    Args:
        summaries: the revisions whose columns can be read.
        history_max: how many stay; 0 for all.
        damaged: the others; they count, and go when their turn comes.
    """
    numbers = sorted({*damaged, *(summary.revision for summary in summaries)})
    deployed = [summary.revision for summary in summaries if summary.status is ReleaseStatus.DEPLOYED]
    protected = {*numbers[-1:], *sorted(deployed)[-1:]}
    excess = len(numbers) - history_max if history_max > 0 else 0
    return frozenset([number for number in numbers if number not in protected][: max(0, excess)])
