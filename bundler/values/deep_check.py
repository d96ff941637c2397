"""Ask jsonschema for every violation and say each in words. Layer: values, pure.

With ``bounded_schema`` the only importer of jsonschema; imported only once the quick check has not answered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from referencing import Registry
from referencing.exceptions import Unresolvable

from bundler.errors.bundle import BundleInvalidError
from bundler.model.json import Body, JSONValue, is_list, mapping_at, strings_at, type_name
from bundler.values.bounded_schema import NOTHING, bounded_validator, validator_class
from bundler.values.paths import pointer_to
from bundler.values.problems import MAX_SUGGESTIONS, closest, shown_value
from bundler.values.schema_view import Same

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

    from bundler.model.values import Pointer

_CHOOSING = ("const", "enum")
_NOT_ALLOWED = "{value} is not allowed: the schema says false"
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


class Violation(NamedTuple):
    """One broken rule."""

    pointer: Pointer
    rule: str
    """In words; the first ``{value}`` stands where the offending value is to be shown."""
    value: JSONValue
    is_missing: bool = False
    """True when the value at ``pointer`` is required and not there."""


def check_schema(schema: Body, file: str) -> None:
    """Check that ``schema`` is a JSON Schema.

    Raises:
        BundleInvalidError: naming every place in ``file``.
    """
    kind = validator_class(schema)
    wrong = sorted(
        {
            _schema_sentence(error, file)
            for error in kind(kind.META_SCHEMA, format_checker=kind.FORMAT_CHECKER).iter_errors(schema)
        }
    )
    if wrong:
        raise BundleInvalidError(
            f"reading the schema {file}",
            context=wrong,
            hint="correct the schema; JSON Schema 2020-12 and 07 are understood",
        )


@lru_cache(maxsize=8)
def _check_once(schema: Same[Body], file: str) -> None:
    """Check a schema that many values are checked against."""
    check_schema(schema.thing, file)


def _schema_sentence(error: ValidationError, file: str) -> str:
    path = list(error.absolute_path)
    said = error.message[:200]
    if path and path[-1] == "type" and error.validator in ("anyOf", "enum"):
        said = f"there is no type {json.dumps(_as_json(error.instance))[:100]}; types are {', '.join(_TYPES)}"
    return f"{file}#{pointer_to(path)}: {said}"


def find_violations(schema: Body, data: Body, file: str) -> list[Violation]:
    """Return every violation of ``schema`` by ``data``.

    Args:
        schema: of the place.
        data: to check.
        file: of the schema, for errors.

    Raises:
        BundleInvalidError: when ``schema`` is not a schema, or has a reference to outside itself.
    """
    _check_once(Same(schema), file)
    # A registry of our own: the default one would fetch remote references from the network.
    validator = bounded_validator(schema, Registry(), file)
    try:
        return [found for error in validator.iter_errors(data) for found in _violations(error)]
    except RecursionError as error:
        raise BundleInvalidError(
            f"reading the schema {file}",
            context=[f"{file}#: its schemas are in each other more deeply than can be followed"],
            hint="shorten the chain of references",
        ) from error
    except Unresolvable as error:
        raise BundleInvalidError(
            f"reading the schema {file}",
            context=[f"{file}: the reference {error.ref} leads nowhere"],
            hint="name a place in the same bundle: #/$defs/NAME",
        ) from error


def _violations(error: ValidationError) -> list[Violation]:
    pointer = pointer_to(list(error.absolute_path))
    instance = _as_json(error.instance)
    if error.validator == "required":
        absent = [key for key in strings_at(_as_json(error.validator_value)) if key not in mapping_at(instance)]
        return [
            Violation(f"{pointer}{pointer_to([key])}", "required value is missing", None, is_missing=True)
            for key in absent
        ]
    if error.validator == "additionalProperties" and error.validator_value is False:
        return _extra(mapping_at(_as_json(error.schema)), mapping_at(instance), pointer)
    if error.validator in ("anyOf", "oneOf") and error.context:
        return _alternatives(error.context, instance, pointer)
    if _is_false(error):
        return [Violation(pointer, _NOT_ALLOWED, instance)]
    about = "the key " if "propertyNames" in error.relative_schema_path else ""
    return [Violation(pointer, f"{about}{_in_words(error, instance)}", instance)]


def _extra(schema: Body, instance: Body, pointer: Pointer) -> list[Violation]:
    known = mapping_at(schema, "properties")
    patterns = [re.compile(pattern) for pattern in mapping_at(schema, "patternProperties")]
    extra = [key for key in instance if key not in known and not any(pattern.search(key) for pattern in patterns)]
    return [
        Violation(
            f"{pointer}{pointer_to([key])}",
            f"unknown key{_suggested(key, list(known)) if number < MAX_SUGGESTIONS else ''}",
            instance[key],
        )
        for number, key in enumerate(extra)
    ]


def _alternatives(errors: Iterable[ValidationError], instance: JSONValue, pointer: Pointer) -> list[Violation]:
    branches: dict[object, list[ValidationError]] = {}
    for error in errors:
        if not _is_false(error):  # an alternative that says false is never meant
            branches.setdefault(error.relative_schema_path[0], []).append(error)
    if not branches:
        return [Violation(pointer, _NOT_ALLOWED, instance)]
    if all(_is_other_type(branch) for branch in branches.values()):
        types = [str(branch[0].validator_value) for branch in branches.values()]
        return [Violation(pointer, _say_type(list(dict.fromkeys(types)), instance), instance)]
    return [found for error in min(branches.values(), key=_branch_rank) for found in _violations(error)]


def _is_false(error: ValidationError) -> bool:
    """Return whether it is the schema ``false`` that was broken."""
    schema: Any = error.schema
    return schema is False or schema == NOTHING


def _is_other_type(errors: Sequence[ValidationError]) -> bool:
    return errors[0].validator == "type" and isinstance(errors[0].validator_value, str) and not errors[0].relative_path


def _suggested(key: str, known: Sequence[str]) -> str:
    meant = closest(key, known)
    return f'; did you mean "{meant}"?' if meant else ""


def _branch_rank(errors: Sequence[ValidationError]) -> tuple[bool, bool, int]:
    """Rank a branch by how far it is from what was meant.

    A branch is another one's when the property that tells them apart (``const``, ``enum``) differs, or when the value
    as a whole is of another type; among the rest the one with the fewest errors is meant.
    """
    is_other_variant = any(error.validator in _CHOOSING and len(error.relative_path) for error in errors)
    is_other_type = any(error.validator == "type" and not error.relative_path for error in errors)
    return is_other_variant, is_other_type, len(errors)


def _in_words(error: ValidationError, instance: JSONValue) -> str:
    say = _WORDS.get(str(error.validator))
    if say is None:
        return f"{{value}} breaks the rule {error.validator} of the schema"
    return say(_as_json(error.validator_value), instance)


def _as_json(value: Any) -> JSONValue:
    result: JSONValue = value
    return result


def _say_type(rule: JSONValue, value: JSONValue) -> str:
    wanted = " or ".join(strings_at(rule)) if is_list(rule) else str(rule)
    hint = ""
    if "string" in wanted and type_name(value) in ("integer", "number", "boolean"):
        hint = f", and reads as {type_name(value)}: put it in quotes"
    return f"{{value}} must be {wanted}{hint}"


def _say_choice(rule: JSONValue, _value: JSONValue) -> str:
    choices = list(rule) if is_list(rule) else [rule]
    return f"{{value}} must be one of {', '.join(shown_value(item, is_sensitive=False) for item in choices)}"


def _say_const(rule: JSONValue, _value: JSONValue) -> str:
    return f"{{value}} must be {shown_value(rule, is_sensitive=False)}"


def _sentence(words: str) -> Callable[[JSONValue, JSONValue], str]:
    def say(rule: JSONValue, _value: JSONValue) -> str:
        return words.replace("{rule}", str(rule))

    return say


_WORDS: dict[str, Callable[[JSONValue, JSONValue], str]] = {
    "type": _say_type,
    "enum": _say_choice,
    "const": _say_const,
    "minimum": _sentence("{value} is less than the minimum of {rule}"),
    "maximum": _sentence("{value} is more than the maximum of {rule}"),
    "exclusiveMinimum": _sentence("{value} must be more than {rule}"),
    "exclusiveMaximum": _sentence("{value} must be less than {rule}"),
    "multipleOf": _sentence("{value} is not a multiple of {rule}"),
    "minLength": _sentence("{value} is shorter than {rule} characters"),
    "maxLength": _sentence("{value} is longer than {rule} characters"),
    "pattern": _sentence("{value} does not match the pattern {rule}"),
    "minItems": _sentence("has fewer than {rule} items"),
    "maxItems": _sentence("has more than {rule} items"),
    "uniqueItems": _sentence("has an item twice"),
    "minProperties": _sentence("has fewer than {rule} keys"),
    "maxProperties": _sentence("has more than {rule} keys"),
    "oneOf": _sentence("fits more than one of the alternatives, and exactly one is allowed"),
    "not": _sentence("{value} is what the schema excludes"),
    "contains": _sentence("has no item of the kind that the schema asks for"),
    "dependentRequired": _sentence("lacks a key that another key here requires"),
    "unevaluatedProperties": _sentence("has a key that no part of the schema knows"),
}
