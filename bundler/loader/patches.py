"""Patches and injections, in bundle.yaml and in site files. Layer: loader, pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final

from bundler.model.json import Body, is_mapping
from bundler.model.patch import ObjectPatch, PodInjection

if TYPE_CHECKING:
    from bundler.loader.decode import Node

_OPERATIONS: Final = ("add", "remove", "replace", "test")
_TARGET_KEYS: Final = ("group", "kind", "name", "labels")
_INJECTED: Final = ("containers", "initContainers", "volumes", "env", "volumeMounts")


def decode_patches(spec: Node, components: Collection[str] | None = None) -> tuple[ObjectPatch, ...]:
    """Decode ``patches`` and ``inject``; what is wrong is reported to the node's problems.

    Args:
        spec: the mapping that holds both.
        components: whose objects a patch may be limited to; None: it may not.
    """
    extra = () if components is None else ("component",)
    patches = spec.items("patches", "target", "patch", *extra)
    injections = spec.items("inject", "target", *_INJECTED, *extra)
    for node in (*patches, *injections):
        _check_component(node, components or ())
    found = (*(_patch(node) for node in patches), *(_injection(node) for node in injections))
    return tuple(one for one in found if one is not None)


def _patch(node: Node) -> ObjectPatch | None:
    target = node.mapping("target", *_TARGET_KEYS, is_required=True)
    kind, name = target.text("kind", is_required=True), target.text("name")
    labels = _labels(target)
    if not (name or labels):
        target.fail('needs "name" or "labels"')
    patch = node.required("patch")
    if patch is None:
        return None
    merge: Body | None = None
    operations: tuple[Body, ...] = ()
    if is_mapping(patch.value):
        merge = patch.value
    else:
        operations = tuple(_operation(one) for one in node.items("patch", "op", "path", "value"))
    return ObjectPatch(
        kind=kind,
        name=name or "*",
        group=_group(target),
        labels=labels,
        component=node.text("component"),
        merge=merge,
        operations=operations,
        source=node.source,
    )


def _injection(node: Node) -> ObjectPatch | None:
    target = node.mapping("target", *_TARGET_KEYS)
    found = {key: tuple(_named(node, key)) for key in _INJECTED}
    if not any(found.values()):
        node.fail(f"injects nothing: give it {', '.join(_INJECTED[:-1])} or {_INJECTED[-1]}")
        return None
    return ObjectPatch(
        kind=target.text("kind") or "*",
        name=target.text("name") or "*",
        group=_group(target),
        labels=_labels(target),
        component=node.text("component"),
        injection=PodInjection(
            containers=found["containers"],
            init_containers=found["initContainers"],
            volumes=found["volumes"],
            env=found["env"],
            volume_mounts=found["volumeMounts"],
        ),
        source=node.source,
    )


def _named(node: Node, key: str) -> Iterator[Body]:
    """Yield the mappings of a list; each has what it is merged by."""
    for item in node.items(key):
        item.text("mountPath" if key == "volumeMounts" else "name", is_required=True)
        yield item.body


def _group(target: Node) -> str | None:
    return target.text("group") if target.child("group") is not None else None


def _labels(target: Node) -> dict[str, str]:
    return {key: one.as_text() for key, one in target.mapping("labels").members()}


def _operation(node: Node) -> Body:
    operation = node.choice("op", _OPERATIONS, is_required=True)
    path = node.text("path", is_required=True)
    if path and not path.startswith("/"):
        node.fail(f'has the path "{path}", which is not a JSON pointer; write /spec/replicas')
    if operation != "remove" and operation and "value" not in node.body:
        node.fail(f'needs a "value" for {operation}')
    return node.body


def _check_component(node: Node, components: Collection[str]) -> None:
    name = node.text("component")
    if name and name.partition("/")[0] not in components:
        known = ", ".join(components) or "none"
        (node.child("component") or node).fail(f'is "{name}", which is not a component; known: {known}')
