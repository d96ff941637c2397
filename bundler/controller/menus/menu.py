"""A Menu, and the Release that an order of its kind becomes. Layer: controller, pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

from bundler.controller.order import PROTECT
from bundler.model.digest import digest_of
from bundler.model.json import Body, JSONValue, as_json, canonical_json, is_mapping, mapping_at, text_at
from bundler.model.labels import RELEASE_UID
from bundler.model.lean import dataclass, field
from bundler.model.orders import APPROVE, GROUP, MADE_OF, PART_OF, RELEASE, RETRY, SUSPEND, with_note
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.model.kind import SecretKey

MENU: Final = "Menu"
AT_ONCE: Final = "AtOnce"
_NOTES: Final = (APPROVE, RETRY, SUSPEND, PROTECT)
"""What people say to the controller by annotations of an order: its Release has them, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """Which bundle is ordered as a kind, and how its releases are kept."""

    name: str
    """That of the kind's CustomResourceDefinition."""
    generation: int
    source: str
    version: str
    digest: str
    api_version: str
    """That the kind is served as: ``v1``."""
    service_account: str
    site: str = "default"
    is_at_once: bool = False
    """A new bundle is for every order; else each stays on the one it runs until it is approved."""
    defaults: Body = field(default_factory=dict)
    """Fields of a Release."""
    status: Body = field(default_factory=dict)

    @property
    def bundle(self) -> Body:
        """Return ``.spec.bundle`` of a Release."""
        facts = {"source": self.source, "version": self.version, "digest": self.digest}
        return {name: text for name, text in facts.items() if text}


def menu_ref(name: str) -> ObjectRef:
    """Return the identity of a Menu."""
    return ObjectRef(GROUP, MENU, "", name)


def parse_menu(body: Body) -> Menu:
    """Read a Menu as the API server gives it, checked by its definition."""
    meta, spec = mapping_at(body, "metadata"), mapping_at(body, "spec")
    generation = meta.get("generation")
    return Menu(
        name=text_at(meta, "name"),
        generation=generation if isinstance(generation, int) else 0,
        source=text_at(spec, "bundle", "source"),
        version=text_at(spec, "bundle", "version"),
        digest=text_at(spec, "bundle", "digest"),
        api_version=text_at(spec, "version"),
        service_account=text_at(spec, "serviceAccountName"),
        site=text_at(spec, "site") or "default",
        is_at_once=text_at(spec, "upgrades") == AT_ONCE,
        defaults=mapping_at(spec, "defaults"),
        status=mapping_at(body, "status"),
    )


def release_of(menu: Menu, order: Body, before: Body | None, secrets: Collection[SecretKey]) -> Body:
    """Return the Release that an order of a kind becomes.

    Args:
        menu: of the kind.
        order: an object of the kind, as the API server gives it.
        before: the Release as it is; None where there is none yet.
        secrets: the keys of Secrets that the order names.
    """
    meta = mapping_at(order, "metadata")
    owner: Body = {
        "apiVersion": text_at(order, "apiVersion"),
        "kind": text_at(order, "kind"),
        "name": text_at(meta, "name"),
        "uid": text_at(meta, "uid"),
        "controller": True,
        "blockOwnerDeletion": True,
    }
    said = mapping_at(meta, "annotations")
    above = text_at(meta, "labels", RELEASE_UID)
    spec: dict[str, JSONValue] = {
        **menu.defaults,
        "bundle": _bundle(menu, order, before),
        "values": _without_nulls(mapping_at(order, "spec")),
        "site": menu.site,
        "serviceAccountName": menu.service_account,
    }
    if secrets:
        spec["fromSecrets"] = [{"name": one.name, "key": one.key} for one in sorted(secrets)]
    release: Body = {
        "apiVersion": f"{GROUP}/v1",
        "kind": RELEASE,
        "metadata": {
            "name": text_at(meta, "name"),
            "namespace": text_at(meta, "namespace"),
            "annotations": {
                **{note: said[note] for note in _NOTES if note in said},
                **({PART_OF: above} if above else {}),
            },
            "ownerReferences": [owner],
        },
        "spec": spec,
    }
    return with_note(release, MADE_OF, digest_of(canonical_json(release)))


def is_made_for(release: Body, order: Body) -> bool:
    """Return whether a Release was made for an order of a kind."""
    uid = text_at(order, "metadata", "uid")
    owners = mapping_at(release, "metadata").get("ownerReferences")
    return isinstance(owners, list) and any(text_at(one, "uid") == uid for one in owners)


def differs(wanted: Body, live: Body) -> bool:
    """Return whether a Release has to be written: something else is wanted than before, or someone changed it.

    Args:
        wanted: as :func:`release_of` returns it.
        live: as it is.
    """
    before, spec = text_at(live, "metadata", "annotations", MADE_OF), mapping_at(live, "spec")
    is_news = before != text_at(wanted, "metadata", "annotations", MADE_OF)
    return is_news or any(as_json(spec.get(key)) != as_json(value) for key, value in mapping_at(wanted, "spec").items())


def _bundle(menu: Menu, order: Body, before: Body | None) -> Body:
    """Return the bundle of an order: that of the menu, or, until it is approved, the one that its release runs."""
    kept = mapping_at(before, "spec", "bundle")
    is_new = before is None or not text_at(kept, "digest") or kept.get("digest") == menu.digest
    is_approved = text_at(order, "metadata", "annotations", APPROVE) == menu.digest
    return menu.bundle if is_new or menu.is_at_once or is_approved else kept


def _without_nulls(values: Mapping[str, JSONValue]) -> dict[str, JSONValue]:
    """Return values without nulls: an order has no way to delete what the bundle sets."""
    return {
        key: _without_nulls(value) if is_mapping(value) else value for key, value in values.items() if value is not None
    }


def pulls(menu: Menu) -> str:
    """Return the address that the bundle of a menu is fetched from."""
    return f"{menu.source}:{menu.version}" if menu.version else menu.source
