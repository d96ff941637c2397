"""Whether the cluster has volumes to give, and lets them grow. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bundler.actions.preflight.check_runner import list_all
from bundler.fields.quantity import Quantity
from bundler.model.check import Check, failed, passed, skipped, warned
from bundler.model.json import Body, items_at, mapping_at, text_at, value_at
from bundler.model.refs import ObjectRef
from bundler.model.size import counted

if TYPE_CHECKING:
    from bundler.model.manifest import Manifest
    from bundler.ports import ClusterClient

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_NONE = "-"
"""The class of a claim that wants none: it is bound by hand."""
_MAX_NAMED = 4
_SIZE = ("spec", "resources", "requests", "storage")


class _Claim(NamedTuple):
    """A volume claim that a release asks for."""

    name: str
    storage_class: str
    """Empty asks for the default."""
    wanted: str
    live: Body | None
    """As it is in the cluster; None where it does not exist, so that a class has to provide it."""
    made: ObjectRef | None = None
    """Of a claim template: the claim of the first pod, which has a class even where the template names none."""


def storage_checks(manifests: Sequence[Manifest], cluster: ClusterClient) -> list[Check]:
    """Check that what is new finds a storage class, and what is to grow a class that lets it.

    Raises:
        ForbiddenError: when classes may not be listed.
    """
    claims = list(_claims(manifests, cluster))
    if not claims:
        return [skipped("storage class", "nothing asks for a volume")]
    classes = {text_at(one, "metadata", "name"): one for one in list_all(cluster, "storage.k8s.io", "StorageClass")}
    return [*_found(claims, classes), *_growth(claims, classes, cluster)]


def default_classes(classes: Iterable[Body], mark: str = _DEFAULT_CLASS) -> list[str]:
    """Return the names of classes that are the default, of volumes or where an annotation says so of others."""
    marked = (one for one in classes if mapping_at(one, "metadata", "annotations").get(mark) == "true")
    return [text_at(one, "metadata", "name") for one in marked]


def _claims(manifests: Sequence[Manifest], cluster: ClusterClient) -> Iterator[_Claim]:
    """Yield claims; those of a StatefulSet count as there when it is: they were made with it."""
    for manifest in manifests:
        if (manifest.ref.group, manifest.ref.kind) == ("", "PersistentVolumeClaim"):
            yield _claim(manifest.ref.short, manifest.body, cluster.get(manifest.ref))
        elif (manifest.ref.group, manifest.ref.kind) == ("apps", "StatefulSet"):
            templates = items_at(manifest.body, "spec", "volumeClaimTemplates")
            live = cluster.get(manifest.ref) if templates else None
            for template in templates:
                name = text_at(template, "metadata", "name")
                made = ObjectRef("", "PersistentVolumeClaim", manifest.ref.namespace, f"{name}-{manifest.ref.name}-0")
                found = _claim(f"{manifest.ref.short} {name}", template, _template_of(live, name) if live else None)
                yield found._replace(made=made)


def _template_of(live: Body, name: str) -> Body:
    templates = items_at(live, "spec", "volumeClaimTemplates")
    return next((one for one in templates if text_at(one, "metadata", "name") == name), {})


def _claim(name: str, body: Body, live: Body | None) -> _Claim:
    written = value_at(body, "spec", "storageClassName")
    storage_class = _NONE if written == "" else text_at(body, "spec", "storageClassName")
    return _Claim(name, storage_class, str(value_at(body, *_SIZE) or ""), live)


def _found(claims: Sequence[_Claim], classes: Mapping[str, Body]) -> Iterator[Check]:
    default = default_classes(classes.values())
    new = [claim for claim in claims if claim.live is None and claim.storage_class != _NONE]
    problems = [
        f"{claim.name} asks for {claim.storage_class}, and there is no such class"
        if claim.storage_class
        else f"{claim.name} asks for the default class, and there is none"
        for claim in new
        if (claim.storage_class not in classes if claim.storage_class else not default)
    ]
    if problems:
        known = f"classes are: {', '.join(sorted(classes)) or 'none'}"
        hint = "name one in the site file (storageClass), or mark one as the default"
        yield failed("storage class", f"{'; '.join(problems[:_MAX_NAMED])}; {known}", hint)
        return
    used = sorted({claim.storage_class or default[0] for claim in new})
    there = len(claims) - len(new)
    found = [f"{counted(len(new), 'new claim')} on {', '.join(used)}"] if new else []
    found += [f"{there} are there, or bound by hand"] if there else []
    yield passed("storage class", "; ".join(found))
    rigid = [name for name in used if not _may_grow(classes.get(name))]
    if rigid:
        text = f"volumes of {', '.join(rigid)} cannot grow later"
        yield warned("volume expansion", text, "ask for enough now, or use a class with allowVolumeExpansion")


def _growth(claims: Sequence[_Claim], classes: Mapping[str, Body], cluster: ClusterClient) -> Iterator[Check]:
    """Look at claims that are there and are to become larger; a StatefulSet's own cannot be changed by anybody."""
    growing = [claim for claim in claims if claim.live and "spec" in claim.live and _is_larger(claim)]
    problems = [
        f"{claim.name} is to grow to {claim.wanted}, and its class {name} lets no volume grow"
        for claim, name in ((claim, _class_of(claim, cluster)) for claim in growing)
        if not _may_grow(classes.get(name))
    ]
    if problems:
        hint = "ask the cluster's administrator for a class with allowVolumeExpansion, or leave the size as it is"
        yield failed("volume expansion", "; ".join(problems[:_MAX_NAMED]), hint)
    elif growing:
        yield passed("volume expansion", f"{counted(len(growing), 'claim')} to grow, and the classes let them")


def _class_of(claim: _Claim, cluster: ClusterClient) -> str:
    named = text_at(claim.live, "spec", "storageClassName")
    return named if named or claim.made is None else text_at(cluster.get(claim.made), "spec", "storageClassName")


def _may_grow(storage_class: Body | None) -> bool:
    return value_at(storage_class, "allowVolumeExpansion") is True


def _is_larger(claim: _Claim) -> bool:
    has = value_at(claim.live, *_SIZE)
    try:
        return Quantity.parse(str(has)) < Quantity.parse(claim.wanted)
    except ValueError:
        return False
