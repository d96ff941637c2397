"""Octal numbers and words such as ``yes`` where Kubernetes wants a number or a truth value. Layer: planning, pure.

Public manifests hold ``defaultMode: 0755`` and ``optional: yes``, which kubectl reads by YAML 1.1: 493 and true. Here
they are texts, so that no tag and no zip code is damaged. Where the schema of a built-in kind wants an integer or a
boolean, a text of such a spelling is what YAML 1.1 makes of it, and a notice says so.

Source: yaml.org/type/bool, yaml.org/type/int.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.fields.kinds import schema_for
from bundler.model.json import JSONValue, is_list, is_mapping
from bundler.model.lean import dataclass, replace
from bundler.model.manifest import Manifest
from bundler.model.pattern import LazyPattern

if TYPE_CHECKING:
    from bundler.fields.schema import SchemaNode

_TRUE = frozenset("y Y yes Yes YES on On ON".split())  # noqa: SIM905 - reads better
_FALSE = frozenset("n N no No NO off Off OFF".split())  # noqa: SIM905 - as above
_OCTAL = LazyPattern(r"[-+]?0[0-7]+")
_ODD = LazyPattern(
    r"""[:-][ ]+["']?(?:[-+]?0[0-7]+|[yY]|[yY]es|YES|[oO]n|ON|[nN]|[nN]o|NO|[oO]ff|OFF)["']?[ ]*(?:[\n,}\]#]|$)"""
)


@dataclass(frozen=True, slots=True)
class OldReading:
    """One value that was read as YAML 1.1 has it."""

    path: str
    text: str
    value: int

    def __str__(self) -> str:
        """Say where, and what it is read as."""
        shown = str(self.value).lower()
        return f"{self.path}: {self.text} is read as {shown}, as YAML 1.1 has it; write {shown}"


def may_hold_older_yaml(text: str) -> bool:
    """Return whether a rendered text has such a spelling anywhere; most have none, and need not be checked further."""
    return _ODD.search(text) is not None


def as_written(manifest: Manifest) -> tuple[Manifest, tuple[OldReading, ...]]:
    """Return an object as `read_older_yaml` does, where no text has such a spelling."""
    return manifest, ()


def read_older_yaml(manifest: Manifest) -> tuple[Manifest, tuple[OldReading, ...]]:
    """Return an object with its fields as YAML 1.1 has them where the schema wants that, and what was read so."""
    group, _, version = manifest.api_version.rpartition("/")
    schema = schema_for(group, version, manifest.ref.kind)
    found: list[OldReading] = []
    body = manifest.body if schema is None else _read(manifest.body, schema, "", found)
    return (replace(manifest, body=body) if found and is_mapping(body) else manifest), tuple(found)


def _read(value: JSONValue, schema: SchemaNode, path: str, found: list[OldReading]) -> JSONValue:
    if is_mapping(value):
        below = {name: schema.field(name) for name in value}
        return {
            name: item if (node := below[name]) is None else _read(item, node, f"{path}.{name}".lstrip("."), found)
            for name, item in value.items()
        }
    if is_list(value):
        items = schema.items
        return [item if items is None else _read(item, items, f"{path}[{at}]", found) for at, item in enumerate(value)]
    read = _older(value, schema.scalar) if isinstance(value, str) else None
    if read is None:
        return value
    found.append(OldReading(path, str(value), read))
    return read


def _older(text: str, wanted: str) -> int | None:
    if wanted == "boolean" and text in _TRUE | _FALSE:
        return text in _TRUE
    return int(text, 8) if wanted == "integer" and _OCTAL.fullmatch(text) else None
