"""Logs of several pods: one that fails or never ends does not hide the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.logs import release_logs
from bundler.errors.cluster import ForbiddenError, UnavailableError
from bundler.model.cluster import LogQuery
from bundler.model.lean import replace
from tests.lib.faulty import FaultyCluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.model.cluster import Listing, ListQuery
    from bundler.model.refs import ObjectRef
    from tests.scenario.conftest import World


class Breaking(FaultyCluster):
    """Breaks the first log off, and keeps what was asked."""

    def __init__(self, cluster: object) -> None:
        super().__init__(cluster)  # type: ignore[arg-type]
        self.queries: list[LogQuery] = []

    def logs(self, pod: ObjectRef, query: LogQuery) -> Iterator[str]:
        self.queries.append(query)
        yield from super().logs(pod, query)
        if len(self.queries) == 1:
            raise UnavailableError("reading", context=["the log ends here: no answer in time"], hint="-")


def test_a_log_that_breaks_off_does_not_hide_the_others(sandbox_world: World) -> None:
    world = sandbox_world
    world.operator.install(world.menu, replicas="3")
    cluster = world.operator.cluster = Breaking(world.cluster)
    ports = world.operator.ports()
    lines = list(release_logs(ports, world.operator.namespace, "shop", LogQuery()))
    assert [line.text for line in lines if "the log ends here" in line.text] == [
        "[cut: the log ends here: no answer in time]"
    ]
    assert len({line.pod for line in lines}) == len(cluster.queries) >= 3
    shares = [query.within_s for query in cluster.queries]
    assert shares[0] == ports.remaining_s() / len(shares)
    assert all(share is not None and share <= ports.remaining_s() for share in shares)


class Locked(FaultyCluster):
    """May not read logs, or those of all pods but one."""

    def __init__(self, cluster: object, *, but_one: bool) -> None:
        super().__init__(cluster)  # type: ignore[arg-type]
        self._left = int(but_one)

    def logs(self, pod: ObjectRef, query: LogQuery) -> Iterator[str]:
        self._left -= 1
        if self._left < 0:
            raise ForbiddenError(
                "reading logs", context=[f"cannot get pods/log in namespace {pod.namespace}"], hint="ask"
            )
        yield from super().logs(pod, replace(query, is_following=False))


@pytest.mark.parametrize("follows", [False, True])
def test_logs_of_which_none_may_be_read_end_in_an_error_and_others_do_not(
    sandbox_world: World, *, follows: bool
) -> None:
    world = sandbox_world
    world.operator.install(world.menu, replicas="3")
    query = LogQuery(is_following=follows)
    world.operator.cluster = Locked(world.cluster, but_one=True)
    assert list(release_logs(world.operator.ports(), world.operator.namespace, "shop", query))
    world.operator.cluster = Locked(world.cluster, but_one=False)
    with pytest.raises(ForbiddenError) as raised:
        list(release_logs(world.operator.ports(), world.operator.namespace, "shop", query))
    assert raised.value.context == ("cannot get pods/log in namespace prod",)


class Mistaken(FaultyCluster):
    """Has a mistake that no one thought of."""

    def logs(self, pod: ObjectRef, query: LogQuery) -> Iterator[str]:
        raise ZeroDivisionError


def test_logs_that_are_followed_end_where_one_cannot_be_read_for_a_mistake(sandbox_world: World) -> None:
    world = sandbox_world
    world.operator.install(world.menu)
    world.operator.cluster = Mistaken(world.cluster)
    with pytest.raises(ZeroDivisionError):
        list(release_logs(world.operator.ports(), world.operator.namespace, "shop", LogQuery(is_following=True)))


class Narrow(FaultyCluster):
    """Lets Secrets be listed in the namespaces named alone; keeps what was asked."""

    def __init__(self, cluster: object, *allowed: str) -> None:
        super().__init__(cluster)  # type: ignore[arg-type]
        self._allowed = allowed
        self.asked: list[ListQuery] = []

    def list(self, query: ListQuery) -> Listing:
        if query.kind == "Secret":
            self.asked.append(query)
            if query.namespace not in self._allowed:
                raise ForbiddenError("listing", context=["no"], hint="-")
        return super().list(query)


def test_a_release_elsewhere_is_looked_for_by_its_heads_and_where_one_may(sandbox_world: World) -> None:
    world = sandbox_world
    world.operator.install(world.menu)
    cluster = world.operator.cluster = Narrow(world.cluster, "default", world.operator.namespace)
    store = world.operator.ports().store
    assert store.places_of("shop") == (world.operator.namespace,)
    assert store.places_of("other") == ()
    assert all("bundler.dev/record=head" in one.label_selector and one.metadata_only for one in cluster.asked)
    assert cluster.asked[0].namespace == ""
