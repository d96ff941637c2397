"""Compare two recorded revisions of a release; neither the bundle nor live objects are needed. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bundler.actions.inspect.release_queries import in_plan_order
from bundler.actions.release.history import require_history
from bundler.actions.release.kept_secrets import learn_kept_secrets
from bundler.actions.release.restoring import deployed_of
from bundler.model.comparison import ComparedObjects, ComparedSide, Comparison
from bundler.planning.comparison import changes_between
from bundler.planning.hidden import has_hidden
from bundler.planning.shown_names import public_identifiers
from bundler.values.changes import changed_values
from bundler.values.flatten import leaves_of

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.model.release import Revision, RevisionSummary
    from bundler.model.values import Pointer
    from bundler.ports import Ports


def compare_revisions(ports: Ports, namespace: str, release: str, numbers: tuple[int, int]) -> Comparison:
    """Return what differs between the manifests of two revisions, as they were recorded.

    Args:
        ports: the cluster, records, clock and reporter of the run.
        namespace: of the release.
        release: its name.
        numbers: of both revisions; 0 as the second is the one that is deployed.

    Raises:
        ReleaseNotFoundError: when there is no such release or revision.
    """
    history = require_history(ports.store, namespace, release)
    old, new = history.find(numbers[0]), history.find(numbers[1]) if numbers[1] else deployed_of(history)
    before, after = (ports.store.load(one, with_sensitive=True) for one in (old, new))
    hidden = ports.store.load(old), ports.store.load(new)
    learn_kept_secrets(history, ports)
    for revision in (before, after):
        ports.redactor.learn(*revision.sensitive)
        ports.redactor.publish(release, namespace, *public_identifiers(revision.manifests))
    pointers = {pointer for revision in hidden for pointer in _hidden_pointers(revision.user_values)}
    values = changed_values(before.user_values, after.user_values, origins={}, sensitive=pointers)
    return Comparison(
        release=release,
        namespace=namespace,
        before=_side(old),
        after=_side(new),
        changes=changes_between(_objects(before, hidden[0]), _objects(after, hidden[1])),
        values=tuple(map(str, values)),
    )


def _side(summary: RevisionSummary) -> ComparedSide:
    return ComparedSide(bundle=summary.bundle, revision=summary.revision)


def _objects(revision: Revision, hidden: Revision) -> ComparedObjects:
    entries = in_plan_order(revision)
    return ComparedObjects(
        manifests=tuple(entry.manifest for entry in entries if entry.manifest is not None),
        generated=tuple(entry.generated for entry in entries if entry.generated is not None),
        masked={one.ref: one.body for one in hidden.manifests},
    )


def _hidden_pointers(values: Body) -> Iterator[Pointer]:
    """Yield where the record hides a value that the user gave."""
    return (pointer for pointer, value in leaves_of(values).items() if has_hidden(value))
