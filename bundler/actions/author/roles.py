"""The roles that who works with a release needs, and no more. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from bundler.actions.compose.compose import compose
from bundler.errors import UsageError
from bundler.fields.kinds import plural_of
from bundler.model.rendered import RenderedObjects
from bundler.planning.recreate import recreate_rules
from bundler.planning.rights import RBAC, defined_plurals, granted_rules, reading, rules_of, values_rights, whole_life
from bundler.planning.step_rules import step_policy

if TYPE_CHECKING:
    from bundler.actions.compose.compose import Composition
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.model.json import Body
    from bundler.model.manifest import Manifest
    from bundler.planning.rights import Right

_SERVICE_ACCOUNT: Final = "system:serviceaccount:"
_ACCOUNT: Final = "bundler-"
"""How the ServiceAccount of a release is called, with the name of the release behind it."""


def account_for_controller(order: RenderRequest) -> RenderedObjects:
    """Return the ServiceAccount as which the controller keeps a release, and its Roles.

    Args:
        order: bundle, names and values.

    Raises:
        BundlerError: when values, templates or objects are wrong.
    """
    made = compose(order)
    rights, unknown = _rights(made, order, is_reading=False)
    rights |= values_rights(order.namespace)
    name = f"{_ACCOUNT}{order.release}"
    account: Body = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": order.namespace},
        # No pod runs as it.
        "automountServiceAccountToken": False,
    }
    roles = _roles(name, order, rights, made.manifests, subject=f"{order.namespace}/{name}")
    warnings = (*unknown, *_beyond_roles(made.manifests))
    return RenderedObjects(objects=(account, *roles), sensitive=frozenset(), warnings=warnings)


def roles_for(order: RenderRequest, *, subject: str, is_reading: bool) -> RenderedObjects:
    """Return Roles, a ClusterRole where objects of the cluster are among them, and who they are bound to.

    Args:
        order: bundle, names and values.
        subject: a user, or ``NAMESPACE/NAME`` or ``system:serviceaccount:NAMESPACE:NAME``; empty: bind them to no one.
        is_reading: for the verbs that only read.

    Raises:
        UsageError: for an impossible subject.
        BundlerError: when values, templates or objects are wrong.
    """
    made = compose(order)
    rights, unknown = _rights(made, order, is_reading=is_reading)
    name = f"{order.release}-{'reader' if is_reading else 'deployer'}"
    granting = () if is_reading else made.manifests
    objects = _roles(name, order, rights, granting, subject=subject)
    warnings = (*unknown, *_beyond_roles(granting))
    return RenderedObjects(objects=tuple(objects), sensitive=frozenset(), warnings=warnings)


def _beyond_roles(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield what no role is enough for. Source: kubernetes, pkg/registry/rbac/clusterrole/policybased/storage.go."""
    for one in manifests:
        if one.ref.group == RBAC and one.body.get("aggregationRule"):
            yield f"{one.ref.short} collects the rules of other roles; only a cluster-admin may write it"


def _roles(
    name: str, order: RenderRequest, rights: frozenset[Right], granting: Sequence[Manifest], *, subject: str
) -> Iterator[Body]:
    """Yield a Role for each namespace and one for the whole cluster, with what objects among them grant to others."""
    for namespace in sorted({right.namespace for right in rights}):
        rules = rules_of(right for right in rights if right.namespace == namespace)
        rules += granted_rules(granting, namespace)
        yield from _role(name if namespace else f"{order.namespace}-{name}", namespace, rules, subject)


def _rights(made: Composition, order: RenderRequest, *, is_reading: bool) -> tuple[frozenset[Right], list[str]]:
    manifests, generated = made.manifests, [one.ref for one in made.rendering.generated]
    defined = defined_plurals(manifests)
    guessed: set[str] = set()

    def served(group: str, kind: str) -> str:
        known = plural_of(group, kind) or defined.get((group, kind))
        if known is None:
            known = f"{kind.lower()}s"
            guessed.add(f"{kind} of {group} is not a kind that is known here; its resource is taken to be {known}")
        return known

    if is_reading:
        rights = reading(manifests, order.namespace, served, generated=generated)
    else:
        policy = step_policy(order.bundle)
        rights = whole_life(
            manifests,
            order.namespace,
            served,
            generated=generated,
            recreating=tuple(recreate_rules(order.bundle)),
            goes_in_steps=bool(policy.default or policy.components),
        )
    return rights, sorted(guessed)


def _role(name: str, namespace: str, rules: list[Body], subject: str) -> Iterator[Body]:
    kind = "Role" if namespace else "ClusterRole"
    metadata: Body = {"name": name, "namespace": namespace} if namespace else {"name": name}
    yield {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, "rules": [*rules]}
    if subject:
        yield {
            "apiVersion": f"{RBAC}/v1",
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name},
            "subjects": [_subject(subject)],
        }


def _subject(text: str) -> Body:
    parts = text.removeprefix(_SERVICE_ACCOUNT).split(":" if text.startswith(_SERVICE_ACCOUNT) else "/")
    if len(parts) == 1 and not text.startswith(_SERVICE_ACCOUNT):
        return {"apiGroup": RBAC, "kind": "User", "name": text}
    if len(parts) != 2 or not all(parts):
        raise UsageError(
            "reading who the roles are for",
            context=[f"{text!r} is neither a user nor a ServiceAccount"],
            hint="name a user, or a ServiceAccount as NAMESPACE/NAME",
        )
    return {"kind": "ServiceAccount", "namespace": parts[0], "name": parts[1]}
