"""The bundle `shop`: web servers that show what PostgreSQL and Redis hold, and grow under load."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.lib.load import CLIENT, DRAIN_S, Load, ensure_client

if TYPE_CHECKING:
    from tests.lib.running_site import RunningSite

SHOP = "http://shop-web/"


def sql(site: RunningSite, query: str) -> str:
    """Ask the shop's database, as its web servers do."""
    script = f'PGPASSWORD="$POSTGRES_PASSWORD" psql -h shop-db -U shop -d shop -At -c "{query}"'
    return site.run_in("shop-db-0", "postgres", "sh", "-c", script).strip()


def cached(site: RunningSite, *words: str) -> str:
    """Ask the shop's cache."""
    return site.run_in("shop-cache-0", "redis", "redis-cli", *words).strip()


def page(site: RunningSite) -> dict[str, Any]:
    """Return what a customer sees."""
    return json.loads(site.run_in(CLIENT, CLIENT, "curl", "-sS", "--fail", "--max-time", "5", SHOP))


def prices(answer: dict[str, Any]) -> dict[str, str]:
    """Return the price of each product of a page."""
    return {one["name"]: one["price"] for one in answer["products"]}


def test_a_shop_shows_what_its_servers_hold_and_grows_and_goes_back_under_load_without_a_failed_request(
    server_site: RunningSite,
) -> None:
    site = server_site
    site.bundler("install", "shop", "shop", "--set", "qps=1000", "--set", f"web.drainSeconds={DRAIN_S}")
    ensure_client(site)
    assert prices(page(site)) == {"bread": "3.20", "cheese": "5.60", "tea": "4.10"}
    sql(site, "UPDATE products SET price = 4.50 WHERE name = 'tea'")
    cached(site, "set", "visits", "1000")
    cached(site, "del", "products")
    first, second = page(site), page(site)
    assert (first["from"], second["from"]) == ("database", "cache")
    assert (first["visits"], second["visits"]) == (1001, 1002)
    assert prices(first) == prices(second) == {"bread": "3.20", "cheese": "5.60", "tea": "4.50"}
    assert sql(site, "SHOW shared_buffers") == "500MB"
    before = site.ready_pods(name="webapp")
    with Load(site, SHOP) as load:
        # A setting replaces the web servers, too.
        site.bundler("upgrade", "shop", "shop", "--set", "qps=2000", "--set", "web.settings.greeting=hello")
        assert not set(site.ready_pods(name="webapp")) & set(before)
        assert sql(site, "SHOW shared_buffers") == "1000MB"
        # The autoscaler sees to its new minimum.
        site.until("four web servers", lambda: len(site.ready_pods(name="webapp")) == 4)
        site.bundler("rollback", "shop")
    assert load.failures == []
    assert load.count > 100
    answers = [json.loads(text) for text in load.answers]
    assert {json.dumps(prices(one)) for one in answers} == {json.dumps(prices(first))}
    assert {one["from"] for one in answers} <= {"cache", "database", "memory"}, "which of them is a matter of time"
    assert sql(site, "SHOW shared_buffers") == "500MB"
    assert int(cached(site, "get", "visits")) > 1002 + load.count // 2, "it is the same cache"
    assert "1 check of revision 3 of shop: 1 passed" in site.bundler("test", "shop"), "its pod asked for the page"
    site.bundler("uninstall", "shop", "--yes")
