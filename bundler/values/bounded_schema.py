"""jsonschema's validators, made to end: every keyword is counted, and knows its place. Layer: values, pure.

Two references may lead to the same definition, and each of that one's two to the next: 40 such definitions are 2^40
ways. What a reference says about a value is remembered, so that each is followed once for each value. What is left is
counted, and the error names the place in the schema where the count ran out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing.exceptions import Unresolvable

from bundler.errors.bundle import BundleInvalidError
from bundler.model.json import Body, JSONValue, is_list, is_mapping
from bundler.model.place import at_place
from bundler.values.quick_check import has_only_unique
from bundler.values.schema_view import final_reference, nodes_of, pointer_in, resolve_reference

_MAX_STEPS = 500_000
_MAX_WAYS = 2_000
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
NOTHING: Body = {"not": {}}
"""The schema ``false``, as a keyword."""
_NAMED = frozenset({"properties", "patternProperties"})
_DATA = frozenset({"const", "enum", "default", "examples"})
_SAME_VALUE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies")


class _Link(NamedTuple):
    """One schema on the way that is followed."""

    name: str
    """The reference that led here; empty for a schema within a schema."""
    node: Body
    following: Iterator[tuple[str, Body]]


class Budget:
    """What one check of values against one schema may cost, and what it found out about references."""

    def __init__(self, schema: Body, file: str, max_steps: int) -> None:
        self._schema, self._file = schema, file
        self._max_steps = self._left = max_steps
        self.first_errors: dict[tuple[int, int], tuple[ValidationError, tuple[str | int, ...]] | None] = {}
        """By reference and value: the first error and where it was, None where the value fits."""

    def spend(self, schema: Body, keyword: str) -> None:
        """Count one keyword.

        Raises:
            BundleInvalidError: when the count runs out.
        """
        self._left -= 1
        if self._left < 0:
            raise BundleInvalidError(
                f"checking values against the schema {self._file}",
                context=[f"{self.place(schema, keyword)}: the check takes more than {self._max_steps:,} steps"],
                hint="use fewer alternatives and references, which multiply, or check less",
            )

    def place(self, schema: Body, keyword: str) -> str:
        """Return where a keyword of ``schema`` stands."""
        return f"{self._file}#{pointer_in(self._schema, schema)}/{keyword}"


def bounded_validator(schema: Body, registry: Any, file: str, *, max_steps: int = _MAX_STEPS) -> Any:
    """Return a validator for ``schema`` that ends by its budget.

    Args:
        schema: of the place.
        registry: of referenced schemas.
        file: of the schema, for errors.
        max_steps: budget of the check.

    Raises:
        BundleInvalidError: when references lead in a circle, which takes no step into the values, or multiply.
    """
    original = validator_class(schema)
    plain = _prepared(schema)
    ways = refuse_circle(plain, file)
    if any("unevaluated" in key for node, _ in nodes_of(plain) for key in node):
        _refuse_many_ways(ways, plain, file)
    make: Any = extend
    kind = make(original, _counted(Budget(plain, file, max_steps), original, plain))
    return kind(plain, registry=registry)


def validator_class(schema: Body) -> Any:
    """Return jsonschema's class for the dialect of ``schema``."""
    return Draft7Validator if "draft-07" in str(schema.get("$schema", "")) else Draft202012Validator


def refuse_circle(schema: Body, file: str) -> dict[int, int]:
    """Refuse references that lead back to themselves without a step into the values; a long chain is not a circle.

    Returns:
        By the identity of each schema: in how many ways a value is judged by it.

    Raises:
        BundleInvalidError: naming the references.
    """
    finished: dict[int, int] = {}
    for start, _ in nodes_of(schema):
        chain = {id(start): _Link("", start, _beside(schema, start))} if id(start) not in finished else {}
        while chain:
            here = next(reversed(chain.values()))
            name, node = next(here.following, ("", None))
            if node is None:
                below = (finished.get(id(target), 0) for _, target in _beside(schema, here.node))
                finished[id(here.node)] = 1 + sum(below)
                del chain[id(here.node)]
            elif id(node) in chain:
                names = [link.name for link in list(chain.values())[list(chain).index(id(node)) :]] + [name]
                raise _circle(file, [each for each in (name, *names[1:]) if each])
            elif id(node) not in finished:
                chain[id(node)] = _Link(name, node, _beside(schema, node))
    return finished


def _refuse_many_ways(ways: Mapping[int, int], schema: Body, file: str) -> None:
    """Refuse what jsonschema takes every way through, to find out what is evaluated already, uncounted."""
    worst, pointer = max((ways.get(id(node), 0), pointer) for node, pointer in nodes_of(schema))
    if worst > _MAX_WAYS:
        raise BundleInvalidError(
            f"reading the schema {file}",
            context=[f"{file}#{pointer}: its references lead to other schemas in more than {_MAX_WAYS:,} ways"],
            hint="avoid references that multiply under unevaluatedProperties or unevaluatedItems",
        )


def _circle(file: str, names: list[str]) -> BundleInvalidError:
    return BundleInvalidError(
        f"reading the schema {file}",
        context=[f"{file}#: its references lead in a circle, without a step into the values: {' → '.join(names)}"],
        hint="let each $ref end at a schema that is not a reference to itself",
    )


def _beside(root: Body, node: Body) -> Iterator[tuple[str, Body]]:
    """Yield the schemas that judge the same value as ``node``, with the reference that leads to each."""
    target = resolve_reference(root, node.get("$ref"))[0]
    if is_mapping(target):
        yield str(node["$ref"]), target
    for keyword in _SAME_VALUE:
        below = node.get(keyword)
        if is_mapping(below):
            branches = list(below.values()) if keyword.startswith("depend") else [below]
        else:
            branches = list(below) if is_list(below) else []
        yield from (("", branch) for branch in branches if is_mapping(branch))


def _counted(budget: Budget, kind: Any, schema: Body) -> dict[str, Callable[..., Iterator[ValidationError]]]:
    own = {"uniqueItems": _unique_items, "$ref": _followed(schema, kind.VALIDATORS["$ref"])}
    checks = {**kind.VALIDATORS, **own}
    for name in checks.keys() & _REFERENCES:
        checks[name] = _remembered(budget, checks[name])
    return {name: _step(budget, name, check) for name, check in checks.items()}


def _followed(root: Body, follow: Callable[..., Any]) -> Callable[..., Any]:
    """Return the check of ``$ref`` that goes to the end of a chain of references at once."""
    has_bases = any("$id" in node for node, pointer in nodes_of(root) if pointer)

    def reference(validator: Any, rule: Any, instance: Any, schema: Any) -> Any:
        target = None if has_bases or schema is root else final_reference(root, schema)
        if target is None or not rule.startswith("#"):
            return follow(validator, rule, instance, schema)
        return validator.descend(instance, target)

    return reference


def _step(budget: Budget, keyword: str, check: Callable[..., Any]) -> Callable[..., Iterator[ValidationError]]:
    def counted(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        budget.spend(schema, keyword)
        with at_place(lambda: budget.place(schema, keyword)):
            found = list(check(validator, rule, instance, schema) or ())
        yield from found

    return counted


def _remembered(budget: Budget, follow: Callable[..., Any]) -> Callable[..., Iterable[ValidationError]]:
    def reference(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterable[ValidationError]:
        met = (id(schema), id(instance))
        if met in budget.first_errors:
            first = budget.first_errors[met]
            return [] if first is None else [_again(*first)]
        try:
            found = list(follow(validator, rule, instance, schema))
        except ValueError as error:  # the library reads every script's digits as an index, and stumbles over some
            raise Unresolvable(ref=str(rule)) from error
        budget.first_errors[met] = (found[0], tuple(found[0].relative_path)) if found else None
        return found

    return reference


def _again(error: ValidationError, path: tuple[str | int, ...]) -> ValidationError:
    """Return an error found before as one of its own: each way to it adds its steps."""
    return ValidationError(
        error.message,
        validator=error.validator,
        path=path,
        context=error.context,
        validator_value=error.validator_value,
        instance=error.instance,
        schema=error.schema,
    )


def _unique_items(_validator: Any, rule: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if rule and is_list(instance) and not has_only_unique(instance):
        yield ValidationError("an item comes twice")


def _prepared(schema: JSONValue) -> Any:
    """Return a schema as jsonschema judges it best.

    No ``$schema`` in it leads away from the validator it is given to, and ``false`` for a property is spelled so that
    the error names the property.
    """
    if is_list(schema):
        return [_prepared(item) for item in schema]
    if not is_mapping(schema):
        return schema
    prepared = {
        key: value if key in _DATA else _prepared(value)
        for key, value in schema.items()
        if key != "$schema" or not isinstance(value, str)
    }
    for keyword in _NAMED & prepared.keys():
        if is_mapping(named := prepared[keyword]):
            prepared[keyword] = {key: NOTHING if value is False else value for key, value in named.items()}
    return prepared
