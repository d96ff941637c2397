"""An open rollout on the command line: what each verb shows of it, and the verbs that look after it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler.model.cluster import ListQuery, Payload
from bundler.model.json import canonical_json
from bundler.model.refs import ObjectRef, ref_of
from bundler.model.rollout import Pacing, RolloutState, Share
from bundler.planning.pacing import paced
from bundler.planning.payloads import payload_of
from bundler.storage.secrets import SecretReleaseStore
from tests.lib.bundles import make_bundle
from tests.lib.menus import small_bundle
from tests.lib.rollouts import paused_rollout, record_rollout

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.model.release import RevisionSummary
    from tests.lib.fixtures_cli import Cli

NS = ("-n", "prod")
HOUR_S = 3600.0


def roll(cli: Cli, **more: object) -> RevisionSummary:
    """Install a release, and record that its second revision is rolled out."""
    cli("install", "shop", small_bundle(cli.home), *NS).ok()
    with cli.sandbox() as cluster:
        store = SecretReleaseStore(cluster, cli.clock)
        return record_rollout(store, cli.clock, "prod", rollout=paused_rollout(**more))


@pytest.mark.medium
def test_list_history_and_status_show_the_step_its_state_and_since_when(cli: Cli) -> None:
    roll(cli, reason="Friday")
    cli.clock.advance(3.5 * HOUR_S)
    listed = cli("list", *NS).ok()
    assert "  2         deployed 1, rolling 2 (step 1 of 2, paused 3h)  small " in listed.out
    history = cli("history", "shop", *NS).ok().out.splitlines()
    assert "  deployed " in history[1]
    assert "  rolling (step 1 of 2, paused 3h)  small " in history[2]
    status = cli("status", "shop", *NS).ok()
    assert "  revision  2, rolling (step 1 of 2, paused 3h), " in status.out
    assert "  rollout   step 1 of 2, paused since 2026-11-01 12:" in status.out
    assert "Z by ada: Friday\n" in status.out
    assert "  deployed  revision 1, small 1.0.0\n" in status.out
    assert "warning" not in status.err
    page = cli("status", "shop", "-o", "html", *NS).ok().out
    assert "step 1 of 2, paused since 2026-11-01 12:" in page
    assert "rolling (step 1 of 2, paused)" in page


@pytest.mark.medium
def test_json_says_what_was_asked_for_and_how_far_it_has_come(cli: Cli) -> None:
    rollout = roll(cli, gates=("quiet", "smoke"), passed=("quiet",), soak_s=120).rollout
    assert rollout is not None
    assert rollout.since is not None
    (listed,) = cli("list", "-o", "json", *NS).ok().document
    assert listed["status"] == "pending-upgrade"
    assert listed["rollout"] == {
        "step": 1,
        "steps": 2,
        "done": False,
        "state": "paused",
        "since": rollout.since.isoformat(),
        "by": "ada",
        "reason": "",
        "shares": {"": ["10%"]},
        "pauseAfter": "canary",
        "soakSeconds": 120,
        "stepTimeoutSeconds": 600,
        "onFailure": "abort",
        "gates": ["quiet", "smoke"],
        "passedGates": ["quiet"],
    }
    first, second = cli("history", "shop", "-o", "json", *NS).ok().document
    assert (first["rollout"], second["rollout"]) == (None, listed["rollout"])
    assert cli("status", "shop", "-o", "json", *NS).ok().document["rollout"] == listed["rollout"]


@pytest.mark.medium
def test_a_plan_that_was_saved_before_and_the_repair_of_drift_wait_for_the_rollout_too(cli: Cli) -> None:
    menu, plan = small_bundle(cli.home), cli.home / "up.plan"
    cli("install", "shop", menu, *NS).ok()
    cli("plan", "shop", menu, "--set", "text=second", "--out", plan, *NS).ok()
    with cli.sandbox() as cluster:
        record_rollout(SecretReleaseStore(cluster, cli.clock), cli.clock, "prod")
        live = json.loads(json.dumps(cluster.get(ObjectRef("", "ConfigMap", "prod", "shop-config"))))
        live["data"]["text"] = "by hand"
        cluster.replace(Payload(ref=ref_of(live), api_version="v1", content=canonical_json(live), manager="hand"))
    before = written(cli)
    for line in (
        ["apply", plan],
        ["drift", "shop", "--fix"],
        ["install", "shop", menu, "--set", "text=second"],
        ["rollback", "shop", "1"],
    ):
        refused = cli(*line, *NS)
        assert refused.code == 1
        assert "error[rollout-open]" in refused.err
    assert written(cli) == before


@pytest.mark.medium
def test_an_older_bundler_refuses_a_release_whose_rollout_is_open_and_shows_the_others(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    roll(cli)
    cli("install", "other", small_bundle(cli.home), *NS).ok()
    before = written(cli)
    monkeypatch.setattr("bundler.storage.limits.FORMAT_VERSION", 1)
    for line in (["upgrade", "shop", cli.home / "small"], ["rollback", "shop"], ["uninstall", "shop", "--yes"]):
        refused = cli(*line, *NS)
        assert refused.code == 1
        assert "error[record-too-new]" in refused.err
        assert "it has format 2; this bundler reads formats up to 1" in refused.err
    assert written(cli) == before
    assert "  other " in cli("list", *NS).out


@pytest.mark.medium
def test_a_rollback_without_a_revision_is_an_abort(cli: Cli) -> None:
    hold(cli, Pacing(surge=1, unavailable=0))
    refused = cli("rollback", "shop", "1", *NS)
    assert (refused.code, "error[rollout-open]" in refused.err) == (1, True)
    saved = cli("plan", "shop", "--rollback", "--out", cli.home / "back.plan", *NS)
    assert (saved.code, "error[rollout-open]" in saved.err) == (1, True)
    before = written(cli)
    planned = cli("rollback", "shop", "--dry-run", *NS).ok()
    assert "going back to revision 1" in planned.err
    assert written(cli) == before
    cli("rollback", "shop", "-m", "too slow", *NS).ok()
    first, second = cli("history", "shop", "-o", "json", *NS).document
    assert (first["status"], second["status"]) == ("deployed", "failed")
    assert (second["description"], second["rollout"]) == ("aborted: too slow", None)
    with cli.sandbox() as cluster:
        live = cluster.get(ObjectRef("apps", "Deployment", "prod", "web"))
        assert "web:1" in json.dumps(live)
        assert "2147483646" not in json.dumps(live)


@pytest.mark.medium
def test_drift_says_that_what_a_rollout_has_written_is_drift(cli: Cli) -> None:
    hold(cli, Pacing(surge=1, unavailable=0))
    drift = cli("drift", "shop", *NS)
    assert "warning: revision 2 is rolled out in steps: what it has written is drift here" in drift.err
    assert "Deployment/web" in drift.out


@pytest.mark.medium
def test_wait_says_that_a_rollout_is_not_ready_before_its_last_step(cli: Cli) -> None:
    hold(cli, Pacing(surge=1, unavailable=0))
    waited = cli("wait", "shop", "--timeout", "30s", *NS)
    assert waited.code == 4
    assert "warning: revision 2 is rolled out in steps, and not ready before the last of them\n" in waited.err


@pytest.mark.medium
def test_status_warns_of_a_rollout_that_has_been_paused_for_a_day(cli: Cli) -> None:
    roll(cli)
    cli.clock.advance(23.9 * HOUR_S)
    assert "warning" not in cli("status", "shop", *NS).ok().err
    cli.clock.advance(0.2 * HOUR_S)
    warned = (
        "warning: revision 2 has been paused at step 1 of 2 for 1d: "
        "`bundler continue shop -n prod` or `bundler abort shop -n prod`\n"
    )
    for output in ("text", "json", "html"):
        assert warned in cli("status", "shop", "-o", output, *NS).ok().err
    cli.clock.advance(29 * 24 * HOUR_S)
    assert " for 30d: " in cli("status", "shop", *NS).ok().err
    assert "paused 30d" in cli("list", *NS).ok().out


@pytest.mark.medium
def test_status_warns_of_a_rollout_that_moves_while_no_run_works_on_it(cli: Cli) -> None:
    roll(cli, state=RolloutState.MOVING)
    cli.clock.advance(48 * HOUR_S)
    warned = (
        "warning: revision 2 is rolled out in steps, and no run works on it: run `bundler continue shop -n prod` to "
        "continue it, or `bundler abort shop -n prod` to go back\n"
    )
    assert cli("status", "shop", *NS).ok().err == warned
    assert warned in cli("rollout", "shop", *NS).ok().err


@pytest.mark.medium
def test_pause_says_who_paused_it_and_why(cli: Cli) -> None:
    roll(cli, state=RolloutState.MOVING, by="grace", gates=("quiet",), passed=("quiet",))
    cli.clock.advance(60)
    paused = cli("pause", "shop", "-m", "lunch", *NS).ok()
    assert paused.out.startswith("release shop: revision 2 at step 1 of 2, paused since 2026-11-01 12:")
    assert paused.out.endswith("Z by sandbox (ada@desk): lunch\n")
    cli.clock.advance(60)
    for again in (["pause", "shop"], ["pause", "shop", "-m", "lunch"]):
        assert cli(*again, *NS).ok().out == paused.out, "it is paused already"
    document = cli("pause", "shop", "-o", "json", *NS).ok().document
    assert (document["revision"], document["status"]) == (2, "pending-upgrade")
    assert (document["rollout"]["state"], document["rollout"]["reason"]) == ("paused", "lunch")
    assert document["rollout"]["passedGates"] == ["quiet"]
    assert cli("pause", "shop", "-m", "dinner", *NS).ok().out == paused.out.replace("lunch", "dinner")


def written(cli: Cli) -> list[Body]:
    """Return everything that a run of ours could have written."""
    kinds = (("", "Secret"), ("apps", "Deployment"), ("coordination.k8s.io", "Lease"))
    with cli.sandbox() as cluster:
        return [
            item
            for group, kind in kinds
            for item in cluster.list(ListQuery(group=group, kind=kind, namespace="")).items
        ]


@pytest.mark.medium
@pytest.mark.parametrize("verb", ["pause", "rollout"])
def test_without_an_open_rollout_nothing_is_done(cli: Cli, verb: str) -> None:
    cli("install", "shop", small_bundle(cli.home), *NS).ok()
    before = written(cli)
    refused = cli(verb, "shop", *NS)
    assert (refused.code, refused.out) == (2, "")
    assert "no rollout is open: revision 1 is deployed (namespace prod)" in refused.err
    assert written(cli) == before


@pytest.mark.medium
@pytest.mark.parametrize("verb", ["pause", "rollout"])
def test_a_release_that_does_not_exist_is_named(cli: Cli, verb: str) -> None:
    refused = cli(verb, "nowhere", *NS)
    assert refused.code == 1
    assert "error[release-not-found]" in refused.err


@pytest.mark.medium
@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"state": RolloutState.ABORTING}, "it is being aborted"),
        ({"state": RolloutState.MOVING, "step": 2}, "it is at its last step, 2 of 2, in which nothing holds pods back"),
    ],
)
def test_what_nothing_holds_back_any_more_cannot_be_paused(cli: Cli, more: dict[str, object], words: str) -> None:
    before = roll(cli, **more)
    refused = cli("pause", "shop", *NS)
    assert refused.code == 2
    assert words in refused.err
    with cli.sandbox() as cluster:
        assert SecretReleaseStore(cluster, cli.clock).read_rollout(before) == before


WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  replicas: 4
  minReadySeconds: 30
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec: {containers: [{name: web, image: "web:1"}]}
"""


def hold(cli: Cli, pacing: Pacing, **more: object) -> None:
    """Leave `web` with some pods of a new template; `api` is the same in both revisions."""
    files = {f"templates/{name}.yaml": WEB.replace("NAME", name) for name in ("web", "api")}
    cli("install", "shop", make_bundle(cli.home, files), *NS).ok()
    with cli.sandbox() as cluster:
        store = SecretReleaseStore(cluster, cli.clock)
        (newest,) = store.summaries(namespace="prod")
        manifest = next(one for one in store.load(newest).manifests if one.ref.name == "web")
        new = json.loads(json.dumps(manifest.body).replace("web:1", "web:2"))
        changed = replace(manifest, body=new)
        record_rollout(store, cli.clock, "prod", rollout=paused_rollout(**more), changed={manifest.ref: changed})
        cluster.apply(payload_of(paced(changed, pacing), None))
        cli.clock.advance(60)


@pytest.mark.medium
def test_rollout_shows_the_old_and_new_pods_of_each_component(cli: Cli) -> None:
    hold(cli, Pacing(surge=1, unavailable=0), gates=("quiet", "smoke"), passed=("quiet",), reason="Friday")
    shown = cli.golden("rollout", "rollout", "shop", *NS, COLUMNS="160").ok()
    assert shown.err == ""


@pytest.mark.medium
def test_rollout_says_in_json_what_there_is_and_what_the_step_asks_for(cli: Cli) -> None:
    hold(cli, Pacing(surge=1, unavailable=1), shares={"": (Share.parse("50%"),)})
    document = cli("rollout", "shop", "-o", "json", *NS).ok().document
    assert (document["revision"], document["deployedRevision"]) == (2, 1)
    assert document["rollout"] == cli("status", "shop", "-o", "json", *NS).document["rollout"]
    (web,) = document["workloads"]
    assert (web["object"], web["template"], web["contested"]) == ("apps/Deployment/prod/web", "new", False)
    assert (web["replicas"], web["share"], web["target"]) == (4, "50%", 2)
    assert web["old"] == {"wanted": 3, "there": 3, "ready": 3, "restarts": 0, "failed": []}
    assert web["new"] == {"wanted": 2, "there": 2, "ready": 2, "restarts": 0, "failed": []}


@pytest.mark.medium
def test_rollout_names_who_else_wrote_a_workload(cli: Cli) -> None:
    hold(cli, Pacing(surge=1, unavailable=0))
    with cli.sandbox() as cluster:
        ref = ObjectRef("apps", "Deployment", "prod", "web")
        live = json.loads(json.dumps(cluster.get(ref)))
        live["spec"]["template"]["spec"]["containers"][0]["image"] = "web:3"
        live["metadata"].pop("managedFields")
        cluster.replace(Payload(ref=ref, api_version="apps/v1", content=canonical_json(live), manager="kubectl-edit"))
    shown = cli("rollout", "shop", *NS).ok().out
    assert "Deployment/web: someone else wrote its pod template" in shown


@pytest.mark.medium
def test_rollout_before_the_first_pod_is_new(cli: Cli) -> None:
    roll(cli, state=RolloutState.MOVING)
    assert cli("rollout", "shop", "-o", "json", *NS).ok().document["workloads"] == []
    assert "  10% (0 of 0)  1 of 2  moving  " in cli("rollout", "shop", *NS, COLUMNS="160").ok().out
