"""What a bundle tells the bundle that uses it: ``spec.outputs``, such as the name of its Service. Layer: values, pure.

Outputs are computed once the bundle's values are. Those that read no values are known before: so two components may
tell each other their names, while one that waits for values of the other is computed after it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.errors.bundle import ExpressionError
from bundler.expressions.expression import ValuePath, compile_text, evaluate_text, evaluate_texts
from bundler.model.json import JSONValue, leaves_in
from bundler.model.manifest import Source

if TYPE_CHECKING:
    from bundler.expressions.compiled import CompiledCodes
    from bundler.model.bundle import Bundle, ComponentSpec, OutputSpec

COMPONENTS, OUTPUTS = "components", "outputs"
_LATE = frozenset({"values", COMPONENTS, "generated"})
"""Names that are known when the values are."""


def paths_in(value: JSONValue, source: Source, codes: CompiledCodes | None = None) -> Iterator[ValuePath]:
    """Yield what the texts in ``value`` read.

    Args:
        value: texts, lists and mappings.
        source: file and line that the text comes from, for errors.
        codes: compiled templates and expressions to reuse; None compiles again.
    """
    for text in leaves_in(value):
        if isinstance(text, str) and (compiled := compile_text(text, source=source, codes=codes)) is not None:
            yield from compiled.paths


def outputs_read(value: JSONValue, source: Source, codes: CompiledCodes | None) -> dict[str, frozenset[str] | None]:
    """Return which outputs of which components the texts in ``value`` read; None is all of them, or none can tell.

    Args:
        value: texts, lists and mappings.
        source: file and line that the text comes from, for errors.
        codes: compiled templates and expressions to reuse; None compiles again.
    """
    found: dict[str, frozenset[str] | None] = {}
    for root, *steps in paths_in(value, source, codes):
        if root != COMPONENTS:
            continue
        name, keys = (steps[0] if steps else ""), frozenset(steps[2:3]) or None
        if steps[1:2] in ([], [OUTPUTS]):
            known = found.get(name, frozenset())
            found[name] = None if keys is None or known is None else known | keys
    return found


def is_early(output: OutputSpec, codes: CompiledCodes | None) -> bool:
    """Return whether an output can be computed before the values of its bundle are."""
    return _LATE.isdisjoint(path[0] for path in paths_in(output.value, output.source, codes))


def compute_outputs(
    bundle: Bundle, outputs: Collection[OutputSpec], names: Mapping[str, object], codes: CompiledCodes | None
) -> dict[str, JSONValue]:
    """Return outputs by name.

    Args:
        bundle: whose they are.
        outputs: those to compute.
        names: what they see, but for ``bundle`` and ``generated``.
        codes: what is compiled of the bundle already.

    Raises:
        RenderError: when one cannot be computed.
    """
    if not outputs:
        return {}
    metadata = bundle.metadata
    about = {"name": metadata.name, "version": metadata.version, "app_version": metadata.app_version}
    seen = {**names, "bundle": {**about, "description": metadata.description}}
    if any(path[0] == "generated" for one in outputs for path in paths_in(one.value, one.source, codes)):
        seen["generated"] = {
            secret.name: {
                "secret": evaluate_text(secret.secret, seen, source=secret.source, codes=codes),
                "key": secret.key,
            }
            for secret in bundle.generate
        }
    return {one.name: evaluate_texts(one.value, seen, source=one.source, codes=codes) for one in outputs}


def component_names(path: str) -> dict[str, str]:
    """Return ``component`` as expressions and templates see it."""
    return {"name": path.rpartition("/")[2], "path": path}


def circle_error(way: Sequence[ComponentSpec]) -> ExpressionError:
    """Return the error for components that need each other's outputs to be computed."""
    names = [spec.name for spec in way]
    lines = [
        one.source.found(f"the values of {one.name} read outputs of {other}")
        for one, other in zip(way, names[1:], strict=False)
    ]
    return ExpressionError(
        "computing the values of components",
        context=[f"they read each other's outputs in a circle: {' -> '.join(names)}", *lines],
        hint="let one of these outputs follow from release.name and component.name alone, or write the value itself",
    )
