"""What a release has to be allowed, from its record to the last object that goes. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, product
from typing import TYPE_CHECKING, Final, TypeAlias

from bundler.model.json import Body, JSONValue, items_at, list_at, mapping_at, strings_at, text_at
from bundler.model.lean import dataclass
from bundler.model.manifest import Manifest
from bundler.model.orders import GROUP
from bundler.model.refs import ObjectRef
from bundler.planning.claim_growth import is_stateful_set
from bundler.planning.recreate import rule_for

if TYPE_CHECKING:
    from bundler.model.bundle import RecreateRule

RBAC: Final = "rbac.authorization.k8s.io"
WRITE_VERBS: Final = ("get", "list", "create", "patch")
LATER_VERBS: Final = ("delete", "update")
"""For pruning and uninstalling, and to take over the fields of objects that others wrote or restored."""
RECORD_VERBS: Final = ("get", "list", "create", "update", "delete")
LOCK_VERBS: Final = ("get", "create", "update", "delete")
LOOK_VERBS: Final = ("list", "watch")
GENERATED_VERBS: Final = ("get", "list", "create", "update")
GROWTH_VERBS: Final = ("list", "patch")
READ_VERBS: Final = ("get", "list", "watch")
LOOKED_AT: Final = (("", "pods"), ("", "events"), ("apps", "replicasets"))
"""What waiting lists and watches to say why something is not ready; it reads the logs of pods too."""
_CONSIDERED: Final = (("", "resourcequotas"), ("autoscaling", "horizontalpodautoscalers"))
"""What plans are checked against."""

_NEVER_DELETED: Final = frozenset(
    {
        ("", "namespaces"),
        ("", "persistentvolumeclaims"),
        ("", "persistentvolumes"),
        ("apiextensions.k8s.io", "customresourcedefinitions"),
    }
)

PluralOf: TypeAlias = Callable[[str, str], str | None]
"""Takes group and kind, returns how the API server serves it; None where that is not known."""


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One thing that has to be allowed."""

    group: str
    plural: str
    namespace: str
    """Empty: in the whole cluster."""
    verb: str

    @property
    def shown(self) -> str:
        """``patch deployments.apps in shop``."""
        resource = f"{self.plural}.{self.group}" if self.group else self.plural
        where = f" in {self.namespace}" if self.namespace else " in the whole cluster"
        return f"{self.verb} {resource}{where}"


def record_rights(namespace: str) -> Iterator[Right]:
    """Yield what the records of a release and its lock need."""
    yield from (Right("", "secrets", namespace, verb) for verb in RECORD_VERBS)
    yield from (Right("coordination.k8s.io", "leases", namespace, verb) for verb in LOCK_VERBS)


def order_rights(namespace: str) -> Iterator[Right]:
    """Yield what finding out whether an order keeps a release needs."""
    yield from (Right(GROUP, "releases", namespace, verb) for verb in ("get", "list"))


def values_rights(namespace: str) -> frozenset[Right]:
    """Return what reading the values and the bundle that an order refers to needs."""
    return frozenset(Right("", plural, namespace, "get") for plural in ("configmaps", "secrets"))


def object_rights(manifests: Iterable[Manifest], plural_of: PluralOf, verbs: Sequence[str]) -> Iterator[Right]:
    """Yield what these verbs on objects need, once for a kind in a namespace; kinds whose plural is not known left out.

    Args:
        manifests: the objects.
        plural_of: how kinds are served.
        verbs: of the API.
    """
    places = {(one.ref.group, one.ref.kind, one.ref.namespace) for one in manifests}
    for group, kind, namespace in sorted(places):
        plural = plural_of(group, kind)
        if plural is not None:
            is_kept = (group, plural) in _NEVER_DELETED
            allowed = (verb for verb in verbs if not (is_kept and verb == "delete"))
            yield from (Right(group, plural, namespace, verb) for verb in allowed)


def claim_rights(manifests: Iterable[Manifest]) -> Iterator[Right]:
    """Yield what growing the claims of a StatefulSet needs; they are not objects of the bundle."""
    for manifest in manifests:
        if is_stateful_set(manifest.ref) and items_at(manifest.body, "spec", "volumeClaimTemplates"):
            for verb in GROWTH_VERBS:
                yield Right("", "persistentvolumeclaims", manifest.ref.namespace, verb)


def definition_rights(manifests: Iterable[Manifest]) -> Iterator[Right]:
    """Yield what is read of all objects of a kind before its definition changes."""
    for (group, _), plural in defined_plurals(manifests).items():
        yield Right(group, plural, "", "list")


def generated_rights(generated: Iterable[ObjectRef]) -> Iterator[Right]:
    """Yield what making generated Secrets and finding them again needs; those of components may be in other namespaces.

    They are made with POST, and one that an earlier release left behind is taken up with PUT; none is ever deleted.
    """
    for ref in generated:
        yield from (Right("", "secrets", ref.namespace, verb) for verb in GENERATED_VERBS)


def explaining_rights(manifests: Iterable[Manifest], namespace: str) -> Iterator[Right]:
    """Yield what is read to say why something is not ready, wherever there may be pods of it."""
    for place in _places(manifests, namespace):
        yield from (Right(group, plural, place, verb) for group, plural in LOOKED_AT for verb in LOOK_VERBS)
        yield Right("", "pods/log", place, "get")


def _places(manifests: Iterable[Manifest], namespace: str) -> Sequence[str]:
    """Return the namespaces of a release: its own, and those of its components."""
    return sorted({namespace, *(one.ref.namespace for one in manifests)} - {""})


def recreate_rights(
    manifests: Iterable[Manifest], plural_of: PluralOf, rules: Sequence[RecreateRule]
) -> Iterator[Right]:
    """Yield what is needed to delete the objects that a bundle says may be recreated, its claims among them.

    Args:
        manifests: the objects.
        plural_of: how kinds are served.
        rules: which of them may be recreated.
    """
    for manifest in manifests:
        plural = plural_of(manifest.ref.group, manifest.ref.kind) if rule_for(manifest, rules) else None
        if plural is not None:
            yield Right(manifest.ref.group, plural, manifest.ref.namespace, "delete")


def stuck_pod_rights(manifests: Iterable[Manifest]) -> Iterator[Right]:
    """Yield what the abort of an upgrade in steps needs: pods that are not ready are in the way of a StatefulSet."""
    for manifest in manifests:
        if is_stateful_set(manifest.ref):
            yield Right("", "pods", manifest.ref.namespace, "delete")


def whole_life(
    manifests: Sequence[Manifest],
    namespace: str,
    plural_of: PluralOf,
    *,
    generated: Iterable[ObjectRef] = (),
    recreating: Sequence[RecreateRule] = (),
    goes_in_steps: bool = False,
) -> frozenset[Right]:
    """Return what install, upgrade, rollback and uninstall need, and every verb that reads.

    Args:
        manifests: rendered, in their normal form.
        namespace: of the release.
        plural_of: how kinds are served.
        generated: the Secrets that are generated.
        recreating: which objects the bundle says may be recreated.
        goes_in_steps: whether the bundle says in which steps it is upgraded.
    """
    verbs = (*WRITE_VERBS, "watch", *LATER_VERBS)
    considered = (
        Right(group, plural, place, "list") for place in _places(manifests, namespace) for group, plural in _CONSIDERED
    )
    return frozenset(
        [
            *record_rights(namespace),
            *order_rights(namespace),
            *object_rights(manifests, plural_of, verbs),
            *generated_rights(generated),
            *claim_rights(manifests),
            *recreate_rights(manifests, plural_of, recreating),
            *(stuck_pod_rights(manifests) if goes_in_steps else ()),
            *definition_rights(manifests),
            *explaining_rights(manifests, namespace),
            *considered,
        ]
    )


def reading(
    manifests: Sequence[Manifest], namespace: str, plural_of: PluralOf, *, generated: Iterable[ObjectRef] = ()
) -> frozenset[Right]:
    """Return what list, status, history, get, wait and logs need.

    Args:
        manifests: everything that the release owns.
        namespace: of the release, with its records.
        plural_of: how kinds are served.
        generated: the Secrets that are generated.
    """
    places = {namespace, *(ref.namespace for ref in generated)}
    records = (Right("", "secrets", place, verb) for place in places for verb in ("get", "list"))
    lock = Right("coordination.k8s.io", "leases", namespace, "get")  # whether a run works on what is not finished
    objects = object_rights(manifests, plural_of, READ_VERBS)
    return frozenset([*records, lock, *order_rights(namespace), *objects, *explaining_rights(manifests, namespace)])


def defined_plurals(manifests: Iterable[Manifest]) -> Mapping[tuple[str, str], str]:
    """Return group and kind -> plural of the kinds that definitions among manifests define."""
    crds = (one.body for one in manifests if one.ref.kind == "CustomResourceDefinition")
    names = ((text_at(crd, "spec", "group"), mapping_at(crd, "spec", "names")) for crd in crds)
    return {(group, text_at(name, "kind")): text_at(name, "plural") for group, name in names}


def rules_of(rights: Iterable[Right]) -> list[Body]:
    """Return rights of one namespace, or of the whole cluster, as the rules of a role: one for each set of verbs."""
    verbs: dict[tuple[str, str], set[str]] = {}
    for right in rights:
        verbs.setdefault((right.group, right.plural), set()).add(right.verb)

    def key(resource: tuple[str, str]) -> tuple[str, list[str]]:
        return resource[0], sorted(verbs[resource])

    return [
        {"apiGroups": [group], "resources": sorted(plural for _, plural in same), "verbs": list(allowed)}
        for (group, allowed), same in groupby(sorted(verbs, key=key), key=key)
    ]


def granted_rights(manifests: Iterable[Manifest]) -> Iterator[Right]:
    """Yield what the roles among manifests allow on resources as a whole: no one can grant what they do not have."""
    for one in manifests:
        if one.ref.group != RBAC:
            continue
        for rule in items_at(one.body, "rules"):
            groups, plurals, verbs = (strings_at(rule, key) for key in ("apiGroups", "resources", "verbs"))
            if not list_at(rule, "resourceNames"):
                yield from (
                    Right(*place, one.ref.namespace, verb) for place in product(groups, plurals) for verb in verbs
                )


def granted_rules(manifests: Iterable[Manifest], namespace: str) -> list[Body]:
    """Return what the roles and bindings among manifests grant in a namespace: no one can grant what they do not have.

    Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping

    Args:
        manifests: rendered, in their normal form.
        namespace: empty: what is granted in the whole cluster.
    """
    found: list[Body] = []
    for one in manifests:
        if one.ref.group != RBAC or one.ref.namespace != namespace:
            continue
        found += [dict(rule) for rule in items_at(one.body, "rules")]
        role = mapping_at(one.body, "roleRef")
        own = any(other.ref.kind == role.get("kind") and other.ref.name == role.get("name") for other in manifests)
        if role and not own:
            resource = "roles" if role.get("kind") == "Role" else "clusterroles"
            names: list[JSONValue] = [text_at(role, "name")]
            found.append({"apiGroups": [RBAC], "resources": [resource], "resourceNames": names, "verbs": ["bind"]})
    return [rule for index, rule in enumerate(found) if list_at(rule, "verbs") and rule not in found[:index]]
