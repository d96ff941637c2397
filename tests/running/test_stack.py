"""The bundle `stack`: tenants whose shops run apart, in namespaces of their own, behind one page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.lib.load import CLIENT, ensure_client
from tests.lib.operator import PREVIOUS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lib.running_site import RunningSite

QUICK = ("--set", "front.drainSeconds=0")
WORKLOADS = ("apps/v1/deployments/stack-web", "apps/v1/statefulsets/stack-db", "apps/v1/statefulsets/stack-cache")


def fetch(site: RunningSite, place: str, service: str) -> str:
    url = f"http://{service}.{place}/"
    return site.run_in(CLIENT, CLIENT, "curl", "-sS", "--fail", "--max-time", "20", url)


def sql(tenant: RunningSite, query: str) -> str:
    script = f'PGPASSWORD="$POSTGRES_PASSWORD" psql -h stack-db -U shop -d shop -At -c "{query}"'
    return tenant.run_in("stack-db-0", "postgres", "sh", "-c", script).strip()


def prices(site: RunningSite, tenant: RunningSite) -> dict[str, str]:
    answer: dict[str, Any] = json.loads(fetch(site, tenant.namespace, "stack-web"))
    return {one["name"]: one["price"] for one in answer["products"]}


def uids(tenant: RunningSite) -> list[str]:
    return [tenant.get(path)["metadata"]["uid"] for path in WORKLOADS]


@pytest.fixture
def tenants(server_site: RunningSite) -> Iterator[list[RunningSite]]:
    sites = [server_site.beside(name) for name in ("north", "south")]
    for site in sites:
        site.create()
    yield sites
    for site in sites:
        site.delete()


def test_shops_of_two_tenants_run_apart_and_an_upgrade_recreates_neither(
    server_site: RunningSite, tenants: list[RunningSite]
) -> None:
    site, (north, south) = server_site, tenants
    ensure_client(site)
    site.bundler("install", "stack", PREVIOUS / "stack", *QUICK)
    assert "http://north.shops.example/" in fetch(site, site.namespace, "stack-front")
    before = [uids(tenant) for tenant in tenants]
    assert sql(north, "SELECT count(*) FROM pg_database WHERE datname = 'shop'") == "1"
    sql(north, "CREATE TABLE kept (name text); INSERT INTO kept VALUES ('Ada')")

    site.bundler("upgrade", "stack", "stack", "--set", "title=Our markets")
    assert [uids(tenant) for tenant in tenants] == before
    # A request may still reach an old server.
    site.until("the new title", lambda: "<h1>Our markets</h1>" in fetch(site, site.namespace, "stack-front"))
    assert sql(north, "SELECT name FROM kept") == "Ada"
    sql(north, "UPDATE products SET price = 9.99 WHERE name = 'tea'")
    north.run_in("stack-cache-0", "redis", "redis-cli", "del", "products")
    assert prices(site, north)["tea"] == "9.99"
    assert prices(site, south)["tea"] == "4.10", "what one tenant sells concerns no other"

    gone = site.bundler("uninstall", "stack", "--yes")
    for tenant in tenants:
        assert tenant.items("v1/pods") == []
        assert len(tenant.items("v1/persistentvolumeclaims")) == 2
        assert f"PersistentVolumeClaim/data-stack-db-0 in {tenant.namespace}" in gone
