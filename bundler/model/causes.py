"""Why a plan changes what it changes: which values, and what else. Layer: model, pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from bundler.model.lean import dataclass

OF_BUNDLE = "default, "
"""How the source of a changed value begins that the bundle itself sets."""


class CauseKind(StrEnum):
    """What makes a field change.

    Example:
        >>> from bundler import CauseKind
        >>> [str(kind) for kind in CauseKind]
        ['values', 'bundle', 'patch', 'revision', 'cluster', 'unknown']
    """

    VALUES = "values"
    """Values that changed since the revision before."""
    BUNDLE = "bundle"
    """Another version of the bundle."""
    PATCH = "patch"
    """A patch of the site file or of a bundle."""
    REVISION = "revision"
    """A rollback: the revision had it so, and no value that differs explains it."""
    CLUSTER = "cluster"
    """It was changed in the cluster since, and is set back."""
    UNKNOWN = "unknown"
    """Nothing that is recorded: facts of the site or the cluster, or another version of bundler."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedValue:
    """A value that is not what it was; texts are as they are shown, and of sensitive ones there are none.

    Example:
        >>> from bundler import ChangedValue
        >>> str(ChangedValue(path="qps", before="1000", after="2000", source="--set"))
        'qps 1000 → 2000 (--set)'
        >>> str(ChangedValue(path="token", before="", after="", source="prod.yaml:3", is_sensitive=True))
        'token changed (prod.yaml:3)'
    """

    path: str
    """``web.maxReplicas``: components are named first."""
    before: str
    """Empty where it was not set."""
    after: str
    """Empty where it is not set any more."""
    source: str
    """Who sets it now: ``--set``, ``values-prod.yaml:3``, the line of bundle.yaml with its formula, ``revision 3``."""
    is_sensitive: bool = False
    """Its texts are never shown."""
    because: tuple[str, ...] = ()
    """Paths of the changed values that it is computed from; none where the change begins."""

    def __str__(self) -> str:
        source = f" ({self.source})" if self.source else ""
        if self.is_sensitive:
            return f"{self.path} changed{source}"
        if self.before and self.after:
            return f"{self.path} {self.before} → {self.after}{source}"
        return (
            f"{self.path} {self.after} is new{source}" if self.after else f"{self.path} {self.before} is gone{source}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedField:
    """A field that changes, and the line that prints it.

    Example:
        >>> from bundler import ChangedField
        >>> ChangedField(field=".spec.maxReplicas", source="web/templates/edges.yaml:11").source
        'web/templates/edges.yaml:11'
    """

    field: str
    """As the API server writes it: ``.spec.maxReplicas``; empty: the whole object."""
    source: str = ""
    """The template line; empty where no template prints it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why some fields of one object change.

    Example:
        >>> from bundler import Cause, CauseKind, ChangedField
        >>> field = ChangedField(field=".spec.replicas")
        >>> Cause(kind=CauseKind.VALUES, fields=(field,), values=("web.replicas",)).is_certain
        True
    """

    kind: CauseKind
    """Values, or what else."""
    fields: tuple[ChangedField, ...]
    """What changes because of it."""
    values: tuple[str, ...] = ()
    """Paths of the changed values that were read for them."""
    note: str = ""
    """What else is to be said: ``shop 1.4.0 → 1.5.0``, ``by kubectl at …``."""
    is_certain: bool = True
    """False: the template reads these values, and nothing tells for which of its fields; or, for a rollback, several
    values differ and it is the texts of both revisions that say so."""


def roots_of(values: Mapping[str, ChangedValue], path: str) -> tuple[ChangedValue, ...]:
    """Return the changed values with which the change of the one at ``path`` began, by path.

    Args:
        values: all changed values by their paths.
        path: of one.
    """
    seen: set[str] = set()
    waiting, roots = [path], []
    while waiting:
        here = waiting.pop()
        if here in seen or here not in values:
            continue
        seen.add(here)
        above = [one for one in values[here].because if one in values]
        waiting += above
        roots += [] if above else [values[here]]
    return tuple(sorted(roots, key=lambda one: one.path))


def chain_of(values: Mapping[str, ChangedValue], path: str) -> Iterator[tuple[ChangedValue, ...]]:
    """Yield each way from where a change began to the value at ``path``, which comes last.

    Args:
        values: all changed values by their paths.
        path: of one.
    """
    yield from _ways(values, path, ())


def _ways(
    values: Mapping[str, ChangedValue], path: str, after: tuple[ChangedValue, ...]
) -> Iterator[tuple[ChangedValue, ...]]:
    if (value := values.get(path)) is None:
        return
    way = (value, *after)
    before = [one for one in value.because if one in values and values[one] not in way]
    if not before:
        yield way
    for one in before:
        yield from _ways(values, one, way)
