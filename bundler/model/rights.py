"""What a user may not do. Layer: model, pure."""

from __future__ import annotations

from bundler.model.lean import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class MissingRight:
    """One verb on one resource that a change needs and its user is not allowed.

    Example:
        >>> from bundler import MissingRight
        >>> print(MissingRight(verb="patch", group="apps", resource="deployments", namespace="prod"))
        patch deployments.apps in prod
    """

    verb: str
    """As in a Role."""
    group: str
    """API group; empty for the core group."""
    resource: str
    """In plural, with a subresource: ``pods/log``."""
    namespace: str
    """Empty: in the whole cluster."""
    is_for_later: bool = False
    """The change can be made without: it is for what comes later, or explains why an object is not ready."""

    def __str__(self) -> str:
        place = self.namespace or "the whole cluster"
        return f"{self.verb} {self.resource_name} in {place}"

    @property
    def resource_name(self) -> str:
        """The resource with its group, as a Role may be described: ``deployments.apps``."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    def role(self, name: str = "") -> str:
        """Return what grants it, as a hint says it: ``a Role in namespace prod with verb patch on deployments.apps``.

        Args:
            name: of the only object that it is needed for; empty: all.
        """
        where = f"Role in namespace {self.namespace}" if self.namespace else "ClusterRole"
        return f"a {where} with verb {self.verb} on {self.resource_name}{f', name {name}' if name else ''}"
