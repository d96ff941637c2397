"""Namespaces, definitions and garbage collection. Layer: sandbox, pure over a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.definition import DEFINITION, kind_of
from bundler.model.json import items_at, mapping_at, strings_at, text_at
from bundler.model.refs import ObjectRef, ref_of
from bundler.sandbox.controllers.world import is_leaving, with_times
from bundler.sandbox.deletion import FOREGROUND, finish_deletion
from bundler.sandbox.writes import thawed

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.sandbox.controllers.world import World
    from bundler.sandbox.store import Tree

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
ROOT_CA = "kube-root-ca.crt"


def run_namespaces(world: World) -> None:
    """Furnish new namespaces, and empty those that were deleted."""
    for namespace in world.all("", "Namespace"):
        if is_leaving(namespace):
            _empty(world, namespace)
        else:
            _furnish(world, namespace)


def run_definitions(world: World) -> None:
    """Establish definitions; delete the objects of those that were deleted."""
    for crd in world.all(*DEFINITION):
        if is_leaving(crd):
            _undefine(world, crd)
        else:
            _establish(world, crd)


def collect_garbage(world: World) -> None:
    """Delete what lost all its owners, and finish foreground deletions whose dependents are gone."""
    for ref in world.tx.orphans():
        world.delete_at(ref)
    for ref in world.tx.marked(FOREGROUND):
        live = world.tx.get(ref)
        if live is not None and "deletionTimestamp" in live["metadata"]:
            _finish_foreground(world, ref, live)


def _finish_foreground(world: World, ref: ObjectRef, live: Tree) -> None:
    left = world.tx.dependents(live["metadata"]["uid"])
    for one in left:
        world.delete_at(one, propagation="Foreground")
    if not left:
        finish_deletion(world.tx, ref, live, dropping=FOREGROUND)


def _furnish(world: World, namespace: Body) -> None:
    name = text_at(namespace, "metadata", "name")
    if text_at(namespace, "status", "phase") != "Active":
        world.set_status(namespace, {"phase": "Active"})
    if world.tx.get(ObjectRef("", "ServiceAccount", name, "default")) is None:
        body: Tree = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}}
        world.create("", "ServiceAccount", body)
    if world.tx.get(ObjectRef("", "ConfigMap", name, ROOT_CA)) is None:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": ROOT_CA, "namespace": name}}
        world.create("", "ConfigMap", {**body, "data": {"ca.crt": ""}})


def _empty(world: World, namespace: Body) -> None:
    name = text_at(namespace, "metadata", "name")
    for ref in world.tx.refs_in(name):
        world.delete_at(ref)
    if not world.tx.refs_in(name):
        world.tx.remove(ref_of(namespace))


def _establish(world: World, crd: Body) -> None:
    names = mapping_at(crd, "spec", "names")
    stores = [text_at(one, "name") for one in items_at(crd, "spec", "versions") if one.get("storage") is True]
    stored = list(dict.fromkeys([*strings_at(crd, "status", "storedVersions"), *stores]))
    said = [
        {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts", "message": "no conflicts found"},
        {
            "type": "Established",
            "status": "True",
            "reason": "InitialNamesAccepted",
            "message": "the initial names have been accepted",
        },
    ]
    conditions = with_times(items_at(crd, "status", "conditions"), said, world.time)
    world.set_status(crd, {"conditions": conditions, "acceptedNames": names, "storedVersions": stored})
    live = world.tx.get(ref_of(crd))
    if live is not None and CLEANUP not in live["metadata"].get("finalizers", ()):
        made = thawed(live)
        made["metadata"]["finalizers"] = [*made["metadata"].get("finalizers", ()), CLEANUP]
        world.update(live, made)


def _undefine(world: World, crd: Body) -> None:
    group, kind = kind_of(crd)
    for one in world.all(group, kind):
        world.delete(one)
    live = world.tx.get(ref_of(crd))
    if live is not None and not world.all(group, kind):
        finish_deletion(world.tx, ref_of(crd), live, dropping=CLEANUP)
