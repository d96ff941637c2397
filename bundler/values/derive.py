"""Derived values: from the menu to technical values, in dependency order. Layer: values, pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.errors import Detail
from bundler.errors.bundle import DeriveError, RenderError, ValuesPathError
from bundler.expressions.expression import compile_expression
from bundler.model.json import Body, JSONValue, is_mapping
from bundler.model.values import LayerKind, Origin, Pointer, ValuesLayer
from bundler.syntax.written_path import format_path
from bundler.values.derive_order import Formula, arranged
from bundler.values.merge import merge_all, merge_values
from bundler.values.paths import leading_keys, parse_path, pointer_to, set_value

if TYPE_CHECKING:
    from bundler.expressions.compiled import CompiledCodes
    from bundler.model.bundle import DeriveRule

_NO_MAPPING = "which is derived too and no mapping"
_HINT = "correct the formula under spec.derive of bundle.yaml"


def derive_values(
    rules: Sequence[DeriveRule],
    *,
    lower: Sequence[ValuesLayer],
    outside: Sequence[ValuesLayer],
    finish: Callable[[Body], Body],
    names: Mapping[str, object],
    codes: CompiledCodes | None = None,
) -> ValuesLayer | None:
    """Compute the derived values of one bundle as a layer between its own values and what comes from outside.

    Args:
        rules: ``spec.derive``, in any order.
        lower: the bundle's own layers.
        outside: layers that go over the derived ones; a leaf that one of them sets or deletes is not computed.
        finish: from merged layers to what formulas see as ``values``.
        names: what formulas see besides ``values``.
        codes: what is compiled of the bundle already.

    Raises:
        DeriveError: when formulas need each other, or one cannot be read or computed.
    """
    if not rules:
        return None
    state = _Derivation(lower=merge_all(lower), outside=outside, finish=finish)
    for formula in _in_order([_read_rule(rule, codes) for rule in rules]):
        if state.is_decided(formula.keys):
            continue
        _refuse_inside_of_leaf(formula, state.derived)
        state.put(formula.keys, _compute(formula, {**names, "values": state.values}))
    return ValuesLayer(
        data=state.derived,
        origin=Origin(LayerKind.DERIVED, rules[0].source.file),
        leaf_origins=dict(_origin(rule) for rule in rules),
    )


def derive_errors(rules: Sequence[DeriveRule], codes: CompiledCodes) -> Iterator[DeriveError]:
    """Yield what is wrong with rules whatever the values are: those that cannot be read, and those in a circle."""
    formulas = []
    for rule in rules:
        if not rule.formula:
            continue  # as below
        try:
            formulas.append(_read_rule(rule, codes))
        except DeriveError as error:
            yield error
        except ValuesPathError:
            continue  # it is not a rule, and reported where it is
    for circle in arranged(formulas)[1]:
        yield _cycle(circle)


class _Derivation:
    """What is derived so far, and what formulas see: one path changes at a time, and only that is merged again."""

    def __init__(self, *, lower: Body, outside: Sequence[ValuesLayer], finish: Callable[[Body], Body]) -> None:
        self._lower, self._outside, self._finish = lower, outside, finish
        self._over = merge_all(outside)
        self._decided = _decided_places(outside)
        self.derived: dict[str, JSONValue] = {}
        whole = merge_all([_plain_layer(lower), *outside])
        self.values: dict[str, JSONValue] = dict(finish(whole))

    def is_decided(self, keys: Sequence[str]) -> bool:
        """Return whether a layer from outside sets or deletes the leaf."""
        here: JSONValue = self._decided
        for key in keys:
            here = here.get(key) if is_mapping(here) else None
            if here is True:
                return True
        return False

    def put(self, keys: Sequence[str], value: JSONValue) -> None:
        """Set a derived value, and what is seen at its path."""
        _put(self.derived, keys, value)
        layers = [self._lower, set_value({}, keys, value)]
        if _says_anything(self._over, keys):
            layers += [layer.data for layer in self._outside]
        seen = self._finish(set_value({}, keys, _folded_at(layers, keys)))
        _graft(self.values, seen, keys)


def _origin(rule: DeriveRule) -> tuple[Pointer, Origin]:
    source = rule.source
    return pointer_to(leading_keys(parse_path(rule.path))), Origin(
        LayerKind.DERIVED, source.file, source.line, rule.formula
    )


def _read_rule(rule: DeriveRule, codes: CompiledCodes | None) -> Formula:
    path = parse_path(rule.path)
    keys = tuple(leading_keys(path))
    if len(keys) < len(path):
        raise DeriveError(
            f"reading the derived value {rule.path}",
            context=[rule.source.found(f"{rule.path} leads into a list")],
            hint="derive the whole list, or a value outside of it",
        )
    try:
        return Formula(rule, keys, compile_expression(rule.formula, source=rule.source, codes=codes))
    except RenderError as error:
        raise _derive_error(rule, error) from error


def _compute(formula: Formula, names: Mapping[str, object]) -> JSONValue:
    try:
        return formula.expression.evaluate(names)
    except RenderError as error:
        raise _derive_error(formula.rule, error) from error


def _refuse_inside_of_leaf(formula: Formula, derived: Body) -> None:
    """Two formulas, one for a value and one for what is below it: the second would remove the first's."""
    here: JSONValue = derived
    for length, key in enumerate(formula.keys, 1):
        here = here.get(key) if is_mapping(here) else None
        if here is None:
            return
        if not is_mapping(here) and length < len(formula.keys):
            above = format_path(formula.keys[:length])
            raise DeriveError(
                f"computing the derived value {formula.rule.path}",
                context=[formula.rule.source.found(f"{formula.rule.path} is below {above}, {_NO_MAPPING}")],
                hint=f"derive {above} or what is below it",
            )


def _derive_error(rule: DeriveRule, error: RenderError) -> DeriveError:
    return DeriveError(f"computing the derived value {rule.path}", context=error.context, hint=error.hint or _HINT)


def _in_order(formulas: Sequence[Formula]) -> list[Formula]:
    """Sort formulas so that each comes after those it needs; otherwise as written."""
    ordered, circles = arranged(formulas)
    if circles:
        raise _cycle(circles[0])
    return ordered


def _cycle(chain: Sequence[Formula]) -> DeriveError:
    return DeriveError(
        "ordering the derived values",
        context=[
            chain[0].rule.source.found(" → ".join(format_path(formula.keys) for formula in chain)),
            *(
                Detail(f"  {formula.rule.source}: {format_path(formula.keys)}: {formula.rule.formula}")
                for formula in chain[:-1]
            ),
        ],
        hint="compute one of them from values that are not derived",
    )


def _plain_layer(data: Body) -> ValuesLayer:
    return ValuesLayer(data=data, origin=Origin(LayerKind.DERIVED, ""), leaf_origins={})


def _decided_places(layers: Iterable[ValuesLayer]) -> dict[str, JSONValue]:
    """Return a tree with ``True`` wherever a layer sets or deletes something that is not a mapping."""
    places: dict[str, JSONValue] = {}
    for layer in layers:
        _note_decided(places, layer.data)
    return places


def _note_decided(places: dict[str, JSONValue], data: Body) -> None:
    for key, value in data.items():
        if not is_mapping(value):
            places[key] = True
        elif isinstance(below := places.setdefault(key, {}), dict):
            _note_decided(below, value)


def _folded_at(layers: Iterable[Body], keys: Sequence[str]) -> JSONValue:
    """Fold from the left what mappings say at one path; None where the last word is a deletion, or there is none."""
    folded: JSONValue = None
    for data in layers:
        here: JSONValue = data
        for depth, key in enumerate(keys):
            if not is_mapping(here):
                folded = None  # what is around it is set to something else
                break
            if key not in here:
                break
            here = here[key]
            if depth == len(keys) - 1:
                folded = merge_values(folded, here) if is_mapping(folded) and is_mapping(here) else here
    return folded


def _put(data: dict[str, JSONValue], keys: Sequence[str], value: JSONValue) -> None:
    """Set a value in mappings that belong to the caller."""
    for key in keys[:-1]:
        below = data.get(key)
        if not isinstance(below, dict):
            below = data[key] = {}
        data = below
    data[keys[-1]] = value


def _graft(values: dict[str, JSONValue], seen: Body, keys: Sequence[str]) -> None:
    """Put what is seen at a path, and what came with it on the way, into all values; what is not seen goes."""
    here = values
    for key in keys[:-1]:
        inner = seen.get(key)
        if not is_mapping(inner):  # nothing is said about the component any longer
            if not here.get(key):
                here.pop(key, None)
            return
        for name, value in seen.items():
            here.setdefault(name, value)
        below = here[key]
        if not isinstance(below, dict):
            below = here[key] = dict(inner)
        here, seen = below, inner
    for name, value in seen.items():
        here.setdefault(name, value)
    if keys[-1] in seen:
        here[keys[-1]] = seen[keys[-1]]
    else:
        here.pop(keys[-1], None)


def _says_anything(over: Body, keys: Sequence[str]) -> bool:
    here: JSONValue = over
    for key in keys:
        if not is_mapping(here) or key not in here:
            return False
        here = here[key]
    return True
