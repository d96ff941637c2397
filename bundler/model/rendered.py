"""What a bundle renders to, as it is printed. Layer: model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.json import Body
    from bundler.model.manifest import GeneratedSecret, Manifest


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedManifests:
    """What a bundle comes to, object by object, with what each belongs to; nothing is masked."""

    manifests: tuple[Manifest, ...]
    generated: tuple[GeneratedSecret, ...]
    sensitive: frozenset[str]
    """Strings that must not be printed unless they are asked for."""
    warnings: tuple[str, ...] = ()
    """What deserves a look, a sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitObjects:
    """What became of a folder that holds one file for each rendered object.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from bundler import ReleaseRequest, Session
        >>> with TemporaryDirectory() as folder, Session.local() as session:
        ...     split = session.split(ReleaseRequest(bundle="webapp", release="shop"), Path(folder))
        >>> (split.added[0], split.changed, split.removed)
        ('_/configmap/shop-settings-3dbf322a.yaml', (), ())
    """

    folder: Path
    """Where they are."""
    files: tuple[str, ...]
    """The path of each in the folder."""
    added: tuple[str, ...]
    """Files that were not there."""
    changed: tuple[str, ...]
    """Files that had another text."""
    removed: tuple[str, ...]
    """Files of an earlier run whose objects are rendered no longer."""
    is_check: bool = False
    """Nothing was written."""
    warnings: tuple[str, ...] = ()
    """What deserves a look, a sentence each."""

    @property
    def differs(self) -> bool:
        """Return whether the folder was not as the bundle renders."""
        return bool(self.added or self.changed or self.removed)
