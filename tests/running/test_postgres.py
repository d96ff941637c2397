"""The bundle `postgres`, with a PostgreSQL that answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lib.enough_time import with_enough_time
from tests.lib.operator import PREVIOUS

if TYPE_CHECKING:
    from tests.lib.running_site import RunningSite


def query(site: RunningSite, sql: str) -> str:
    """Ask the database over the network, by the name of its Service, with its password."""
    script = f'PGPASSWORD="$POSTGRES_PASSWORD" psql -h db -U app -d app -At -v ON_ERROR_STOP=1 -c "{sql}"'
    return site.run_in("db-0", "postgres", "sh", "-c", script).strip()


def capacity(site: RunningSite, claim: str) -> str:
    """Return the size that a claim has."""
    status = site.until("growth", lambda: site.get(f"v1/persistentvolumeclaims/{claim}")["status"])
    return status["capacity"]["storage"]


def test_postgres_is_ready_when_it_answers_and_a_deleted_pod_comes_back_with_its_data(server_site: RunningSite) -> None:
    site = server_site
    site.bundler("install", "db", "postgres")
    # The command has waited, so nothing here waits.
    settings = ("shared_buffers", "effective_cache_size", "work_mem", "max_connections")
    assert [query(site, f"SHOW {name}") for name in settings] == ["128MB", "384MB", "1807kB", "102"]
    query(site, "CREATE TABLE guests (name text); INSERT INTO guests VALUES ('Ada')")

    old = site.get("v1/pods/db-0")["metadata"]["uid"]
    site.remove("v1/pods/db-0")
    site.until("another pod", lambda: site.get("v1/pods/db-0")["metadata"]["uid"] != old)
    site.until("a ready pod", lambda: site.ready_pods(name="postgres"))
    assert query(site, "SELECT name FROM guests") == "Ada"
    assert "database system is ready to accept connections" in site.bundler("logs", "db")


def test_an_installation_whose_server_refuses_its_settings_fails_with_the_servers_own_words(
    server_site: RunningSite,
) -> None:
    argv = ("install", "db", "postgres", "--set", "settings.no_such_setting=1")
    words = 'unrecognized configuration parameter "no_such_setting"'
    failed = with_enough_time(
        lambda seconds: server_site.bundler_failing(*argv, "--timeout", f"{seconds}s"),
        lambda text: words in text,
        first_s=10,
    )
    assert words in failed


def test_a_database_goes_back_to_its_dump(server_site: RunningSite) -> None:
    site = server_site
    site.bundler("install", "db", PREVIOUS / "postgres")
    query(site, "CREATE TABLE guests (name text); INSERT INTO guests VALUES ('Ada')")
    before = site.get("apps/v1/statefulsets/db")["metadata"]["uid"]
    site.bundler("upgrade", "db", "postgres", "--set", "backup.schedule=0 2 * * *", "--set", "backup.keep=1")
    assert site.get("apps/v1/statefulsets/db")["metadata"]["uid"] == before
    assert query(site, "SELECT name FROM guests") == "Ada"

    site.run_cron_job("db-backup")
    query(site, "INSERT INTO guests VALUES ('Grace')")
    assert "removed" in site.run_cron_job("db-backup"), "one is kept"
    query(site, "UPDATE guests SET name = 'nobody'; CREATE TABLE later (x int)")
    site.bundler("upgrade", "db", "postgres", "--set", "restore.file=latest")
    assert query(site, "SELECT name FROM guests ORDER BY name").split() == ["Ada", "Grace"]
    query(site, "INSERT INTO guests VALUES ('Mary')")

    pod = site.get("v1/pods/db-0")["metadata"]["uid"]
    larger = ("--set", "storage.size=20Gi", "--set", "backup.size=30Gi")
    wanted = ("db", "postgres", "--unset", "restore.file", *larger)
    plan = site.bundler("diff", *wanted)
    assert "recreate StatefulSet/db (claims grow: data-db-0 10Gi -> 20Gi; its pods stay" in plan
    assert "update PersistentVolumeClaim/db-backups" in plan
    site.bundler("upgrade", *wanted)
    assert {name: capacity(site, name) for name in ("data-db-0", "db-backups")} == {
        "data-db-0": "20Gi",
        "db-backups": "30Gi",
    }
    assert site.get("v1/pods/db-0")["metadata"]["uid"] == pod, "it never stopped"
    assert site.get("apps/v1/statefulsets/db")["metadata"]["uid"] != before, "its claim template is another one"
    assert query(site, "SELECT count(*) FROM guests") == "3"
    assert "cannot shrink to 10Gi" in site.bundler_failing("upgrade", "db", "postgres", "--set", "storage.size=10Gi")
