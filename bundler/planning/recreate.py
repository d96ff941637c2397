"""Objects with fields that cannot change: which may be deleted and created again, and as what. Layer: planning, pure.

Nothing is recreated that no one named: ``--recreate KIND/NAME``, or ``upgrade.recreate`` of a bundle, says it of one
object, and it has an effect only where the server refuses to change that object in place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from bundler.fields.field_path import value_at_path, with_field
from bundler.fields.field_set import EMPTY, FieldSet, to_path
from bundler.fields.kinds import immutable_changes
from bundler.fields.managers import applier, read_managers, updater, write_managers
from bundler.fields.selectors import labels_match, selector_of
from bundler.model.bundle import Bundle, RecreateRule
from bundler.model.change import Action, Change, FieldConflict
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.conflicts import OnConflict
from bundler.model.json import Body, JSONValue, is_list, is_mapping, items_at, mapping_at, text_at, value_at
from bundler.model.lean import replace
from bundler.model.manifest import Manifest, Source
from bundler.model.refs import ObjectRef
from bundler.planning.claim_growth import is_stateful_set
from bundler.planning.conflicts import owners_of
from bundler.planning.jobs import is_job
from bundler.planning.payloads import following

if TYPE_CHECKING:
    from bundler.planning.observation import Candidate

FLAG: Final = Source("--recreate", 0)
_SAYS_SO: Final = re.compile(
    r"\bimmutable\b|may not (be )?change|cannot (be )?change|updates? to .*\bforbidden\b",
    re.IGNORECASE,
)
"""Source: the update validations in pkg/apis/*/validation of Kubernetes v1.36; rules of CRDs are written like them."""
_TRIAL: Final = "-recreated"
_NAME_CHARS: Final = 63
_TEMPLATES: Final = "spec.volumeClaimTemplates"
_CONTROLLERS: Final = ".kubernetes.io"
"""Annotations of Kubernetes' own controllers, which write them again."""
_ALLOCATED: Final = ("clusterIP", "clusterIPs", "healthCheckNodePort", "ipFamilies", "ipFamilyPolicy")


def asked_by_flag(names: Iterable[str]) -> tuple[RecreateRule, ...]:
    """Return what ``--recreate`` says: each name is that of one object."""
    return tuple(RecreateRule(object=name, source=FLAG) for name in names)


def recreate_rules(bundle: Bundle) -> Iterator[RecreateRule]:
    """Yield the objects that a bundle says may be recreated, then those of its components, which mean their own."""
    for path, component in bundle.placed():
        yield from (replace(rule, component=path) for rule in component.upgrade.recreate)


def is_never_recreated(ref: ObjectRef) -> bool:
    """Return whether an object is never recreated, whatever is asked for: all that it holds would go with it."""
    return (ref.group, ref.kind) in {("", "Namespace"), ("apiextensions.k8s.io", "CustomResourceDefinition")}


def rule_for(manifest: Manifest, rules: Iterable[RecreateRule]) -> RecreateRule | None:
    """Return the first rule by which an object may be recreated; None where there is none.

    What holds other objects never is: they would go with it, the record of the release among them.
    """
    if is_never_recreated(manifest.ref):
        return None
    return next((rule for rule in rules if rule.fits(manifest.ref, manifest.component)), None)


def says_immutable(line: str) -> bool:
    """Return whether the server refused an object because of a field that cannot change."""
    return _SAYS_SO.search(line) is not None


def lacks_room(lines: Iterable[str]) -> bool:
    """Return whether an object is refused because a quota is full, which the old one of its name is counted in."""
    return any("exceeded quota" in line for line in lines)


def frozen_fields(live: Body, wanted: Body) -> Iterator[tuple[str, JSONValue, JSONValue]]:
    """Yield path, live value and wanted value of each field that cannot change, and is to.

    Args:
        live: the object as it is.
        wanted: as it is rendered; what only the live one has may be a default.
    """
    for path in immutable_changes(live, wanted):
        yield from _moved(path, value_at(live, *path.split(".")), value_at(wanted, *path.split(".")))


def _moved(path: str, theirs: JSONValue, ours: JSONValue) -> Iterator[tuple[str, JSONValue, JSONValue]]:
    if is_mapping(ours) and is_mapping(theirs):
        for key, value in ours.items():
            yield from _moved(f"{path}.{key}", theirs.get(key), value)
    elif is_list(ours) and is_list(theirs) and (pairs := _paired(theirs, ours)) is not None:
        for step, one, other in pairs:
            where = f"{path}[{step}]"
            yield from [(where, one, other)] if other is None else _moved(where, one, other)
    elif ours is not None and ours != theirs and (ours or theirs):
        yield path, theirs, ours


def _paired(theirs: Sequence[JSONValue], ours: Sequence[JSONValue]) -> list[tuple[str, JSONValue, JSONValue]] | None:
    """Pair items by their names, as claim templates have them, or by their places; None where neither can be."""
    named = [{text_at(one, "metadata", "name"): one for one in items if is_mapping(one)} for items in (theirs, ours)]
    if all("" not in one and len(one) == len(items) for one, items in zip(named, (theirs, ours), strict=True)):
        return [(name, named[0].get(name), named[1].get(name)) for name in {**named[0], **named[1]}]
    if len(theirs) != len(ours):
        return None
    return [(str(index), *pair) for index, pair in enumerate(zip(theirs, ours, strict=True))]


def are_claims_alone(fields: Iterable[tuple[str, JSONValue, JSONValue]]) -> bool:
    """Return whether nothing but claim templates of a StatefulSet cannot change."""
    return all(path.startswith(_TEMPLATES) for path, _, _ in fields)


def keeps_pods(live: Body, wanted: Body) -> bool:
    """Return whether the pods of a StatefulSet may stay while it is recreated: the new one takes them for its own.

    It does so where its selector finds them, and where they have a volume for each of its claim templates: the
    controller cannot add one to a pod, and would fail for ever.
    """
    templates = [{text_at(one, "metadata", "name") for one in _templates(body)} for body in (live, wanted)]
    selector = selector_of(mapping_at(wanted, "spec", "selector"))
    return templates[1] <= templates[0] and labels_match(selector, mapping_at(live, "spec", "template"))


def _templates(stateful_set: Body) -> Sequence[Body]:
    return items_at(stateful_set, "spec", "volumeClaimTemplates")


def created_again(candidate: Candidate) -> Manifest:
    """Return what an object is created as: what is rendered, with live values where fields are left to others.

    Their owners wrote the old object, and know nothing of the new one: without its value, a field would be empty.
    """
    manifest, live = candidate.rendered, candidate.live or {}
    body: JSONValue = manifest.body
    for path in candidate.left:
        if (value := value_at_path(live, path)) is not None:
            body = with_field(body, path, value)
    manifest = replace(manifest, body=body) if is_mapping(body) and body is not manifest.body else manifest
    return following(manifest, live) if candidate.is_autoscaled and candidate.live else manifest


def recreated_by(changes: Iterable[Change]) -> list[ObjectRef]:
    """Return what a plan deletes to create it again; Jobs run again and hooks come with each run, and are none."""
    made = (one.ref for one in changes if one.action is Action.RECREATE and one.hook is None)
    return [ref for ref in made if not is_job(ref)]


def leaving(candidate: Candidate, decided: Iterable[FieldConflict]) -> Candidate:
    """Return the candidate with the fields that are left to others by a decision of this change."""
    kept = (one.field for one in decided if one.policy is OnConflict.KEEP)
    return replace(candidate, left=tuple(dict.fromkeys((*candidate.left, *kept))))


def left_to(candidate: Candidate) -> tuple[tuple[str, str], ...]:
    """Return the fields of a live object that are left to others, and to whom."""
    owners = dict(owners_of(candidate.live)) if candidate.left and candidate.live else {}
    return tuple((path, owners[path]) for path in candidate.left if path in owners)


def handed_over(created: Body, left: Iterable[tuple[str, str]]) -> Body:
    """Return an object in which the fields that are left to others are theirs again; nothing else in it changes.

    Args:
        created: as the API server answered to our apply, which made all of them ours.
        left: fields, and whose they are.
    """
    managers, version = read_managers(created), text_at(created, "apiVersion")
    ours = managers[applier(FIELD_MANAGER)]
    for path, manager in left:
        given = FieldSet.of(one for one in ours.fields.paths() if to_path(one) == path)
        ours = replace(ours, fields=ours.fields.difference(given))
        theirs = managers.get(updater(manager, version), replace(ours, fields=EMPTY))
        managers[updater(manager, version)] = replace(theirs, fields=theirs.fields.union(given))
    managers[applier(FIELD_MANAGER)] = ours
    return {**created, "metadata": {**mapping_at(created, "metadata"), "managedFields": write_managers(managers)}}


def trial_of(manifest: Manifest, live: Body) -> Manifest:
    """Return the object under a name that is free, so that the server can be asked what it would make of it.

    Args:
        manifest: what is to be created.
        live: what is in the way; ports of nodes that it holds cannot be asked for a second time.
    """
    name = f"{manifest.ref.name[: _NAME_CHARS - len(_TRIAL)].rstrip('-.')}{_TRIAL}"
    body = {**manifest.body, "metadata": {**mapping_at(manifest.body, "metadata"), "name": name}}
    if (manifest.ref.group, manifest.ref.kind) == ("", "Service"):
        body["spec"] = _without_held(mapping_at(manifest.body, "spec"), mapping_at(live, "spec"))
    return replace(manifest, ref=replace(manifest.ref, name=name), body=body)


def _without_held(spec: Body, live: Body) -> Body:
    held = {port.get("nodePort") for port in items_at(live, "ports")}
    ports: list[JSONValue] = [
        {key: value for key, value in port.items() if key != "nodePort" or value not in held}
        for port in items_at(spec, "ports")
    ]
    return {**spec, "ports": ports} if "ports" in spec else spec


def as_created(answer: Body, manifest: Manifest, live: Body) -> Body:
    """Return what the server makes of an object, out of its answer to a trial.

    Args:
        answer: to :func:`trial_of`.
        manifest: what is created.
        live: what it takes the place of.
    """
    metadata = {**mapping_at(answer, "metadata"), "name": manifest.ref.name, "uid": text_at(live, "metadata", "uid")}
    notes, theirs = mapping_at(answer, "metadata", "annotations"), mapping_at(live, "metadata", "annotations")
    controllers = {key: value for key, value in theirs.items() if key.partition("/")[0].endswith(_CONTROLLERS)}
    if controllers:
        metadata["annotations"] = {**controllers, **notes}
    body = {**answer, "metadata": metadata}
    body.pop("status", None)
    if (manifest.ref.group, manifest.ref.kind) == ("", "Service"):
        wanted = mapping_at(manifest.body, "spec")
        spec = {k: v for k, v in mapping_at(answer, "spec").items() if k not in _ALLOCATED or k in wanted}
        body["spec"] = {**spec, **{key: wanted[key] for key in ("ports",) if key in wanted}}
    return body


def why_recreated(candidate: Candidate, rule: RecreateRule, *, stays: bool) -> str:
    """Return in a line why an object is recreated, and what that means for its pods and claims.

    Args:
        candidate: the object.
        rule: says that it may be.
        stays: its pods do.
    """
    live = candidate.live or {}
    fields = list(frozen_fields(live, candidate.manifest.body))
    paths = list(dict.fromkeys(_top_field(path) for path, _, _ in fields)) or ["a field"]
    said = [f"{', '.join(paths)} cannot be changed ({rule.source})"]
    if is_stateful_set(candidate.manifest.ref):
        said += ["its pods stay, and the new one takes them up"] if stays else []
        said += ["claims that exist stay as they are"] if ".spec.volumeClaimTemplates" in paths else []
        is_moved = stays and ".spec.serviceName" in paths
        said += ["pods keep their DNS names until they are restarted"] if is_moved else []
    return "; ".join(said)


def _top_field(path: str) -> str:
    return "." + ".".join(re.split(r"\[", path)[0].split(".")[:2])
