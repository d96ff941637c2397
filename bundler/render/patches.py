"""Patches on rendered objects, of bundles and of site files. Layer: render, pure.

Source: RFC 6902 (JSON patch), RFC 6901 (pointers).
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.fields.kinds import pod_spec_path, schema_of
from bundler.fields.merge_patch import merge_patch
from bundler.model.bundle import is_below
from bundler.model.digits import parse_digits
from bundler.model.json import Body, JSONValue, is_list, is_mapping, items_at, mapping_at, pointer_tokens, text_at
from bundler.model.labels import PREFIX
from bundler.model.lean import dataclass, replace
from bundler.model.manifest import Manifest, Source

if TYPE_CHECKING:
    from bundler.model.patch import ObjectPatch, PodInjection

_IDENTITY = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))


class PatchProblemError(ValueError):
    """An operation that cannot be carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchedObjects:
    """What became of objects."""

    manifests: tuple[Manifest, ...]
    problems: tuple[tuple[Source, str], ...]
    """Patches that cannot be carried out, or change what an object is: where they are written, and why."""
    idle: tuple[str, ...]
    """Patches that fit no object."""


def apply_patches(manifests: Iterable[Manifest], patches: Sequence[ObjectPatch]) -> PatchedObjects:
    """Return the objects with the patches that fit them, in their order."""
    result = list(manifests)
    problems: list[tuple[Source, str]] = []
    idle: list[str] = []
    for patch in patches:
        fitting = [index for index, one in enumerate(result) if fits(patch, one)]
        if not fitting:
            idle.append(f"{patch.source}: the patch of {patch.target} fits no object of this release")
        for index in fitting:
            try:
                result[index] = _patched(result[index], patch)
            except PatchProblemError as error:
                problems.append((patch.source, f"{result[index].ref.short}: {error}"))
    return PatchedObjects(manifests=tuple(result), problems=tuple(sorted(problems)), idle=tuple(idle))


def fits(patch: ObjectPatch, manifest: Manifest) -> bool:
    """Return whether a patch is about an object."""
    ref = manifest.ref
    is_kind = patch.kind in {"*", ref.kind} and patch.group in {None, ref.group}
    if not (is_below(manifest.component, patch.component) and is_kind and fnmatch.fnmatchcase(ref.name, patch.name)):
        return False
    if patch.injection is None:
        labels = mapping_at(manifest.body, "metadata", "labels")
    else:
        path = pod_spec_path(ref.group, ref.kind)
        if path is None:
            return False
        labels = mapping_at(manifest.body, *path[:-1], "metadata", "labels")
    return all(labels.get(key) == value for key, value in patch.labels.items())


def _patched(manifest: Manifest, patch: ObjectPatch) -> Manifest:
    body: JSONValue = manifest.body
    if patch.merge is not None:
        body = merge_patch(body, patch.merge, schema_of(manifest.body))
    for operation in patch.operations:
        body = patch_once(body, operation)
    if patch.injection is not None:
        path = pod_spec_path(manifest.ref.group, manifest.ref.kind) or ()
        body = merge_patch(body, _pod_patch(manifest.body, path, patch.injection), schema_of(manifest.body))
    if not is_mapping(body):
        raise PatchProblemError("it leaves no object")
    for path in _IDENTITY:
        if text_at(body, *path) != text_at(manifest.body, *path):
            raise PatchProblemError(f"it changes {'.'.join(path)}, by which the object is found again")
    for field in ("labels", "annotations"):
        if _own(body, field) != _own(manifest.body, field):
            raise PatchProblemError(f"it changes {field} of bundler's own")
    if body == manifest.body:
        return manifest
    return replace(manifest, body=body, patched_by=(*manifest.patched_by, patch.source))


def _own(body: Body, field: str) -> dict[str, JSONValue]:
    return {key: value for key, value in mapping_at(body, "metadata", field).items() if key.startswith(PREFIX)}


def _pod_patch(body: Body, path: Sequence[str], injection: PodInjection) -> Body:
    """Return an injection as a merge patch of a workload."""
    pod = mapping_at(body, *path)
    patch: dict[str, JSONValue] = {}
    for field, items in (
        ("containers", injection.containers),
        ("initContainers", injection.init_containers),
        ("volumes", injection.volumes),
    ):
        _check_new(pod, field, items)
        own = _common_parts(pod, field, injection) if field != "volumes" else []
        if own or items:
            patch[field] = [*own, *items]
    whole: Body = patch
    for step in reversed(path):
        whole = {step: whole}
    return whole


def _check_new(pod: Body, field: str, items: Sequence[Body]) -> None:
    there = {text_at(item, "name"): item for item in items_at(pod, field)}
    for item in items:
        name = text_at(item, "name")
        if there.get(name, item) != item:
            raise PatchProblemError(f"{field} has {name} already; give what is injected another name")


def _common_parts(pod: Body, field: str, injection: PodInjection) -> list[JSONValue]:
    """Return the variables and mounts for each container that the template has."""
    common: dict[str, JSONValue] = {"env": list(injection.env), "volumeMounts": list(injection.volume_mounts)}
    parts = {key: value for key, value in common.items() if value}
    return [{"name": text_at(item, "name"), **parts} for item in items_at(pod, field)] if parts else []


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
    tokens = list(pointer_tokens(path))
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
