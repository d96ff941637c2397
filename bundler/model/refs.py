"""Identities of Kubernetes objects and kinds. Layer: model, pure."""

from __future__ import annotations

from bundler.model.json import Body, mapping_at, text_at
from bundler.model.lean import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """Name one Kubernetes object. The API version is left out: the server keeps one object per group and kind.

    Example:
        >>> from bundler import ObjectRef
        >>> str(ObjectRef("apps", "Deployment", "prod", "web"))
        'apps/Deployment/prod/web'
    """

    group: str
    """API group, like ``apps``; empty for the core group."""
    kind: str
    """Like ``Deployment``."""
    namespace: str
    """Empty for cluster-scoped objects."""
    name: str
    """``metadata.name``."""

    def __str__(self) -> str:
        return "/".join((self.group or "core", self.kind, self.namespace or "-", self.name))

    @classmethod
    def parse(cls, text: str) -> ObjectRef:
        """Read what ``str`` wrote.

        Raises:
            ValueError: when the text has not four parts.
        """
        group, kind, namespace, name = text.split("/")
        return cls("" if group == "core" else group, kind, "" if namespace == "-" else namespace, name)

    @property
    def short(self) -> str:
        """How people name it: ``Deployment/web``."""
        return f"{self.kind}/{self.name}"

    def seen_from(self, namespace: str) -> str:
        """How people name it beside objects of a namespace: ``Deployment/web in north`` where it is elsewhere."""
        return self.short if self.namespace in {namespace, ""} else f"{self.short} in {self.namespace}"


@dataclass(frozen=True, slots=True, order=True)
class ResourceType:
    """One kind as a server serves it (one row of discovery)."""

    group: str
    version: str
    kind: str
    plural: str
    is_namespaced: bool
    verbs: frozenset[str] = frozenset()
    short_names: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """``apps/v1``, or ``v1`` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


def group_of(api_version: str) -> str:
    """Return the group of an apiVersion: ``apps`` of ``apps/v1``, empty for the core group."""
    return api_version.rpartition("/")[0]


def ref_of(body: Body) -> ObjectRef:
    """Return the identity of an object as a server returns it."""
    metadata, group = mapping_at(body, "metadata"), group_of(text_at(body, "apiVersion"))
    return ObjectRef(group, text_at(body, "kind"), text_at(metadata, "namespace"), text_at(metadata, "name"))
