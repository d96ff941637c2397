"""What a new CustomResourceDefinition would break: decided from both definitions and the live objects. Layer: planning.

Pure. A version that the live definition does not have is compared with the version that it stores, since that is what
its objects hold; where a webhook converts them, nothing is known of how, and there is nothing to compare.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from bundler.model.change import DefinitionRisk
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.definition import served_versions, storage_of
from bundler.model.json import Body, items_at, mapping_at, strings_at, text_at
from bundler.model.refs import ObjectRef, ref_of
from bundler.planning.definitions.misfits import misfits
from bundler.planning.definitions.narrowing import Narrowing, narrowings
from bundler.planning.definitions.structure import root_of
from bundler.planning.ownership import is_ours


class Narrowed(NamedTuple):
    """A version that takes less than it did."""

    version: str
    old: Body
    """Its schema as it is, and as it is to be."""
    new: Body
    where: list[Narrowing]


class Comparison(NamedTuple):
    """What a new definition takes less of than the live one."""

    live: Body
    narrowed: tuple[Narrowed, ...]
    unserved: tuple[str, ...]
    """Versions that clients can use now, and could not any more."""
    refused: tuple[str, ...]
    """What the API server refuses, whatever anyone accepts."""

    @property
    def versions_in_doubt(self) -> tuple[str, ...]:
        """The versions in which live objects must be checked."""
        if not served_versions(self.live):
            return ()
        found = [_readable(one.version, self.live) for one in self.narrowed]
        if self.unserved or self.refused:
            found.append(_readable("", self.live))
        return tuple(dict.fromkeys(found))


def compare_definitions(live: Body, crd: Body) -> Comparison | None:
    """Return what a definition takes less of than the live one; None where it takes all that is taken now.

    Args:
        live: the definition as it is.
        crd: the same as it is to be.
    """
    pairs = ((version, old, new, narrowings(old, new)) for version, old, new in _pairs(live, crd))
    served = served_versions(crd)
    found = Comparison(
        live=live,
        narrowed=tuple(Narrowed(*pair) for pair in pairs if pair[-1]),
        unserved=tuple(version for version in served_versions(live) if version not in served),
        refused=tuple(_refused(live, crd)),
    )
    return found if found.narrowed or found.unserved or found.refused else None


def _readable(version: str, live: Body) -> str:
    """Return the version in which objects are read that are judged by another: without conversion they are alike."""
    served = served_versions(live)
    return next((one for one in (version, storage_of(live)) if one in served), served[0])


def definition_risk(
    compared: Comparison, objects: Mapping[str, Sequence[Body]], *, uid: str, written: Mapping[ObjectRef, Body | None]
) -> DefinitionRisk:
    """Return what a new definition no longer takes, and which live objects that would break.

    Args:
        compared: with the live one.
        objects: live objects, all of them, by the version in which they were read.
        uid: of the release that changes it.
        written: objects of the kind that the same plan writes, as it writes them; None for those that it deletes.
    """
    narrowed = [f"{one.version} {place.path or '.'} {place.what}" for one in compared.narrowed for place in one.where]
    narrowed += [f"{version} is not served any more" for version in compared.unserved]
    every = next(iter(objects.values()), ())
    broken = [
        line
        for one in compared.narrowed
        if objects
        for line in _broken(one, objects.get(_readable(one.version, compared.live), ()), written)
    ]
    broken += _still_written(compared, every, uid)
    count = _count(every, text_at(compared.live, "spec", "names", "kind"))
    return DefinitionRisk(
        narrowed=tuple(narrowed),
        broken=tuple(dict.fromkeys(broken)),
        blocked=tuple(f"{line}; {count}" for line in compared.refused),
        checked=len(every),
    )


def _pairs(live: Body, crd: Body) -> Iterator[tuple[str, Body, Body]]:
    """Yield each version with its schema as it is, and as it is to be."""
    before, stored = _schemas(live), storage_of(live)
    converts = text_at(crd, "spec", "conversion", "strategy") == "Webhook"
    for version, schema in _schemas(crd).items():
        old = before.get(version) or (None if converts else before.get(stored))
        if old is not None:
            yield version, old, schema


def _schemas(crd: Body) -> dict[str, Body]:
    """Return the schema of each version that is served, or stored."""
    used = (one for one in items_at(crd, "spec", "versions") if one.get("served") is not False or one.get("storage"))
    return {text_at(one, "name"): mapping_at(one, "schema", "openAPIV3Schema") for one in used}


def _refused(live: Body, crd: Body) -> Iterator[str]:
    """Yield what the API server refuses of a new definition, whatever anyone accepts."""
    versions = {text_at(one, "name") for one in items_at(crd, "spec", "versions")}
    for version in strings_at(live, "status", "storedVersions"):
        if version not in versions:
            yield f"version {version} goes, and objects may still be stored in it"
    for path, what in ((("scope",), "scope"), (("names", "kind"), "kind")):
        old, new = (text_at(one, "spec", *path) for one in (live, crd))
        if old and new and old != new:
            yield f"its {what} {old} becomes {new}"


def _count(objects: Sequence[Body], kind: str) -> str:
    """Say how many objects there are, and name the first few."""
    if not objects:
        return f"there is no {kind} now"
    shown = ", ".join(ref_of(body).seen_from("") for body in objects[:3])
    return f"there {'is 1' if len(objects) == 1 else f'are {len(objects)}'}: {shown}{', …' if len(objects) > 3 else ''}"


def _broken(narrowed: Narrowed, objects: Sequence[Body], written: Mapping[ObjectRef, Body | None]) -> Iterator[str]:
    """Yield the objects that fitted and do not fit any more; of those that the plan writes, as it writes them."""
    old, new = root_of(narrowed.old), root_of(narrowed.new)
    for live in objects:
        ref = ref_of(live)
        body = written.get(ref, live)
        if body is None or text_at(body, "apiVersion") != text_at(live, "apiVersion"):
            continue
        found = list(misfits(body, new))
        known = frozenset(misfits(body, old)) if found else ()
        wrong = next((one for one in found if one not in known), None)
        if wrong is not None:
            said = " as the bundle writes it" if ref in written else ""
            yield f"{ref.seen_from('')}{said}: {wrong.path or '.'} {wrong.what}"


def _still_written(compared: Comparison, objects: Sequence[Body], uid: str) -> Iterator[str]:
    """Yield objects that another client wrote in a version that goes, which that client could no longer use."""
    gone = {f"{text_at(compared.live, 'spec', 'group')}/{version}" for version in compared.unserved}
    for body in objects:
        for entry in items_at(body, "metadata", "managedFields"):
            manager, version = text_at(entry, "manager"), text_at(entry, "apiVersion")
            is_own = manager == FIELD_MANAGER and is_ours(body, uid)
            if version in gone and not is_own:
                yield f"{ref_of(body).seen_from('')}: {manager} writes it as {version}"
