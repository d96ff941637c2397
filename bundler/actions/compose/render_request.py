"""What a guest orders from a bundle, and how hooks may see it. Layer: actions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.expressions.compiled import CompiledCodes
from bundler.model.bundle import HOOKS_FOLDER, Bundle, template_place
from bundler.model.lean import dataclass, field, replace
from bundler.ports import UNCONFINED, Confinement

if TYPE_CHECKING:
    from bundler.model.image import LockedImage
    from bundler.model.json import Body
    from bundler.model.site import Site
    from bundler.model.trust import Evidence
    from bundler.model.values import UserLayers


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRequest:
    """What a guest orders from a bundle."""

    bundle: Bundle
    release: str
    namespace: str
    user: UserLayers
    site: Body
    kube_version: str = ""
    """Overrides what the cluster, or nothing, says."""
    place: Site | None = None
    """The site file: its patches, registry and pull secret."""
    carried: tuple[LockedImage, ...] | None = None
    """The images of the delivery that the bundle was taken from; None where it was not."""
    evidence: Evidence | None = None
    """Who signed the bundle, as far as it was checked."""
    revision: int = 1
    """The number that is being made, as hooks see it."""
    operation: str = "install"
    """What is done to the release, as hooks see it: ``install`` or ``upgrade``."""
    codes: CompiledCodes = field(default_factory=CompiledCodes, compare=False, repr=False)
    """What is compiled of the bundle already; opened once, for values, templates and notes."""
    confinement: Confinement = field(default=UNCONFINED, compare=False, repr=False)
    """Runs what the bundle's templates, expressions and schemas make of it."""


_SEEN = ("operation", "revision")


def as_hooks_see(order: RenderRequest) -> tuple[RenderRequest, ...]:
    """Return an order, and the same for an upgrade where a hook may look different then."""
    hooks = (
        text
        for bundle in order.bundle.tree()
        for name, text in bundle.templates.items()
        if template_place(name).startswith(HOOKS_FOLDER)
    )
    if any(word in text for text in hooks for word in _SEEN):
        return order, replace(order, operation="upgrade", revision=2)
    return (order,)
