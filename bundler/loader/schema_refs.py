"""values.schema.json and the files it refers to, as one document. Layer: loader, pure.

A ``$ref`` to another file of the bundle is followed: that file becomes an entry of ``$defs`` and the reference points
there, so that validators, which see the one document, never look for anything.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from bundler.model.json import JSONValue
from bundler.model.manifest import Source
from bundler.model.pattern import LazyPattern
from bundler.syntax.json_text import read_json

if TYPE_CHECKING:
    from bundler.loader.problems import Problems
    from bundler.model.bundle import BundleFile

SCHEMA_FILE = "values.schema.json"

_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"})
"""Keywords whose values are mappings of free names to schemas."""
_DATA = frozenset({"const", "enum", "default", "examples"})
"""Keywords whose values are not schemas."""
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_MAX_DEPTH = 100
_UNSAFE = LazyPattern(r"[^A-Za-z0-9._-]")
_SCHEME = LazyPattern(r"[A-Za-z][A-Za-z0-9+.-]*:|//")

_Schema: TypeAlias = "dict[str, JSONValue]"


def load_schema(files: Mapping[str, BundleFile], *, prefix: str, problems: Problems) -> _Schema | None:
    """Return values.schema.json with references to files resolved; None where there is none, or it cannot be read.

    Args:
        files: of the bundle, by path.
        prefix: of every path that is reported.
        problems: collects what is wrong.
    """
    if SCHEMA_FILE not in files:
        return None
    return _Collector(files, prefix, problems).root()


class _Collector:
    def __init__(self, files: Mapping[str, BundleFile], prefix: str, problems: Problems) -> None:
        self._files = files
        self._prefix = prefix
        self._problems = problems
        self._included: _Schema = {}
        self._waiting: list[str] = []
        self._names = {SCHEMA_FILE: ""}

    def root(self) -> _Schema | None:
        """Resolve the whole document."""
        schema = self._parsed(SCHEMA_FILE)
        if schema is None:
            return None
        resolved = self._walked(schema, SCHEMA_FILE, 0)
        while self._waiting:
            path = self._waiting.pop()
            included = self._parsed(path)
            if included is not None:
                walked = self._walked(included, path, 0)
                walked.pop("$id", None)  # it would move the base of what is resolved inside
                walked.pop("$schema", None)
                self._included[self._names[path]] = walked
        if self._included:
            own = resolved.get("$defs")
            resolved["$defs"] = {**(own if isinstance(own, dict) else {}), **self._included}
        return resolved

    def _parsed(self, path: str) -> _Schema | None:
        try:
            text = self._files[path].content.decode().removeprefix("\ufeff")
            value = read_json(text)
        except UnicodeDecodeError:
            self._add(path, 1, "is not UTF-8 text")
        except json.JSONDecodeError as error:
            self._add(path, error.lineno, f"column {error.colno}: not JSON: {error.msg}")
        except RecursionError:
            self._add(path, 0, f"nested deeper than the limit of {_MAX_DEPTH}")
        except ValueError as error:
            self._add(path, 0, f"not JSON: {error}")
        else:
            if isinstance(value, dict):
                return value
            self._add(path, 1, "must be a JSON object")
        return None

    def _walked(self, schema: _Schema, path: str, depth: int) -> _Schema:
        walked: _Schema = {}
        for key, value in schema.items():
            if key in _REFERENCES and isinstance(value, str):
                walked[key] = self._reference(value, path)
            elif key == "$id" and depth:
                self._add(path, self._line_of(path, '"$id"'), "$id below the root is not supported; use $defs")
            elif key in _DATA:
                walked[key] = value
            elif key in _NAMED and isinstance(value, dict):
                walked[key] = {name: self._inner(inner, path, depth) for name, inner in value.items()}
            else:
                walked[key] = self._inner(value, path, depth)
        return walked

    def _inner(self, value: JSONValue, path: str, depth: int) -> JSONValue:
        if depth > _MAX_DEPTH:
            self._add(path, 0, f"nested deeper than the limit of {_MAX_DEPTH}")
            return None
        if isinstance(value, dict):
            return self._walked(value, path, depth + 1)
        if isinstance(value, list):
            return [self._inner(item, path, depth + 1) for item in value]
        return value

    def _reference(self, reference: str, path: str) -> str:
        name, _, fragment = reference.partition("#")
        if _SCHEME.match(name):
            self._refuse(reference, path, "leads out of the bundle; put the schema into a file of the bundle")
            return reference
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) if name else path
        if target.startswith(("../", "/")) or target == "..":
            self._refuse(reference, path, "leads out of the bundle; put the schema into a file of the bundle")
        elif target not in self._files:
            self._refuse(reference, path, f"names {target}, which is not a file of the bundle")
        elif target != SCHEMA_FILE and fragment and not fragment.startswith("/"):
            self._refuse(reference, path, "names an anchor in another file; write the path, like #/$defs/port")
        else:
            return f"#{self._place_of(target)}{fragment}"
        return reference

    def _place_of(self, target: str) -> str:
        if target not in self._names:
            # plain characters only, so that no reader of the reference has anything to unescape
            name = f"file-{_UNSAFE.sub('-', target)}"
            self._names[target] = f"{name}-{len(self._names)}" if name in self._names.values() else name
            self._waiting.append(target)
        return f"/$defs/{self._names[target]}" if self._names[target] else ""

    def _refuse(self, reference: str, path: str, found: str) -> None:
        self._add(path, self._line_of(path, json.dumps(reference)), f'$ref "{reference}" {found}')

    def _line_of(self, path: str, text: str) -> int:
        before, found, _ = self._files[path].content.decode("utf-8", "replace").partition(text)
        return before.count("\n") + 1 if found else 0

    def _add(self, path: str, line: int, message: str) -> None:
        self._problems.add(Source(f"{self._prefix}{path}", line), message)
