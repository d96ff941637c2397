import pytest

from bundler.model.lean import replace
from bundler.model.rollout import OnFailure, RolloutRequest, Share
from bundler.planning.step_rules import StepPolicy
from bundler.planning.steps_asked import hurry_problems, steps_asked
from tests.unit.planning.test_stepping import changed, scaled, shares

WEB, API = changed("shop-web", component="web", replicas=10), changed("shop-api", component="api", replicas=10)
OWN = StepPolicy(default=shares("10%,50%"), components={"api": shares("1")}, soak_s=120, pause_after="canary")
REQUIRED = replace(OWN, is_required=True)


def asked(steps="", **more):
    return RolloutRequest(steps=shares(steps) if steps else (), **more)


def lines(request, policy=REQUIRED, changes=(WEB, API)):
    return [line for problem in hurry_problems(request, policy, changes) for line in problem.lines]


def test_a_bundle_that_names_steps_takes_them_where_they_are_asked_for_or_required():
    assert steps_asked(None, OWN, [WEB, API]) is None
    required = steps_asked(None, REQUIRED, [WEB, API])
    assert required == OWN.request({"web", "api"})
    assert required.is_by_bundle
    plain = steps_asked(asked(), OWN, [WEB, API])
    assert (plain.steps, plain.shares, plain.is_by_bundle) == (OWN.default, OWN.components, False)


def test_what_is_asked_for_counts_and_the_bundle_says_the_rest():
    taken = steps_asked(asked("1,25%", soak_s=0, on_failure=OnFailure.PAUSE), OWN, [WEB, API])
    assert (taken.steps, taken.shares) == (shares("1,25%"), {})
    assert (taken.soak_s, taken.pause_after, taken.on_failure) == (0, "canary", OnFailure.PAUSE)
    assert taken.step_timeout_s == OWN.step_timeout_s


def test_components_named_without_steps_take_those_of_the_bundle():
    taken = steps_asked(asked(of=("shop-api",)), OWN, [WEB, API])
    assert (taken.of, taken.shares) == (("shop-api",), {"api": shares("1")})
    assert steps_asked(asked(of=("web",)), OWN, [WEB, API]).shares == {}


@pytest.mark.parametrize("policy", [OWN, REQUIRED])
def test_in_one_step_there_are_none(policy):
    assert steps_asked(asked(in_one_step=True), policy, [WEB, API]) is None


def test_an_upgrade_in_one_step_of_a_bundle_that_requires_steps_has_to_be_confirmed():
    first, second = lines(None)
    assert first.startswith("templates/shop-web.yaml:1: Deployment/shop-web: ")
    assert first.endswith("the bundle requires steps of 10%, 50%, 100%, and this upgrade takes all at once")
    assert second.endswith("the bundle requires steps of 1, 100%, and this upgrade takes all at once")
    assert lines(None, OWN) == []
    assert lines(None, changes=[scaled(component="web")]) == []


@pytest.mark.parametrize(
    ("steps", "own", "hurried"),
    [
        ("10%,50%", "1", []),
        ("1,10%,50%,75%", "1", []),
        ("1,50%", "1,50%", []),
        ("20%,50%", "1", ["shop-web"]),
        ("10%", "1", ["shop-web"]),
        ("10%,75%", "2", ["shop-web", "shop-api"]),
    ],
)
def test_steps_may_be_smaller_than_those_that_are_required_and_not_larger(steps, own, hurried):
    found = lines(asked(steps, shares={"api": shares(own)}))
    assert [line.subject.partition("/")[2] for line in found] == hurried


def test_a_required_step_that_comes_to_all_pods_is_the_finish():
    small = changed("shop-web", component="web", replicas=2)
    policy = replace(REQUIRED, default=shares("25%,75%"), components={})
    assert lines(asked("1"), policy, [small]) == []
    assert len(lines(None, policy, [small])) == 1
    assert len(lines(None, policy, [changed("shop-web", component="web", replicas=1)])) == 1


def test_a_component_that_is_left_out_goes_faster_than_is_required():
    assert len(lines(asked("10%,50%", of=("web",)))) == 1


def test_the_steps_that_a_bundle_requires_are_slow_enough():
    assert lines(steps_asked(None, REQUIRED, [WEB, API])) == []
    assert Share.parse("1") in REQUIRED.components["api"]
