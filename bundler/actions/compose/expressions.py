"""The expressions in bundle.yaml, read without being computed; `bundler lint` tells what is wrong. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from bundler.errors import BundlerError, Detail
from bundler.errors.bundle import ExpressionError
from bundler.expressions.expression import ValuePath, compile_expression, compile_text
from bundler.expressions.language import FUNCTION_NAMES
from bundler.values.formulas import bare_formulas, formula_texts
from bundler.values.outputs import COMPONENTS, OUTPUTS

if TYPE_CHECKING:
    from bundler.expressions.compiled import CompiledCodes
    from bundler.model.bundle import Bundle, ReadinessRule
    from bundler.model.manifest import Source

_OF_BUNDLES = frozenset({"values", "release", "site"})
_OF_OBJECTS = frozenset({"object"})


def formula_errors(bundle: Bundle, codes: CompiledCodes) -> Iterator[BundlerError]:
    """Yield an error for each expression of a bundle that cannot be read, or asks for unknown names.

    Rules for readiness are asked in the cluster only: without this look, a slip in one shows when a wait runs out.

    Args:
        bundle: without its components.
        codes: takes what is compiled.
    """
    bare = [(text, source, _OF_BUNDLES) for text, source in bare_formulas(bundle)]
    bare += [(text, rule.source, _OF_OBJECTS) for rule in bundle.readiness for text in (rule.ready, rule.failed)]
    for text, source, known in bare:
        if text:
            yield from bare_errors(text, source, known, codes)
    for text, source in formula_texts(bundle):
        try:
            compiled = compile_text(text, source=source, codes=codes)
        except BundlerError as error:
            yield error
            continue
        for sentence in _unknown_outputs(compiled.paths if compiled else (), bundle):
            hint = "correct the name, or add it to `outputs` of the component's bundle.yaml"
            yield ExpressionError(
                "reading an expression of the bundle", context=[source.found(sentence), Detail(f"  {text}")], hint=hint
            )


def _unknown_outputs(paths: Iterable[ValuePath], bundle: Bundle) -> Iterator[str]:
    """Yield what is asked of components that they do not tell, whether they are switched on or not."""
    for root, *steps in sorted(paths):
        if root != COMPONENTS or not steps:
            continue
        component, told = bundle.component_bundles.get(steps[0]), f"components.{'.'.join(steps)}"
        if component is None:
            names = ", ".join(bundle.component_bundles) or "none"
            yield f"{told} asks for no component of this bundle; components are: {names}"
        elif steps[1:2] == [OUTPUTS] and len(steps) > 2:
            known = [output.name for output in component.outputs]
            if steps[2] not in known:
                yield f"{told} is not an output of {component.metadata.name}; outputs are: {', '.join(known) or 'none'}"


def refuse_unreadable_rules(rules: Iterable[ReadinessRule], codes: CompiledCodes | None = None) -> None:
    """Refuse rules for readiness that cannot be read, before anything is written that would wait for them.

    Args:
        rules: of a bundle and its components.
        codes: what is compiled of the bundle already.

    Raises:
        ExpressionError: with all of them.
    """
    texts = [(text, rule.source) for rule in rules for text in (rule.ready, rule.failed) if text]
    errors = [error for text, source in texts for error in bare_errors(text, source, _OF_OBJECTS, codes)]
    if errors:
        raise ExpressionError(
            "reading the rules for readiness",
            context=[line for error in errors for line in error.context],
            hint=errors[0].hint,
        )


def bare_errors(
    text: str, source: Source, known: frozenset[str], codes: CompiledCodes | None = None
) -> Iterator[BundlerError]:
    """Yield what is wrong with a bare expression.

    Args:
        text: the expression.
        source: where it is written.
        known: names that it sees.
        codes: takes what is compiled.
    """
    try:
        paths = compile_expression(text, source=source, codes=codes).paths
    except BundlerError as error:
        yield error
        return
    for name in sorted({path[0] for path in paths} - known - FUNCTION_NAMES):
        yield ExpressionError(
            "reading an expression of the bundle",
            context=[source.found(f"{name} is not defined"), Detail(f"  {text}")],
            hint=f"use one of the names that this expression sees: {', '.join(sorted(known))}",
        )
