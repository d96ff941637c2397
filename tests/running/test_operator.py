"""The bundle `operator`, with a controller that does its work at the real API server, as its ServiceAccount."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lib.operator import PREVIOUS

if TYPE_CHECKING:
    from tests.lib.running_site import RunningSite

ASK = """
import sys, urllib.error
sys.path.insert(0, "/scripts")
from controller import NAMESPACE, send
try:
    print(send("GET", f"/api/v1/namespaces/{NAMESPACE}/" + sys.argv[1]).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""
QUICK = ("--set", "resyncSeconds=1")
ADA, GRACE = (
    ("--set", "guests.ada.name=Ada"),
    ("--set", "guests.grace.name=Grace", "--set", "guests.grace.companions=1"),
)
CROWD = ("--set", "guests.crowd.name=Crowd", "--set", "guests.crowd.companions=3")


def seats(site: RunningSite) -> dict[str, str]:
    """Return who has which seats."""
    return site.get("v1/configmaps/op-seating").get("data", {})


def status(site: RunningSite, guest: str) -> tuple[str, str]:
    """Return phase and seats of a guest."""
    found = site.get(f"party.example/v1/guests/{guest}").get("status", {})
    return found.get("phase", ""), found.get("seats", "")


def made(site: RunningSite) -> list[str]:
    """Return which Deployment and which guest there are."""
    return [site.get(path)["metadata"]["uid"] for path in ("apps/v1/deployments/op", "party.example/v1/guests/ada")]


def guest(name: str, **spec: object) -> dict[str, object]:
    return {
        "apiVersion": "party.example/v1",
        "kind": "Guest",
        "metadata": {"name": name},
        "spec": {"name": name, **spec},
    }


def test_guests_are_invited_and_accepted_and_leave_before_their_operator(server_site: RunningSite) -> None:
    site = server_site
    site.bundler("install", "op", PREVIOUS / "operator", *ADA, *QUICK)
    # The command has waited, so nothing here waits.
    assert status(site, "ada") == ("Accepted", "1")
    (pod,) = site.ready_pods(name="operator")
    told = [line for line in site.logs(pod).splitlines() if line.startswith("ada: ")]
    assert told == ["ada: is held", "ada: Invited, waits for 1 seat", "ada: Accepted, has a seat"]
    asked = {
        what: site.run_in(pod, "controller", "python3", "-c", ASK, what)
        for what in ("configmaps/op-seating", "secrets")
    }
    assert asked == {"configmaps/op-seating": "200\n", "secrets": "403\n"}, "it may do what its Role says"

    before = made(site)
    site.bundler("upgrade", "op", "operator", *GRACE, "--set", "seats=3")
    assert made(site) == before
    assert seats(site) == {"ada": "1", "grace": "2 3"}

    # What others do is brought in order, whoever waits gets what becomes free, and what can never be is said at once.
    site.patch("v1/configmaps/op-seating", {"data": {"ada": None, "stranger": "1"}})
    site.until("order", lambda: seats(site) == {"ada": "1", "grace": "2 3"})
    site.create_object("party.example/v1/guests", guest("mary"))
    site.until("an invitation", lambda: status(site, "mary") == ("Invited", ""))
    site.create_object("party.example/v1/guests", guest("queen", first=True))
    site.until("an invitation", lambda: status(site, "queen") == ("Invited", ""))
    site.remove("party.example/v1/guests/ada")
    site.until("a free seat", lambda: status(site, "queen") == ("Accepted", "1"))
    assert status(site, "mary") == ("Invited", ""), "who is first gets it"
    site.remove("party.example/v1/guests/queen")
    site.until("a free seat", lambda: status(site, "mary") == ("Accepted", "1"))
    failed = site.bundler_failing("upgrade", "op", "operator", *CROWD)
    assert "needs 4 seats, there are 3" in failed

    site.remove("party.example/v1/guests/mary")
    site.bundler("uninstall", "op", "--yes", "--accept-data-loss")
    assert site.items("party.example/v1/guests") == []
    assert site.items("v1/pods") == []
