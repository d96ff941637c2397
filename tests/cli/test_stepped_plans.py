"""Plans of upgrades in steps: shown in every form, saved with how the steps were asked for, and held to."""

from __future__ import annotations

import json
import zlib

import pytest

from bundler.wire.plan_file import MAGIC
from tests.lib.bundles import bundle_yaml
from tests.lib.menus import GENERATE, small_bundle

pytestmark = pytest.mark.medium

NS = ("-n", "prod")
NEW = ("--set", "image=docker.io/library/web:2")
CANARY = ("--steps", "25%,2", "--pause-after", "canary")


@pytest.fixture
def menu(cli):
    bundle = small_bundle(cli.home)
    cli("install", "shop", bundle, "--set", "replicas=4", *NS).ok()
    return bundle


def document_of(path):
    return json.loads(zlib.decompress(path.read_bytes()[len(MAGIC) :]))


def write_document(path, document):
    path.write_bytes(MAGIC + zlib.compress(json.dumps(document).encode()))


def test_a_difference_shows_the_steps_and_what_waits_for_the_finish(cli, menu):
    shown = cli("diff", "shop", menu, *NEW, "--set", "autoscale=true", *CANARY, *NS).ok()
    block = shown.out[shown.out.index("In 3 steps:") :].splitlines()
    assert block[:4] == [
        "In 3 steps:",
        "  step 1: Deployment/shop-web 25%, now 1 of 4 pods (25 %); then a pause",
        "  step 2: Deployment/shop-web 2 of 4 pods (50 %)",
        "  step 3, the finish: all pods; then what waits for it: HorizontalPodAutoscaler/shop-web",
    ]


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_the_steps_are_in_a_report_too(cli, menu, form):
    shown = cli("diff", "shop", menu, *NEW, *CANARY, "-o", form, *NS).ok()
    assert "In 3 steps" in shown.out
    assert "Deployment/shop-web 25%, now 1 of 4 pods (25 %); then a pause" in shown.out


def test_the_steps_are_data_too(cli, menu):
    steps = cli("diff", "shop", menu, *NEW, *CANARY, "-o", "json", *NS).ok().document["inSteps"]
    assert [(one["number"], one["pause"], one["workloads"][0]["pods"]) for one in steps["steps"]] == [
        (1, True, 1),
        (2, False, 2),
    ]
    plain = cli("diff", "shop", menu, *NEW, "-o", "json", *NS).ok().document
    assert "inSteps" not in plain


def test_a_stepped_workload_changes_for_the_same_reasons_as_without_steps(cli, menu):
    plain, stepped = (
        cli("diff", "shop", menu, *NEW, *flags, "-o", "json", *NS).ok().document for flags in ((), CANARY)
    )
    assert stepped["changes"] == plain["changes"]
    assert stepped["changedValues"] == plain["changedValues"]
    assert any(change["because"] for change in stepped["changes"])


@pytest.fixture
def saved(cli, menu):
    path = cli.home / "shop.plan"
    asked = ("--soak", "2m", "--step-timeout", "5m", "--on-failure", "pause")
    cli("plan", "shop", menu, *NEW, *CANARY, *asked, "--out", path, *NS).ok()
    return path


def test_a_saved_plan_shows_its_steps_and_what_was_asked_of_them(cli, saved):
    cli.golden("plan/03-steps", "show", saved).ok()


def test_a_saved_plan_is_carried_out_in_its_steps(cli, saved):
    cli("apply", saved)
    newest = cli("history", "shop", "-o", "json", *NS).ok().document[-1]
    assert newest["rollout"]["step"] == 1
    assert newest["rollout"]["steps"] == 3
    assert newest["rollout"]["onFailure"] == "pause"


@pytest.mark.parametrize("place", ["steps", "request", "gates", "no steps"])
def test_a_saved_plan_whose_steps_were_edited_is_refused(cli, saved, place):
    document = document_of(saved)
    (first, second) = (step for step in document["plan"]["steps"] if step["kind"] == "advance")
    match place:
        case "steps":
            second["workloads"][0]["share"] = "1"
        case "request":
            document["request"]["rollout"]["steps"] = ["25%", "3"]
        case "gates":
            first["gates"] = ["smoke"]
        case _:
            del document["request"]["rollout"]
    write_document(saved, document)
    refused = cli("apply", saved)
    assert refused.code == 1
    assert "the upgrade would go in other steps" in refused.err


def test_a_saved_plan_holds_however_many_pods_its_shares_are_now(cli, saved):
    document = document_of(saved)
    for step in document["plan"]["steps"]:
        for one in step.get("workloads", []):
            one.update(pods=7, of=20)
    write_document(saved, document)
    assert "would go in other steps" not in cli("apply", saved).err


def test_a_plan_accepts_fewer_steps_only_where_its_bundle_requires_more(cli, menu):
    steps = {"default": ["25%", "100%"], "required": True}
    (menu / "bundle.yaml").write_text(bundle_yaml("small", upgrade={"steps": steps}, generate=GENERATE), "utf-8")
    path = cli.home / "shop.plan"

    def accepted(*flags):
        cli("plan", "shop", menu, *NEW, *flags, "--out", path, *NS).ok()
        return document_of(path)["request"]["accepts"]

    assert accepted("--all") == ["fewer_steps"]
    assert accepted("--steps", "2") == ["fewer_steps"]
    assert accepted("--steps", "1,25%") == []
    assert accepted() == []
    assert "rollout" not in document_of(path)["request"]
    assert "step 1 of 2: " in cli("apply", path).ok().err
