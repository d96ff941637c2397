import pytest

from bundler.errors.change import UndeclaredReachError
from bundler.model.bundle import Reach
from bundler.planning.reach import find_reach, refuse_undeclared
from tests.lib.manifests import deployment, manifest

RBAC = "rbac.authorization.k8s.io/v1"


def kinds(*manifests, declared=None):
    notes = find_reach(manifests, namespace="shop", declared=declared or Reach())
    return [(note.kind, note.is_declared) for note in notes]


def role(**rule):
    return manifest("Role", "r", RBAC, rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], **rule}])


def pod(**spec):
    return manifest("Pod", "p", spec={"containers": [{"name": "c", "image": "c"}], **spec})


def test_an_ordinary_bundle_reaches_nowhere():
    assert kinds(deployment(), role(), pod()) == []


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        (manifest("ClusterRole", "r", RBAC, namespace="", rules=[]), "cluster-scoped"),
        (manifest("ConfigMap", "c", namespace="elsewhere"), "namespace"),
        (role(verbs=["*"]), "rbac-wildcard"),
        (role(resources=["*"]), "rbac-wildcard"),
        (role(resources=["secrets"]), "rbac-secrets"),
        (role(verbs=["escalate"]), "rbac-escalate"),
        (role(verbs=["bind"]), "rbac-bind"),
        (role(verbs=["impersonate"]), "rbac-impersonate"),
        (manifest("RoleBinding", "b", RBAC, roleRef={"kind": "ClusterRole", "name": "cluster-admin"}), "rbac-wildcard"),
        (pod(containers=[{"name": "c", "securityContext": {"privileged": True}}]), "privileged"),
        (pod(initContainers=[{"name": "c", "securityContext": {"privileged": True}}]), "privileged"),
        (pod(hostNetwork=True), "privileged"),
        (pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}]), "host-path"),
    ],
)
def test_every_way_out_is_found_and_undeclared(one, kind):
    assert kinds(one) == [(kind, False)]
    with pytest.raises(UndeclaredReachError) as raised:
        refuse_undeclared(find_reach([one], namespace="shop", declared=Reach()))
    assert kind in raised.value.context[0]


def test_a_webhook_configuration_is_cluster_scoped_and_a_danger_of_its_own():
    hook = manifest("MutatingWebhookConfiguration", "w", "admissionregistration.k8s.io/v1", namespace="")
    assert kinds(hook) == [("cluster-scoped", False), ("webhooks", False)]


@pytest.mark.parametrize("name", ["ClusterRole", "ClusterRole.rbac.authorization.k8s.io"])
def test_what_is_declared_stands_in_the_plan_and_passes(name):
    one = manifest("ClusterRole", "r", RBAC, namespace="", rules=[])
    declared = Reach(cluster_scoped=(name,))
    assert kinds(one, declared=declared) == [("cluster-scoped", True)]
    refuse_undeclared(find_reach([one], namespace="shop", declared=declared))


def test_a_declared_grant_and_namespace_pass():
    declared = Reach(grants=("privileged",), namespaces=("elsewhere",))
    assert kinds(pod(hostPID=True), manifest("ConfigMap", "c", namespace="elsewhere"), declared=declared) == [
        ("namespace", True),
        ("privileged", True),
    ]


def test_the_releases_own_namespace_object_is_not_outside():
    assert kinds(manifest("Namespace", "shop", namespace="")) == []
    assert kinds(manifest("Namespace", "other", namespace="")) == [("cluster-scoped", False)]


def test_a_refusal_says_what_to_declare_and_declaring_it_is_enough():
    many = [
        manifest("ClusterRole", "r", RBAC, namespace="", rules=[{"verbs": ["*"], "resources": ["secrets"]}], line=7),
        manifest("ConfigMap", "c", namespace="elsewhere"),
    ]
    with pytest.raises(UndeclaredReachError) as raised:
        refuse_undeclared(find_reach(many, namespace="shop", declared=Reach()))
    wanted = "{clusterScoped: [ClusterRole], namespaces: [elsewhere], grants: [rbac-secrets, rbac-wildcard]}"
    assert f"`reach: {wanted}`" in raised.value.hint
    assert "templates/r.yaml:7: cluster-scoped: ClusterRole/r" in raised.value.context
    declared = Reach(
        cluster_scoped=("ClusterRole",), namespaces=("elsewhere",), grants=("rbac-secrets", "rbac-wildcard")
    )
    refuse_undeclared(find_reach(many, namespace="shop", declared=declared))
