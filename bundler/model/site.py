"""The place where bundles are installed, as its site file describes it. Layer: model, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.model.image import REPOSITORY
from bundler.model.lean import dataclass, field
from bundler.model.pattern import LazyPattern
from bundler.model.trust import TrustPolicy

if TYPE_CHECKING:
    from bundler.model.conflicts import ConflictRule
    from bundler.model.json import Body
    from bundler.model.patch import ObjectPatch
    from bundler.model.values import ValuesLayer
    from bundler.model.windows import DeploymentWindows

_HOST: Final = LazyPattern(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]{2,39}\])(?::[0-9]{1,5})?")


def is_host(text: str) -> bool:
    """Return whether a text is the host of a registry, HOST or HOST:PORT, and nothing else."""
    return _HOST.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRegistry:
    """The registry of a site and the place below which everything lies."""

    host: str
    """With a port where there is one: ``registry.site:5000``."""
    prefix: str = ""
    """``acme``, ``team/acme``; no slash at its ends."""
    is_insecure_http: bool = False
    """Speak plain HTTP to it."""
    ca: str = ""
    """Path of a file with the certificates that sign its own; relative to the site file."""

    def __str__(self) -> str:
        return f"{self.host}/{self.prefix}" if self.prefix else self.host

    @classmethod
    def parse(cls, text: str) -> SiteRegistry:
        """Read ``HOST[:PORT][/PREFIX]``; the parts are taken as they are.

        Raises:
            ValueError: when there is no host.
        """
        host, _, prefix = text.strip().rstrip("/").partition("/")
        prefix = prefix.strip("/")
        if not _HOST.fullmatch(host) or (prefix and not REPOSITORY.fullmatch(prefix)):
            raise ValueError(f"{text!r} is not a registry; write HOST/PREFIX, like registry.site:5000/acme")
        if "." not in host and ":" not in host and host != "localhost":
            raise ValueError(f"{host!r} would be read as a path of docker.io; give the host a dot or a port")
        return cls(host=host, prefix=prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a site file says about the place where bundles are installed."""

    name: str
    source: str = ""
    """Path of the file."""
    facts: Body = field(default_factory=dict)
    """What templates see as ``site``: ``storageClass``, ``domain``, ``tolerations`` and so on."""
    registry: SiteRegistry | None = None
    pull_secret: str = ""
    """Name of the Secret by which pods pull; empty: none is needed."""
    namespace: str = ""
    """Where releases go unless the command line says otherwise."""
    cluster_uid: str = ""
    """uid of the kube-system namespace of the one cluster that is meant; empty: any."""
    values: ValuesLayer
    """The layer below ``-f`` files."""
    patches: tuple[ObjectPatch, ...] = ()
    """Patches, then injections, in the order written."""
    conflicts: tuple[ConflictRule, ...] = ()
    """What is done about fields that others set; before the rules of bundles."""
    trust: TrustPolicy = TrustPolicy()
    """Keys, and what is asked of signatures and versions."""
    catalogues: tuple[str, ...] = ()
    """Addresses (``oci://``) of catalogues, asked for bundles that no local place has."""
    deployment: DeploymentWindows | None = None
    """When releases may be changed; None: at any time."""
    forbidden: tuple[str, ...] = ()
    """Kinds of reach that no bundle may have here."""
