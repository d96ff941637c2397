"""Look at the objects of a kind whose definition would change. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from bundler.errors.bundle import VersionRangeError
from bundler.errors.cluster import ForbiddenError, RejectedError, UnknownKindError
from bundler.model.change import DefinitionRisk
from bundler.model.cluster import Answer, ListQuery
from bundler.model.definition import is_definition, kind_of
from bundler.model.json import Body, mapping_at, text_at
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef, ref_of
from bundler.planning import definitions
from bundler.planning.observation import Candidate, Observation, Outcome, Settlement, Wanted
from bundler.planning.ownership import is_ours
from bundler.resolve.versions import parse_version

if TYPE_CHECKING:
    from bundler.model.manifest import Manifest
    from bundler.ports import ClusterClient

_BUNDLE_VERSION: Final = "/bundle-version"
"""How the annotation ends by which authors say of which release of theirs a definition is."""


def newer_definitions(manifests: Iterable[Manifest], live: Mapping[ObjectRef, Body]) -> Mapping[ObjectRef, str]:
    """Return the definitions of which the cluster has a newer version than is wanted, and what is said of each."""
    both = ((one, live.get(one.ref)) for one in manifests if is_definition(one.ref))
    return {one.ref: why for one, body in both if body is not None and (why := newer_than(body, one.body))}


def newer_than(live: Body, wanted: Body) -> str:
    """Say that a live definition is newer than the wanted one, by their ``…/bundle-version``; empty where it is not."""
    here, ours = (mapping_at(body, "metadata", "annotations") for body in (live, wanted))
    for key, version in ours.items():
        if key.endswith(_BUNDLE_VERSION) and key in here and _is_older(str(version), str(here[key])):
            return f"the cluster has {here[key]} of it, the bundle {version}: the newer one stays"
    return ""


def _is_older(version: str, other: str) -> bool:
    try:
        return parse_version(version.removeprefix("v")) < parse_version(other.removeprefix("v"))
    except VersionRangeError:
        return False


def unused_definitions(wanted: Wanted, observation: Observation, cluster: ClusterClient) -> frozenset[ObjectRef]:
    """Return the definitions that a removal deletes, where that is asked for: no one else uses them.

    Args:
        wanted: what the release owned.
        observation: what was read of the cluster.
        cluster: whose objects are listed.
    """
    if not wanted.deletes_definitions:
        return frozenset()
    owned = (ref for ref in wanted.owned.keys() - wanted.used_elsewhere if is_definition(ref))
    there = (ref for ref in owned if ref in observation.live)
    return frozenset(ref for ref in there if _is_unused(observation.live[ref], wanted, cluster))


def _is_unused(crd: Body, wanted: Wanted, cluster: ClusterClient) -> bool:
    group, kind = kind_of(crd)
    try:
        found = cluster.list(ListQuery(group=group, kind=kind, namespace="", metadata_only=True)).items
    except UnknownKindError:
        return True
    except ForbiddenError:
        return False
    return all(ref_of(body) in wanted.owned and is_ours(body, wanted.uid) for body in found)


def find_risks(
    wanted: Wanted, asked: Sequence[tuple[Candidate, Outcome]], cluster: ClusterClient
) -> Mapping[ObjectRef, DefinitionRisk]:
    """Return what changed definitions would break; objects are listed only where it takes less than it did.

    Args:
        wanted: what the release is to hold.
        asked: candidates, and what the server answered.
        cluster: whose objects are looked at.
    """
    written: dict[ObjectRef, Body | None] = dict.fromkeys(wanted.owned)
    written |= {one.ref: one.body for one in wanted.manifests}
    found = {}
    for candidate, outcome in asked:
        ref, live = candidate.manifest.ref, candidate.live
        if not is_definition(ref):
            continue
        if live is None:
            if (risk := _name_taken(candidate.manifest.body, cluster)) is not None:
                found[ref] = risk
            continue
        compared = definitions.risks.compare_definitions(live, _as_written(candidate.manifest, outcome))
        if compared is not None:
            objects, unseen = _objects(live, compared.versions_in_doubt, cluster)
            risk = definitions.risks.definition_risk(compared, objects, uid=wanted.uid, written=written)
            found[ref] = replace(risk, broken=(*risk.broken, *unseen))
    return found


def _name_taken(crd: Body, cluster: ClusterClient) -> DefinitionRisk | None:
    """Say that the kind of a new definition is another one's: the server would accept it and never serve it."""
    group, kind = kind_of(crd)
    served, plural = cluster.resource_type(group, kind), text_at(crd, "spec", "names", "plural")
    if served is None or served.plural == plural:
        return None
    other = f"{served.plural}.{group}"
    return DefinitionRisk(blocked=(f"its kind {kind} is that of CustomResourceDefinition/{other}, which stays",))


def _as_written(manifest: Manifest, outcome: Outcome) -> Body:
    """Return a definition with the server's defaults, or as the bundle has it where the server refuses it."""
    outcome = outcome.answer if isinstance(outcome, Settlement) else outcome
    return outcome.body if isinstance(outcome, Answer) else manifest.body


def _objects(
    live: Body, versions: Sequence[str], cluster: ClusterClient
) -> tuple[Mapping[str, Sequence[Body]], Sequence[str]]:
    """Return the objects of a kind by version, and what is said where they cannot be seen."""
    found: dict[str, Sequence[Body]] = {}
    group, kind = kind_of(live)
    for version in versions:
        query = ListQuery(group=group, kind=kind, namespace="", version=version)
        try:
            found[version] = cluster.list(query).items
        except UnknownKindError:
            continue
        except ForbiddenError:
            return {}, [f"every {kind}: its objects may not be listed in all namespaces, and are not checked"]
        except RejectedError as error:  # a webhook that converts them may fail
            said = "; ".join(error.context) or str(error)
            return {}, [f"every {kind}: its objects cannot be listed ({said}), and are not checked"]
    return found, ()
