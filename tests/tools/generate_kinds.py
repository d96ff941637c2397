"""Write bundler/fields/kinds.json from the OpenAPI v3 documents of a Kubernetes release.

Usage: python -m tests.tools.generate_kinds FOLDER [--version v1.36.2]

FOLDER is ``api/openapi-spec/v3`` of Kubernetes' source (in the Go module cache once tests/controlplane is built), or a
folder of ``/openapi/v3/...`` answers of a server. Only facts that bundler needs are kept; see bundler/fields/kinds.py
for the format.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from bundler.fields.schema import mark_keyed

TARGET = Path(__file__).parents[2] / "bundler" / "fields" / "kinds.json"
SPECIAL = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "q",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "x",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "t",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "m",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "u",
}
SCALARS = {"string": "s", "integer": "i", "boolean": "b", "number": "n"}
ITEM_PATH = re.compile(
    r"^/(?:api/(?P<core>v[^/]+)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))/"
    r"(?P<ns>namespaces/\{namespace\}/)?(?P<plural>[a-z]+)(?P<item>/\{name\})?(?P<sub>/[a-z]+)?$"
)


class Encoder:
    """Turns OpenAPI schemas into the compact form; named definitions become indexes into one table."""

    def __init__(self, definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        self._index: dict[str, int] = {}
        self.table: list[Any] = []

    def ref(self, name: str) -> Any:
        if name in SPECIAL:
            return SPECIAL[name]
        if name not in self._index:
            self._index[name] = len(self.table)
            self.table.append(None)
            self.table[self._index[name]] = self.encode(self._definitions[name])
        return self._index[name]

    def encode(self, schema: dict[str, Any]) -> Any:
        target = schema.get("$ref") or (schema["allOf"][0]["$ref"] if len(schema.get("allOf", ())) == 1 else "")
        if target:
            inner = self.ref(target.rsplit("/", 1)[-1])
            # An override at the reference: {"$": the definition, "a": atomic or not}.
            atomic = schema.get("x-kubernetes-map-type")
            return {"$": inner, "a": int(atomic == "atomic")} if atomic else inner
        match schema.get("type"):
            case "array":
                return self._list(schema)
            case "object":
                return self._map(schema)
            case "string" if schema.get("format") == "byte":
                return "y"
            case "string" if schema.get("format") == "date-time":
                return "t"
            case None:
                return "a"
            case scalar:
                return SCALARS[scalar]

    def _list(self, schema: dict[str, Any]) -> Any:
        node: dict[str, Any] = {"i": self.encode(schema["items"])}
        kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys")
        if kind is None and "merge" in schema.get("x-kubernetes-patch-strategy", "").split(","):
            key = schema.get("x-kubernetes-patch-merge-key")
            kind, keys = ("map", [key]) if key else ("set", None)
        if kind == "map":
            fields = self._resolve(schema["items"])["properties"]
            keys = keys or []
            defaults = {key: fields[key]["default"] for key in keys if fields[key].get("default") is not None}
            node |= {"k": keys, "d": defaults} if defaults else {"k": keys}
        elif kind == "set":
            node["t"] = 1
        return node

    def _map(self, schema: dict[str, Any]) -> Any:
        node: dict[str, Any] = {}
        if schema.get("properties"):
            node["f"] = {name: self.encode(member) for name, member in sorted(schema["properties"].items())}
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            # A map of quantities is a ResourceList, whose amounts the server rounds up to thousandths.
            node["v"] = {"q": "l"}.get(value, value) if isinstance(value := self.encode(extra), str) else value
        elif not schema.get("properties"):
            node["v"] = "a"
        if schema.get("required"):
            node["r"] = schema["required"]
        if schema.get("x-kubernetes-map-type") == "atomic":
            node["a"] = 1
        return node

    def _resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        target = schema.get("$ref") or (schema["allOf"][0]["$ref"] if schema.get("allOf") else "")
        return self._definitions[target.rsplit("/", 1)[-1]] if target else schema


def read_documents(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    definitions: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for file in sorted(folder.glob("*.json")):
        document = json.loads(file.read_text())
        paths |= document.get("paths", {})
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            definitions.setdefault(name, schema)
    return definitions, paths


def served_kinds(paths: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return (group, kind) -> plural, namespaced, versions, subresources."""
    kinds: dict[tuple[str, str], dict[str, Any]] = {}
    subresources: dict[tuple[str, str], set[str]] = {}
    for path, operations in paths.items():
        found = ITEM_PATH.match(path)
        if not found:
            continue
        group, version = found["group"] or "", found["core"] or found["version"]
        if found["sub"]:
            subresources.setdefault((group, found["plural"]), set()).add(found["sub"][1:])
            continue
        if found["item"] or "post" not in operations:
            continue
        kind = operations["post"]["x-kubernetes-group-version-kind"]["kind"]
        row = kinds.setdefault(
            (group, kind), {"plural": found["plural"], "namespaced": bool(found["ns"]), "versions": []}
        )
        row["versions"].append(version)
    for (group, _), row in kinds.items():
        row["subresources"] = subresources.get((group, row["plural"]), set())
    return kinds


def newest_first(version: str) -> tuple[int, int, int]:
    """Order versions as Kubernetes prefers them: stable, beta, alpha, each newest first."""
    found = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if found is None:
        raise ValueError(f"{version} is not a version")
    return ({None: 0, "beta": 1, "alpha": 2}[found[2]], -int(found[1]), -int(found[3] or 0))


def shrink(table: list[Any], roots: list[list[Any]]) -> list[Any]:
    """Merge equal definitions until nothing changes, and renumber; ``roots`` end in a table index."""
    while True:
        first: dict[str, int] = {}
        target = [first.setdefault(json.dumps(node, sort_keys=True), index) for index, node in enumerate(table)]
        kept = sorted(set(target))
        number = {old: new for new, old in enumerate(kept)}
        moved = [number[index] for index in target]
        shrunk = [renumber(table[index], moved) for index in kept]
        for root in roots:
            root[-1] = {version: moved[index] for version, index in root[-1].items()}
        if len(shrunk) == len(table):
            return shrunk
        table = shrunk


def mark_all_keyed(table: list[Any]) -> None:
    """Mark where lists with keys stand at or below; definitions refer to each other, so until nothing changes."""
    before, after = -1, 0
    while before != after:
        before, after = after, sum([mark_keyed(node, table) for node in table])


def renumber(node: Any, moved: list[int]) -> Any:
    if isinstance(node, int):
        return moved[node]
    if isinstance(node, str):
        return node
    changed = dict(node)
    for key in ("$", "i", "v"):
        if key in node:
            changed[key] = renumber(node[key], moved)
    if "f" in node:
        changed["f"] = {name: renumber(member, moved) for name, member in node["f"].items()}
    return changed


def generate(folder: Path, release: str) -> str:
    definitions, paths = read_documents(folder)
    by_gvk = {
        (gvk["group"], gvk["version"], gvk["kind"]): name
        for name, schema in definitions.items()
        for gvk in schema.get("x-kubernetes-group-version-kind", ())
    }
    encoder = Encoder(definitions)
    metadata = encoder.ref("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
    rows: list[list[Any]] = [["", "", "", "", {"meta": metadata}]]
    for (group, kind), row in sorted(served_kinds(paths).items()):
        flags = ("n" if row["namespaced"] else "") + "".join(
            sub[1] for sub in ("status", "scale") if sub in row["subresources"]
        )
        versions = {
            version: encoder.ref(by_gvk[group, version, kind])
            for version in sorted(row["versions"], key=newest_first)
            if (group, version, kind) in by_gvk
        }
        rows.append([group, kind, row["plural"], flags, versions])
    table = shrink(encoder.table, rows)
    mark_all_keyed(table)
    _, *kinds = rows
    return written({"release": release, "metadata": rows[0][-1]["meta"], "kinds": kinds, "schemas": table})


def written(data: dict[str, Any]) -> str:
    lines = [
        f'{{"release":{json.dumps(data["release"])},"metadata":{data["metadata"]},',
        '"kinds":[',
        ",\n".join(json.dumps(row, separators=(",", ":")) for row in data["kinds"]),
        '],"schemas":[',
        ",\n".join(json.dumps(node, separators=(",", ":")) for node in data["schemas"]),
        "]}",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--version", default="v1.36.2")
    arguments = parser.parse_args()
    TARGET.write_text(generate(arguments.folder, arguments.version))
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
