"""One look at one Menu: its kind is defined as its bundle says, once all live orders fit it. Layer: controller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from bundler import AcquiredBundle, ListQuery, ObjectRef, OrderKind, Payload, SecretKey, Session, secrets_of_order
from bundler.controller.accounts import Account, Accounts
from bundler.controller.materials import Reader, check_digest, scratch, secret_texts, site_file
from bundler.controller.menus.menu import Menu, menu_ref, parse_menu, pulls
from bundler.controller.menus.told import Served, menu_status
from bundler.controller.orders import MANAGER, Orders
from bundler.controller.status import AttemptResult, Reason
from bundler.controller.verdicts import verdict_of, words_of
from bundler.errors import BundlerError
from bundler.errors.cluster import UnknownKindError
from bundler.model.json import Body, mapping_at, text_at
from bundler.model.lean import dataclass, replace
from bundler.model.orders import MADE_FOR, MADE_OF

if TYPE_CHECKING:
    from bundler.ports import Clock

_DEFINITIONS: Final = "apiextensions.k8s.io"
AGAIN_S: Final = 600.0
NOT_SERVED_S: Final = 1.0
"""Until it is looked again whether the API server serves a kind that was just defined."""
SOON_S: Final = 30.0
"""Until what failed in passing is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A menu whose kind is served."""

    menu: Menu
    kind: OrderKind
    """Of the bundle that the definition was made of, which is what orders are read by."""

    @property
    def query(self) -> ListQuery:
        """What lists the orders of the kind."""
        return _orders_of(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Everything that menus are served with."""

    own: Session
    """Acts as the controller."""
    accounts: Accounts
    orders: Orders
    """Writes what is said."""
    clock: Clock
    namespace: str = ""
    """Of the controller, where the sites are."""


class MenuServer:
    """Looks at menus, one at a time."""

    def __init__(self, serving: Serving) -> None:
        """Take what menus are served with."""
        self._serving, self._cluster = serving, serving.own.cluster
        self._kinds: dict[str, tuple[OrderKind, AcquiredBundle]] = {}
        """By the digest of the bundle: it is fetched once."""
        self.offers: dict[str, Offer] = {}
        """What is served, by the name of the menu."""

    def look(self, key: ObjectRef) -> float | None:
        """Look at one menu, and define its kind where that has to be done.

        Args:
            key: the menu.

        Returns:
            The seconds until the next look; None: the menu is gone. Its kind stays, and so do the orders.

        Raises:
            BundlerError: when the cluster does not answer.
        """
        body = self._cluster.get(key)
        if body is None:
            self.offers.pop(key.name, None)
            return None
        menu, again_s = parse_menu(body), AGAIN_S
        try:
            served = self._serve(menu)
        except UnknownKindError:  # it was defined a moment ago
            self._cluster.forget_discovery()
            message = "the API server does not serve the kind yet"
            served, again_s = replace(self._as_before(menu), reason=Reason.WAITING, message=message), NOT_SERVED_S
        except BundlerError as error:
            result, reason = verdict_of(error)
            served = replace(self._as_before(menu), reason=reason, message=words_of(error))
            again_s = SOON_S if result is AttemptResult.PASSING else AGAIN_S
        told = menu_status(menu, served, self._serving.clock.now())
        return self._serving.orders.write_status(body, told) or again_s

    def _serve(self, menu: Menu) -> Served:
        kind, taken = self._kind(menu)
        wanted, named = kind.definition, kind.spec.definition_name
        if (named, kind.spec.version) != (menu.name, menu.api_version):
            return self._refused(menu, f"the bundle is ordered as {named} in version {kind.spec.version}")
        live = self._cluster.get(ObjectRef(_DEFINITIONS, "CustomResourceDefinition", "", menu.name))
        if live is not None and text_at(live, "metadata", "labels", MADE_FOR) != menu.name:
            return self._refused(menu, f"CustomResourceDefinition {menu.name} exists, and was not made by this menu")
        orders = self._orders(kind) if live is not None else ()
        if live is None or _made_of(live) != _made_of(wanted):
            invalid = self._invalid(menu, taken, kind, orders)
            if invalid:
                message = f"{len(invalid)} things in live orders do not fit {menu.version}; the kind stays as it is"
                before = self._as_before(menu)
                self._go_on_with(menu)
                return replace(
                    before, orders=len(orders), invalid=invalid, reason=Reason.VALUES_INVALID, message=message
                )
            self._cluster.apply(Payload.of(wanted, manager=MANAGER), is_forced=True)
        metadata = taken.bundle.metadata
        bundle: Body = {"name": metadata.name, "version": metadata.version, "digest": taken.bundle.digest}
        self.offers[menu.name] = Offer(menu=menu, kind=kind)
        return Served(kind=kind.spec.kind, bundle=bundle, orders=len(self._orders(kind)))

    def _kind(self, menu: Menu) -> tuple[OrderKind, AcquiredBundle]:
        if menu.digest not in self._kinds:
            with scratch("bundler-menu-") as folder:
                reader = Reader(tenant=self._cluster, own=self._cluster, namespace=self._serving.namespace)
                site = site_file(menu.site, menu_ref(menu.name), reader, folder)
                taken = self._serving.own.acquire(pulls(menu), site=site, digest=menu.digest)
            check_digest(taken, menu.digest, menu.source)
            self._kinds[menu.digest] = (self._serving.own.menu(taken, source=menu.source), taken)
        return self._kinds[menu.digest]

    def _go_on_with(self, menu: Menu) -> None:
        """Keep orders by the bundle that the kind was made of, for a controller that has just begun, too."""
        was = mapping_at(menu.status, "bundle")
        if menu.name not in self.offers and text_at(was, "digest"):
            old = replace(menu, version=text_at(was, "version"), digest=text_at(was, "digest"))
            self.offers[menu.name] = Offer(menu=old, kind=self._kind(old)[0])

    def _as_before(self, menu: Menu) -> Served:
        """Return what the status says already: what is served stays served."""
        status, bundle = menu.status, mapping_at(menu.status, "bundle")
        orders = status.get("orders")
        return Served(
            kind=text_at(status, "kind"), bundle=bundle or None, orders=orders if isinstance(orders, int) else 0
        )

    def _refused(self, menu: Menu, message: str) -> Served:
        return replace(self._as_before(menu), reason=Reason.CONTESTED, message=message)

    def _orders(self, kind: OrderKind) -> Sequence[Body]:
        return self._cluster.list(_orders_of(kind)).items

    def _invalid(self, menu: Menu, taken: AcquiredBundle, kind: OrderKind, orders: Sequence[Body]) -> tuple[str, ...]:
        """Return why live orders would not fit the bundle: each is tried before its kind is changed."""
        secrets = {place: text for order in orders for place, text in self._secrets(menu, kind, order).items()}
        problems = self._serving.own.broken_orders(taken, orders, secrets=secrets)
        return tuple(f"{one.namespace}/{one.name}: {one.message}" for one in problems)

    def _secrets(self, menu: Menu, kind: OrderKind, order: Body) -> Mapping[tuple[str, SecretKey], str]:
        """Return the texts of Secrets that an order names, read as its ServiceAccount."""
        namespace = text_at(order, "metadata", "namespace")
        named = secrets_of_order(mapping_at(order, "spec"), kind)
        if not named:
            return {}
        tenant = self._serving.accounts.session(Account(namespace=namespace, name=menu.service_account)).cluster
        return {(namespace, key): text for key, text in secret_texts(tenant, namespace, named).items()}


def _orders_of(kind: OrderKind) -> ListQuery:
    return ListQuery(group=kind.spec.group, kind=kind.spec.kind, namespace="")


def _made_of(definition: Body) -> str:
    return text_at(definition, "metadata", "annotations", MADE_OF)
