"""Derived values: from the menu to technical values, in dependency order. Layer: values, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.bundle import DeriveError, RenderError, ValuesPathError
from bundler.expressions import compile_expression
from bundler.model.json import is_mapping
from bundler.model.lean import dataclass
from bundler.model.values import LayerKind, Origin, ValuesLayer
from bundler.values.merge import merge_all, merge_values
from bundler.values.paths import format_path, leading_keys, parse_path, pointer_to, set_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from bundler.expressions import Expression
    from bundler.expressions.compiled import CompiledCodes
    from bundler.model.bundle import DeriveRule
    from bundler.model.json import Body, JSONValue
    from bundler.model.values import Pointer

_HINT = "correct the formula under spec.derive of bundle.yaml"


@dataclass(frozen=True, slots=True)
class _Formula:
    """One rule, read and compiled."""

    rule: DeriveRule
    keys: tuple[str, ...]
    expression: Expression

    def reads(self, other: _Formula) -> bool:
        """Tell whether what ``other`` sets is part of what this reads, or the other way round."""
        return any(_overlap(path[1:], other.keys) for path in self.expression.paths if path[:1] == ("values",))


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
    derived: dict[str, JSONValue] = {}
    over = merge_all(outside)
    values = finish(merge_values(merge_all(lower), over))
    for formula in _in_order([_read_rule(rule, codes) for rule in rules]):
        if _is_decided(outside, formula.keys):
            continue
        _refuse_inside_of_leaf(formula, derived)
        value = _compute(formula, {**names, "values": values})
        derived = set_value(derived, formula.keys, value)
        if value is None or is_mapping(value) or _says_anything(over, formula.keys):
            layer = ValuesLayer(data=derived, origin=Origin(LayerKind.DERIVED, ""), leaf_origins={})
            values = finish(merge_all([*lower, layer, *outside]))
        else:
            values = set_value(values, formula.keys, value)
    return ValuesLayer(
        data=derived,
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
            continue  # it is no rule, and told where it stands
    while circle := _arranged(formulas)[1]:
        yield _cycle(circle)
        formulas = [formula for formula in formulas if formula not in circle]


def _origin(rule: DeriveRule) -> tuple[Pointer, Origin]:
    source = rule.source
    return pointer_to(leading_keys(parse_path(rule.path))), Origin(
        LayerKind.DERIVED, source.file, source.line, rule.formula
    )


def _read_rule(rule: DeriveRule, codes: CompiledCodes | None) -> _Formula:
    path = parse_path(rule.path)
    keys = tuple(leading_keys(path))
    if len(keys) < len(path):
        raise DeriveError(
            f"reading the derived value {rule.path}",
            context=[f"{rule.source}: {rule.path} leads into a list"],
            hint="derive the whole list, or a value outside of it",
        )
    try:
        return _Formula(rule, keys, compile_expression(rule.formula, source=rule.source, codes=codes))
    except RenderError as error:
        raise _derive_error(rule, error) from error


def _compute(formula: _Formula, names: Mapping[str, object]) -> JSONValue:
    try:
        return formula.expression.evaluate(names)
    except RenderError as error:
        raise _derive_error(formula.rule, error) from error


def _refuse_inside_of_leaf(formula: _Formula, derived: Body) -> None:
    """Two formulas, one for a value and one for what is below it: the second would take away the first's."""
    here: JSONValue = derived
    for length, key in enumerate(formula.keys, 1):
        here = here.get(key) if is_mapping(here) else None
        if here is None:
            return
        if not is_mapping(here) and length < len(formula.keys):
            above = format_path(formula.keys[:length])
            raise DeriveError(
                f"computing the derived value {formula.rule.path}",
                context=[
                    f"{formula.rule.source}: {formula.rule.path} is below {above}, which is derived too and no mapping"
                ],
                hint=f"derive {above} or what is below it",
            )


def _derive_error(rule: DeriveRule, error: RenderError) -> DeriveError:
    return DeriveError(f"computing the derived value {rule.path}", context=error.context, hint=error.hint or _HINT)


def _in_order(formulas: Sequence[_Formula]) -> list[_Formula]:
    """Sort formulas so that each comes after those it needs; otherwise as written."""
    ordered, circle = _arranged(formulas)
    if circle:
        raise _cycle(circle)
    return ordered


def _arranged(formulas: Sequence[_Formula]) -> tuple[list[_Formula], tuple[_Formula, ...]]:
    """Return formulas in order, and the first circle that keeps them from having one."""
    ordered: list[_Formula] = []
    done: set[tuple[str, ...]] = set()
    for formula in formulas:
        if circle := _place(formula, formulas, (), done, ordered):
            return ordered, circle
    return ordered, ()


def _place(
    formula: _Formula,
    formulas: Iterable[_Formula],
    chain: tuple[_Formula, ...],
    done: set[tuple[str, ...]],
    ordered: list[_Formula],
) -> tuple[_Formula, ...]:
    """Put a formula behind those it needs; return the circle that it leads into, if any."""
    if formula.keys in done:
        return ()
    if formula in chain:
        return (*chain[chain.index(formula) :], formula)
    for other in formulas:
        if formula.reads(other) and (circle := _place(other, formulas, (*chain, formula), done, ordered)):
            return circle
    done.add(formula.keys)
    ordered.append(formula)
    return ()


def _cycle(chain: Sequence[_Formula]) -> DeriveError:
    return DeriveError(
        "ordering the derived values",
        context=[
            f"{chain[0].rule.source}: " + " → ".join(format_path(formula.keys) for formula in chain),
            *(
                f"  {formula.rule.source}: {format_path(formula.keys)}: {formula.rule.formula}"
                for formula in chain[:-1]
            ),
        ],
        hint="compute one of them from values that are not derived",
    )


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]


def _is_decided(outside: Iterable[ValuesLayer], keys: Sequence[str]) -> bool:
    return any(_decides(layer.data, keys) for layer in outside)


def _decides(data: Body, keys: Sequence[str]) -> bool:
    here: JSONValue = data
    for key in keys:
        if not is_mapping(here) or key not in here:
            return False
        here = here[key]
        if not is_mapping(here):
            return True
    return False


def _says_anything(over: Body, keys: Sequence[str]) -> bool:
    here: JSONValue = over
    for key in keys:
        if not is_mapping(here) or key not in here:
            return False
        here = here[key]
    return True
