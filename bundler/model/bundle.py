"""A bundle as loaded: frozen, complete, in memory. Layer: model, pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    from bundler.model.conflicts import ConflictRule
    from bundler.model.digest import Digest
    from bundler.model.json import Body, JSONValue
    from bundler.model.kind import KindSpec
    from bundler.model.manifest import Source
    from bundler.model.patch import ObjectPatch
    from bundler.model.refs import ObjectRef
    from bundler.model.rollout import OnFailure, Share
    from bundler.model.values import ValuesLayer


NOTES_FILE = "NOTES.md"
"""Of a bundle: what people read after an install."""
HOOKS_FOLDER = "hooks/"
CHECKS_FOLDER = "checks/"

BESIDE_TEMPLATES = "../"
"""How the templates of other folders begin, which see those of ``templates/``: ``../hooks/migrate.yaml``."""


def template_place(name: str) -> str:
    """Return where in its bundle a template is: ``templates/web.yaml``, ``hooks/migrate.yaml``."""
    return name.removeprefix(BESIDE_TEMPLATES) if name.startswith(BESIDE_TEMPLATES) else f"templates/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleMetadata:
    """Identity of a bundle: ``metadata`` of bundle.yaml."""

    name: str
    version: str
    app_version: str = ""
    description: str = ""
    keywords: tuple[str, ...] = ()
    """By what else it is searched for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentSpec:
    """One entry of ``spec.components``."""

    name: str
    bundle: str
    """As written: a path, or ``oci://``."""
    version: str = ""
    """A range; empty accepts any."""
    when: str = ""
    """A bare expression over the parent's values; empty is always."""
    needs: tuple[str, ...] = ()
    namespace: str = ""
    """Where its objects go, and those of its own components; may hold ``{{ … }}``. Empty is where its parent's go."""
    values: Body = field(default_factory=dict)
    source: Source
    value_origins: ValuesLayer | None = None
    """``values`` with a line for each leaf."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeriveRule:
    """One line of ``spec.derive``: a path in the values and the formula that computes it."""

    path: str
    formula: str
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateSpec:
    """One entry of ``spec.generate``; ``secret`` may hold ``{{ … }}``."""

    name: str
    secret: str
    key: str
    kind: str
    length: int
    source: Source
    when: str = ""
    """A condition; it is always made where this is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """One entry of ``spec.outputs``: what a bundle tells the bundle that uses it."""

    name: str
    value: JSONValue
    """Any data; its texts may hold ``{{ … }}``."""
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSpec:
    """One entry of ``spec.images``: an image that templates cannot show, or a place where images are.

    Either ``ref``, or ``path`` with the kind of objects that it is about.
    """

    ref: str = ""
    when: str = ""
    """A bare expression; for ``ref`` alone."""
    path: str = ""
    """``spec.image``, ``spec.template.spec.containers[name=op].args[*]``: see bundler.images.image_paths."""
    match_group: str = ""
    match_kind: str = ""
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessRule:
    """One entry of ``spec.readiness``: expressions over ``object`` that tell when a kind is ready or failed."""

    group: str
    kind: str
    name: str = ""
    ready: str
    failed: str = ""
    sees: str = "object"
    """The name under which its expressions see what is judged; empty: they see what it holds, by name."""
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a bundle writes outside its own namespace, or grants."""

    cluster_scoped: tuple[str, ...] = ()
    """``Kind.group`` (``ClusterRole.rbac.authorization.k8s.io``) or ``Kind`` for the core group."""
    namespaces: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    """Names of :data:`bundler.model.reach.GRANTS`."""


def below(path: str, name: str) -> str:
    """Return the path of a component, or of a file, of the component at ``path``; empty is the bundle itself."""
    return f"{path}/{name}" if path else name


def is_below(component: str, path: str) -> bool:
    """Return whether a component is the one at a path, or below it; ``""`` is the bundle, with all of them.

    Args:
        component: its path.
        path: of the other one.
    """
    return not path or f"{component}/".startswith(f"{path}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecreateRule:
    """An object that is deleted and created again where the server refuses to change it: a field of it is immutable."""

    object: str
    """``KIND/NAME``; in a bundle, the name may hold ``*`` for any characters."""
    source: Source
    """Who says so: a line of bundle.yaml, or ``--recreate``."""
    component: str = ""
    """Path of the component whose objects are meant; empty: all."""

    def fits(self, ref: ObjectRef, component: str) -> bool:
        """Return whether an object of a component is meant."""
        return is_below(component, self.component) and fnmatchcase(ref.short, self.object)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRules:
    """``spec.upgrade.steps``: how an upgrade in steps goes where the command line does not say it."""

    default: tuple[Share, ...] = ()
    """The share of each step, the last one 100 %; none: only the components that are named go in steps."""
    components: Mapping[str, tuple[Share, ...]] = field(default_factory=dict)
    """Path of a component -> its own shares."""
    soak_s: int | None = None
    """None, or empty, here and below: it is not said."""
    pause_after: str = ""
    """``canary``, ``each``, ``none`` or the number of a step."""
    is_required: bool | None = None
    """Every upgrade that replaces pods goes in steps."""
    has_compatible_jobs: bool = False
    """What its Jobs do before the first step, the old pods can work with."""
    on_failure: OnFailure | None = None
    step_timeout_s: int | None = None
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class StepGate:
    """One entry of ``spec.upgrade.gates``: what has to hold after each step of an upgrade in steps."""

    name: str
    """That of a component's gate begins with the path of the component: ``web/smoke``."""
    expr: str = ""
    """An expression over ``pods``, ``objects`` and ``step``."""
    job: str = ""
    """The file of a check in the bundle, whose Jobs are run: ``checks/smoke.yaml``; either this or ``expr``."""
    component: str = ""
    """Path of the component whose gate it is, about its pods and those of its own components."""
    objects: tuple[str, ...] = ()
    """The objects that ``expr`` names: ``KIND/NAME``, with ``*`` for any characters."""
    source: Source

    def is_about(self, component: str) -> bool:
        """Return whether it is about the pods of a component: its own, or one of its components."""
        return is_below(component, self.component)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeRules:
    """``spec.upgrade``."""

    from_versions: str = ""
    no_rollback_below: str = ""
    backup: str = ""
    """Path of the template whose Jobs or VolumeSnapshots must succeed before data is lost; empty: there is none."""
    backup_source: Source | None = field(default=None, compare=False)
    """Where that is written."""
    recreate: tuple[RecreateRule, ...] = ()
    steps: StepRules | None = None
    gates: tuple[StepGate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFile:
    """One file of a bundle, read whole."""

    path: str
    """Inside the bundle, ``/`` between folders."""
    content: bytes
    is_executable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle and its components, loaded and checked."""

    metadata: BundleMetadata
    digest: Digest
    origin: str
    """Where it was taken from, as the user would name it."""
    kube_version: str = ""
    components: tuple[ComponentSpec, ...] = ()
    needs: tuple[str, ...] = ()
    """Components that must be ready before the bundle's own objects are written."""
    outputs: tuple[OutputSpec, ...] = ()
    component_bundles: Mapping[str, Bundle] = field(default_factory=dict)
    """The bundle of each component, by component name."""
    derive: tuple[DeriveRule, ...] = ()
    generate: tuple[GenerateSpec, ...] = ()
    images: tuple[ImageSpec, ...] = ()
    readiness: tuple[ReadinessRule, ...] = ()
    reach: Reach = Reach()
    upgrade: UpgradeRules = UpgradeRules()
    menu: KindSpec | None = None
    """As what kind it can be ordered; None: it has no menu."""
    patches: tuple[ObjectPatch, ...] = ()
    """Patches, then injections, on its own objects and its components'."""
    conflicts: tuple[ConflictRule, ...] = ()
    """What is done about fields that others set."""
    site_defaults: Body = field(default_factory=dict)
    """``spec.site``: defaults of the site facts that templates see."""
    defaults: ValuesLayer
    """values.yaml, with a line for each leaf."""
    schema: Mapping[str, JSONValue] | None = None
    """values.schema.json, references inside the bundle resolved by :mod:`bundler.loader`; None where there is none."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """Path inside ``templates/`` -> text (LF, no BOM). Files starting with ``_`` are only imported or included.

    Those of ``hooks/`` and ``checks/`` are named from there: ``../hooks/migrate.yaml``.
    """
    crds: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""
    files: Mapping[str, BundleFile] = field(default_factory=dict)
    """Every packaged file by path, vendored components included under ``components/``."""

    def placed(self, path: str = "") -> Iterator[tuple[str, Bundle]]:
        """Yield the bundle and its components, all the way down, each before its own, with their paths.

        Args:
            path: of this one.
        """
        yield path, self
        for name, inner in self.component_bundles.items():
            yield from inner.placed(below(path, name))

    def tree(self) -> Iterator[Bundle]:
        """Yield the bundle and its components, all the way down, each before its own."""
        return (bundle for _, bundle in self.placed())
