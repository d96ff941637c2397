from types import MappingProxyType

import pytest

from bundler.errors.change import QuotaExceededError, StepsRefusedError
from bundler.model.bundle import StepGate
from bundler.model.change import Action, Change, DefinitionRisk, Plan
from bundler.model.hooks import HookPoint, Operation, Side
from bundler.model.lean import replace
from bundler.model.manifest import Source
from bundler.model.refs import ObjectRef
from bundler.model.rollout import RolloutRequest, Share
from bundler.planning.observation import Observation, Wanted
from bundler.planning.problem import refuse
from bundler.planning.quota import quota_problems
from bundler.planning.stepping_refusals import step_problems, step_warnings
from bundler.planning.steps_refused.case import BundleSteps, make_case
from bundler.planning.steps_refused.room import pods_on_top
from tests.lib.manifests import NAMESPACE, UID, live_of, manifest
from tests.lib.variants import variants

LABELS = {"app": "web"}


def shares(text):
    return tuple(map(Share.parse, text.split(",")))


def request(steps="1", **more):
    return RolloutRequest(steps=shares(steps) if steps else (), **more)


def workload(
    name="web", kind="Deployment", *, image="web:1", replicas=4, component="", labels=LABELS, pod=None, **spec
):
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "web", "image": image}], **(pod or {})},
    }
    selector = {"matchLabels": spec.pop("selector", labels)}
    body = {"replicas": replicas, "selector": selector, "template": template, **spec}
    return manifest(kind, name, "apps/v1", component=component, line=7, spec=body)


def update(old, new, action=Action.UPDATE, **more):
    live = live_of(old, status=old.body.get("status", {"readyReplicas": 4}))
    return Change(
        ref=new.ref, action=action, component=new.component, desired=new, before=live, after=live_of(new), **more
    )


def create(new, **more):
    return Change(ref=new.ref, action=Action.CREATE, component=new.component, desired=new, **more)


def delete(old):
    return Change(ref=old.ref, action=Action.DELETE, component=old.component, before=live_of(old))


def upgraded(*args, **spec):
    """Return a workload whose image changes."""
    return update(workload(*args, **spec), workload(*args, **{**spec, "image": "web:2"}))


def gate(name, **said):
    return StepGate(name=name, source=Source("bundle.yaml", 9), **said)


def config(kind="ConfigMap", value="a", name="settings"):
    return manifest(kind, name, data={"LEVEL": value, "same": "x"})


def service(port=80, **selector):
    return manifest("Service", "web", spec={"selector": selector or LABELS, "ports": [{"port": port}]})


def ingress(port, name="web"):
    backend = {"service": {"name": name, "port": {"number": port}}}
    rules = [{"host": "shop.example", "http": {"paths": [{"path": "/", "backend": backend}]}}]
    return manifest("Ingress", "web", "networking.k8s.io/v1", spec={"rules": rules})


def policy(port, **labels):
    spec = {"podSelector": {"matchLabels": labels}, "ingress": [{"ports": [{"port": port}]}]}
    return manifest("NetworkPolicy", "web", "networking.k8s.io/v1", spec=spec)


def job(name="migrate", component=""):
    return manifest("Job", name, "batch/v1", component=component, spec={"template": {"spec": {}}})


def hook(side, component=""):
    return create(job(component=component), hook=HookPoint(side, Operation.UPGRADE))


def case_of(
    changes, asked=None, *, live=None, strangers=(), around=(), autoscaled=(), needs=MappingProxyType({}), **more
):
    neighbours = {one.ref: one.body for one in around}
    observation = Observation(
        live=live or {},
        strangers={changes[0].ref: tuple(strangers)},
        neighbours=neighbours,
        autoscaled=dict.fromkeys(autoscaled, 1),
    )
    wanted = Wanted(release="shop", namespace=NAMESPACE, uid=UID, needs=needs)
    return make_case(asked or request(), wanted, Plan(changes=tuple(changes)), observation, **more)


def found(changes, asked=None, **more):
    return [line for problem in step_problems(case_of(changes, asked, **more)) for line in problem.lines]


def refused(changes, asked=None, **more):
    lines = found(changes, asked, **more)
    assert len(lines) == 1, lines
    return lines[0]


def test_nothing_is_said_against_a_plain_change_of_pods():
    assert found([upgraded()]) == []
    assert found([upgraded(kind="StatefulSet")]) == []


def test_every_refusal_is_raised_as_one_error_that_says_that_nothing_was_written():
    with pytest.raises(StepsRefusedError) as raised:
        refuse(
            step_problems(
                case_of([upgraded(strategy={"type": "Recreate"}), upgraded("db", replicas=0, labels={"a": "b"})])
            )
        )
    assert list(raised.value.context) == [
        "templates/web.yaml:7: Deployment/web .spec.strategy.type: Recreate does not replace pods one after another",
        "templates/db.yaml:7: Deployment/db .spec.replicas: it has no pods to replace",
    ]
    assert "nothing was written" in raised.value.hint
    assert raised.value.context[0].subject == "Deployment/web"
    assert raised.value.context[0].field == ".spec.strategy.type"


# --- nothing to step, and names --------------------------------------------------------------------------------------


def test_a_first_install_is_not_stepped():
    assert refused([create(workload())], is_installed=False) == (
        "no revision of release shop is deployed: there are no old pods to keep"
    )


def test_where_no_pods_are_replaced_there_is_nothing_to_step():
    scaled = update(workload(), workload(replicas=7))
    assert refused([scaled]) == "nothing to step: no pods of a live Deployment or StatefulSet are replaced"
    assert found([scaled], request(is_by_bundle=True)) == []


@pytest.mark.parametrize(
    "asked", [request(), request(of=("web",)), request("", shares={"web": shares("1")}), request("")]
)
def test_an_upgrade_that_was_made_has_nothing_to_step_and_is_not_refused(asked):
    same = replace(update(workload(), workload()), action=Action.NONE)
    assert found([same, hook(Side.BEFORE)], asked) == []


def test_a_bundle_that_asks_for_steps_installs_and_changes_settings_without_them():
    asked = request(is_by_bundle=True)
    assert found([create(workload())], asked, is_installed=False) == []
    assert found([update(config(), config(value="b"))], asked) == []
    assert found([upgraded(strategy={"type": "Recreate"})], asked) != []


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (request(of=("wbe",)), "--steps-of wbe: there is no such component or workload"),
        (request(shares={"wbe": shares("1,50%")}), "--canary wbe=1,50%: there is no such component or workload"),
        (request(of=("main",)), "--steps-of main: workloads of several components have this name"),
        (request(of=("web",), gates=("smok",)), "--gate smok: the bundle has no such gate"),
        (request(of=("web",), pause_after="2"), "--pause-after 2: there is 1 step before the finish"),
        (request(of=("web",), pause_after="0"), "--pause-after 0: there is 1 step before the finish"),
    ],
)
def test_a_name_of_nothing_is_refused(asked, line):
    changes = [upgraded("main", component="web"), upgraded("main", kind="StatefulSet", component="api", labels={})]
    bundle = BundleSteps(gates=(gate("smoke", job="checks/smoke.yaml"),))
    assert line in found(changes, asked, bundle=bundle)


@pytest.mark.parametrize(
    ("names", "lines"),
    [
        (["Deployment/*-web", "StatefulSet/db"], []),
        (["Deployment/*"], ["bundle.yaml:9: gate quiet asks for Deployment/*, and api, shop-web all fit"]),
        (["Service/web"], ["bundle.yaml:9: gate quiet asks for Service/web, and no object fits"]),
        (["StatefulSet/gone"], ["bundle.yaml:9: gate quiet asks for StatefulSet/gone, and no object fits"]),
    ],
)
def test_a_gate_asks_for_one_object_of_the_release(names, lines):
    changes = [upgraded("shop-web"), upgraded("api", labels={"app": "api"})]
    changes.append(upgraded("db", kind="StatefulSet", labels={"app": "db"}))
    changes.append(delete(workload("gone", kind="StatefulSet", labels={"app": "gone"})))
    bundle = BundleSteps(gates=(gate("quiet", expr="true", objects=tuple(names)),))
    assert found(changes, request(), bundle=bundle) == lines
    others = request(gates=("smoke",))
    assert all("asks for" not in line for line in found(changes, others, bundle=bundle)), "it is not asked"


def test_a_component_can_be_left_out_of_the_steps_of_all():
    changes = [upgraded("web", component="web"), upgraded("db", kind="StatefulSet", component="db", labels={})]
    assert found(changes, request("1,50%", shares={"db": shares("100%")})) == []


def test_what_is_deleted_cannot_be_named():
    gone = delete(workload("old", labels={"a": "b"}, component="api"))
    for name in ("Deployment/old", "api"):
        said = f"Deployment/old: this plan deletes it (--steps-of {name})"
        assert said in refused([upgraded(), gone], request(of=("Deployment/web", name)))
    assert found([upgraded("new", component="api"), gone], request(of=("api",))) == []


def test_a_component_is_not_given_steps_under_two_names():
    asked = request("", shares={"web": shares("1"), "Deployment/main": shares("2")})
    assert "--canary names one component twice, as web and as Deployment/main" in found(
        [upgraded("main", component="web")], asked
    )


def test_the_hint_names_what_could_be_named():
    changes = [upgraded("shop-web", component="web"), upgraded("shop")]
    hints = [problem.hint for problem in step_problems(case_of(changes, request(of=("wbe",))))]
    assert hints == ["name one of these: Deployment/shop, web"]


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (
            request(of=("api",)),
            "nothing to step in component api: the pods of Deployment/api are new, or stay as they are",
        ),
        (request(of=("Deployment/api",)), "its pod template stays as it is (--steps-of Deployment/api)"),
        (request(of=("new",)), "Deployment/new: it is new, and has no old pods (--steps-of new)"),
        (request("", shares={"api": shares("1")}), "nothing to step in component api"),
        (request(of=("logs",)), "nothing to step in component logs: it has no Deployment and no StatefulSet"),
    ],
)
def test_what_is_named_has_pods_to_replace(asked, line):
    changes = [
        upgraded("web", component="web"),
        update(workload("api", component="api"), workload("api", component="api", replicas=7)),
        create(workload("new")),
        replace(create(config(name="files")), component="logs"),
    ]
    assert line in refused(changes, asked)


@pytest.mark.parametrize(
    ("kind", "api_version", "why"),
    [
        ("DaemonSet", "apps/v1", "its controller would delete every old pod at once if it were held"),
        ("ReplicaSet", "apps/v1", "its controller does not replace pods when their template changes"),
        ("Job", "batch/v1", "it runs to its end, and has no old pods"),
        ("CronJob", "batch/v1", "it starts pods by the clock, and has no old ones"),
        ("Pod", "v1", "it is a single pod"),
        ("ConfigMap", "v1", "it has no pods"),
        ("Database", "example.com/v1", "pods of a Database are replaced by its operator, not by Kubernetes"),
    ],
)
def test_kinds_whose_controllers_cannot_be_held_are_refused_by_name(kind, api_version, why):
    one = manifest(kind, "other", api_version, spec={})
    changes = [upgraded(), update(one, one)]
    assert why in refused(changes, request(of=("web", f"{kind}/other")))


def test_a_daemon_set_goes_whole_beside_what_goes_in_steps_and_is_named_where_there_is_nothing_else():
    logs = upgraded("logs", kind="DaemonSet")
    assert found([upgraded(), logs]) == []
    assert len(found([logs])) == 2


# --- workloads -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "spec", "line"),
    [
        ("Deployment", {"strategy": {"type": "Recreate"}}, ".spec.strategy.type: Recreate does not replace"),
        ("Deployment", {"paused": True}, ".spec.paused: it is paused"),
        ("Deployment", {"replicas": 0}, ".spec.replicas: it has no pods to replace"),
        (
            "StatefulSet",
            {"updateStrategy": {"type": "OnDelete"}},
            ".spec.updateStrategy.type: OnDelete does not replace",
        ),
        ("StatefulSet", {"replicas": 1}, ".spec.replicas: its only pod is all of it: a StatefulSet"),
        ("Deployment", {"replicas": 1, "strategy": {"rollingUpdate": {"maxSurge": 0}}}, "all of it: with maxSurge 0"),
        ("StatefulSet", {"replicas": 0}, ".spec.replicas: it has no pods to replace"),
    ],
)
def test_a_workload_that_cannot_be_held_is_refused(kind, spec, line):
    assert line in refused([upgraded(kind=kind, **spec)])


def test_another_number_of_pods_waits_for_the_finish_and_none_is_no_number():
    assert found([update(workload(replicas=4), workload(replicas=9, image="web:2"))], request("3")) == []
    assert "all of its 2 pods" in refused(
        [update(workload(replicas=2), workload(replicas=9, image="web:2"))], request("3")
    )
    for before, after in ((0, 4), (4, 0)):
        assert "it has no pods" in refused([update(workload(replicas=before), workload(replicas=after, image="web:2"))])


def test_what_cannot_be_held_goes_whole_where_only_others_are_named():
    changes = [upgraded(component="web"), upgraded("db", component="db", strategy={"type": "Recreate"}, labels={})]
    assert len(found(changes)) == 1
    assert found(changes, request(of=("web",))) == []


@pytest.mark.parametrize(("is_by_bundle", "hint"), [(True, "pass --all --yes to replace"), (False, "without --steps")])
def test_what_to_do_about_steps_depends_on_who_asked_for_them(is_by_bundle, hint):
    changes = [upgraded(strategy={"type": "Recreate"})]
    (problem,) = step_problems(case_of(changes, request(is_by_bundle=is_by_bundle)))
    assert hint in problem.hint


def test_pods_that_are_not_of_the_deployed_revision_are_refused():
    line = "image is web:9 instead of web:1, set by kubectl"
    said = refused([upgraded()], strangers=[line])
    assert said.endswith(f"Deployment/web: its pods are not those of the deployed revision: {line}")


def test_a_stateful_set_that_an_autoscaler_drives_is_refused_and_a_deployment_is_not():
    ref = ObjectRef("apps", "StatefulSet", NAMESPACE, "web")
    target = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web"}
    hpa = manifest("HorizontalPodAutoscaler", "scaler", "autoscaling/v2", spec={"scaleTargetRef": target})
    line = refused([upgraded(kind="StatefulSet")], autoscaled=[ref], live={hpa.ref: hpa.body})
    assert "HorizontalPodAutoscaler/scaler scales it, and every pod that it adds would be a new one" in line
    assert "an autoscaler scales it" in refused([upgraded(kind="StatefulSet")], autoscaled=[ref])
    assert found([upgraded()], autoscaled=[replace(ref, kind="Deployment")]) == []


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ({"serviceName": "a"}, {"serviceName": "b"}, ".spec.serviceName"),
        ({"selector": {"app": "web"}}, {"selector": {"app": "web", "tier": "x"}}, ".spec.selector.matchLabels.tier"),
        ({"volumeClaimTemplates": []}, {"volumeClaimTemplates": [{"metadata": {"name": "a"}}]},
         ".spec.volumeClaimTemplates"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("action", [Action.UPDATE, Action.RECREATE])
def test_a_workload_that_has_to_be_made_again_is_refused(before, after, field, action):
    old, new = workload(kind="StatefulSet", **before), workload(kind="StatefulSet", image="web:2", **after)
    line = refused([update(old, new, action)])
    assert f"{field}" in line
    assert "it would have to be deleted and created again" in line


@pytest.mark.parametrize("action", [Action.RECREATE, Action.DELETE])
def test_a_claim_of_the_pods_that_goes_is_refused(action):
    claim = manifest("PersistentVolumeClaim", "files")
    volumes = {"volumes": [{"name": "files", "persistentVolumeClaim": {"claimName": "files"}}]}
    gone = delete(claim) if action is Action.DELETE else update(claim, claim, action)
    assert "PersistentVolumeClaim/files: Deployment/web uses it" in refused([upgraded(pod=volumes), gone])
    assert found([upgraded(), gone]) == []


# --- what changes around them ----------------------------------------------------------------------------------------

READS = {
    "envFrom": {"containers": [{"name": "web", "envFrom": [{"configMapRef": {"name": "settings"}}]}]},
    "volume": {"volumes": [{"name": "a", "configMap": {"name": "settings"}}]},
    "projected": {"volumes": [{"name": "a", "projected": {"sources": [{"configMap": {"name": "settings"}}]}}]},
    "key": {"containers": [{"name": "web", "env": [{"valueFrom": {"configMapKeyRef": {"name": "settings"}}}]}]},
}


@pytest.mark.parametrize("pod", READS.values(), ids=READS)
def test_settings_that_old_and_new_pods_read_under_one_name_are_refused(pod):
    changes = [
        update(workload(pod=pod), workload(pod=pod, labels={**LABELS, "version": "2"}, selector=LABELS)),
        update(config(), config(value="b")),
    ]
    line = refused(changes)
    assert line.startswith("templates/settings.yaml:1: ConfigMap/settings: LEVEL changes, and old and new pods of Depl")
    (problem,) = step_problems(case_of(changes))
    assert "`digest_name`" in problem.hint
    assert "--shared-config" in problem.hint
    assert found(changes, request(accepts_shared_config=True)) == []


def test_a_secret_is_named_by_its_keys_alone():
    pod = {"volumes": [{"name": "a", "secret": {"secretName": "settings"}}]}
    line = refused([upgraded(pod=pod), update(config("Secret", "aGk="), config("Secret", "c3Vw"))])
    assert "Secret/settings: LEVEL changes" in line
    assert "c3Vw" not in line


def test_settings_under_a_name_of_their_own_or_with_the_same_content_pass():
    one, other = ({"volumes": [{"name": "a", "configMap": {"name": name}}]} for name in ("settings-1", "settings-2"))
    moved = update(workload(pod=one), workload(pod=other))
    assert found([moved, delete(config(name="settings-1")), create(config(name="settings-2"))]) == []
    unread = update(config(), config(value="b"))
    assert found([upgraded(), unread]) == []
    relabelled = manifest("ConfigMap", "settings", data={"LEVEL": "a", "same": "x"}, metadata={"labels": {"a": "b"}})
    assert found([upgraded(pod=READS["volume"]), update(config(), relabelled)]) == []


def test_settings_that_pods_could_do_without_and_that_come_now_are_refused():
    pod = {"volumes": [{"name": "a", "configMap": {"name": "settings", "optional": True}}]}
    assert "ConfigMap/settings: LEVEL, same change" in refused([upgraded(pod=pod), create(config())])


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        (service(80), service(81), "Service/web .spec.ports"),
        (service(80), service(80, app="web", tier="x"), "Service/web .spec.selector"),
        (policy(80, app="web"), policy(81, app="web"), "NetworkPolicy/web .spec.ingress"),
        (policy(80), policy(80, app="other"), "NetworkPolicy/web .spec.podSelector"),
    ],
)
def test_what_leads_to_the_pods_may_not_change(before, after, field):
    line = refused([upgraded(), update(before, after)])
    assert f"{field}: it changes, and leads to old and new pods of Deployment/web" in line


def test_a_new_policy_may_close_the_way_to_old_pods_and_is_refused():
    line = refused([upgraded(), create(policy(80, app="web"))])
    assert "NetworkPolicy/web: it is new, and would hold for old and new pods of Deployment/web" in line
    assert found([upgraded(), create(policy(80, app="db"))]) == []


def test_an_ingress_may_not_lead_elsewhere_but_may_take_another_host():
    leading = update(service(), service())
    line = refused([upgraded(), replace(leading, action=Action.NONE), update(ingress(80), ingress(81))])
    assert "Ingress/web .spec.rules: it changes" in line
    renamed = ingress(80)
    renamed.body["spec"]["rules"][0]["host"] = "other.example"
    assert found([upgraded(), leading, update(ingress(80), renamed)]) == []


def test_what_leads_elsewhere_or_is_new_passes():
    assert found([upgraded(), update(service(80, app="db"), service(81, app="db"))]) == []
    assert found([upgraded(), update(policy(80, app="db"), policy(81, app="db"))]) == []
    assert found([upgraded(), create(service())]) == []
    unselecting = [manifest("Service", "web", spec={"ports": [{"port": port}]}) for port in (80, 81)]
    assert found([upgraded(), update(*unselecting)]) == []


def test_a_definition_that_takes_less_is_refused_and_one_that_takes_more_is_not():
    crd = manifest("CustomResourceDefinition", "guests.party.example", "apiextensions.k8s.io/v1", namespace="")
    assert found([upgraded(), update(crd, crd)]) == []
    narrower = update(crd, crd, definition_risk=DefinitionRisk(narrowed=("v1 .spec.seats maximum 10 is new",)))
    assert "takes less: v1 .spec.seats maximum 10 is new" in refused([upgraded(), narrower])


@pytest.mark.parametrize(
    ("kind", "api_version"),
    [
        ("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1"),
        ("MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1"),
        ("APIService", "apiregistration.k8s.io/v1"),
    ],
)
@pytest.mark.parametrize("make", [create, delete, lambda one: update(one, one)])
def test_a_webhook_or_api_service_that_changes_is_refused(kind, api_version, make):
    one = manifest(kind, "gate", api_version, namespace="")
    assert f"{kind}/gate: this plan would" in refused([upgraded(), make(one)])
    assert found([upgraded(), replace(update(one, one), action=Action.NONE)]) == []


NEEDS = MappingProxyType({"web": ("db",), "docs": ("web",)})
RUNS_FIRST = {
    "of the component": create(job(component="web")),
    "of what it needs": create(job(component="db")),
    "hook before it": hook(Side.BEFORE, "web"),
    "hook before what it needs": hook(Side.BEFORE, "db"),
    "hook after what it needs": hook(Side.AFTER, "db"),
    "hook before everything": hook(Side.BEFORE),
}
RUNS_LATER = {
    "of what needs it": create(job(component="docs")),
    "of another": create(job(component="mail")),
    "hook after it": hook(Side.AFTER, "web"),
    "hook after everything": hook(Side.AFTER),
    "has run": replace(create(job(component="web")), action=Action.NONE),
    "backup": create(replace(job(), is_backup=True)),
}


@pytest.mark.parametrize("change", RUNS_FIRST.values(), ids=RUNS_FIRST)
def test_a_job_that_runs_while_old_pods_are_there_is_refused(change):
    changes = [upgraded(component="web"), change]
    asked = request(of=("web",))
    assert "Job/migrate: " in refused(changes, asked, needs=NEEDS)
    assert found(changes, asked, needs=NEEDS, bundle=BundleSteps(compatible_jobs=frozenset({change.component}))) == []


@pytest.mark.parametrize("change", RUNS_LATER.values(), ids=RUNS_LATER)
def test_a_job_that_runs_after_the_finish_or_elsewhere_is_none_of_it(change):
    assert found([upgraded(component="web"), change], request(of=("web",)), needs=NEEDS) == []


def test_pods_that_another_workloads_selector_finds_are_refused():
    other = workload("all", labels={"tier": "x"}, selector={"app": "web"})
    assert "the selector of Deployment/all finds its pods, too" in refused([upgraded(), update(other, other)])
    assert found([upgraded(), delete(other)]) == []
    assert "the selector of Deployment/all finds its pods" in refused([upgraded()], around=[other, workload()])
    assert found([upgraded(), delete(other)], around=[other]) == []
    elsewhere = manifest("Deployment", "all", "apps/v1", namespace="other", spec=other.body["spec"])
    assert found([upgraded(), update(elsewhere, elsewhere)]) == []


# --- shares, and room for them ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "replicas", "line"),
    [
        ("4", 4, "step 1 (4) comes to all of its 4 pods, and leaves none to the finish"),
        ("1,80%", 4, "step 2 (80%) comes to all of its 4 pods"),
        ("9", 4, "step 1 (9) comes to all of its 4 pods"),
        ("3,25%", 4, "step 2 (25%) comes to 1 pod, fewer than the 3 of the step before"),
    ],
)
def test_a_step_moves_some_pods_and_not_all(steps, replicas, line):
    assert line in refused([upgraded(replicas=replicas)], request(steps))


def test_steps_of_the_finish_alone_are_none():
    assert refused([upgraded()], request("100%")) == "a step of 100% is the finish, and there is none before it"


def test_steps_that_come_to_the_same_number_of_pods_pass():
    assert found([upgraded(replicas=10)], request("1,10%,50%,100%")) == []
    assert found([upgraded(component="web"), upgraded("api", component="api", labels={}, replicas=2)],
                 request("25%,50%,75%", shares={"api": shares("1")})) == []  # fmt: skip


def quota(hard, used):
    body = {"spec": {"hard": hard}, "status": {"hard": hard, "used": used}}
    return (ObjectRef("", "ResourceQuota", NAMESPACE, "team"), body)


@pytest.mark.parametrize(
    ("steps", "spec", "more"),
    [
        ("1", {}, 1),
        ("3", {}, 3),
        ("1", {"strategy": {"rollingUpdate": {"maxSurge": 2}}}, 2),
        ("1", {"strategy": {"rollingUpdate": {"maxSurge": "150%"}}}, 6),
        ("3", {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}, 0),
        ("3", {"kind": "StatefulSet"}, 0),
    ],
)
def test_a_quota_has_to_hold_the_pods_that_come_on_top(steps, spec, more):
    on_top = list(pods_on_top(case_of([upgraded(**spec)], request(steps))))
    assert not list(quota_problems([], [quota({"pods": str(4 + more)}, {"pods": "4"})], on_top=on_top))
    if more:
        with pytest.raises(QuotaExceededError) as raised:
            refuse(quota_problems([], [quota({"pods": str(3 + more)}, {"pods": "4"})], on_top=on_top))
        assert f"the plan needs {more} pods, 4 of {3 + more} are used" in raised.value.context[0]
        assert "smaller steps" in raised.value.hint


# --- warnings --------------------------------------------------------------------------------------------------------


def test_one_pod_becomes_two_which_is_said():
    change = upgraded(replicas=1)
    assert found([change]) == []
    assert step_warnings(case_of([change])) == {
        change.ref: ("it has 1 pod: with the first step a new one comes beside it, and there are 2 until the finish",)
    }


@pytest.mark.parametrize(("bound", "is_said"), [(0, True), ("0%", True), (1, False), (None, False)])
def test_a_budget_that_lets_no_pod_go_is_said_and_stops_nothing(bound, is_said):
    spec = {"selector": {"matchLabels": LABELS}, **({} if bound is None else {"maxUnavailable": bound})}
    budget = manifest("PodDisruptionBudget", "web", "policy/v1", spec=spec)
    changes = [upgraded(), replace(update(budget, budget), action=Action.NONE)]
    assert found(changes) == []
    assert bool(step_warnings(case_of(changes))) is is_said


# --- whatever the API returns ----------------------------------------------------------------------------------------


@pytest.mark.medium
@pytest.mark.parametrize(
    "whole",
    [
        workload(strategy={"rollingUpdate": {"maxSurge": 1}}, pod=READS["volume"]),
        workload("db", "StatefulSet", updateStrategy={"type": "RollingUpdate"}, volumeClaimTemplates=[]),
        config(),
        service(),
        ingress(80),
        policy(80, app="web"),
        manifest("PodDisruptionBudget", "web", "policy/v1", spec={"selector": {"matchLabels": LABELS}}),
    ],
    ids=lambda one: one.ref.kind,
)
def test_odd_bodies_stop_no_rule(whole):
    for name, _, body in variants(whole.body):
        odd = replace(whole, body=body)
        for old, new in ((whole, odd), (odd, whole), (odd, odd)):
            changes = [upgraded(pod=READS["volume"]), update(old, new)]
            case = case_of(changes, request("1,50%"))
            assert isinstance(step_problems(case), list), name
            assert step_warnings(case) is not None, name
            assert list(pods_on_top(case)), name


BETWEEN = {"web": ("mid",), "mid": ("db",)}


def three(middle):
    return [upgraded("web", component="web"), middle, upgraded("db", component="db", labels={"app": "db"})]


def test_a_component_between_two_that_go_in_steps_must_not_change_in_the_finish():
    middle = upgraded("mid", component="mid", labels={"app": "mid"})
    asked = request(of=("web", "db"))
    assert refused(three(middle), asked, needs=BETWEEN) == (
        "web needs mid, which changes only in the finish: it needs db"
    )
    (problem,) = step_problems(case_of(three(middle), asked, needs=BETWEEN))
    assert problem.hint == "name only db, or only web, with --steps-of"
    assert found(three(middle), request(), needs=BETWEEN) == [], "all three go in steps"
    assert found(three(replace(middle, action=Action.NONE)), asked, needs=BETWEEN) == [], "it stays as it is"
    assert found(three(middle), request(of=("web",)), needs=BETWEEN) == [], "what it needs goes whole"
    assert found(three(middle), asked, needs={"mid": ("db",)}) == [], "nothing that goes in steps needs it"
