"""What is found by a release's label where a record is damaged, and what is said of kinds that may not be listed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

import pytest

from bundler.actions.release.owned_objects import find_labelled
from bundler.errors.cluster import ClusterError, ForbiddenError

if TYPE_CHECKING:
    from bundler.errors import BundlerError
    from bundler.model.cluster import Listing, ListQuery
    from bundler.ports import ClusterClient
    from tests.scenario.conftest import World


class Fussy:
    """A cluster that does not let everything be listed."""

    def __init__(self, inner: ClusterClient, refusals: dict[tuple[str, str], BundlerError]) -> None:
        self._inner, self._refusals = inner, refusals

    def list(self, query: ListQuery) -> Listing:
        refusal = self._refusals.get((query.kind, query.namespace)) or self._refusals.get((query.kind, "*"))
        if refusal is not None:
            raise refusal
        return self._inner.list(query)

    def guarded(self, held: object) -> Self:
        """Go on without a lock: none is lost here."""
        del held
        return self

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


def names(world: World, refusals: dict[tuple[str, str], BundlerError]) -> tuple[set[str], tuple[str, ...]]:
    operator = world.operator
    operator.cluster = Fussy(world.cluster, refusals)  # type: ignore[assignment]
    owned = find_labelled("prod", "shop", operator.ports())
    assert all(entry.is_found for entry in owned.entries.values())
    return {ref.short for ref in owned.entries}, owned.unsearched


WHOLE = {
    "ConfigMap/shop-config",
    "Deployment/shop-web",
    "Secret/shop-password",
    "Secret/shop-token",
    "Service/shop-web",
}


@pytest.mark.parametrize(
    ("refused", "error", "missing", "unsearched"),
    [
        ([], ForbiddenError, set(), ()),
        ([("ConfigMap", "")], ForbiddenError, set(), ()),
        ([("ConfigMap", "*")], ForbiddenError, {"ConfigMap/shop-config"}, ("ConfigMap",)),
        ([("Service", "")], ClusterError, {"Service/shop-web"}, ("Service",)),
    ],
    ids=["all may be listed", "in the own namespace only", "nowhere", "a kind whose server is broken"],
)
def test_what_may_be_listed_is_found_and_the_rest_is_named(
    sandbox_world: World,
    refused: list[tuple[str, str]],
    error: type[BundlerError],
    missing: set[str],
    unsearched: tuple[str, ...],
) -> None:
    sandbox_world.operator.install(sandbox_world.menu)
    refusals = {one: error("listing", context=["no"], hint="-") for one in refused}
    found, unfound = names(sandbox_world, refusals)
    assert {name for name in found if not name.startswith("Job/")} == WHOLE - missing
    assert unfound == unsearched


def test_what_carries_the_label_and_was_made_by_others_is_not_taken(sandbox_world: World) -> None:
    """A controller copies the labels of a Service to its Endpoints; no one may delete those by them."""
    world = sandbox_world
    world.operator.install(world.menu)
    listed = world.cluster.list
    copied = world.get("Service", "shop-web")
    assert copied is not None
    theirs = [{**entry, "manager": "kube-controller-manager"} for entry in copied["metadata"]["managedFields"]]
    endpoints = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**copied["metadata"], "name": "copied", "managedFields": theirs},
    }

    class Copying(Fussy):
        def list(self, query: ListQuery) -> Listing:
            found = listed(query)
            return replace(found, items=(*found.items, endpoints)) if query.kind == "ConfigMap" else found

    world.operator.cluster = Copying(world.cluster, {})  # type: ignore[assignment]
    owned = find_labelled("prod", "shop", world.operator.ports())
    assert {ref.name for ref in owned.entries if ref.kind == "ConfigMap"} == {"shop-config"}
