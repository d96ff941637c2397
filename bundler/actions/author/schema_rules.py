"""What is valid in a values schema and hardly meant: slow patterns, misspelt keywords. Layer: actions, pure."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Final

from bundler.actions.author.moved_values import moved_problems
from bundler.fields.slow_patterns import find_ambiguity
from bundler.model.finding import Level
from bundler.model.json import is_list, is_mapping
from bundler.model.lean import dataclass, replace
from bundler.model.size import shortened
from bundler.values.schema_view import MOVED_TO, SCHEMA_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.model.bundle import Bundle
    from bundler.model.json import Body, JSONValue

_NAMED: Final = frozenset({
    "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies", "dependentRequired",
})  # fmt: skip
"""Keywords whose values are mappings with free names."""
_DATA: Final = frozenset({"const", "enum", "default", "examples"})
_KEYWORDS: Final = frozenset({
    "$anchor", "$comment", "$defs", "$dynamicAnchor", "$dynamicRef", "$id", "$ref", "$schema", "$vocabulary",
    "additionalItems", "additionalProperties", "allOf", "anyOf", "const", "contains", "contentEncoding",
    "contentMediaType", "contentSchema", "default", "definitions", "dependencies", "dependentRequired",
    "dependentSchemas", "deprecated", "description", "else", "enum", "examples", "exclusiveMaximum",
    "exclusiveMinimum", "format", "if", "immutable", "items", "maxContains", "maxItems", "maxLength", "maxProperties",
    "maximum", "minContains", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "not", "oneOf",
    "pattern", "patternProperties", "prefixItems", "properties", "propertyNames", "readOnly", "required", "then",
    "title", "type", "unevaluatedItems", "unevaluatedProperties", "uniqueItems", "writeOnly",
})  # fmt: skip
"""Source: JSON Schema 2020-12 and draft 07, their meta-schemas; and ``immutable``, which is ours."""
_REPEATED_GROUP: Final = (")*", ")+", "){")
_NEAR: Final = 0.8
_SHOWN_CHARS: Final = 100


@dataclass(frozen=True, slots=True)
class SchemaRemark:
    """One place in a schema that deserves a look."""

    file: str
    line: int
    rule: str
    message: str
    hint: str
    level: Level = Level.WARNING


def schema_remarks(bundle: Bundle) -> Iterator[SchemaRemark]:
    """Yield what is wrong with a bundle's schema although it is one."""
    for schema in _schemas(bundle.schema):
        yield from _slow_patterns(schema, bundle)
        yield from _misspelt(schema, bundle)
    for schema, message, hint in moved_problems(bundle, _schemas(bundle.schema)):
        named = schema[MOVED_TO]
        remark = _remark(bundle, named if isinstance(named, str) else MOVED_TO, "moved-value", message, hint)
        yield replace(remark, level=Level.ERROR)


def _schemas(schema: JSONValue) -> Iterator[Body]:
    """Yield a schema and all schemas in it."""
    pending = [schema]
    while pending:
        here = pending.pop()
        if is_list(here):
            pending += here
        elif is_mapping(here):
            yield here
            for key, value in here.items():
                if key in _NAMED:
                    pending += value.values() if is_mapping(value) else ()
                elif key not in _DATA:
                    pending.append(value)


def _slow_patterns(schema: Body, bundle: Bundle) -> Iterator[SchemaRemark]:
    pattern, named = schema.get("pattern"), schema.get("patternProperties")
    for text in ([pattern] if isinstance(pattern, str) else []) + (list(named) if is_mapping(named) else []):
        found = find_ambiguity(text) if any(sign in text for sign in _REPEATED_GROUP) else ""
        if found:
            message = f'the pattern "{shortened(text, _SHOWN_CHARS)}" can take minutes to search: {found}'
            yield _remark(bundle, text, "slow-pattern", message, "let each text fit in one way")


def _misspelt(schema: Body, bundle: Bundle) -> Iterator[SchemaRemark]:
    for word in schema:
        if word in _KEYWORDS or word.startswith("x-"):
            continue
        near = difflib.get_close_matches(word, _KEYWORDS, n=1, cutoff=_NEAR)
        if near:
            message = f'"{shortened(word, _SHOWN_CHARS)}" is not a keyword of JSON Schema and checks nothing'
            yield _remark(bundle, word, "schema-keyword", message, f"did you mean {near[0]}?")


def _remark(bundle: Bundle, text: str, rule: str, message: str, hint: str) -> SchemaRemark:
    file, line = _place_of(bundle, json.dumps(text, ensure_ascii=False))
    return SchemaRemark(file, line, rule, message, hint)


def _place_of(bundle: Bundle, quoted: str) -> tuple[str, int]:
    """Return the file and line that hold a text; a schema may be made of several files."""
    candidates = [SCHEMA_FILE, *(path for path in sorted(bundle.files) if path.endswith(".json"))]
    for path in candidates:
        content = bundle.files[path].content.decode("utf-8", "replace") if path in bundle.files else ""
        before, found, _ = content.partition(quoted)
        if found:
            return path, before.count("\n") + 1
    return SCHEMA_FILE, 0
