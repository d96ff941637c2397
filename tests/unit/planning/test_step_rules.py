"""What bundles say about upgrades in steps: the outer bundle first, then its components for themselves."""

from __future__ import annotations

import pytest

from bundler.model.bundle import Bundle, StepGate, StepRules, UpgradeRules
from bundler.model.manifest import Source
from bundler.model.rollout import ALL_PODS, OnFailure, Rollout, RolloutRequest, Share
from bundler.planning.step_rules import StepPolicy, gates_of, step_gates, step_policy
from tests.lib.rendering import bundle_of

HERE = Source("bundle.yaml", 1)
ONE, HALF, MOST = ((share, ALL_PODS) for share in (Share(1), Share(50, is_percent=True), Share(90, is_percent=True)))


def bundle(rules: dict[str, object] | None = None, gates: tuple[str, ...] = (), **components: Bundle) -> Bundle:
    steps = None if rules is None else StepRules(**{"source": HERE, **rules})
    found = tuple(StepGate(name=name, expr="true", source=HERE) for name in gates)
    return bundle_of({}, upgrade=UpgradeRules(steps=steps, gates=found), component_bundles=components)


def test_a_bundle_that_says_nothing_has_no_steps() -> None:
    assert step_policy(bundle()) == StepPolicy()


def test_the_steps_of_a_component_count_where_its_parent_says_nothing() -> None:
    shop = bundle({"components": {"db": HALF}}, db=bundle({"default": ONE}), web=bundle({"default": MOST}))
    policy = step_policy(shop)
    assert (policy.default, policy.components) == ((), {"db": HALF, "web": MOST})


def test_a_default_of_the_parent_holds_for_its_components_all_the_way_down() -> None:
    inner = bundle({"default": MOST, "components": {"app": MOST}}, app=bundle({"default": HALF}))
    assert step_policy(bundle({"default": ONE}, web=inner)).components == {}
    assert step_policy(bundle({"default": ONE, "components": {"web/app": HALF}}, web=inner)).components == {
        "web/app": HALF
    }
    assert step_policy(bundle({}, web=inner)).components == {"web": MOST, "web/app": MOST}


@pytest.mark.parametrize(
    ("said", "field", "chosen"),
    [
        ([{"soak_s": 30}, {"soak_s": 120}, {}], "soak_s", 120),
        ([{"step_timeout_s": 30}, {"step_timeout_s": 120}], "step_timeout_s", 120),
        ([{"pause_after": "none"}, {"pause_after": "canary"}, {"pause_after": "2"}], "pause_after", "canary"),
        ([{"pause_after": "each"}, {"pause_after": "canary"}], "pause_after", "each"),
        ([{"on_failure": OnFailure.PAUSE}, {"on_failure": OnFailure.ABORT}], "on_failure", OnFailure.ABORT),
        ([{"is_required": False}, {"is_required": True}], "is_required", True),
    ],
)
def test_of_what_components_say_of_the_whole_the_slowest_counts(
    said: list[dict[str, object]], field: str, chosen: object
) -> None:
    components = {f"c{number}": bundle(rules) for number, rules in enumerate(said)}
    assert getattr(step_policy(bundle({}, **components)), field) == chosen
    first = bundle(said[0], **components)
    assert getattr(step_policy(first), field) == said[0][field], "the parent has the first word"


def test_compatible_jobs_are_those_of_the_bundle_that_says_so_and_below() -> None:
    inner = bundle({"has_compatible_jobs": True}, app=bundle())
    assert step_policy(bundle(web=inner, db=bundle())).compatible_jobs == {"web", "web/app"}


def test_a_request_names_only_components_that_change() -> None:
    policy = StepPolicy(default=ONE, components={"db": HALF, "web": MOST}, soak_s=5, pause_after="each")
    wanted = RolloutRequest(
        steps=ONE,
        shares={"web": MOST},
        soak_s=5,
        pause_after="each",
        on_failure=OnFailure.ABORT,
        step_timeout_s=600,
        is_by_bundle=True,
    )
    assert policy.request({"web", "cache"}) == wanted


def test_gates_of_components_bear_their_path_and_are_asked_only_with_them() -> None:
    inner = bundle(gates=("quiet",), app=bundle(gates=("smoke",)))
    gates = tuple(step_gates(bundle(gates=("quiet",), web=inner, db=bundle(gates=("lag",)))))
    assert [(gate.name, gate.component) for gate in gates] == [
        ("quiet", ""),
        ("web/quiet", "web"),
        ("web/app/smoke", "web/app"),
        ("db/lag", "db"),
    ]
    everything = tuple(gate.name for gate in gates)
    rollout = Rollout(shares={"web": ONE}, gates=everything)
    assert [gate.name for gate in gates_of(gates, rollout)] == ["quiet", "web/quiet"]
    below = Rollout(shares={"web/app": ONE}, gates=everything[1:])
    assert [gate.name for gate in gates_of(gates, below)] == ["web/quiet", "web/app/smoke"]
    assert [gate.name for gate in gates_of(gates, Rollout(shares={"webs": ONE}, gates=everything))] == ["quiet"]


def test_expressions_are_asked_before_checks() -> None:
    gates = [StepGate(name="smoke", job="checks/a.yaml", source=HERE), StepGate(name="quiet", expr="true", source=HERE)]
    rollout = Rollout(shares={"": ONE}, gates=("smoke", "quiet"))
    assert [gate.name for gate in gates_of(gates, rollout)] == ["quiet", "smoke"]
