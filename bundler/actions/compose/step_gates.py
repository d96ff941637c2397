"""The gates of upgrades in steps, read before anything is written that would wait for them. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from bundler.actions.compose.expressions import bare_errors
from bundler.errors.bundle import ExpressionError
from bundler.expressions.expression import ValuePath, compile_expression
from bundler.model.lean import replace
from bundler.model.rollout import POD_FACTS, POD_SIDES, STEP_FACTS
from bundler.planning.jobs import is_job
from bundler.planning.step_rules import is_check_of, step_gates

if TYPE_CHECKING:
    from bundler.errors import BundlerError
    from bundler.expressions.compiled import CompiledCodes
    from bundler.model.bundle import Bundle, StepGate
    from bundler.model.manifest import Manifest

NAMES: Final = frozenset({"objects", "pods", "step"})
_OBJECTS: Final = "objects"
_HINT: Final = 'write KIND/NAME in quotes, with * for any characters: objects["Deployment/*-web"]'


def present_gates(
    bundle: Bundle, components: Collection[str], manifests: Sequence[Manifest], codes: CompiledCodes | None = None
) -> tuple[StepGate, ...]:
    """Return the gates of what is rendered, without those whose component is off or whose check prints no Job.

    Args:
        bundle: with its components.
        components: paths of those that are rendered, and ``""`` for the bundle itself.
        manifests: all that is rendered.
        codes: what is compiled of the bundle already.

    Raises:
        ExpressionError: with all gates that cannot be read.
    """
    gates = [gate for gate in step_gates(bundle) if gate.component in components]
    errors = [error for gate in gates for error in gate_errors(gate, codes)]
    if errors:
        lines = [line for error in errors for line in error.context]
        raise ExpressionError("reading the gates of upgrades in steps", context=lines, hint=errors[0].hint)
    return tuple(with_objects(gate, codes) for gate in gates if gate.expr or _has_jobs(gate, manifests))


def gate_errors(gate: StepGate, codes: CompiledCodes | None = None) -> Iterator[BundlerError]:
    """Yield what is wrong with the expression of a gate.

    Args:
        gate: as its bundle says it.
        codes: takes what is compiled.
    """
    if not gate.expr:
        return
    errors = list(bare_errors(gate.expr, gate.source, NAMES, codes))
    yield from errors
    if errors:
        return
    for path in sorted(compile_expression(gate.expr, source=gate.source, codes=codes).paths):
        if hint := _unknown(path):
            context = [gate.source.found(f"gate {gate.name} asks for {'.'.join(path)}, and there is no such thing")]
            yield ExpressionError("reading an expression of the bundle", context=context, hint=hint)


def with_objects(gate: StepGate, codes: CompiledCodes | None = None) -> StepGate:
    """Return a gate that knows which objects its expression names; none where it cannot be read.

    Args:
        gate: as its bundle says it.
        codes: what is compiled of the bundle already.
    """
    if not gate.expr or any(gate_errors(gate, codes)):
        return gate
    paths = sorted(compile_expression(gate.expr, source=gate.source, codes=codes).paths)
    return replace(gate, objects=tuple(dict.fromkeys(path[1] for path in paths if path[0] == _OBJECTS)))


def _unknown(path: ValuePath) -> str:
    """Return what to write in place of a path that leads nowhere; empty where it leads somewhere."""
    root, *keys = path
    if root == _OBJECTS:
        return "" if keys and _is_object(keys[0]) else _HINT
    if root == "step":
        return _unless(keys[:1], STEP_FACTS, "step.")
    if keys[:1] == ["of"]:
        keys = keys[2:]
    return _unless(keys[:1], POD_SIDES, "pods.") or _unless(keys[1:2], POD_FACTS, "pods.new.")


def _unless(keys: Sequence[str], known: Sequence[str], before: str) -> str:
    return "" if all(key in known for key in keys) else f"use one of {', '.join(before + name for name in known)}"


def _is_object(key: str) -> bool:
    kind, _, name = key.partition("/")
    return bool(kind and "*" not in kind and name.strip("*"))


def _has_jobs(gate: StepGate, manifests: Sequence[Manifest]) -> bool:
    return any(is_job(one.ref) and is_check_of(gate, one) for one in manifests)
