"""Which plans wait for an approval, and what an approval fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler import Action, Change, ObjectRef, Plan
from bundler.controller.guards import plan_digest, waiting_plan
from bundler.model.manifest import Manifest, Source

if TYPE_CHECKING:
    from bundler.model.json import Body

SOURCE = Source("templates/a.yaml", 1)
NOTHING: Body = {"clusterScoped": [], "namespaces": [], "grants": []}


def change(name: str, action: Action, kind: str = "ConfigMap", value: str = "1", uid: str = "u") -> Change:
    ref = ObjectRef("apps" if kind == "Deployment" else "", kind, "prod", name)
    body: Any = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "data": {"x": value}}
    desired = None if action is Action.DELETE else Manifest(ref=ref, api_version="v1", body=body, source=SOURCE)
    before = None if action is Action.CREATE else body
    return Change(ref=ref, action=action, desired=desired, before=before, live_uid=uid)


def why(*changes: Change, reach: tuple[Body, Body] | None = None) -> tuple[str, ...]:
    return waiting_plan(Plan(changes=changes), reach=reach).why


def test_a_plan_that_writes_and_deletes_little_waits_for_no_one() -> None:
    others = [change(f"a{n}", Action.NONE) for n in range(8)]
    assert why(*others, change("b", Action.UPDATE), change("c", Action.DELETE)) == ()


def test_more_than_half_of_ten_objects_are_not_deleted_unasked() -> None:
    stays, goes = [change(f"a{n}", Action.NONE) for n in range(4)], [change(f"b{n}", Action.DELETE) for n in range(6)]
    assert why(*stays, *goes) == ("6 of 10 objects would be deleted",)
    assert why(*stays, *goes[:5]) == ()


def test_the_last_workload_is_not_deleted_unasked() -> None:
    web = change("web", Action.DELETE, "Deployment")
    assert why(change("a", Action.NONE), web) == ("every workload would be deleted: Deployment/web",)
    assert why(change("b", Action.CREATE, "Deployment"), web) == ()


def test_a_bundle_that_renders_nothing_deletes_nothing_unasked() -> None:
    (line,) = why(change("a", Action.DELETE), change("b", Action.DELETE))
    assert line == "nothing is left of the release: all of its 2 objects would be deleted"


def test_wider_reach_waits_and_is_named() -> None:
    wider: Body = {"clusterScoped": ["ClusterRole"], "namespaces": ["north"], "grants": ["privileged"]}
    assert why(reach=(NOTHING, wider)) == (
        "writes objects of the whole cluster: ClusterRole",
        "writes to namespace: north",
        "grants: privileged",
    )
    assert why(reach=(wider, NOTHING)) == ()


@pytest.mark.parametrize(
    "other",
    [
        [change("a", Action.UPDATE, value="2")],
        [change("a", Action.RECREATE)],
        [change("a", Action.UPDATE), change("b", Action.CREATE)],
    ],
    ids=["another value", "another action", "one more object"],
)
def test_an_approval_fits_one_plan(other: list[Change]) -> None:
    assert plan_digest(Plan(changes=tuple(other))) != plan_digest(Plan(changes=(change("a", Action.UPDATE),)))


def test_nothing_can_be_guessed_of_secrets_by_the_digest_of_a_plan() -> None:
    secrets = [Plan(changes=(change("a", Action.UPDATE, "Secret", value=value),)) for value in ("b25l", "dHdv")]
    assert plan_digest(secrets[0]) == plan_digest(secrets[1])
    urls = [Plan(changes=(change("a", Action.UPDATE, value=f"pg://{word}@db"),)) for word in ("hunter2", "swordfish9")]
    assert plan_digest(urls[0], {"hunter2"}) == plan_digest(urls[1], {"swordfish9"}) != plan_digest(urls[0])


def test_what_stays_as_it_is_is_no_part_of_a_plan() -> None:
    alone = plan_digest(Plan(changes=(change("a", Action.UPDATE),)))
    assert plan_digest(Plan(changes=(change("a", Action.UPDATE), change("b", Action.NONE)))) == alone


def test_an_object_that_was_made_again_meanwhile_is_another_one_to_delete() -> None:
    one, two = (plan_digest(Plan(changes=(change("a", Action.DELETE, uid=uid),))) for uid in ("u", "v"))
    assert one != two


def test_the_text_of_a_plan_is_short_and_holds_no_value() -> None:
    plan = Plan(changes=tuple(change(f"a{n}", Action.UPDATE, value="hunter2") for n in range(50)))
    text = waiting_plan(plan, reach=None).text
    assert text.startswith("~ ConfigMap/a0\n")
    assert text.endswith("… 20 more")
    assert "hunter2" not in text
