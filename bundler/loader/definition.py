"""bundle.yaml into frozen types. Layer: loader, pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import bundler.images
from bundler import loader
from bundler.errors.bundle import ValuesPathError
from bundler.loader.decode import Node, check_unique
from bundler.model.bundle import (
    Bundle,
    BundleMetadata,
    ComponentSpec,
    DeriveRule,
    GenerateSpec,
    ImageSpec,
    OutputSpec,
    Reach,
    ReadinessRule,
    RecreateRule,
    UpgradeRules,
)
from bundler.model.digest import Digest
from bundler.model.image import ImageRef
from bundler.model.json import JSONValue
from bundler.model.lean import replace
from bundler.model.pattern import LazyPattern
from bundler.model.reach import GRANTS
from bundler.model.values import LayerKind
from bundler.values.merge import make_layer
from bundler.values.paths import parse_path
from bundler.values.problems import meant_or_known

if TYPE_CHECKING:
    from bundler.model.patch import ObjectPatch

API_VERSION = "bundler.dev/v1"
TEXT_FACTS = ("storageClass", "ingressClass", "exposure", "domain", "registry", "pullSecret")
MAPPING_FACTS: Final[Mapping[str, tuple[str, ...]]] = {
    "tls": ("secret", "issuer"),
    "proxy": ("http", "https", "noProxy"),
}
SITE_FACTS = (*TEXT_FACTS, *MAPPING_FACTS, "nodeSelector", "tolerations")
NO_FACTS: Final[Mapping[str, JSONValue]] = {
    **dict.fromkeys(TEXT_FACTS, ""),
    **{fact: dict.fromkeys(keys, "") for fact, keys in MAPPING_FACTS.items()},
    "nodeSelector": {},
    "tolerations": [],
}
"""What templates see as ``site`` where neither the bundle nor a site file says anything."""
_OUTPUT_NAME = LazyPattern(r"[A-Za-z_][A-Za-z0-9_]*")
_DEFAULT_LENGTHS = {"password": 24, "hex": 32, "uuid": 36, "base64": 32}
_SPEC_KEYS = (
    "kubeVersion", "components", "needs", "outputs", "derive", "generate", "images", "readiness", "reach", "upgrade",
    "menu", "site", "patches", "inject", "conflicts",
)  # fmt: skip


def decode_definition(root: Node) -> Bundle:
    """Return the bundle as far as bundle.yaml tells it: without digest and origin, and without its other files.

    What is wrong is reported to the node's problems, and left out or empty in the result.
    """
    no_values = make_layer({}, LayerKind.DEFAULTS, root.file)
    empty = Bundle(metadata=BundleMetadata(name="", version=""), digest=Digest(""), origin="", defaults=no_values)
    if not check_head(root, kind="Bundle"):
        return empty
    root.allow("apiVersion", "kind", "metadata", "spec")
    spec = root.mapping("spec", *_SPEC_KEYS)
    components = _components(spec)
    return replace(
        empty,
        metadata=_metadata(root),
        kube_version=spec.version_range("kubeVersion"),
        components=components,
        needs=_own_needs(spec, [component.name for component in components]),
        outputs=_outputs(spec),
        patches=_patches(spec, components),
        conflicts=loader.conflict_rules.decode_conflict_rules(spec) if "conflicts" in spec.body else (),
        derive=_derive(spec),
        generate=_generate(spec),
        images=tuple(_image(node) for node in spec.items("images", "ref", "when", "path", "match")),
        readiness=_readiness(spec),
        reach=_reach(spec),
        upgrade=_upgrade(spec, [component.name for component in components]),
        menu=loader.kind_spec.decode_menu(spec) if "menu" in spec.body else None,
        site_defaults=site_facts(spec.mapping("site", *SITE_FACTS)),
    )


def _patches(spec: Node, components: Sequence[ComponentSpec]) -> tuple[ObjectPatch, ...]:
    if spec.body.keys().isdisjoint(("patches", "inject")):
        return ()
    return loader.patches.decode_patches(spec, [component.name for component in components])


def check_head(root: Node, *, kind: str) -> bool:
    """Return whether a document is of ``kind`` and of the version that we read; report where it is not."""
    if not root.body:
        root.fail("must be a mapping with apiVersion, kind, metadata and spec")
        return False
    version = root.text("apiVersion", is_required=True)
    if version.startswith("bundler.dev/") and version != API_VERSION:
        root.fail(f'has apiVersion "{version}", and this bundler reads {API_VERSION}; use a newer bundler')
        return False
    root.choice("apiVersion", (API_VERSION,))
    root.choice("kind", (kind,), is_required=True)
    return True


def site_facts(node: Node) -> dict[str, JSONValue]:
    """Return the site facts that are set below ``node``; those with several parts have all of them."""
    facts: dict[str, JSONValue] = {key: text for key in TEXT_FACTS if key in node.body and (text := node.text(key))}
    for fact, keys in MAPPING_FACTS.items():
        if node.child(fact) is not None:
            inner = node.mapping(fact, *keys)
            facts[fact] = {key: inner.text(key) for key in keys}
    selector = node.mapping("nodeSelector")
    if selector.body:
        facts["nodeSelector"] = {key: one.as_text() for key, one in selector.members()}
    tolerations = node.items("tolerations", "key", "operator", "value", "effect", "tolerationSeconds")
    if tolerations:
        facts["tolerations"] = [dict(one.body) for one in tolerations]
    return facts


def _metadata(root: Node) -> BundleMetadata:
    node = root.mapping("metadata", "name", "version", "appVersion", "description", "keywords", is_required=True)
    return BundleMetadata(
        name=node.named(),
        version=node.version("version", is_required=True),
        app_version=node.text("appVersion"),
        description=node.text("description"),
        keywords=node.texts("keywords"),
    )


def _components(spec: Node) -> tuple[ComponentSpec, ...]:
    nodes = spec.items("components", "name", "bundle", "version", "when", "needs", "namespace", "values")
    components = tuple(_component(node) for node in nodes)
    check_unique(nodes, [component.name for component in components], "a component")
    names = [component.name for component in components if component.name]
    for node, component in zip(nodes, components, strict=True):
        _check_needs(node, component, names)
    _check_cycles(nodes, components)
    return components


def _component(node: Node) -> ComponentSpec:
    values = node.mapping("values")
    return ComponentSpec(
        name=node.named(),
        bundle=node.text("bundle", is_required=True),
        version=node.version_range("version"),
        when=node.text("when"),
        needs=node.texts("needs"),
        namespace=node.text("namespace"),
        values=values.body,
        source=node.source,
        value_origins=values.layer(LayerKind.COMPONENT) if values.body else None,
    )


def _check_needs(node: Node, component: ComponentSpec, names: Sequence[str]) -> None:
    for need in component.needs:
        if need == component.name:
            node.fail(f'needs itself ("{need}")')
        else:
            _check_need(node, need, names, said="needs")


def _check_need(node: Node, need: str, names: Sequence[str], *, said: str) -> None:
    if need not in names:
        node.fail(f'{said} "{need}", which is not a component; {meant_or_known(need, names, "components are")}')


def _own_needs(spec: Node, names: Sequence[str]) -> tuple[str, ...]:
    """Return the components that the bundle's own objects come after."""
    needs = spec.texts("needs")
    for need in needs:
        _check_need(spec.child("needs") or spec, need, names, said="names")
    return needs


def _outputs(spec: Node) -> tuple[OutputSpec, ...]:
    found = []
    for name, node in spec.mapping("outputs").members():
        if not _OUTPUT_NAME.fullmatch(name):
            node.fail(f'is an output named "{name}"; names are letters, digits and underscores')
        found.append(OutputSpec(name=name, value=node.value, source=node.source))
    return tuple(found)


def _check_cycles(nodes: Sequence[Node], components: Sequence[ComponentSpec]) -> None:
    needs = {component.name: component.needs for component in components}
    told: set[str] = set()
    for node, component in zip(nodes, components, strict=True):
        cycle = _cycle_from(component.name, needs)
        if cycle and not told.intersection(cycle):
            told.update(cycle)
            node.fail(f"needs itself in a circle: {' -> '.join((*cycle, cycle[0]))}")


def _cycle_from(start: str, needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return a way of at least two steps from ``start`` back to it; empty where there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = set()
    while ways:
        way = ways.pop()
        for need in needs.get(way[-1], ()):
            if need == start and len(way) > 1:
                return way
            if need not in seen:
                seen.add(need)
                ways.append((*way, need))
    return ()


def _derive(spec: Node) -> tuple[DeriveRule, ...]:
    rules = []
    for path, node in spec.mapping("derive").members():
        try:
            parse_path(path)
        except ValuesPathError as error:
            node.fail(f"is not a path: {'; '.join(error.context)}; {error.hint}")
        rules.append(DeriveRule(path=path, formula=node.as_text(is_required=True), source=node.source))
    return tuple(rules)


def _generate(spec: Node) -> tuple[GenerateSpec, ...]:
    nodes = spec.items("generate", "name", "secret", "key", "kind", "length", "when")
    found = []
    for node in nodes:
        kind = node.choice("kind", tuple(_DEFAULT_LENGTHS), is_required=True)
        if kind == "uuid" and (length := node.child("length")) is not None:
            length.fail("has no meaning for a uuid")
        spec_ = GenerateSpec(
            name=node.named(),
            secret=node.text("secret", is_required=True),
            key=node.text("key", is_required=True),
            kind=kind,
            length=node.integer("length", default=_DEFAULT_LENGTHS.get(kind, 24), least=8, most=1024),
            source=node.source,
            when=node.text("when"),
        )
        found.append(spec_)
    check_unique(nodes, [one.name for one in found], "a generated secret")
    check_unique(nodes, [f"{one.secret}/{one.key}" for one in found], "a generated key")
    return tuple(found)


def _image(node: Node) -> ImageSpec:
    if "path" not in node.body and "match" not in node.body:
        return ImageSpec(ref=_image_ref(node), when=node.text("when"), source=node.source)
    for key in ("ref", "when"):
        if node.child(key) is not None:
            node.fail(f'has "{key}" and "path"; an entry is an image, or a place where images are')
    match = node.mapping("match", "group", "kind", is_required=True)
    path = node.text("path", is_required=True)
    if path and node.read(bundler.images.image_paths.parse_image_path, path, f'has the path "{path}"') is None:
        path = ""
    kind = match.text("kind", is_required=True)
    return ImageSpec(path=path, match_group=match.text("group"), match_kind=kind, source=node.source)


def _image_ref(node: Node) -> str:
    text = node.text("ref", is_required=True)
    node.read(ImageRef.parse, text or "any", "has a ref that cannot be used")
    return text


def _readiness(spec: Node) -> tuple[ReadinessRule, ...]:
    rules = []
    for node in spec.items("readiness", "match", "ready", "failed"):
        match = node.mapping("match", "group", "kind", "name", is_required=True)
        rules.append(
            ReadinessRule(
                group=match.text("group"),
                kind=match.text("kind", is_required=True),
                name=match.text("name"),
                ready=node.text("ready", is_required=True),
                failed=node.text("failed"),
                source=node.source,
            )
        )
    return tuple(rules)


def _reach(spec: Node) -> Reach:
    node = spec.mapping("reach", "clusterScoped", "namespaces", "grants")
    grants = node.texts("grants")
    for grant in grants:
        if grant not in GRANTS:
            where = node.child("grants") or node
            where.fail(f'has "{grant}", which is not a grant; {meant_or_known(grant, GRANTS)}')
    return Reach(cluster_scoped=node.texts("clusterScoped"), namespaces=node.texts("namespaces"), grants=grants)


def _upgrade(spec: Node, components: Sequence[str]) -> UpgradeRules:
    node = spec.mapping("upgrade", "from", "noRollbackBelow", "backup", "recreate", "steps", "gates")
    backup = node.child("backup")
    return UpgradeRules(
        from_versions=node.version_range("from"),
        no_rollback_below=node.version("noRollbackBelow"),
        backup=node.text("backup"),
        backup_source=backup.source if backup is not None else None,
        recreate=tuple(rule for one in node.nodes("recreate") if (rule := _recreate_rule(one)) is not None),
        steps=loader.step_rules.decode_steps(node, components) if "steps" in node.body else None,
        gates=loader.step_rules.decode_gates(node) if "gates" in node.body else (),
    )


def _recreate_rule(node: Node) -> RecreateRule | None:
    """Read ``KIND/NAME``: of one kind, and of one name as far as the release's is not part of it."""
    text = node.as_text(is_required=True)
    kind, _, name = text.partition("/")
    if kind and "*" not in kind and name.strip("*"):
        return RecreateRule(object=text, source=node.source)
    if text:
        node.fail(f'has "{text}", which names no object; write KIND/NAME, like Deployment/*-web')
    return None
