"""What a record keeps of each object, and in which order. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bundler.model.manifest import GeneratedSecret, Manifest
from bundler.model.refs import ObjectRef
from bundler.model.release import InventoryEntry
from bundler.planning.order import component_ranks
from bundler.planning.stages import stage_of


def rendered_entry(manifest: Manifest) -> InventoryEntry:
    """Return the entry of an object that a bundle renders."""
    return InventoryEntry(
        ref=manifest.ref,
        api_version=manifest.api_version,
        stage=stage_of(manifest.ref),
        component=manifest.component,
        source=str(manifest.source),
        manifest=manifest,
    )


def generated_entry(secret: GeneratedSecret) -> InventoryEntry:
    """Return the entry of a Secret that bundler makes."""
    return InventoryEntry(
        ref=secret.ref,
        api_version="v1",
        stage=stage_of(secret.ref),
        component=secret.component,
        source=str(secret.source),
        generated=secret,
    )


def found_entry(
    ref: ObjectRef, *, api_version: str, component: str, generated: GeneratedSecret | None
) -> InventoryEntry:
    """Return the entry of an object that is known by the release's label alone.

    Args:
        ref: the object.
        api_version: of the object: ``apps/v1``.
        component: it belongs to.
        generated: None for an ordinary object.
    """
    return InventoryEntry(
        ref=ref,
        api_version=api_version,
        stage=stage_of(ref),
        component=component,
        generated=generated,
        is_found=True,
    )


def entry_order(entries: Iterable[InventoryEntry], needs: Mapping[str, tuple[str, ...]]) -> tuple[InventoryEntry, ...]:
    """Return entries in the order in which their plan wrote them."""
    rank = component_ranks(needs)
    return tuple(sorted(entries, key=lambda one: (rank[one.component], one.component, one.stage, one.ref)))
