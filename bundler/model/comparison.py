"""Two revisions, or two bundles, beside each other. Layer: model, pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    from bundler.model.change import Change
    from bundler.model.json import Body
    from bundler.model.manifest import GeneratedSecret, Manifest
    from bundler.model.refs import ObjectRef
    from bundler.model.release import BundleReference


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedObjects:
    """The objects of one side."""

    manifests: tuple[Manifest, ...]
    generated: tuple[GeneratedSecret, ...] = ()
    """Secrets that bundler makes; their texts are never compared."""
    masked: Mapping[ObjectRef, Body] = field(default_factory=dict)
    """Objects as they may be shown, where a record says what of them is sensitive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedSide:
    """One of the two that are compared.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.local() as session:
        ...     found = session.compare_bundles("webapp", ReleaseRequest(bundle="webapp", release="shop"))
        >>> (found.before.bundle.name, found.before.revision, found.differs)
        ('webapp', 0, False)
    """

    bundle: BundleReference
    """Which bundle it is, or was made from."""
    revision: int = 0
    """Its number; 0 for a bundle that was rendered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs between two recorded revisions of a release, or between what two bundles render to.

    Example:
        >>> from bundler import ReleaseRequest, Session, Values
        >>> with Session.sandbox() as session:
        ...     for least in (2, 3):
        ...         values = Values(data={"minReplicas": least})
        ...         done = session.apply(ReleaseRequest(bundle="webapp", release="shop", values=values))
        ...     found = session.compare_revisions("shop", 1, 2)
        >>> (found.values, [change.ref.short for change in found.changes if change.action == "update"])
        (('minReplicas 2→3',), ['Deployment/shop', 'HorizontalPodAutoscaler/shop'])
    """

    release: str
    """Its name; of bundles, the name that both were rendered with."""
    namespace: str
    """Where the release is."""
    before: ComparedSide
    """What is compared first."""
    after: ComparedSide
    """What it is compared with."""
    changes: tuple[Change, ...] = field(default=(), compare=False)
    """Every object of both, in the order of ``after``; what is the same has the action ``none``."""
    values: tuple[str, ...] = ()
    """What differs in the values that the user gave, a line each."""
    warnings: tuple[str, ...] = ()
    """What rendering warned of."""

    @property
    def differs(self) -> bool:
        """Return whether any object differs."""
        return any(change.action != "none" for change in self.changes)
