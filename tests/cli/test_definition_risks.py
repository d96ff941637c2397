"""A CRD that takes less: diff, saved plans, records and pages say the same of it."""

from __future__ import annotations

import json

import pytest

from bundler.model.cluster import Payload
from bundler.model.refs import ObjectRef
from tests.lib.widgets import widgets

NS = ("-n", "prod")
GROUP = "party.example"
NARROWER = "v1 .spec.size maximum 10 is new"
BROKEN = "Widget/big in prod: .spec.size is above the maximum 10"


@pytest.fixture
def tight(cli):
    """Install a release with its own kind and an object of it, beside which is one of others; return the next bundle."""
    cli("install", "w", widgets(cli.home / "1", GROUP), *NS).ok()
    other = {"apiVersion": f"{GROUP}/v1", "kind": "Widget", "metadata": {"name": "big"}, "spec": {"size": 12}}
    with cli.sandbox() as sandbox:
        ref = ObjectRef(GROUP, "Widget", "prod", "big")
        sandbox.create(Payload(ref=ref, api_version=f"{GROUP}/v1", content=json.dumps(other).encode()))
    menu = widgets(cli.home / "2", GROUP)
    crd = json.loads((menu / "crds/widget.yaml").read_text())
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["size"]["maximum"] = 10
    (menu / "crds/widget.yaml").write_text(json.dumps(crd))
    return menu


@pytest.mark.medium
def test_it_is_refused_shown_planned_applied_and_recorded_alike(cli, tight):
    for words in (["diff"], ["plan"], ["upgrade"]):
        refused = cli(*words, "w", tight, *NS)
        assert refused.code == 1
        assert "error[plan-crd-risk]" in refused.err
        assert BROKEN in refused.err
    risk = {"narrowed": [NARROWER], "broken": [BROKEN], "blocked": [], "checked": 2}
    shown = cli("diff", "w", tight, "--accept-crd-risk", "-o", "json", *NS).ok().document
    assert [one["definitionRisk"] for one in shown["changes"] if "definitionRisk" in one] == [risk]
    for form in ("text", "markdown", "html"):
        out = cli("diff", "w", tight, "--accept-crd-risk", "-o", form, *NS).ok().out
        assert NARROWER in out
        assert BROKEN in out
    path = cli.home / "w.plan"
    cli("plan", "w", tight, "--accept-crd-risk", "--out", path, *NS).ok()
    assert BROKEN in cli("show", path).ok().out
    notes = [note for one in cli("show", path, "-o", "json").document["changes"] for note in one["notes"]]
    assert notes == [{"word": "narrower", "text": NARROWER}, {"word": "breaks", "text": BROKEN}]
    cli("apply", path).ok()
    recorded = [f"CustomResourceDefinition/widgets.{GROUP}: {line}" for line in (NARROWER, BROKEN)]
    assert cli("history", "w", "--revision", "2", "-o", "json", *NS).ok().document["acceptedRisks"] == recorded
    assert BROKEN in cli("history", "w", "--revision", "2", *NS).ok().out


@pytest.mark.medium
def test_storage_that_needs_no_migration_says_so_and_an_unknown_definition_is_named(cli, tight):
    del tight
    done = cli("migrate-storage", f"widgets.{GROUP}").ok()
    assert f"widgets.{GROUP}: v1 alone is stored already" in done.out
    form = cli("migrate-storage", f"widgets.{GROUP}", "-o", "json").ok().document
    assert form == {
        "definition": f"widgets.{GROUP}",
        "storage": "v1",
        "before": ["v1"],
        "objects": 0,
        "outsideWindow": "",
    }
    unknown = cli("migrate-storage", "gadgets.party.example")
    assert unknown.code == 1
    assert "looking for CustomResourceDefinition gadgets.party.example" in unknown.err
