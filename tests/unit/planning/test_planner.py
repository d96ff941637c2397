"""What build_plan makes of a wish, a look and the server's answers. The server itself is not asked here."""

from dataclasses import replace

import pytest

from bundler.errors.change import (
    FieldConflictError,
    ForeignObjectError,
    ImmutableFieldError,
    PlanError,
    RejectedObjectsError,
)
from bundler.errors.cluster import ForbiddenError
from bundler.model.change import Action, Change, DefinitionRisk
from bundler.model.cluster import Answer
from bundler.model.manifest import GeneratedSecret
from bundler.model.refs import ObjectRef
from bundler.model.release import InventoryEntry
from bundler.model.stage import Stage
from bundler.planning.candidates import find_candidates
from bundler.planning.diff import object_diff
from bundler.planning.normalize import stamp
from bundler.planning.observation import Observation, Refusal, RefusalKind, Wanted
from bundler.planning.planner import build_plan
from bundler.planning.problem import refuse
from bundler.planning.recreate import asked_by_flag
from bundler.planning.refusals import object_problems
from bundler.planning.stages import stage_of
from tests.lib.manifests import UID, autoscaler, deployment, live_of, manifest


def wanted(*manifests, **fields):
    return Wanted(
        release="shop", namespace="shop", uid=UID, manifests=tuple(stamp(m, uid=UID) for m in manifests), **fields
    )


def entry(one, **fields):
    return InventoryEntry(
        ref=one.ref, api_version=one.api_version, stage=stage_of(one.ref), component=one.component, **fields
    )


def owned(*manifests):
    return {one.ref: entry(one) for one in manifests}


def seen(*bodies, **fields):
    return Observation(live=dict(bodies), **fields)


REPLICAS = {"f:spec": {"f:replicas": {}}}


def live(one, **changes):
    return (one.ref, live_of(one, **changes))


def created(one):
    return Answer(body=live_of(one), is_created=True)


def answered(one, **changes):
    return Answer(body=live_of(one, **changes), is_created=False)


def checked_plan(want, observation, outcomes):
    plan = build_plan(want, observation, outcomes)
    refuse(object_problems(want, observation, find_candidates(want, observation), outcomes))
    return plan


def actions(plan):
    return [(change.action, change.ref.short) for change in plan.changes]


def test_what_is_not_there_is_created():
    one = manifest("ConfigMap", "a")
    plan = build_plan(wanted(one), seen(), {one.ref: created(one)})
    assert actions(plan) == [(Action.CREATE, "ConfigMap/a")]
    assert plan.changes[0].live_uid == ""


def test_what_the_server_would_change_is_updated_with_the_live_uid():
    old, new = manifest("ConfigMap", "a", data={"k": "1"}), manifest("ConfigMap", "a", data={"k": "2"})
    plan = build_plan(wanted(new), seen(live(old)), {new.ref: answered(new)})
    assert actions(plan) == [(Action.UPDATE, "ConfigMap/a")]
    assert plan.changes[0].live_uid == "live-1"


def test_what_the_server_would_not_change_is_left_alone():
    one = manifest("ConfigMap", "a", data={"k": "1"})
    noisy = answered(one, status={"new": 1})
    plan = build_plan(wanted(one), seen(live(one)), {one.ref: noisy})
    assert plan.is_empty


def with_managers(one, **fields_of):
    """The object as it is, with one entry of managedFields for each applier."""
    body = live_of(one)
    entries = [
        {"manager": name, "operation": "Apply", "apiVersion": one.api_version, "fieldsV1": fields}
        for name, fields in fields_of.items()
    ]
    return {**body, "metadata": {**body["metadata"], "managedFields": entries}}


OWNED, LESS = {"f:data": {"f:a": {}, "f:b": {}}}, {"f:data": {"f:a": {}}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"bundler": LESS}, {"bundler": OWNED}),
        ({"bundler": OWNED}, {"bundler": LESS}),
        ({"bundler": OWNED, "argo": OWNED}, {"bundler": LESS, "argo": OWNED}),
        ({"argo": OWNED}, {"bundler": OWNED, "argo": OWNED}),
    ],
)
def test_where_only_who_owns_a_field_would_change_that_is_an_update(before, after):
    one = manifest("ConfigMap", "a", data={"a": "1", "b": "2"})
    answer = Answer(body=with_managers(one, **after), is_created=False)
    plan = build_plan(wanted(one), seen((one.ref, with_managers(one, **before))), {one.ref: answer})
    assert [(change.action, change.reason) for change in plan.changes] == [(Action.UPDATE, "field ownership only")]


def test_what_no_one_owns_any_more_was_restored_and_is_taken_back():
    one = manifest("ConfigMap", "a", data={"a": "1", "b": "2"})
    answer = Answer(body=with_managers(one, bundler=OWNED), is_created=False)
    (change,) = build_plan(wanted(one), seen((one.ref, with_managers(one))), {one.ref: answer}).changes
    assert (change.action, change.reason) == (Action.UPDATE, "restored from a backup: its fields are taken back")
    assert change.restored_as is not None


def test_what_others_own_beside_us_is_no_change():
    one = manifest("ConfigMap", "a", data={"a": "1", "b": "2"})
    answer = Answer(body=with_managers(one, bundler=OWNED), is_created=False)
    before = with_managers(one, argo=OWNED, bundler=OWNED)
    assert build_plan(wanted(one), seen((one.ref, before)), {one.ref: answer}).is_empty


def test_the_same_input_gives_the_same_plan_in_the_same_order():
    many = [manifest("ConfigMap", name) for name in "cab"] + [deployment(), manifest("Service", "s")]
    outcomes = {one.ref: created(one) for one in many}
    first = build_plan(wanted(*many), seen(), outcomes)
    second = build_plan(wanted(*reversed(many)), seen(), dict(reversed(outcomes.items())))
    assert first.changes == second.changes
    assert [c.ref.short for c in first.changes] == [
        "ConfigMap/a", "ConfigMap/b", "ConfigMap/c", "Service/s", "Deployment/web"
    ]  # fmt: skip


def test_components_stand_in_the_order_of_their_needs():
    web, db = deployment(component="web"), manifest("StatefulSet", "db", "apps/v1", component="db")
    plan = build_plan(wanted(web, db, needs={"web": ("db",)}), seen(), {m.ref: created(m) for m in (web, db)})
    assert [change.component for change in plan.changes] == ["db", "web"]


def test_what_was_owned_and_is_not_wanted_is_deleted_last_and_in_reverse():
    old = [manifest("ConfigMap", "old"), deployment("old")]
    new = manifest("ConfigMap", "new")
    plan = build_plan(wanted(new, owned=owned(*old)), seen(*map(live, old)), {new.ref: created(new)})
    assert actions(plan) == [
        (Action.CREATE, "ConfigMap/new"),
        (Action.DELETE, "Deployment/old"),
        (Action.DELETE, "ConfigMap/old"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        live_of(manifest("EndpointSlice", "x", "discovery.k8s.io/v1"), metadata={
            "name": "x", "namespace": "shop", "labels": {"bundler.dev/release-uid": UID},
            "ownerReferences": [{"kind": "Service", "name": "s", "controller": True}]}),
        live_of(manifest("EndpointSlice", "x", "discovery.k8s.io/v1"), owner="someone-else"),
    ],
)  # fmt: skip
def test_what_a_controller_or_somebody_else_owns_is_never_pruned(body):
    one = manifest("EndpointSlice", "x", "discovery.k8s.io/v1")
    plan = build_plan(wanted(owned=owned(one)), seen((one.ref, body)), {})
    assert plan.changes == ()


@pytest.mark.parametrize(
    ("kind", "api_version", "namespace"),
    [
        ("PersistentVolumeClaim", "v1", "shop"),
        ("PersistentVolume", "v1", ""),
        ("Namespace", "v1", ""),
        ("CustomResourceDefinition", "apiextensions.k8s.io/v1", ""),
    ],
)
def test_data_namespaces_and_definitions_are_kept_and_named(kind, api_version, namespace):
    one = manifest(kind, "x", api_version, namespace=namespace)
    plan = build_plan(wanted(owned=owned(one), is_removal=True), seen(live(one)), {})
    assert plan.changes == ()
    assert [kept.ref for kept in plan.kept] == [one.ref]


def test_the_claims_of_a_deleted_stateful_set_are_named_as_kept():
    spec = {"replicas": 2, "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}
    one = manifest("StatefulSet", "db", "apps/v1", spec=spec)
    plan = build_plan(wanted(owned=owned(one), is_removal=True), seen(live(one)), {})
    assert [kept.ref.name for kept in plan.kept] == ["data-db-0", "data-db-1"]


SECRET = GeneratedSecret(
    name="pw", ref=ObjectRef("", "Secret", "shop", "db"), key="password", kind="password", length=24
)


def test_a_generated_secret_is_made_once_and_kept_for_ever():
    fresh = build_plan(wanted(generated=(SECRET,)), seen(), {})
    assert actions(fresh) == [(Action.CREATE, "Secret/db")]
    body = live_of(manifest("Secret", "db", data={"password": "eA=="}))
    again = build_plan(wanted(generated=(SECRET,)), seen((SECRET.ref, body)), {})
    assert again.is_empty
    generated = {SECRET.ref: InventoryEntry(ref=SECRET.ref, api_version="v1", stage=Stage.CONFIG, generated=SECRET)}
    gone = build_plan(wanted(owned=generated, is_removal=True), seen((SECRET.ref, body)), {})
    assert gone.changes == ()
    assert gone.kept[0].ref == SECRET.ref


def test_the_keys_of_one_generated_secret_are_made_together():
    salt, other = replace(SECRET, name="salt", key="salt"), replace(SECRET, ref=replace(SECRET.ref, name="other"))
    plan = build_plan(wanted(generated=(SECRET, other, salt)), seen(), {})
    made = {change.ref.name: [one.key for one in change.generated] for change in plan.changes}
    assert made == {"db": ["password", "salt"], "other": ["password"]}


def test_every_key_that_generated_secrets_lack_is_told():
    body = live_of(manifest("Secret", "db", data={"other": "eA=="}))
    with pytest.raises(PlanError) as raised:
        checked_plan(wanted(generated=(SECRET, replace(SECRET, name="b", key="salt"))), seen((SECRET.ref, body)), {})
    assert [line.split(" (")[0] for line in raised.value.context] == [
        "Secret/db exists, but has no key 'password'",
        "Secret/db exists, but has no key 'salt'",
    ]


def test_a_diff_of_a_generated_secret_says_what_is_made():
    hexed = replace(SECRET, name="h", key="h", kind="hex", length=32)
    plan = build_plan(wanted(generated=(SECRET, hexed, replace(SECRET, name="u", key="u", kind="uuid"))), seen(), {})
    (line_of,) = [object_diff(change).lines for change in plan.changes]
    assert line_of[-3:] == (
        '+  password: "<generated: password, 24 characters>"',
        '+  h: "<generated: hex, 32 characters>"',
        '+  u: "<generated: uuid>"',
    )


def test_a_diff_claims_no_size_of_what_a_record_hides():
    hidden = manifest("Secret", "db", data={"password": "***", "user": "YWRh"})
    (change,) = build_plan(wanted(hidden), seen(), {}).changes
    lines = object_diff(change).lines
    assert [line for line in lines if "<" in line] == ['+  password: "<hidden>"', '+  user: "<3 bytes>"']


def test_a_generated_secret_that_lacks_its_key_stops_the_plan():
    body = live_of(manifest("Secret", "db", data={"other": "eA=="}))
    with pytest.raises(PlanError, match="generated secret pw"):
        checked_plan(wanted(generated=(SECRET,)), seen((SECRET.ref, body)), {})


def job_entry(condition=None):
    one = manifest("Job", "m-12345678", "batch/v1")
    status = {"conditions": [{"type": condition, "status": "True"}]} if condition else {}
    return one, live_of(one, status=status)


def test_a_job_that_has_run_is_not_run_again_although_it_is_gone():
    one, _ = job_entry()
    plan = build_plan(wanted(one, finished_jobs=frozenset({one.ref})), seen(), {})
    assert plan.is_empty
    assert plan.changes[0].reason == "it has run"


@pytest.mark.parametrize(
    ("name", "why"),
    [("m-0a1b2c3d", "Job/m-0a1b2c3d takes its place"), ("other-0a1b2c3d", "no longer in the bundle")],
)
def test_a_job_of_another_spec_takes_the_place_of_the_one_that_has_run(name: str, why: str):
    one, body = job_entry("Complete")
    after = manifest("Job", name, "batch/v1")
    plan = build_plan(wanted(after, owned=owned(one)), seen((one.ref, body)), {after.ref: created(after)})
    assert [change.reason for change in plan.changes if change.action is Action.DELETE] == [why]


def test_a_job_of_a_hook_that_this_plan_does_not_run_takes_no_place():
    one, body = job_entry("Complete")
    later = manifest("Job", "m-0a1b2c3d", "batch/v1")
    plan = build_plan(wanted(owned=owned(one), dormant=frozenset({later.ref})), seen((one.ref, body)), {})
    (change,) = plan.changes
    assert change.action is Action.DELETE
    assert change.reason == "Job/m-0a1b2c3d replaces it in the bundle; this plan does not create it"


def test_a_job_that_has_run_and_is_gone_takes_no_place():
    one, body = job_entry("Complete")
    after = manifest("Job", "m-0a1b2c3d", "batch/v1")
    asked = wanted(after, owned=owned(one), finished_jobs=frozenset({after.ref}))
    (change,) = [one for one in build_plan(asked, seen((one.ref, body)), {}).changes if one.action is Action.DELETE]
    assert change.reason == "Job/m-0a1b2c3d replaces it in the bundle; this plan does not create it"


def test_a_job_that_failed_is_made_again():
    one, body = job_entry("Failed")
    plan = build_plan(wanted(one), seen((one.ref, body)), {one.ref: answered(one)})
    assert actions(plan) == [(Action.RECREATE, "Job/m-12345678")]


def test_what_is_being_deleted_is_made_again_after_it_is_gone():
    one = manifest("ConfigMap", "a")
    body = live_of(one)
    body["metadata"]["deletionTimestamp"] = "2026-11-01T00:00:00Z"
    plan = build_plan(wanted(one), seen((one.ref, body)), {one.ref: answered(one)})
    assert actions(plan) == [(Action.CREATE, "ConfigMap/a")]
    assert plan.changes[0].before is not None


def test_an_autoscaled_workload_is_sent_with_the_live_number():
    web, hpa = deployment(replicas=2), autoscaler()
    look = seen(live(deployment(replicas=7)), autoscaled={web.ref: 3})
    (candidate, _) = find_candidates(wanted(web, hpa), look)
    assert candidate.manifest.body["spec"]["replicas"] == 7
    assert candidate.is_autoscaled


@pytest.mark.parametrize(("rendered", "lowest", "sent"), [(1, 3, 3), (5, 3, 5)])
def test_an_autoscaled_workload_is_created_with_the_larger_of_both(rendered, lowest, sent):
    web = deployment(replicas=rendered)
    (candidate,) = find_candidates(wanted(web), seen(autoscaled={web.ref: lowest}))
    assert candidate.manifest.body["spec"]["replicas"] == sent


def test_a_foreign_object_is_refused_and_its_owner_named():
    one = manifest("ConfigMap", "cfg")
    helm = {
        **live_of(one, owner=""),
        "metadata": {"annotations": {"meta.helm.sh/release-name": "old", "meta.helm.sh/release-namespace": "prod"}},
    }
    with pytest.raises(ForeignObjectError) as raised:
        checked_plan(wanted(one), seen(foreign={one.ref: helm}), {one.ref: answered(one)})
    assert raised.value.context == ('ConfigMap/cfg exists in shop and belongs to Helm release "old" (namespace prod)',)


def refused(kind=RefusalKind.REJECTED, lines=("spec.x: Invalid value",), **fields):
    return Refusal(kind=kind, lines=lines, **fields)


def test_all_refusals_of_all_objects_come_at_once():
    many = [manifest("ConfigMap", name) for name in "abc"]
    outcomes = {one.ref: refused() for one in many[:2]} | {many[2].ref: created(many[2])}
    with pytest.raises(RejectedObjectsError) as raised:
        checked_plan(wanted(*many), seen(), outcomes)
    assert raised.value.context == (
        "templates/a.yaml:1: ConfigMap/a: spec.x: Invalid value",
        "templates/b.yaml:1: ConfigMap/b: spec.x: Invalid value",
    )


def test_where_only_permissions_are_missing_the_error_says_so():
    many = [manifest("ConfigMap", name) for name in "ab"]
    denied = refused(RefusalKind.FORBIDDEN, ("cannot patch configmaps in namespace shop as eve",))
    with pytest.raises(ForbiddenError) as raised:
        checked_plan(wanted(*many), seen(), {one.ref: denied for one in many})
    assert raised.value.context == tuple(
        f"templates/{name}.yaml:1: ConfigMap/{name}: cannot patch configmaps in namespace shop as eve" for name in "ab"
    )
    with pytest.raises(RejectedObjectsError) as mixed:
        checked_plan(wanted(*many), seen(), {many[0].ref: denied, many[1].ref: refused()})
    assert len(mixed.value.context) == 2


def test_a_namespace_that_is_being_deleted_is_waited_for_and_no_permission_asked_for():
    one = manifest("ConfigMap", "a")
    lines = ("unable to create new content in namespace shop because it is being terminated",)
    with pytest.raises(ForbiddenError) as raised:
        checked_plan(wanted(one), seen(), {one.ref: refused(RefusalKind.FORBIDDEN, lines, is_leaving=True)})
    assert raised.value.hint == "wait until the namespace is deleted, then run the command again; nothing was written"


def test_a_conflict_names_field_both_values_manager_and_time():
    web = deployment(image="web:1.4")
    body = live_of(deployment(image="web:hotfix"))
    body["metadata"]["managedFields"] = [
        {"manager": "kubectl-edit", "operation": "Update", "time": "2026-03-02T14:11:00Z"}
    ]
    path = '.spec.template.spec.containers[name="web"].image'
    conflict = refused(RefusalKind.CONFLICT, conflicts=((path, "kubectl-edit"),))
    with pytest.raises(FieldConflictError) as raised:
        checked_plan(wanted(web), seen((web.ref, body)), {web.ref: conflict})
    assert raised.value.context == (
        f'Deployment/web {path}: bundle wants "web:1.4", live "web:hotfix" set by kubectl-edit at 2026-03-02T14:11:00Z',
    )


@pytest.mark.parametrize(
    ("entries", "since"),
    [
        ([("Apply", None, "T1", {"f:spec": {"f:paused": {}}}), ("Update", "scale", None, REPLICAS)], ""),
        ([("Update", None, "T1", REPLICAS), ("Update", "status", "T2", {"f:status": {"f:x": {}}})], " at T1"),
        ([("Update", "status", "T2", {"f:status": {"f:x": {}}})], ""),
    ],
    ids=["scaled", "status", "status-alone"],
)
def test_a_conflict_names_the_time_of_its_field_and_no_other(entries, since):
    body = live_of(deployment())
    body["spec"]["replicas"] = 5
    body["metadata"]["managedFields"] = [
        {"manager": "kubectl", "operation": how, "subresource": part or "", "time": time, "fieldsV1": fields}
        for how, part, time, fields in entries
    ]
    wants = deployment()
    wants.body["spec"]["replicas"] = 2
    conflict = refused(RefusalKind.CONFLICT, conflicts=((".spec.replicas", "kubectl"),))
    with pytest.raises(FieldConflictError) as raised:
        checked_plan(wanted(wants), seen((wants.ref, body)), {wants.ref: conflict})
    assert raised.value.context[0].endswith(f"live 5 set by kubectl{since}")


def test_a_conflict_on_a_secret_shows_no_value():
    secret = manifest("Secret", "s", data={"k": "bmV3"})
    body = live_of(manifest("Secret", "s", data={"k": "b2xk"}))
    conflict = refused(RefusalKind.CONFLICT, conflicts=((".data.k", "kubectl-edit"),))
    with pytest.raises(FieldConflictError) as raised:
        checked_plan(wanted(secret), seen((secret.ref, body)), {secret.ref: conflict})
    assert raised.value.context == ("Secret/s .data.k: bundle wants ***, live *** set by kubectl-edit",)


def test_what_follows_from_a_definition_that_the_server_refuses_is_not_said_beside_it():
    spec = {"group": "party.example", "scope": "Cluster", "names": {"kind": "Guest"}}
    definition = manifest("CustomResourceDefinition", "guests.party.example", "apiextensions.k8s.io/v1", spec=spec)
    guest = manifest("Guest", "ada", "party.example/v1")
    unserved = Refusal(kind=RefusalKind.UNSERVED, lines=("the server knows no kind Guest in party.example/v1",))
    outcomes = {guest.ref: unserved}
    want, observation = wanted(definition, guest), seen(live(definition))
    for risk, problems in ((DefinitionRisk(), 1), (DefinitionRisk(blocked=("its scope becomes Cluster",)), 0)):
        known = replace(observation, risks={definition.ref: risk})
        assert len(object_problems(want, known, find_candidates(want, known), outcomes)) == problems


def test_an_immutable_field_has_its_own_error():
    old, new = deployment(), deployment()
    new.body["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    with pytest.raises(ImmutableFieldError) as raised:
        checked_plan(wanted(new), seen(live(old)), {new.ref: refused(lines=("spec.selector: field is immutable",))})
    (line,) = raised.value.context
    assert line.endswith('Deployment/web .spec.selector.matchLabels.app: "web" → "other" cannot be changed')


STATEFUL = "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', … are forbidden"


def test_what_else_the_server_refuses_is_said_beside_the_fields_that_cannot_change():
    old, new = deployment(), deployment()
    new.body["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    lines = ("spec.selector: Invalid value: …: field is immutable", "spec.replicas: must be greater than 0")
    with pytest.raises(ImmutableFieldError) as raised:
        checked_plan(wanted(new), seen(live(old)), {new.ref: refused(lines=lines)})
    assert [str(line).rpartition(" Deployment/web")[2] for line in raised.value.context] == [
        ' .spec.selector.matchLabels.app: "web" → "other" cannot be changed',
        ": spec.replicas: must be greater than 0",
    ]


def test_a_claim_template_that_cannot_change_is_named_and_deleting_the_set_is_not_advised():
    def database(size: str):
        claim = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": size}}}}
        return manifest("StatefulSet", "db", "apps/v1", spec={"serviceName": "db", "volumeClaimTemplates": [claim]})

    body = live_of(database("1Gi"))
    body["spec"]["volumeClaimTemplates"][0]["spec"]["volumeMode"] = "Filesystem"
    new = database("2Gi")
    with pytest.raises(ImmutableFieldError) as raised:
        checked_plan(wanted(new), seen((new.ref, body)), {new.ref: refused(lines=(STATEFUL,))})
    path = ".spec.volumeClaimTemplates[data].spec.resources.requests.storage"
    (line,) = raised.value.context
    assert line.endswith(f'StatefulSet/db {path}: "1Gi" → "2Gi" cannot be changed')
    assert "claims that exist stay as they are" in (raised.value.hint or "")
    assert "delete" not in (raised.value.hint or "")


def test_the_hint_for_a_claim_that_cannot_change_spares_its_data():
    new = manifest("PersistentVolumeClaim", "data", spec={"resources": {"requests": {"storage": "500Mi"}}})
    body = live_of(new)
    body["spec"] = {"resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "standard"}
    with pytest.raises(ImmutableFieldError) as raised:
        checked_plan(wanted(new), seen((new.ref, body)), {new.ref: refused(lines=("spec: Forbidden: immutable",))})
    assert "--accept-data-loss, which loses the data of the claim" in (raised.value.hint or "")
    assert "delete the object" not in (raised.value.hint or "")


def test_an_immutable_secret_is_named_without_its_values():
    secret = manifest("Secret", "s", immutable=True, data={"k": "bmV3"})
    body = live_of(manifest("Secret", "s", immutable=True, data={"k": "b2xk"}))
    with pytest.raises(ImmutableFieldError) as raised:
        checked_plan(
            wanted(secret),
            seen((secret.ref, body)),
            {secret.ref: refused(lines=("data: Forbidden: field is immutable",))},
        )
    (line,) = raised.value.context
    assert line.endswith("Secret/s .data.k: *** → *** cannot be changed")


def test_the_type_of_a_secret_and_its_labels_are_no_secret():
    secret = manifest("Secret", "s", type="kubernetes.io/basic-auth", data={"k": "bmV3"})
    body = live_of(manifest("Secret", "s", type="Opaque", data={"k": "bmV3"}))
    refusal = refused(lines=('type: Invalid value: "kubernetes.io/basic-auth": field is immutable',))
    with pytest.raises(ImmutableFieldError) as raised:
        checked_plan(wanted(secret), seen((secret.ref, body)), {secret.ref: refusal})
    (line,) = raised.value.context
    assert line.endswith('Secret/s .type: "Opaque" → "kubernetes.io/basic-auth" cannot be changed')
    conflict = refused(RefusalKind.CONFLICT, conflicts=((".type", "kubectl-edit"),))
    with pytest.raises(FieldConflictError) as contested:
        checked_plan(wanted(secret), seen((secret.ref, body)), {secret.ref: conflict})
    assert 'wants "kubernetes.io/basic-auth", live "Opaque"' in str(contested.value.context[0])


def test_a_name_of_what_is_never_recreated_is_refused_with_the_reason():
    space = manifest("Namespace", "extra", namespace="")
    with pytest.raises(PlanError) as raised:
        checked_plan(wanted(space, recreates=asked_by_flag(["Namespace/extra"])), seen(), {})
    said = "--recreate Namespace/extra: it is never recreated: all that it holds would go with it"
    assert (raised.value.context, raised.value.hint.partition(";")[0]) == ((said,), "leave the flag out")


def test_what_cannot_be_verified_yet_is_marked():
    one = manifest("Thing", "a", "x.example/v1")
    plan = build_plan(
        wanted(one), seen(), {one.ref: refused(RefusalKind.UNVERIFIABLE, ("its CRD does not exist yet",))}
    )
    assert actions(plan) == [(Action.CREATE, "Thing/a")]
    assert not plan.changes[0].is_verified


def test_a_rollback_leaves_claims_and_definitions_as_they_are():
    old = manifest("PersistentVolumeClaim", "data", spec={"resources": {"requests": {"storage": "1Gi"}}})
    grown = manifest("PersistentVolumeClaim", "data", spec={"resources": {"requests": {"storage": "2Gi"}}})
    (candidate,) = find_candidates(wanted(old, goes_back_to=1), seen(live(grown)))
    assert candidate.settled == "never goes back"
    (absent,) = find_candidates(wanted(old, goes_back_to=1), seen())
    assert absent.settled is None


def test_a_candidate_found_before_stands_while_neither_side_moved():
    one = deployment("web")
    body = {**live(one)[1], "metadata": {**live(one)[1]["metadata"], "resourceVersion": "1"}}
    moved = {**body, "metadata": {**body["metadata"], "resourceVersion": "2"}}
    order = wanted(one)
    (first,) = find_candidates(order, seen((one.ref, body)))
    known = {one.ref: first}
    (again,) = find_candidates(order, seen((one.ref, dict(body))), known=known)
    (after,) = find_candidates(order, seen((one.ref, moved)), known=known)
    (gone,) = find_candidates(order, seen(), known=known)
    (scaled,) = find_candidates(order, seen((one.ref, body), autoscaled={one.ref: 1}), known=known)
    assert again is first
    assert (after is first, after.live) == (False, moved)
    assert (gone is first, gone.live) == (False, None)
    assert scaled.is_autoscaled


def kafka(component=""):
    return manifest("Kafka", "main", "k.example/v1", component=component)


def leaving(one):
    body = live_of(one)
    return one.ref, {**body, "metadata": {**body["metadata"], "deletionTimestamp": "2026-11-22T10:00:00Z"}}


def test_an_operator_goes_after_the_objects_of_the_kinds_that_its_component_defines():
    names = {"group": "k.example", "names": {"kind": "Kafka"}}
    definition = manifest(
        "CustomResourceDefinition", "x", "apiextensions.k8s.io/v1", namespace="", component="op", spec=names
    )
    base, operator = deployment("base", component="base"), deployment("operator", component="op")
    old, needs = [definition, base, operator, kafka("zoo")], {"op": ("base",)}
    plan = build_plan(wanted(owned=owned(*old), needs=needs, is_removal=True), seen(*map(live, old)), {})
    assert [change.ref.short for change in plan.changes] == ["Kafka/main", "Deployment/operator", "Deployment/base"]


def test_a_custom_object_on_its_way_out_is_waited_for_before_its_operator_is_pruned():
    old = [kafka(), deployment("operator")]
    plan = build_plan(wanted(owned=owned(*old)), seen(leaving(old[0]), live(old[1])), {})
    assert actions(plan) == [(Action.DELETE, "Kafka/main"), (Action.DELETE, "Deployment/operator")]


def test_what_is_on_its_way_out_by_itself_is_no_change():
    old = [kafka(), deployment("web")]
    assert build_plan(wanted(owned=owned(*old)), seen(*map(leaving, old)), {}).is_empty


def test_where_keys_stand_is_no_change_in_a_diff():
    ports = [{"name": "http", "port": 80}]
    before = live_of(manifest("ConfigMap", "a", spec={"ports": ports, "type": "x"}))
    after = {**before, "spec": {"type": "x", "ports": [{"port": 81, "name": "http"}]}}
    change = Change(ref=manifest("ConfigMap", "a").ref, action=Action.UPDATE, before=before, after=after)
    lines = object_diff(change).lines
    assert [line.strip("+- ") for line in lines if line[0] in "+-"] == ["port: 80", "port: 81"]
