"""Upgrades in steps that are refused: by every verb that plans one, with every reason, and nothing is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bundler.model.cluster import ListQuery, Payload
from bundler.model.refs import ObjectRef
from tests.lib.bundles import make_bundle
from tests.lib.unsteppable import CASES, Case, bundle, db, plain, service, web

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.fixtures_cli import Cli

NS = ("-n", "prod")
WRITTEN = ("Secret", "ConfigMap", "Service", "Lease", "Deployment", "StatefulSet", "Pod", "Job")


def state_of(cli: Cli) -> dict[tuple[str, str], str]:
    """Return the version of every object in the namespace that a change could write."""
    with cli.sandbox() as sandbox:
        kinds = [one for one in sandbox.resource_types() if one.kind in WRITTEN]
        found = [
            body
            for one in kinds
            for body in sandbox.list(ListQuery(group=one.group, kind=one.kind, namespace="prod")).items
        ]
    return {(one["kind"], one["metadata"]["name"]): one["metadata"]["resourceVersion"] for one in found}


@pytest.mark.medium
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_steps_that_cannot_be_taken_are_refused_before_anything_is_written(cli: Cli, case: Case) -> None:
    cli("install", "shop", bundle(cli.home / "1", case.before, "1.0.0"), *NS).ok()
    newer, before = bundle(cli.home / "2", case.after, "1.1.0"), state_of(cli)
    for verb in ("diff", "plan", "upgrade"):
        refused = cli(verb, "shop", newer, *case.flags, *NS)
        assert refused.code == 1, refused.err
        assert f"error[{case.code}]" in refused.err
        assert case.line in refused.err
        assert "nothing was written" in refused.err
    assert state_of(cli) == before


@pytest.mark.medium
def test_all_reasons_are_given_at_once(cli: Cli) -> None:
    old = (
        web(strategy={"type": "Recreate"}),
        db(replicas=1),
        service(80),
        plain("ConfigMap", "other", data={"a": "b"}),
    )
    new = (web("web:2", strategy={"type": "Recreate"}), db("db:2", replicas=1, serviceName="x"), service(81))
    cli("install", "shop", bundle(cli.home / "1", old, "1.0.0"), *NS).ok()
    refused = cli("diff", "shop", bundle(cli.home / "2", new, "1.1.0"), "--steps", "4", "--gate", "smoke", *NS)
    for line in (
        "--gate smoke: the bundle has no such gate",
        "Deployment/web .spec.strategy.type: Recreate",
        "StatefulSet/db .spec.replicas: its only pod",
        "StatefulSet/db .spec.serviceName: it would have to be deleted",
        '"db" \u2192 "x" cannot be changed',
        "Service/web .spec.ports: it changes",
        "Deployment/web: step 1 (4) comes to all of its 4 pods",
    ):
        assert line in refused.err
    assert refused.err.count("without --steps") == 1, "each hint is given once"


@pytest.mark.medium
def test_the_same_upgrade_again_has_nothing_to_do(cli: Cli) -> None:
    cli("install", "shop", bundle(cli.home / "1", (web(),), "1.0.0"), *NS).ok()
    again = ("upgrade", "shop", bundle(cli.home / "2", (web("web:2"),), "1.1.0"), "--canary", "web=1", *NS)
    cli(*again, "--pause-after", "none").ok()
    done = state_of(cli)
    cli(*again, "--pause-after", "none").ok()
    assert state_of(cli) == done


@pytest.mark.medium
def test_a_first_install_has_nothing_to_step(cli: Cli) -> None:
    refused = cli("diff", "shop", bundle(cli.home / "1", (web(),), "1.0.0"), "--steps", "1", *NS)
    assert refused.code == 1
    assert "no revision of release shop is deployed: there are no old pods to keep" in refused.err


@pytest.mark.medium
def test_a_deployment_of_others_that_finds_the_pods_is_named(cli: Cli) -> None:
    cli("install", "shop", bundle(cli.home / "1", (web(),), "1.0.0"), *NS).ok()
    copy = {**web(), "metadata": {"name": "copy", "namespace": "prod"}}
    with cli.sandbox() as sandbox:
        ref = ObjectRef("apps", "Deployment", "prod", "copy")
        sandbox.create(Payload(ref=ref, api_version="apps/v1", content=json.dumps(copy).encode()))
    newer = bundle(cli.home / "2", (web("web:2"),), "1.1.0")
    refused = cli("diff", "shop", newer, "--steps", "1", *NS)
    assert "the selector of Deployment/copy finds its pods, too" in refused.err
    cli("diff", "shop", newer, *NS).ok()


@pytest.mark.medium
def test_an_upgrade_that_failed_is_not_followed_by_one_in_steps_but_by_its_rollback(cli: Cli) -> None:
    cli("install", "shop", bundle(cli.home / "1", (web(),), "1.0.0"), *NS).ok()
    with cli.sandbox() as sandbox:
        sandbox.fail("Deployment", "web", "ErrImageNeverPull", "prod")
    assert cli("upgrade", "shop", bundle(cli.home / "2", (web("web:2"),), "1.1.0"), *NS).code == 1
    newer, before = bundle(cli.home / "3", (web("web:3"),), "1.2.0"), state_of(cli)
    refused = cli("upgrade", "shop", newer, "--canary", "1", *NS)
    assert refused.code == 1
    assert "Deployment/web: its pods are not those of the deployed revision: " in refused.err
    assert '"web:2" instead of "web:1"' in refused.err
    assert state_of(cli) == before
    with cli.sandbox() as sandbox:
        sandbox.heal("Deployment", "web", "prod")
    cli("rollback", "shop", "1", *NS).ok()
    assert "paused" in cli("upgrade", "shop", newer, "--canary", "1", *NS).ok().out


@pytest.mark.medium
def test_shared_settings_may_be_accepted(cli: Cli) -> None:
    case = CASES["shared settings"]
    cli("install", "shop", bundle(cli.home / "1", case.before, "1.0.0"), *NS).ok()
    cli("diff", "shop", bundle(cli.home / "2", case.after, "1.1.0"), "--steps", "1", "--shared-config", *NS).ok()


@pytest.mark.medium
def test_the_one_pod_of_a_deployment_is_said_to_become_two(cli: Cli) -> None:
    cli("install", "shop", bundle(cli.home / "1", (web(replicas=1),), "1.0.0"), *NS).ok()
    newer = bundle(cli.home / "2", (web("web:2", replicas=1),), "1.1.0")
    said = "Deployment/web: it has 1 pod: with the first step a new one comes beside it"
    for verb in (("diff",), ("upgrade", "--dry-run")):
        assert said in cli(*verb, "shop", newer, "--steps", "1", *NS).ok().err
    assert said not in cli("diff", "shop", newer, *NS).ok().err


REQUIRED = {"steps": {"default": ["25%", "100%"], "required": True}}


@pytest.mark.medium
def test_a_bundle_that_requires_steps_goes_in_them_unless_someone_confirms_otherwise(cli: Cli) -> None:
    cli("install", "shop", bundle(cli.home / "1", (web(),), "1.0.0", upgrade=REQUIRED), *NS).ok()
    newer, before = bundle(cli.home / "2", (web("web:2"),), "1.1.0", upgrade=REQUIRED), state_of(cli)
    assert "25%" in cli("diff", "shop", newer, *NS).ok().out
    for flags in (("--all",), ("--steps", "50%")):
        refused = cli("upgrade", "shop", newer, *flags, *NS)
        assert refused.code == 2, refused.err
        assert "Deployment/web: the bundle requires steps of 25%, 100%, and this upgrade takes" in refused.err
        assert state_of(cli) == before
    cli("upgrade", "shop", newer, "--all", "--yes", *NS).ok()
    scaled = bundle(cli.home / "3", (web("web:2", replicas=5),), "1.2.0", upgrade=REQUIRED)
    cli("upgrade", "shop", scaled, *NS).ok()


@pytest.mark.medium
def test_batches_leave_a_small_component_its_own_step(cli: Cli) -> None:
    def shop(folder: str, version: str, image: str) -> Path:
        made = bundle(
            cli.home / folder,
            (web(image, replicas=10),),
            version,
            components=[{"name": "api", "bundle": "components/api"}],
        )
        make_bundle(made / "components", {"templates/db.yaml": db(image, replicas=2)}, name="api", version=version)
        return made

    cli("install", "shop", shop("1", "1.0.0", "web:1"), *NS).ok()
    newer = shop("2", "1.1.0", "web:2")
    refused = cli("diff", "shop", newer, "--batch", "25%", *NS)
    assert "StatefulSet/db: step 3 (75%) comes to all of its 2 pods" in refused.err
    assert "give api steps of its own: --canary api=1" in refused.err
    shown = cli("diff", "shop", newer, "--batch", "25%", "--canary", "api=1", *NS).ok().out
    assert "step 3: " in shown
    assert "75%, now 8 of 10 pods (80 %)" in shown
    for flags in (("--canary", "1"), ("--all", "--canary", "api=1")):
        both = cli("diff", "shop", newer, "--batch", "25%", *flags, *NS)
        assert (both.code, "are different ways to upgrade" in both.err) == (2, True)
