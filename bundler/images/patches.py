"""Patches of the operator's own on rendered objects. Layer: images, pure.

Source: RFC 7396 (JSON merge patch), RFC 6902 (JSON patch), RFC 6901 (pointers).
"""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

from bundler.errors.change import SitePatchError
from bundler.model.digits import parse_digits
from bundler.model.json import is_list, is_mapping, mapping_at, text_at
from bundler.model.labels import PREFIX
from bundler.model.lean import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bundler.model.json import Body, JSONValue
    from bundler.model.manifest import Manifest
    from bundler.model.site import SitePatch

_HINT = "correct the patch in the site file; `bundler template` shows the objects, `bundler site check` the patches"
_IDENTITY = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))


class PatchProblemError(ValueError):
    """An operation that cannot be carried out."""


def apply_patches(
    manifests: Iterable[Manifest], patches: Sequence[SitePatch]
) -> tuple[tuple[Manifest, ...], tuple[str, ...]]:
    """Return the objects with the patches that fit them, in the order of the site file; and what fits nothing.

    A site file serves several bundles, so a patch that fits none of these objects is worth a sentence, not a refusal.

    Raises:
        SitePatchError: with every patch that cannot be carried out, or changes what an object is.
    """
    result = list(manifests)
    problems: list[str] = []
    idle: list[str] = []
    for patch in patches:
        fitting = [index for index, one in enumerate(result) if fits(patch, one)]
        if not fitting:
            idle.append(f"{patch.source}: the patch of {patch.target} fits no object of this release")
        for index in fitting:
            try:
                result[index] = _patched(result[index], patch)
            except PatchProblemError as error:
                problems.append(f"{patch.source}: {result[index].ref.short}: {error}")
    if problems:
        raise SitePatchError("patching objects as the site file says", context=sorted(problems), hint=_HINT)
    return tuple(result), tuple(idle)


def fits(patch: SitePatch, manifest: Manifest) -> bool:
    """Tell whether a patch is about an object."""
    ref = manifest.ref
    is_kind = ref.kind == patch.kind and patch.group in {None, ref.group}
    return is_kind and fnmatch.fnmatchcase(ref.name, patch.name)


def _patched(manifest: Manifest, patch: SitePatch) -> Manifest:
    body: JSONValue = manifest.body
    if patch.merge is not None:
        body = merge_patch(body, patch.merge)
    for operation in patch.operations:
        body = patch_once(body, operation)
    if not is_mapping(body):
        raise PatchProblemError("it leaves no object")
    for path in _IDENTITY:
        if text_at(body, *path) != text_at(manifest.body, *path):
            raise PatchProblemError(f"it changes {'.'.join(path)}, by which the object is found again")
    for field in ("labels", "annotations"):
        if _own(body, field) != _own(manifest.body, field):
            raise PatchProblemError(f"it changes {field} of bundler's own")
    return replace(manifest, body=body)


def _own(body: Body, field: str) -> dict[str, JSONValue]:
    return {key: value for key, value in mapping_at(body, "metadata", field).items() if key.startswith(PREFIX)}


def merge_patch(target: JSONValue, patch: JSONValue) -> JSONValue:
    """Return ``target`` with a JSON merge patch: mappings merge, null removes, all else replaces."""
    if not is_mapping(patch):
        return patch
    merged = dict(target) if is_mapping(target) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def patch_once(target: JSONValue, operation: Mapping[str, JSONValue]) -> JSONValue:
    """Return ``target`` with one operation of a JSON patch: add, remove, replace or test.

    Raises:
        PatchProblemError: when it cannot be carried out.
    """
    kind, path = operation.get("op"), str(operation.get("path", ""))
    if kind not in {"add", "remove", "replace", "test"} or (path and not path.startswith("/")):
        raise PatchProblemError(
            f"{kind} {path} is not an operation; use add, remove, replace or test with a path like /a/b"
        )
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")[1:]]
    if kind != "remove" and "value" not in operation:
        raise PatchProblemError(f"{kind} {path} has no value")
    if not tokens:
        raise PatchProblemError(f"{kind} of the whole object is not possible")
    return _changed(target, tokens, str(kind), operation.get("value"), path)


def _changed(here: JSONValue, tokens: Sequence[str], kind: str, value: JSONValue, path: str) -> JSONValue:
    token, rest = tokens[0], tokens[1:]
    if is_mapping(here):
        changed = dict(here)
        if rest or kind != "add":
            if token not in here:
                raise PatchProblemError(f"{kind} {path}: there is no {token}")
            if kind == "remove" and not rest:
                del changed[token]
                return changed
        changed[token] = _below(here.get(token), rest, kind, value, path)
        return changed
    if is_list(here):
        return _changed_list(list(here), tokens, kind, value, path)
    raise PatchProblemError(f"{kind} {path}: {token} is below a plain value")


def _changed_list(items: list[JSONValue], tokens: Sequence[str], kind: str, value: JSONValue, path: str) -> JSONValue:
    token, rest = tokens[0], tokens[1:]
    is_end = token == "-" and kind == "add" and not rest  # noqa: S105 - a step of a pointer
    index = len(items) if is_end else parse_digits(token)
    inserts = kind == "add" and not rest
    if index is None or index >= len(items) + inserts:
        raise PatchProblemError(f"{kind} {path}: there is no item {token}")
    if inserts:
        items.insert(index, value)
    elif kind == "remove" and not rest:
        del items[index]
    else:
        items[index] = _below(items[index], rest, kind, value, path)
    return items


def _below(here: JSONValue, rest: Sequence[str], kind: str, value: JSONValue, path: str) -> JSONValue:
    if rest:
        return _changed(here, rest, kind, value, path)
    if kind == "test":
        if here != value:
            raise PatchProblemError(f"test {path}: it is another value")
        return here
    return value
