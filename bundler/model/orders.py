"""Orders: objects of the cluster that say what a release is to be, and what a change of it heeds. Layer: model."""

from __future__ import annotations

from typing import Final

from bundler.model.definition import DEFINITION
from bundler.model.json import Body, JSONValue, int_at, items_at, mapping_at, strings_at, text_at, value_at
from bundler.model.labels import INSTANCE, RELEASE_UID
from bundler.model.lean import dataclass
from bundler.model.refs import ObjectRef, ref_of

GROUP: Final = "bundler.dev"
RELEASE: Final = "Release"
"""The kind of orders whose name and namespace are the release's own."""
MANAGER: Final = "bundler-cli"
"""Field manager of what people say of orders by commands."""
APPROVE: Final = f"{GROUP}/approve"
RETRY: Final = f"{GROUP}/retry"
SUSPEND: Final = f"{GROUP}/suspend"
FINALIZER: Final = f"{GROUP}/release"
"""Keeps an order, of whatever kind, until what it made is gone; only a controller takes it off."""
ORDERS_DEFINITION: Final = ObjectRef(*DEFINITION, "", "releases.bundler.dev")
"""What defines the kind Release. The release that holds it is that of the controller."""
ORDER_LABEL: Final = f"{GROUP}/order"
"""Of a Secret with the bundle of an order: whose it is."""
IN_AN_OBJECT: Final = "secret://"
"""What the source of a bundle begins with that is in a Secret beside the order."""
BUNDLE_KEY: Final = "bundle.tgz"
"""Of a Secret that holds a bundle; where it has one key alone, that one counts."""
SIGNATURE_KEY: Final = f"{BUNDLE_KEY}.sig"
"""Of the same Secret: the bundle's signature, where there is one."""
MADE_FOR: Final = f"{GROUP}/menu"
"""Label of a definition that a Menu serves: the name of the Menu."""
MADE_OF: Final = f"{GROUP}/made-of"
"""Annotation of what is made for a Menu or an order of its kind: the digest of what was written."""

PART_OF: Final = f"{GROUP}/part-of"
"""Annotation of a Release that was made for an object of a Menu's kind: uid of the release that this is part of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMark:
    """Which order, as it was at which change of it: what a change says that carries it out.

    Example:
        >>> from bundler import Accepted, OrderMark
        >>> Accepted(order=OrderMark(uid="5f2c", generation=4)).order.generation
        4
    """

    uid: str
    """``metadata.uid`` of the order."""
    generation: int
    """``metadata.generation``: the server counts it up with each change of what the order says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepingOrder:
    """An object that says what a release is to be, as those see it who look at the release or change it.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     done = session.apply(ReleaseRequest(bundle="webapp", release="shop"))
        ...     session.orders(release="shop")  # a controller keeps nothing here
        ()
    """

    ref: ObjectRef
    """The object: name and namespace are the release's own."""
    mark: OrderMark
    """Which one, and at which change of what it says."""
    is_suspended: bool = False
    """What it says is not carried out for now, and others may change the release."""

    def __str__(self) -> str:
        """Return ``Release/shop``, and whether it is suspended."""
        return f"{self.ref.short}, suspended" if self.is_suspended else self.ref.short


def order_ref(namespace: str, release: str) -> ObjectRef:
    """Return the identity of the order of a release."""
    return ObjectRef(GROUP, RELEASE, namespace, release)


def is_suspended(body: Body) -> bool:
    """Return whether an order says that it is not to be carried out, in its spec or by an annotation."""
    by_annotation = text_at(body, "metadata", "annotations", SUSPEND)
    return value_at(body, "spec", "suspend") is True or by_annotation == "true"


def keeping_order(body: Body) -> KeepingOrder:
    """Read of an order what a change heeds.

    Args:
        body: the object as the API server gives it.
    """
    meta = mapping_at(body, "metadata")
    mark = OrderMark(uid=text_at(meta, "uid"), generation=int_at(meta, "generation"))
    return KeepingOrder(ref=ref_of(body), mark=mark, is_suspended=is_suspended(body))


def made_for(body: Body) -> str:
    """Return ``KIND/NAME`` of the object that an order was made for by a controller; empty where a person made it.

    Args:
        body: the order.
    """
    owners = items_at(body, "metadata", "ownerReferences")
    maker = next((one for one in owners if one.get("controller") is True), None)
    return f"{text_at(maker, 'kind')}/{text_at(maker, 'name')}" if maker is not None else ""


def part_of(body: Body) -> str:
    """Return the name of the release whose bundle renders an order; empty where none does.

    Args:
        body: the order.
    """
    marks = mapping_at(body, "metadata", "labels")
    return text_at(marks, INSTANCE) if text_at(marks, RELEASE_UID) else ""


def is_kept_order(ref: ObjectRef, body: Body) -> bool:
    """Return whether an object is an order, of whatever kind, whose release a controller uninstalls when it is deleted.

    Args:
        ref: the object.
        body: the same as it is in the cluster.
    """
    return (ref.group, ref.kind) == (GROUP, RELEASE) or FINALIZER in strings_at(body, "metadata", "finalizers")


def with_suspension(body: Body, *, is_on: bool) -> Body:
    """Return an order that is suspended, or no longer is; an annotation that says so goes with it."""
    notes = {key: text for key, text in mapping_at(body, "metadata", "annotations").items() if is_on or key != SUSPEND}
    meta = {**mapping_at(body, "metadata"), "annotations": notes}
    return with_spec({**body, "metadata": meta}, suspend=is_on)


def with_note(body: Body, name: str, text: str) -> Body:
    """Return an order with one of the annotations by which a person speaks to the controller.

    Args:
        body: the order.
        name: of the annotation.
        text: what it says.
    """
    notes = {**mapping_at(body, "metadata", "annotations"), name: text}
    return {**body, "metadata": {**mapping_at(body, "metadata"), "annotations": notes}}


def with_bundle(body: Body, **facts: str) -> Body:
    """Return an order of another bundle.

    Args:
        body: the order.
        facts: fields of ``.spec.bundle``; an empty one is taken out.
    """
    bundle = {**mapping_at(body, "spec", "bundle"), **facts}
    return with_spec(body, bundle={name: text for name, text in bundle.items() if text})


def with_spec(body: Body, **fields: JSONValue) -> Body:
    """Return an order that says something else.

    Args:
        body: the order.
        fields: of ``.spec``.
    """
    return {**body, "spec": {**mapping_at(body, "spec"), **fields}}


def new_order(namespace: str, release: str, service_account: str) -> Body:
    """Return an order that says nothing yet but whose it is.

    Args:
        namespace: of the release.
        release: its name.
        service_account: as whom the release is kept; empty: the controller's default.
    """
    spec: Body = {"serviceAccountName": service_account} if service_account else {}
    meta: Body = {"name": release, "namespace": namespace}
    return {"apiVersion": f"{GROUP}/v1", "kind": RELEASE, "metadata": meta, "spec": spec}
