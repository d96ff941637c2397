import re
from contextlib import nullcontext
from pathlib import Path

import pytest

from bundler.errors.change import UndeclaredReachError
from bundler.model.bundle import Reach
from bundler.model.manifest import GeneratedSecret
from bundler.model.reach import EXPOSURES, GRANTS
from bundler.model.refs import ObjectRef
from bundler.planning.problem import refuse
from bundler.planning.reach import find_reach, undeclared_reach
from tests.lib.manifests import deployment, manifest

RBAC = "rbac.authorization.k8s.io/v1"
NETWORKING = "networking.k8s.io/v1"
ADMISSION = "admissionregistration.k8s.io/v1"
CRDS = "apiextensions.k8s.io/v1"
AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
DEFAULT_CLASS = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}


def labelled(name):
    return {"labels": {name: "true"}}


def kinds(*manifests, declared=None):
    notes = find_reach(manifests, namespace="shop", declared=declared or Reach())
    return [(note.kind, note.is_declared) for note in notes]


def role(**rule):
    return manifest("Role", "r", RBAC, rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], **rule}])


def pod(**spec):
    return manifest("Pod", "p", spec={"containers": [{"name": "c", "image": "c"}], **spec})


def test_an_ordinary_bundle_reaches_nowhere():
    assert kinds(deployment(), role(), pod()) == []


def service(**spec):
    return manifest("Service", "s", spec={"ports": [{"port": 80}], **spec})


def ingress(*hosts, **fields):
    return manifest("Ingress", "i", NETWORKING, spec={"rules": [{"host": host} for host in hosts]}, **fields)


def binding(*subjects, role="view", kind="ClusterRole"):
    roles = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
    return manifest("RoleBinding", "b", RBAC, roleRef=roles, subjects=list(subjects))


def container(**fields):
    return pod(containers=[{"name": "c", "image": "c", **fields}])


def context(**fields):
    return container(securityContext=fields)


def volume(**source):
    return pod(volumes=[{"name": "v", **source}])


def global_object(kind, api_version, **fields):
    return manifest(kind, "g", api_version, namespace="", **fields)


ONE_OF_EACH = [
    ("namespace", manifest("ConfigMap", "c", namespace="elsewhere")),
    ("cluster-scoped", global_object("ClusterRole", RBAC, rules=[])),
    ("privileged", context(privileged=True)),
    ("privileged", pod(initContainers=[{"name": "c", "securityContext": {"privileged": True}}])),
    ("privileged", pod(ephemeralContainers=[{"name": "c", "securityContext": {"privileged": True}}])),
    ("privileged", pod(hostNetwork=True)),
    ("privileged", pod(hostPID=True)),
    ("privileged", pod(hostIPC=True)),
    ("privileged", context(capabilities={"add": ["SYS_ADMIN"]})),
    ("privileged", context(procMount="Unmasked")),
    ("privileged", context(seccompProfile={"type": "Unconfined"})),
    ("privileged", pod(securityContext={"seccompProfile": {"type": "Unconfined"}})),
    ("privileged", context(appArmorProfile={"type": "Unconfined"})),
    ("privileged", pod(securityContext={"seLinuxOptions": {"type": "spc_t"}})),
    ("privileged", context(seLinuxOptions={"user": "system_u"})),
    ("privileged", pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]})),
    ("privileged", context(windowsOptions={"hostProcess": True})),
    ("privileged", container(ports=[{"containerPort": 80, "hostPort": 80}])),
    ("privileged", container(livenessProbe={"httpGet": {"host": "169.254.169.254", "port": 80}})),
    ("privileged", container(lifecycle={"preStop": {"tcpSocket": {"host": "db", "port": 80}}})),
    ("host-path", volume(hostPath={"path": "/"})),
    ("node-placement", pod(nodeName="master")),
    ("system-priority", pod(priorityClassName="system-node-critical")),
    ("foreign-accounts", pod(serviceAccountName="operator")),
    ("foreign-accounts", pod(serviceAccount="operator")),
    ("foreign-secrets", volume(secret={"secretName": "other"})),
    ("foreign-secrets", volume(projected={"sources": [{"secret": {"name": "other"}}]})),
    ("foreign-secrets", container(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "other", "key": "k"}}}])),
    ("foreign-secrets", container(envFrom=[{"secretRef": {"name": "other"}}])),
    ("foreign-volumes", volume(persistentVolumeClaim={"claimName": "other"})),
    ("foreign-volumes", manifest("PersistentVolumeClaim", "c", spec={"volumeName": "pv-1"})),
    (
        "foreign-volumes",
        manifest("PersistentVolumeClaim", "c", spec={"dataSourceRef": {"namespace": "n", "name": "x"}}),
    ),
    (
        "foreign-volumes",
        manifest("PersistentVolumeClaim", "c", spec={"dataSource": {"kind": "PersistentVolumeClaim", "name": "x"}}),
    ),
    (
        "foreign-volumes",
        manifest(
            "PersistentVolumeClaim",
            "c",
            spec={"dataSourceRef": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "x"}},
        ),
    ),
    ("foreign-volumes", volume(ephemeral={"volumeClaimTemplate": {"spec": {"volumeName": "pv-1"}}})),
    (
        "foreign-volumes",
        manifest("StatefulSet", "s", "apps/v1", spec={"volumeClaimTemplates": [{"spec": {"volumeName": "pv-1"}}]}),
    ),
    ("token-audience", volume(projected={"sources": [{"serviceAccountToken": {"audience": "vault", "path": "t"}}]})),
    ("remote-volumes", volume(nfs={"server": "nfs", "path": "/"})),
    ("remote-volumes", volume(iscsi={"targetPortal": "t"})),
    ("remote-volumes", volume(csi={"driver": "d"})),
    ("rbac-wildcard", role(verbs=["*"], resources=["configmaps"])),
    ("rbac-wildcard", role(resources=["*"])),
    ("rbac-wildcard", role(resources=["*/scale"])),
    ("rbac-wildcard", role(apiGroups=["*"])),
    ("rbac-secrets", role(resources=["secrets"])),
    ("rbac-escalate", role(verbs=["escalate"])),
    ("rbac-bind", role(verbs=["bind"])),
    ("rbac-impersonate", role(verbs=["impersonate"])),
    ("rbac-exec", role(resources=["pods/exec"])),
    ("rbac-tokens", role(resources=["serviceaccounts/token"])),
    ("rbac-workloads", role(verbs=["create"])),
    ("rbac-workloads", role(resources=["cronjobs"], verbs=["patch"])),
    ("rbac-bindings", role(resources=["rolebindings"], verbs=["create"])),
    ("rbac-bindings", role(resources=["clusterrolebindings"], verbs=["update"])),
    ("rbac-nodes", role(resources=["nodes/proxy"])),
    ("rbac-nodes", role(resources=["nodes"], verbs=["patch"])),
    ("rbac-certificates", role(resources=["certificatesigningrequests/approval"], verbs=["update"])),
    ("rbac-cluster", role(resources=["mutatingwebhookconfigurations"], verbs=["patch"])),
    ("rbac-urls", role(resources=[], nonResourceURLs=["/debug/*"])),
    ("rbac-foreign-role", binding(role="system:aggregate-to-admin")),
    ("rbac-foreign-role", binding(role="other", kind="Role")),
    ("rbac-foreign-subject", binding({"kind": "Group", "name": "system:unauthenticated"})),
    ("rbac-foreign-subject", binding({"kind": "User", "name": "eve"})),
    ("rbac-foreign-subject", binding({"kind": "ServiceAccount", "name": "default"})),
    ("token-secrets", manifest("Secret", "s", type="kubernetes.io/service-account-token")),
    ("token-secrets", manifest("Secret", "s", type="bootstrap.kubernetes.io/token")),
    ("external-names", service(type="ExternalName", externalName="elsewhere.example")),
    ("external-ips", service(externalIPs=["10.0.0.1"])),
    ("endpoints", manifest("Endpoints", "e")),
    ("endpoints", manifest("EndpointSlice", "e", "discovery.k8s.io/v1")),
    ("node-port", service(type="NodePort")),
    ("load-balancer", service(type="LoadBalancer")),
    ("ingress-host", ingress("shop.example")),
    ("ingress-host", ingress()),
    ("ingress-host", manifest("HTTPRoute", "r", "gateway.networking.k8s.io/v1", spec={"hostnames": ["shop.example"]})),
    ("ingress-host", manifest("Route", "r", "route.openshift.io/v1", spec={"host": "shop.example"})),
    (
        "ingress-snippets",
        manifest("Service", "s", metadata={"annotations": {"nginx.ingress.kubernetes.io/server-snippet": "x"}}),
    ),
]

ONE_OF_EACH_OF_THE_CLUSTER = [
    ("webhooks", global_object("MutatingWebhookConfiguration", ADMISSION)),
    ("webhooks", global_object("ValidatingWebhookConfiguration", ADMISSION)),
    ("webhooks", global_object("CustomResourceDefinition", CRDS, spec={"conversion": {"strategy": "Webhook"}})),
    ("admission-policies", global_object("ValidatingAdmissionPolicy", ADMISSION)),
    ("admission-policies", global_object("ValidatingAdmissionPolicyBinding", ADMISSION)),
    ("admission-policies", global_object("MutatingAdmissionPolicy", ADMISSION)),
    ("admission-policies", global_object("MutatingAdmissionPolicyBinding", ADMISSION)),
    ("api-services", global_object("APIService", "apiregistration.k8s.io/v1")),
    ("certificates", global_object("CertificateSigningRequest", "certificates.k8s.io/v1")),
    ("node-labels", global_object("Node", "v1")),
    ("pod-security", global_object("Namespace", "v1", metadata=labelled("pod-security.kubernetes.io/enforce"))),
    ("namespace-labels", global_object("Namespace", "v1", metadata=labelled("istio-injection"))),
    ("default-classes", global_object("StorageClass", "storage.k8s.io/v1", metadata=DEFAULT_CLASS)),
    ("default-classes", global_object("PriorityClass", "scheduling.k8s.io/v1", globalDefault=True)),
    ("host-path", global_object("PersistentVolume", "v1", spec={"hostPath": {"path": "/"}})),
    ("host-path", global_object("PersistentVolume", "v1", spec={"local": {"path": "/mnt"}})),
    ("remote-volumes", global_object("PersistentVolume", "v1", spec={"nfs": {"server": "n", "path": "/"}})),
    ("rbac-aggregate", global_object("ClusterRole", RBAC, metadata=labelled(f"{AGGREGATE}view"))),
    ("rbac-aggregate", global_object("ClusterRole", RBAC, aggregationRule={"clusterRoleSelectors": []})),
]


@pytest.mark.parametrize(("kind", "one"), ONE_OF_EACH)
def test_every_way_out_is_found_and_all_but_exposures_must_be_declared(kind, one):
    assert kinds(one) == [(kind, False)]
    refused = pytest.raises(UndeclaredReachError) if kind not in EXPOSURES else nullcontext()
    with refused as raised:
        refuse(undeclared_reach(find_reach([one], namespace="shop", declared=Reach())))
    if kind not in EXPOSURES:
        assert kind in raised.value.context[0]


@pytest.mark.parametrize(("kind", "one"), ONE_OF_EACH_OF_THE_CLUSTER)
def test_what_governs_the_whole_cluster_is_a_grant_beside_being_cluster_scoped(kind, one):
    assert kinds(one) == sorted([("cluster-scoped", False), (kind, False)])


def test_every_family_has_an_object_here():
    assert {kind for kind, _ in (*ONE_OF_EACH, *ONE_OF_EACH_OF_THE_CLUSTER)} == {*GRANTS, "cluster-scoped", "namespace"}


@pytest.mark.parametrize("name", ["cluster-admin", "admin", "edit"])
def test_the_powerful_roles_count_as_wildcards_too(name):
    assert kinds(binding(role=name)) == [("rbac-foreign-role", False), ("rbac-wildcard", False)]


def test_what_the_bundle_brings_itself_is_not_foreign():
    account = manifest("ServiceAccount", "own")
    claim, secret = manifest("PersistentVolumeClaim", "own"), manifest("Secret", "own")
    roles = [
        manifest("Role", "own", RBAC, rules=[]),
        binding({"kind": "ServiceAccount", "name": "own"}, role="own", kind="Role"),
    ]
    uses = pod(
        serviceAccountName="own",
        volumes=[
            {"name": "a", "secret": {"secretName": "own"}},
            {"name": "b", "persistentVolumeClaim": {"claimName": "own"}},
            {"name": "c", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
        ],
        imagePullSecrets=[{"name": "of-the-site"}],
    )
    copy = manifest("PersistentVolumeClaim", "copy", spec={"dataSource": {"kind": claim.ref.kind, "name": "own"}})
    assert kinds(account, claim, secret, copy, *roles, uses) == []


def test_a_generated_secret_is_the_bundles_own():
    ref = ObjectRef("", "Secret", "shop", "made")
    made = GeneratedSecret(name="made", ref=ref, key="password", kind="password", length=24)
    notes = find_reach([volume(secret={"secretName": "made"})], namespace="shop", declared=Reach(), generated=[made])
    assert notes == ()


@pytest.mark.parametrize(
    "spec",
    [
        {"template": {"spec": {"containers": [{"name": "c", "securityContext": {"privileged": True}}]}}},
        {"podTemplate": {"hostNetwork": True}},
        {"kafka": {"template": {"kafkaContainer": {"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}}}},
        {"parts": [{"initContainers": [{"name": "c", "ports": [{"hostPort": 80}]}]}]},
    ],
)
def test_pods_inside_custom_resources_are_found_by_their_shape(spec):
    assert kinds(manifest("Kafka", "k", "kafka.example/v1", spec=spec)) == [("privileged", False)]


def test_volumes_and_accounts_inside_custom_resources_are_found_by_their_shape():
    spec = {"serviceAccountName": "operator", "volumes": [{"name": "v", "hostPath": {"path": "/"}}]}
    assert kinds(manifest("Prometheus", "p", "monitoring.coreos.com/v1", spec=spec)) == [
        ("foreign-accounts", False),
        ("host-path", False),
    ]


def test_the_schema_of_a_definition_is_no_pod():
    properties = {
        "hostNetwork": {"type": "boolean"},
        "containers": {"type": "array"},
        "securityContext": {"properties": {}},
    }
    schema = {"openAPIV3Schema": {"properties": properties}}
    assert kinds(global_object("CustomResourceDefinition", CRDS, spec={"versions": [{"schema": schema}]})) == [
        ("cluster-scoped", False)
    ]


def test_labels_that_everyone_sets_on_a_namespace_are_no_reach():
    labels = {"app.kubernetes.io/name": "shop", "bundler.dev/release-uid": "u", "kubernetes.io/metadata.name": "shop"}
    assert kinds(manifest("Namespace", "shop", namespace="", metadata={"labels": labels})) == []


def test_a_webhook_configuration_is_cluster_scoped_and_a_danger_of_its_own():
    hook = manifest("MutatingWebhookConfiguration", "w", "admissionregistration.k8s.io/v1", namespace="")
    assert kinds(hook) == [("cluster-scoped", False), ("webhooks", False)]


@pytest.mark.parametrize("name", ["ClusterRole", "ClusterRole.rbac.authorization.k8s.io"])
def test_what_is_declared_stands_in_the_plan_and_passes(name):
    one = manifest("ClusterRole", "r", RBAC, namespace="", rules=[])
    declared = Reach(cluster_scoped=(name,))
    assert kinds(one, declared=declared) == [("cluster-scoped", True)]
    refuse(undeclared_reach(find_reach([one], namespace="shop", declared=declared)))


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
        refuse(undeclared_reach(find_reach(many, namespace="shop", declared=Reach())))
    wanted = "{clusterScoped: [ClusterRole], namespaces: [elsewhere], grants: [rbac-secrets, rbac-wildcard]}"
    assert f"`reach: {wanted}`" in raised.value.hint
    assert "templates/r.yaml:7: cluster-scoped: ClusterRole/r" in raised.value.context
    assert {found.subject for found in raised.value.problems} == {"ClusterRole/r", "ConfigMap/c"}
    declared = Reach(
        cluster_scoped=("ClusterRole",), namespaces=("elsewhere",), grants=("rbac-secrets", "rbac-wildcard")
    )
    refuse(undeclared_reach(find_reach(many, namespace="shop", declared=declared)))


def test_the_documentation_names_every_family_and_what_it_is():
    text = (Path(__file__).parents[3] / "docs/reach.md").read_text("utf-8")
    assert dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", text, re.MULTILINE)) == GRANTS
