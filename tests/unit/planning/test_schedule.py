"""Which step needs which: the order in which a plan is carried out, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from bundler.model.change import Action, Change, GrownClaim
from bundler.model.manifest import GeneratedSecret
from bundler.model.refs import ObjectRef
from bundler.model.stage import Stage
from bundler.model.steps import Await, Delete, Record, RunJob, Until, Verify, Write
from bundler.planning.observation import Wanted
from bundler.planning.order import effective_needs
from bundler.planning.payloads import Digester, Mask
from bundler.planning.schedule import change_order, removal_order, schedule
from bundler.planning.stages import stage_of
from tests.lib.manifests import NAMESPACE, UID, deployment, live_of, manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bundler.model.manifest import Manifest
    from bundler.model.steps import Step

NAMESPACE_OBJECT = manifest("Namespace", "extra", namespace="")
CRD = manifest("CustomResourceDefinition", "things.t.example", "apiextensions.k8s.io/v1", namespace="")
THING = manifest("Thing", "one", "t.example/v1")
CONFIG = manifest("ConfigMap", "settings", data={"a": "b"})
ROLE = manifest("Role", "reader", "rbac.authorization.k8s.io/v1")
BINDING = manifest("RoleBinding", "reader", "rbac.authorization.k8s.io/v1")
SERVICE = manifest("Service", "web")
JOB = manifest("Job", "migrate-12345678", "batch/v1")
INGRESS = manifest("Ingress", "web", "networking.k8s.io/v1")
WEBHOOK = manifest("ValidatingWebhookConfiguration", "w", "admissionregistration.k8s.io/v1", namespace="")
DIGESTS = Digester(Mask(Wanted(release="shop", namespace=NAMESPACE, uid=UID)), {})


def change(one: Manifest, action: Action = Action.CREATE, component: str = "", **fields: object) -> Change:
    live = None if action is Action.CREATE else live_of(one)
    uid = "" if live is None else "live-1"
    known = {"ref": one.ref, "action": action, "component": component, "live_uid": uid}
    desired = None if action is Action.DELETE else one
    return Change(**{"desired": desired, "before": live, **known, **fields})  # type: ignore[arg-type]


def steps_of(
    *changes: Change, needs: Mapping[str, tuple[str, ...]] | None = None, is_removal: bool = False
) -> tuple[Step, ...]:
    components = frozenset(one.component for one in changes)
    all_needs = effective_needs(components, needs or {})
    wanted = [one for one in changes if one.action is not Action.DELETE]
    deletes = [one for one in changes if one.action is Action.DELETE]
    ordered = (*change_order(wanted, all_needs), *removal_order(deletes, all_needs))
    return schedule(ordered, all_needs, DIGESTS, is_removal=is_removal)


def step_for(steps: Iterable[Step], one: Manifest | Change) -> Step:
    """Return the step that writes or deletes an object."""
    for step in steps:
        match step:
            case Write() | Delete() if one.ref in {target.ref for target in step.targets}:
                return step
            case RunJob() if step.target.ref == one.ref:
                return step
            case _:
                pass
    raise AssertionError(f"nothing is done with {one.ref}")


def before(steps: Iterable[Step], step: Step) -> set[str]:
    """Return the names of all steps that are done before one begins."""
    needs = {one.id: one.needs for one in steps}
    found, left = set(), list(step.needs)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += needs[name]
    return found


def comes_after(steps: tuple[Step, ...], later: Manifest, earlier: Manifest) -> bool:
    return step_for(steps, earlier).id in before(steps, step_for(steps, later))


def awaits(steps: Iterable[Step], until: Until) -> list[Await]:
    return [step for step in steps if isinstance(step, Await) and step.until is until]


def is_awaited(steps: tuple[Step, ...], until: Until, one: Manifest, later: Manifest) -> bool:
    earlier = before(steps, step_for(steps, later))
    return any(one.ref in step.refs and step.id in earlier for step in awaits(steps, until))


EVERYTHING = (NAMESPACE_OBJECT, CRD, THING, CONFIG, ROLE, BINDING, SERVICE, deployment(), JOB, INGRESS, WEBHOOK)


def test_the_record_is_the_first_step_and_the_last():
    steps = steps_of(*map(change, EVERYTHING), change(manifest("ConfigMap", "old"), Action.DELETE))
    first, last = steps[0], steps[-1]
    assert isinstance(first, Record)
    assert isinstance(last, Record)
    assert before(steps, last) == {step.id for step in steps[:-1]}
    assert all(first.id in before(steps, step) for step in steps[1:])


def test_a_plan_without_changes_is_a_record_alone():
    assert [type(step) for step in steps_of()] == [Record, Record]


def _renamed(one: Manifest, component: str) -> Manifest:
    return replace(one, ref=replace(one.ref, name=f"{one.ref.name}-{component.replace('/', '-')}"))


def test_a_step_comes_after_those_it_needs_and_no_two_have_one_name():
    steps = steps_of(*(change(_renamed(one, name), component=name) for one in EVERYTHING for name in ("a", "a/b", "")))
    seen: set[str] = set()
    for step in steps:
        assert seen.issuperset(step.needs)
        assert step.id not in seen
        seen.add(step.id)


@pytest.mark.parametrize("definition", [NAMESPACE_OBJECT, CRD])
@pytest.mark.parametrize("other", [one for one in EVERYTHING if stage_of(one.ref) is not Stage.DEFINITIONS])
def test_namespaces_and_definitions_are_established_before_anything_else_is_written(definition, other):
    steps = steps_of(change(definition, component="db"), change(other, component="web"))
    assert is_awaited(steps, Until.ESTABLISHED, definition, other)


def test_definitions_that_do_not_change_are_not_waited_for():
    assert not awaits(steps_of(change(CRD, Action.NONE), change(CONFIG)), Until.ESTABLISHED)


def test_what_could_not_be_checked_is_checked_after_definitions_and_before_any_other_write():
    steps = steps_of(change(CRD), change(THING, is_verified=False), change(CONFIG))
    (verify,) = [step for step in steps if isinstance(step, Verify)]
    assert verify.refs == (THING.ref,)
    assert awaits(steps, Until.ESTABLISHED)[0].id in before(steps, verify)
    assert verify.id in before(steps, step_for(steps, CONFIG))


@pytest.mark.parametrize("one", [CRD, BINDING])
def test_a_definition_and_a_binding_are_checked_by_their_own_writes(one):
    assert not any(isinstance(step, Verify) for step in steps_of(change(one, is_verified=False)))


IN_ORDER = (ROLE, CONFIG, SERVICE, deployment(), INGRESS, WEBHOOK)


@pytest.mark.parametrize(("earlier", "later"), [*pairwise(IN_ORDER)])
def test_inside_a_component_stages_follow_each_other(earlier, later):
    steps = steps_of(change(later), change(earlier))
    assert comes_after(steps, later, earlier)


def test_objects_of_one_stage_are_written_by_one_step():
    other = manifest("ConfigMap", "more")
    steps = steps_of(change(CONFIG), change(other))
    assert step_for(steps, CONFIG) is step_for(steps, other)


def test_bindings_come_after_the_roles_that_they_name():
    assert comes_after(steps_of(change(BINDING), change(ROLE)), BINDING, ROLE)


def test_a_job_runs_beside_the_workloads_of_its_component_and_its_end_is_waited_for():
    steps = steps_of(change(JOB), change(deployment()))
    job, write = step_for(steps, JOB), step_for(steps, deployment())
    assert isinstance(job, RunJob)
    assert job.needs == write.needs
    (ready,) = awaits(steps, Until.READY)
    assert set(ready.refs) == {JOB.ref, deployment().ref}
    assert set(ready.needs) == {job.id, write.id}


def test_what_needs_a_component_begins_when_its_jobs_and_workloads_are_ready():
    steps = steps_of(change(JOB, component="db"), change(CONFIG, component="web"), needs={"web": ("db",)})
    assert is_awaited(steps, Until.READY, JOB, CONFIG)


def test_components_that_do_not_need_each_other_do_not_wait_for_each_other():
    steps = steps_of(change(CONFIG, component="a"), change(SERVICE, component="b"))
    assert not comes_after(steps, SERVICE, CONFIG)
    assert not comes_after(steps, CONFIG, SERVICE)


def test_a_component_of_which_nothing_is_written_or_waited_for_hands_on_what_it_waited_for():
    secret = GeneratedSecret(name="p", ref=ObjectRef("", "Secret", "shop", "p"), key="k", kind="hex", length=8)
    kept = Change(ref=secret.ref, action=Action.NONE, component="mid", generated=(secret,), before={})
    needs = {"mid": ("db",), "web": ("mid",)}
    steps = steps_of(change(deployment(), component="db"), kept, change(CONFIG, component="web"), needs=needs)
    assert is_awaited(steps, Until.READY, deployment(), CONFIG)


def test_webhooks_come_after_the_workloads_of_their_component_are_ready():
    steps = steps_of(change(deployment(), Action.NONE), change(WEBHOOK))
    assert is_awaited(steps, Until.READY, deployment(), WEBHOOK)


def test_what_a_webhook_of_its_component_judges_is_checked_and_written_after_it():
    judged = change(THING, is_judged=True, is_verified=False, awaits_webhook=True)
    steps = steps_of(change(deployment()), change(WEBHOOK), judged)
    (verify,) = [step for step in steps if isinstance(step, Verify)]
    assert verify.refs == (THING.ref,)
    assert comes_after(steps, THING, WEBHOOK)
    assert step_for(steps, WEBHOOK).id in before(steps, verify)
    assert verify.id in step_for(steps, THING).needs


def test_unchanged_objects_are_waited_for_and_not_written():
    steps = steps_of(change(deployment(), Action.NONE))
    assert not any(isinstance(step, Write) for step in steps)
    assert [step.refs for step in awaits(steps, Until.READY)] == [(deployment().ref,)]


OLD = manifest("ConfigMap", "old")


def test_nothing_is_deleted_before_everything_is_ready():
    steps = steps_of(
        change(deployment(), component="a"), change(JOB, component="b"), change(OLD, Action.DELETE, component="a")
    )
    assert is_awaited(steps, Until.READY, deployment(), OLD)
    assert is_awaited(steps, Until.READY, JOB, OLD)


def test_a_prune_deletes_group_by_group_and_waits_at_the_end():
    old_service = manifest("Service", "old")
    steps = steps_of(change(OLD, Action.DELETE), change(old_service, Action.DELETE))
    assert comes_after(steps, OLD, old_service)
    (gone,) = awaits(steps, Until.GONE)
    assert set(gone.refs) == {OLD.ref, old_service.ref}


def test_custom_objects_are_gone_before_anything_else_is_deleted():
    steps = steps_of(change(THING, Action.DELETE), change(OLD, Action.DELETE))
    assert is_awaited(steps, Until.GONE, THING, OLD)


def test_an_uninstall_deletes_the_other_way_round_and_each_group_is_gone_before_the_next():
    steps = steps_of(
        change(OLD, Action.DELETE, component="db"),
        change(deployment(), Action.DELETE, component="web"),
        needs={"web": ("db",)},
        is_removal=True,
    )
    assert is_awaited(steps, Until.GONE, deployment(), OLD)


SCALED_DOWN = {"spec": {"replicas": 0}, "status": {"replicas": 0}}
OWNERS = [
    (change(deployment(), Action.DELETE), True, True),
    (change(THING, Action.DELETE), True, True),
    (change(CONFIG, Action.DELETE), True, False),
    (change(deployment(), Action.DELETE, before=SCALED_DOWN), True, False),
    (change(deployment(), Action.DELETE, awaits_webhook=True), True, False),
    (change(deployment(), Action.DELETE), False, False),
]


@pytest.mark.parametrize(("one", "is_removal", "expected"), OWNERS)
def test_an_uninstall_waits_for_what_deleted_objects_own(one, is_removal, expected):
    step = step_for(steps_of(one, is_removal=is_removal), one)
    assert isinstance(step, Delete)
    assert step.targets[0].waits_for_owned is expected


def target_of(one: Change, digester: Digester = DIGESTS):
    steps = schedule((one,), {one.component: ()}, digester, is_removal=False)
    step = step_for(steps, one)
    assert isinstance(step, Write)
    return step.targets[0]


def test_a_write_names_what_it_sends_and_which_live_object_it_changes():
    create, update = target_of(change(CONFIG)), target_of(change(CONFIG, Action.UPDATE))
    assert create.digest.startswith("sha256:")
    assert (create.live_uid, update.live_uid) == ("", "live-1")
    assert create.digest != update.digest, "the uid is sent too, as a precondition"
    assert target_of(change(replace(CONFIG, body={**CONFIG.body, "data": {}}))).digest != create.digest


def test_two_secrets_that_differ_in_nothing_but_their_texts_have_the_same_digest():
    first, second = (change(manifest("Secret", "s", data={"p": text})) for text in ("aHVudGVyMg==", "c2VzYW1l"))
    assert target_of(first).digest == target_of(second).digest


def test_a_secret_is_masked_wherever_it_stands_before_a_digest_is_made():
    def digest(password: str) -> str:
        wanted = Wanted(release="shop", namespace=NAMESPACE, uid=UID, sensitive=frozenset({password}))
        url = manifest("ConfigMap", "c", data={"url": f"postgres://shop:{password}@db"})
        return target_of(change(url), Digester(Mask(wanted), {})).digest

    assert digest("hunter2-hunter2") == digest("sesame-open-sesame")


def test_a_generated_secret_has_no_digest_before_it_is_made():
    secret = GeneratedSecret(name="p", ref=ObjectRef("", "Secret", "shop", "p"), key="k", kind="hex", length=8)
    made = Change(ref=secret.ref, action=Action.CREATE, generated=(secret,))
    assert target_of(made).digest == ""


def test_claims_that_grow_are_part_of_the_write_of_their_set():
    claim = GrownClaim(
        ref=ObjectRef("", "PersistentVolumeClaim", "shop", "data-db-0"), before="1Gi", after="2Gi", body={"a": 1}
    )
    one = change(manifest("StatefulSet", "db", "apps/v1"), Action.RECREATE, grown_claims=(claim,))
    (grown,) = target_of(one).claims
    assert (grown.ref, grown.action) == (claim.ref, Action.UPDATE)
    assert grown.digest
