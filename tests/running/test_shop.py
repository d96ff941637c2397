"""The bundle `shop`: a web server, PostgreSQL and Redis that run, and grow under load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lib.load import Load, ensure_client

if TYPE_CHECKING:
    from tests.lib.running_site import RunningSite

SHOP = "http://shop-web/"


def sql(site: RunningSite, query: str) -> str:
    """Ask the shop's database, as its web servers do."""
    script = f'PGPASSWORD="$POSTGRES_PASSWORD" psql -h shop-db -U shop -d shop -At -c "{query}"'
    return site.run_in("shop-db-0", "postgres", "sh", "-c", script).strip()


def test_a_shop_grows_under_load_and_goes_back_without_a_failed_request(server_site: RunningSite) -> None:
    site = server_site
    site.bundler("install", "shop", "shop", "--set", "qps=1000", "--set", "web.drainSeconds=2")
    assert sql(site, "SELECT version FROM schema_version") == "1", "the schema was migrated"
    assert sql(site, "SHOW shared_buffers") == "500MB"
    ask_cache = ("sh", "-c", "redis-cli set guest Ada")
    assert site.run_in("shop-cache-0", "redis", *ask_cache).strip() == "OK"
    ensure_client(site)
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
    assert sql(site, "SHOW shared_buffers") == "500MB"
    assert sql(site, "SELECT version FROM schema_version") == "1", "it is the same database"
    assert site.run_in("shop-cache-0", "redis", "redis-cli", "get", "guest").strip() == "Ada"
    site.bundler("uninstall", "shop", "--yes")
