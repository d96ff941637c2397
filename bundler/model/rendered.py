"""What a bundle renders to, as it is printed. Layer: model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.json import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedText:
    """What templates rendered, as text.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.local() as session:
        ...     request = ReleaseRequest(bundle="webapp", release="shop")
        ...     rendered = session.render(request, only=["templates/config.yaml"])
        >>> print(rendered.text.splitlines()[1])
        # templates/config.yaml
    """

    text: str
    """YAML documents, each after a line that names its template."""
    sensitive: frozenset[str]
    """Strings that must not be printed unless they are asked for."""
    warnings: tuple[str, ...] = ()
    """What deserves a look, a sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedObjects:
    """What would be sent to the cluster, as objects.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.local() as session:
        ...     rendered = session.render_objects(ReleaseRequest(bundle="webapp", release="shop"))
        >>> sorted({body["kind"] for body in rendered.objects})[:2]
        ['ConfigMap', 'Deployment']
    """

    objects: tuple[Body, ...]
    """Kubernetes objects in the order in which they are rendered."""
    sensitive: frozenset[str]
    """Strings that must not be printed unless they are asked for."""
    warnings: tuple[str, ...] = ()
    """What deserves a look, a sentence each."""
