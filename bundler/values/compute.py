"""Compute the values of a bundle and of its components, all the way down. Layer: values, pure.

Layers of one bundle, later wins: schema defaults < values.yaml < its own derived values < what comes from outside.
From outside: for the top bundle what the user gave; for a component what its parent's layers say below its name, then
``components[].values``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import bundler.values
from bundler.errors.bundle import DeriveError, RenderError
from bundler.expressions.bundle_files import readers_of
from bundler.expressions.condition import holds
from bundler.expressions.expression import evaluate_texts
from bundler.model.json import Body, JSONValue, is_mapping
from bundler.model.lean import dataclass, replace
from bundler.model.values import LayerKind, MergedValues, Origin, UserLayers, UserValues, ValuesLayer, components_seen
from bundler.values.component_namespace import component_namespace, in_namespace
from bundler.values.defaults import fill_items
from bundler.values.layers import layers_for_component, own_layers
from bundler.values.merge import fold_layers, without_nulls
from bundler.values.moved import new_path
from bundler.values.outputs import circle_error, component_names, compute_outputs, is_early, outputs_read
from bundler.values.problems import Problem, invalid_values, shown_value
from bundler.values.schema_view import SchemaView, bundle_view
from bundler.values.validate import deprecation_warnings, find_problems, origin_at, sensitive_pointers

if TYPE_CHECKING:
    from bundler.expressions.compiled import CompiledCodes
    from bundler.model.bundle import Bundle, ComponentSpec

NO_NAMES: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class _Level:
    """One bundle in the tree of components."""

    bundle: Bundle
    view: SchemaView
    path: str
    """Of the component, ``/`` between levels; empty at the top."""
    problems: list[Problem]
    """Shared by all levels."""
    codes: CompiledCodes | None
    """As above."""

    def below(self, name: str) -> _Level:
        path = f"{self.path}/{name}" if self.path else name
        return _Level(self.bundle.component_bundles[name], self.view.child(name), path, self.problems, self.codes)

    @property
    def component_names(self) -> tuple[str, ...]:
        """Of all components, switched on or not."""
        return tuple(spec.name for spec in self.bundle.components)

    def names_of_outputs(self, names: Mapping[str, object]) -> dict[str, object]:
        """Return what outputs see before any value is known."""
        return {**names, "component": component_names(self.path)}

    def finish(self, data: Body) -> dict[str, JSONValue]:
        """Make of merged layers what templates see; a component that nothing is said about has no key."""
        if self.bundle.schema is not None:
            data = fill_items(data, self.view.own)
        names = self.bundle.component_bundles
        return {key: value for key, value in without_nulls(data).items() if value != {} or key not in names}


def compute_values(
    bundle: Bundle, user: UserLayers, *, names: Mapping[str, object] = NO_NAMES, codes: CompiledCodes | None = None
) -> MergedValues:
    """Merge, derive and check all values of ``bundle`` and its enabled components.

    Args:
        bundle: the bundle, components included.
        user: what the user gave.
        names: what expressions see besides ``values``: ``release``, ``site`` and so on.
        codes: what is compiled of the bundle already.

    Raises:
        ValuesPathError: when a path given by the user cannot be read or followed.
        ValuesInvalidError: when values break a schema or a key is unknown; every problem of every bundle is named.
        DeriveError: when a derived value cannot be computed.
        RenderError: when ``when`` or ``values`` of a component cannot be computed.
        BundleInvalidError: when a schema cannot be used.
    """
    view = bundle_view(bundle)
    given = _given(bundle, user, view)
    level = _Level(bundle, view, "", [], codes)
    failure: DeriveError | RenderError | None = None
    merged = MergedValues(data={}, origins={})
    try:
        merged = _compute(level, given.layers, names)
    except (DeriveError, RenderError) as error:
        failure = error
    if level.problems:
        raise invalid_values(
            level.problems,
            subject=_subject(bundle, names),
            bundle_origin=bundle.origin,
            new_path=lambda path: new_path(path.rpartition(".")[2], view),
        ) from failure
    if failure is not None:
        raise failure
    return replace(merged, user=given)


def _given(bundle: Bundle, user: UserLayers, view: SchemaView) -> UserValues:
    if not (user.layers or user.assignments or user.unset):
        return UserValues()

    return bundler.values.user.fold_user_values(bundle, user, view=view)


def _compute(level: _Level, outside: Sequence[ValuesLayer], names: Mapping[str, object]) -> MergedValues:
    lower = own_layers(level.bundle, level.view, level.path)
    derived = _derive(level, lower, outside, names)
    layers = (*lower, *((derived,) if derived is not None else ()), *outside)
    fold = fold_layers(layers)
    data = level.finish(fold.data)
    problems = find_problems(level.bundle, fold, data, level.view, component=level.path)
    level.problems.extend(problems)
    components = _Components(level, layers, data, names).compute()
    outputs = _outputs(level, data, components, names)
    warnings = deprecation_warnings(data, fold.origins, level.view.own, level.path)
    return MergedValues(
        data=data,
        origins=fold.origins,
        sensitive=sensitive_pointers(data, level.view),
        components=components,
        layers=layers,
        outputs=outputs,
        warnings=(*warnings, *(line for below in components.values() for line in below.warnings)),
    )


def _derive(
    level: _Level, lower: Sequence[ValuesLayer], outside: Sequence[ValuesLayer], names: Mapping[str, object]
) -> ValuesLayer | None:
    rules = level.bundle.derive
    if not rules:
        return None

    try:
        return bundler.values.derive.derive_values(
            rules, lower=lower, outside=outside, finish=level.finish, names=names, codes=level.codes
        )
    except DeriveError:
        # A formula that fails on a value of the wrong type is not the mistake; the value is.
        fold = fold_layers([*lower, *outside])
        data = level.finish(fold.data)
        found = find_problems(level.bundle, fold, data, level.view, component=level.path)
        level.problems.extend(problem for problem in found if problem.origin is not None)
        raise


def _outputs(
    level: _Level, data: Body, components: Mapping[str, MergedValues], names: Mapping[str, object]
) -> dict[str, JSONValue]:
    """Return what a bundle tells; where that fails on values that are wrong, these are the mistake."""
    seen = {
        **level.names_of_outputs(names),
        "values": data,
        "components": components_seen(level.component_names, components),
    }
    try:
        return compute_outputs(level.bundle, level.bundle.outputs, seen, level.codes)
    except RenderError:
        if level.problems:
            return {}
        raise


class _Components:
    """Computes the components of one bundle, each after those whose outputs its values read."""

    def __init__(self, level: _Level, layers: Sequence[ValuesLayer], data: Body, names: Mapping[str, object]) -> None:
        self._level, self._layers, self._data, self._names = level, layers, data, names
        seen = {**names, "values": data}
        self._enabled = {spec.name: spec for spec in level.bundle.components if _is_enabled(spec, seen, level.codes)}
        self._placed = {name: component_namespace(spec, seen, level.codes) for name, spec in self._enabled.items()}
        self._found: dict[str, MergedValues | None] = {}

    def _names_of(self, name: str) -> Mapping[str, object]:
        """Return what a component sees besides values: another namespace where it has one of its own."""
        namespace = self._placed[name]
        return in_namespace(self._names, namespace) if namespace else self._names

    def compute(self) -> dict[str, MergedValues]:
        """Return the values of each component that is switched on."""
        found = {name: self._computed(name, ()) for name in self._enabled}
        return {name: values for name, values in found.items() if values is not None}

    def _computed(self, name: str, way: tuple[ComponentSpec, ...]) -> MergedValues | None:
        """Return the values of one component; None where its parent gives it no mapping, which is a problem told."""
        if name not in self._found:
            self._found[name] = self._compute(self._enabled[name], way)
        return self._found[name]

    def _compute(self, spec: ComponentSpec, way: tuple[ComponentSpec, ...]) -> MergedValues | None:
        if spec in way:
            raise circle_error((*way[way.index(spec) :], spec))
        below, data = self._level.below(spec.name), self._data
        if spec.name in data and not is_mapping(data[spec.name]):
            self._level.problems.append(_not_a_mapping(below, data[spec.name], self._layers))
            return None
        seen = {
            **self._names,
            "values": data,
            "components": self._seen_by(spec, (*way, spec)),
            "files": readers_of(self._level.bundle.files),
        }
        outside = layers_for_component(spec.name, below.bundle, below.view, self._layers)
        layers = [*outside, *_given_values(spec, seen, self._level.codes)]
        return replace(_compute(below, layers, self._names_of(spec.name)), namespace=self._placed[spec.name])

    def _seen_by(self, spec: ComponentSpec, way: tuple[ComponentSpec, ...]) -> dict[str, Body]:
        """Return ``components`` as the values of one component see it: with the outputs that they read."""
        wanted = outputs_read(spec.values, spec.source, self._level.codes)
        if "" in wanted:  # a computed name
            wanted = dict.fromkeys(self._enabled.keys() - {spec.name})
        found: dict[str, Body] = {
            one.name: {"enabled": one.name in self._enabled} for one in self._level.bundle.components
        }
        for name in sorted(wanted.keys() & self._enabled.keys()):
            found[name] = {**found[name], "outputs": self._outputs_of(name, wanted[name], way)}
        return found

    def _outputs_of(self, name: str, keys: frozenset[str] | None, way: tuple[ComponentSpec, ...]) -> Body:
        below = self._level.below(name)
        told = {one.name: one for one in below.bundle.outputs}
        if keys is None or not keys <= told.keys():  # an unknown one is an error that names all
            keys = frozenset(told)
        outputs = [one for name, one in told.items() if name in keys]
        if all(is_early(one, below.codes) for one in outputs):
            return compute_outputs(below.bundle, outputs, below.names_of_outputs(self._names_of(name)), below.codes)
        values = self._computed(name, way)
        return values.outputs if values is not None else {}


def _is_enabled(spec: ComponentSpec, names: Mapping[str, object], codes: CompiledCodes | None) -> bool:
    return holds(spec.when, names, of=f"component {spec.name}", source=spec.source, codes=codes)


def _given_values(
    spec: ComponentSpec, names: Mapping[str, object], codes: CompiledCodes | None
) -> Iterable[ValuesLayer]:
    if not spec.values:
        return
    written = spec.value_origins
    origin = Origin(LayerKind.COMPONENT, spec.source.file, spec.source.line)

    data = evaluate_texts(spec.values, names, source=spec.source, codes=codes)
    yield ValuesLayer(
        data=data if is_mapping(data) else {},
        origin=origin,
        leaf_origins={
            pointer: replace(leaf, kind=LayerKind.COMPONENT)
            for pointer, leaf in (written.leaf_origins if written else {}).items()
        },
    )


def _not_a_mapping(level: _Level, value: JSONValue, layers: Sequence[ValuesLayer]) -> Problem:
    pointer = "".join(f"/{name}" for name in level.path.split("/"))
    name = pointer.rpartition("/")[2]
    shown = shown_value(value, is_sensitive=level.view.holds_sensitive)
    message = f"{shown} must be a mapping: these are the values of component {level.path}"
    return Problem(pointer, message, origin_at(f"/{name}", fold_layers(layers).origins))


def _subject(bundle: Bundle, names: Mapping[str, object]) -> str:
    release = names.get("release")
    name = release.get("name") if isinstance(release, dict) else None
    return f"release {name}" if name else f"bundle {bundle.metadata.name}"
