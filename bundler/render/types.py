"""What rendering takes and gives. Layer: render, pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.expressions.bounds import DEFAULT_BOUNDS, Bounds
from bundler.expressions.compiled import CompiledCodes
from bundler.model.bundle import Reach, ReadinessRule
from bundler.model.json import Body, JSONValue
from bundler.model.lean import dataclass, field
from bundler.model.manifest import FindSource, GeneratedSecret, Manifest, Source
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.expressions.expression import ValuePath
    from bundler.model.digest import Digest
    from bundler.render.problems import Problem


def _serves_nothing(_name: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What templates may know of the cluster."""

    kube_version: str
    """``1.36.2``, with or without a leading ``v`` and a vendor's suffix."""
    has_api: Callable[[str], bool] = _serves_nothing
    """Whether ``apps/v1``, or ``apps/v1/Deployment``, is served."""


def _unknown_scope(_group: str, _kind: str) -> bool | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderContext:
    """Everything but bundle and values that the rendered text depends on."""

    release_name: str
    namespace: str
    capabilities: Capabilities
    site: Body = field(default_factory=dict)
    """Site facts that win over the defaults in the bundle."""
    scope_of: Callable[[str, str], bool | None] = _unknown_scope
    """(group, kind) -> whether it is namespaced; None where no one knows."""
    bounds: Bounds = DEFAULT_BOUNDS
    revision: int = 1
    """The number that is being made; hooks alone see it."""
    operation: str = "install"
    """What is done to the release; hooks alone see it."""
    codes: CompiledCodes = field(default_factory=CompiledCodes, compare=False, repr=False)
    """What is compiled of the bundle already; the text does not depend on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedTemplate:
    """The text of one file, with labels and namespace spliced in."""

    component: str
    path: str
    """As the user knows it: ``web/templates/deployment.yaml``."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedBundle:
    """A bundle that took part, by its component path; the top bundle's is empty."""

    component: str
    name: str
    version: str
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOrigin:
    """Where a place in an object comes from, and what was read for it; paths begin with ``values`` or the like."""

    source: Source
    component: str
    direct: frozenset[ValuePath] = frozenset()
    """What was read to print it."""
    around: frozenset[ValuePath] = frozenset()
    """What decides whether it is printed."""
    is_certain: bool = True
    """False: another field is printed with it, and nothing tells which of ``direct`` is read for which."""
    template: Callable[[], frozenset[ValuePath]] = frozenset
    """All that the template reads."""
    value: JSONValue = None
    """What the template printed there, before any patch; None where it printed nothing."""


def unknown_origin(_ref: ObjectRef, _steps: Sequence[str | int]) -> FieldOrigin | None:
    """Know of no reads."""
    return None


def unknown_reads(_component: str, _file: str) -> frozenset[ValuePath] | None:
    """Know of no reads."""
    return None


def unknown_source(_ref: ObjectRef, _steps: Sequence[str | int]) -> Source | None:
    """Know no line."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """All that a bundle comes to."""

    templates: tuple[RenderedTemplate, ...]
    """The bundle's own first, then its components' in their declared order; by path inside each; CRDs before."""
    manifests: tuple[Manifest, ...]
    """In the order of the texts; Lists are expanded."""
    generated: tuple[GeneratedSecret, ...]
    needs: Mapping[str, tuple[str, ...]]
    """Component path -> component paths; those switched off are left out on both sides."""
    readiness: tuple[ReadinessRule, ...]
    bundles: tuple[RenderedBundle, ...]
    reach: Reach = field(default_factory=Reach)
    """What the bundle declares, the namespaces of its components among it."""
    problems: tuple[Problem, ...] = ()
    """What could not be rendered, where the rest was asked for."""
    notices: tuple[str, ...] = ()
    """What deserves a look and stops nothing: patches that fit no object."""
    content_names: frozenset[str] = frozenset()
    """The names that `digest_name` gave: an object of such a name is another one where its content is."""
    find_source: FindSource = field(default=unknown_source, compare=False, repr=False)
    """The template line of any place in ``manifests``; the first question about a template renders it once more."""
    find_origin: Callable[[ObjectRef, Sequence[str | int]], FieldOrigin | None] = field(
        default=unknown_origin, compare=False, repr=False
    )
    """The same, and which values were read for it."""
    find_reads: Callable[[str, str], frozenset[ValuePath] | None] = field(
        default=unknown_reads, compare=False, repr=False
    )
    """A component and a file of it, as users know it -> all that this template reads, without rendering it; None where
    it prints no objects by itself."""
