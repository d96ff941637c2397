import pytest

from bundler.errors.change import PlanError
from bundler.model.change import Action, Change
from bundler.model.refs import ObjectRef
from bundler.model.stage import Stage
from bundler.planning.order import component_order, effective_needs, is_custom, with_implied_needs
from bundler.planning.schedule import change_order, removal_groups, removal_order
from bundler.planning.stages import stage_of

STAGES = [
    ("", "Namespace", Stage.DEFINITIONS),
    ("apiextensions.k8s.io", "CustomResourceDefinition", Stage.DEFINITIONS),
    ("", "ServiceAccount", Stage.ACCESS),
    ("networking.k8s.io", "NetworkPolicy", Stage.ACCESS),
    ("", "ConfigMap", Stage.CONFIG),
    ("", "PersistentVolumeClaim", Stage.CONFIG),
    ("", "Service", Stage.SERVICES),
    ("apps", "Deployment", Stage.WORKLOADS),
    ("batch", "Job", Stage.WORKLOADS),
    ("postgresql.example", "Cluster", Stage.WORKLOADS),
    ("autoscaling", "HorizontalPodAutoscaler", Stage.EDGES),
    ("networking.k8s.io", "Ingress", Stage.EDGES),
    ("apiregistration.k8s.io", "APIService", Stage.EXTENSIONS),
    ("serving.knative.dev", "Service", Stage.WORKLOADS),
]


@pytest.mark.parametrize(("group", "kind", "stage"), STAGES)
def test_every_kind_has_its_stage(group, kind, stage):
    assert stage_of(ObjectRef(group, kind, "shop", "x")) is stage


def test_components_come_in_waves():
    needs = {"web": ("db", "cache"), "edge": ("web",)}
    assert component_order(frozenset({"web", "db", "cache", "edge", ""}), needs) == (
        ("", "cache", "db"),
        ("web",),
        ("edge",),
    )


def test_a_circle_is_an_error_that_names_its_members():
    with pytest.raises(PlanError) as raised:
        component_order(frozenset({"a", "b", "c"}), {"a": ("b",), "b": ("a",)})
    assert raised.value.context == ("a needs b", "b needs a")


def test_a_need_covers_what_is_nested_in_it_and_nested_ones_inherit():
    components = frozenset({"db", "db/exporter", "web", "web/sidecar"})
    needs = effective_needs(components, {"web": ("db",)})
    assert needs["web"] == ("db", "db/exporter")
    assert needs["web/sidecar"] == ("db", "db/exporter")
    assert needs["db"] == ()


def test_a_need_on_what_is_switched_off_is_met():
    assert effective_needs(frozenset({"web"}), {"web": ("cache",)}) == {"web": ()}


KINDS = [
    ("", "ConfigMap", False),
    ("apps", "Deployment", False),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", False),
    ("postgresql.example", "Cluster", True),
    ("serving.knative.dev", "Service", True),
    ("gateway.networking.k8s.io", "HTTPRoute", True),
]


@pytest.mark.parametrize(("group", "kind", "expected"), KINDS)
def test_a_kind_is_custom_when_kubernetes_does_not_have_it(group, kind, expected):
    assert is_custom(ObjectRef(group, kind, "shop", "x")) is expected


def change(component, group, kind):
    ref = ObjectRef(group, kind, "shop", kind.lower())
    return Change(ref=ref, action=Action.DELETE, component=component)


WEBHOOK = ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration")
ROUTE = ("gateway.networking.k8s.io", "HTTPRoute")
DEPLOYMENT, ROLE, KAFKA, PDB = (
    ("apps", "Deployment"),
    ("rbac.authorization.k8s.io", "Role"),
    ("k.example", "Kafka"),
    ("policy", "PodDisruptionBudget"),
)


def kinds(groups):
    return [[one.ref.kind for one in group] for group in groups]


def test_inside_a_component_custom_objects_go_first_and_by_themselves():
    deletes = [change("", *kind) for kind in (ROLE, DEPLOYMENT, KAFKA, ROUTE, PDB, WEBHOOK)]
    ordered = removal_order(deletes, {"": ()})
    assert kinds(removal_groups(ordered)) == [
        ["HTTPRoute"],
        ["Kafka"],
        ["ValidatingWebhookConfiguration"],
        ["PodDisruptionBudget"],
        ["Deployment"],
        ["Role"],
    ]


def test_without_custom_objects_deletes_are_the_writes_the_other_way_round():
    changes = [change(name, *kind) for name in ("", "db", "web") for kind in (ROLE, DEPLOYMENT, PDB)]
    needs = {"": (), "db": (), "web": ("db",)}
    assert removal_order(changes, needs) == change_order(changes, needs)[::-1]


def test_components_that_do_not_need_each_other_all_lose_their_custom_objects_first():
    deletes = [change("", *KAFKA), change("operator", *DEPLOYMENT)]
    ordered = removal_order(deletes, {"": (), "operator": ()})
    assert [one.ref.kind for one in ordered] == ["Kafka", "Deployment"]


def test_what_needs_a_component_goes_before_the_custom_objects_in_it():
    deletes = [change("kafka", *KAFKA), change("web", *DEPLOYMENT)]
    ordered = removal_order(deletes, {"kafka": (), "web": ("kafka",)})
    assert [one.ref.kind for one in ordered] == ["Deployment", "Kafka"]


IMPLIED = [
    ({"app": (), "op": ()}, [("app", "op")], {"app": ("op",), "op": ()}),
    ({"app": (), "op": ("app",)}, [("app", "op")], {"app": (), "op": ("app",)}),
    ({"a": (), "b": (), "c": ("a",)}, [("a", "b"), ("b", "c")], {"a": ("b",), "b": (), "c": ("a",)}),
    (
        {"app": (), "op": (), "op/webhook": ()},
        [("app", "op")],
        {"app": ("op", "op/webhook"), "op": (), "op/webhook": ()},
    ),
    ({"op": (), "op/topics": ()}, [("op/topics", "op")], {"op": (), "op/topics": ("op",)}),
    ({"app": ()}, [("app", "gone"), ("app", "app")], {"app": ()}),
]


@pytest.mark.parametrize(("needs", "implied", "expected"), IMPLIED)
def test_implied_needs_are_added_but_never_close_a_circle(needs, implied, expected):
    assert with_implied_needs(needs, implied) == expected
    component_order(frozenset(expected), expected)
