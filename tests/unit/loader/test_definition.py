"""bundle.yaml: the decoder, and the JSON Schema for editors, held to one table."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from bundler.loader.decode import Node
from bundler.loader.definition import decode_definition
from bundler.loader.lockfile import LockEntry, decode_lock, dump_lock
from bundler.loader.problems import Problems
from bundler.loader.shipped import shipped_dir
from bundler.model.bundle import GenerateSpec, Reach, RecreateRule, StepGate, StepRules, UpgradeRules
from bundler.model.manifest import Source
from bundler.model.rollout import ALL_PODS, OnFailure, Share
from bundler.model.values import LayerKind, Origin
from bundler.syntax.reader import read_document

HEAD = "apiVersion: bundler.dev/v1\nkind: Bundle\nmetadata: {name: shop, version: 1.4.0}\n"
FULL = """\
apiVersion: bundler.dev/v1
kind: Bundle
metadata: {name: shop, version: 1.4.0, appVersion: "2026.11", description: A web shop, keywords: [orders]}
spec:
  kubeVersion: ">=1.29"
  components:
  - {name: db, bundle: ../postgres, version: "~16.2", namespace: "{{ values.data }}"}
  - {name: cache, bundle: oci://registry.example/bundles/redis, version: ">=7 <8", when: values.cache.enabled}
  - name: web
    bundle: ../webapp
    needs: [db, cache]
    values:
      db: {host: "{{ release.name }}-db"}
  derive:
    web.maxReplicas: (values.qps / 250) | ceil | clamp(2, 50)
  generate:
  - {name: db-password, secret: "{{ release.name }}-db", key: password, kind: password, length: 32}
  - {name: id, secret: id, key: id, kind: uuid, when: values.web.enabled}
  images:
  - {ref: nginx:1.27, when: values.web.enabled}
  - {path: "spec.pods[*].image", match: {group: postgresql.example, kind: Cluster}}
  readiness:
  - {match: {group: postgresql.example, kind: Cluster}, ready: "object.status.phase == 'Healthy'"}
  - {match: {group: "", kind: Pod, name: x}, ready: "true", failed: "false"}
  reach: {clusterScoped: [ClusterRole.rbac.authorization.k8s.io], namespaces: [kube-system], grants: [webhooks]}
  upgrade:
    {from: ">=1.2", noRollbackBelow: 1.4.0, backup: templates/backup.yaml, recreate: [Deployment/*-web],
    steps: {default: [1, 10%, "50%"], components: {web: {canary: 2}, web/app: ["100%"]}, soak: 1m30s, pauseAfter: 2,
            required: true, jobs: compatible, onFailure: pause, stepTimeout: 5m},
    gates: [{name: quiet, expr: pods.new.restarts == 0}, {name: smoke, job: checks/smoke.yaml}]}
  site: {domain: example.org}
  patches:
  - {component: db, target: {kind: StatefulSet, name: "*"}, patch: {spec: {replicas: "{{ values.n }}"}}}
  inject:
  - {component: web/app, target: {labels: {app: web}}, containers: [{name: log, image: "log:1"}]}
"""


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((shipped_dir("schemas") / f"{name}.schema.json").read_text()))


def problems_of(text: str) -> list[str]:
    problems = Problems()
    decode_definition(Node.root(read_document(text), "bundle.yaml", problems))
    return problems.lines()


def test_every_field_is_decoded_with_its_source() -> None:
    problems = Problems()
    found = decode_definition(Node.root(read_document(FULL), "web/bundle.yaml", problems))
    assert problems.lines() == []
    assert (found.metadata.name, found.metadata.version, found.metadata.app_version) == ("shop", "1.4.0", "2026.11")
    assert found.kube_version == ">=1.29"
    db, cache, web = found.components
    assert (db.name, db.bundle, db.version, db.source) == ("db", "../postgres", "~16.2", Source("web/bundle.yaml", 7))
    assert (db.namespace, web.namespace) == ("{{ values.data }}", "")
    assert (cache.when, web.needs) == ("values.cache.enabled", ("db", "cache"))
    assert web.values == {"db": {"host": "{{ release.name }}-db"}}
    assert web.value_origins is not None
    assert web.value_origins.leaf_origins["/db/host"] == Origin(LayerKind.COMPONENT, "web/bundle.yaml", 13)
    assert found.derive[0].path == "web.maxReplicas"
    assert found.derive[0].source.line == 15
    assert found.generate == (
        GenerateSpec(
            name="db-password",
            secret="{{ release.name }}-db",
            key="password",
            kind="password",
            length=32,
            source=Source("web/bundle.yaml", 17),
        ),
        GenerateSpec(
            name="id",
            secret="id",
            key="id",
            kind="uuid",
            length=36,
            source=Source("web/bundle.yaml", 18),
            when="values.web.enabled",
        ),
    )
    assert found.images[0].ref == "nginx:1.27"
    place = found.images[1]
    assert (place.path, place.match_group, place.match_kind) == ("spec.pods[*].image", "postgresql.example", "Cluster")
    assert [(rule.group, rule.kind, rule.name, rule.failed) for rule in found.readiness] == [
        ("postgresql.example", "Cluster", "", ""),
        ("", "Pod", "x", "false"),
    ]
    assert found.reach == Reach(
        cluster_scoped=("ClusterRole.rbac.authorization.k8s.io",), namespaces=("kube-system",), grants=("webhooks",)
    )
    assert found.upgrade == UpgradeRules(
        from_versions=">=1.2",
        no_rollback_below="1.4.0",
        recreate=(RecreateRule(object="Deployment/*-web", source=Source("web/bundle.yaml", 27)),),
        backup="templates/backup.yaml",
        steps=StepRules(
            default=(Share(1), Share(10, is_percent=True), Share(50, is_percent=True), ALL_PODS),
            components={"web": (Share(2), ALL_PODS), "web/app": (ALL_PODS,)},
            soak_s=90,
            pause_after="2",
            is_required=True,
            has_compatible_jobs=True,
            on_failure=OnFailure.PAUSE,
            step_timeout_s=300,
            source=Source("web/bundle.yaml", 28),
        ),
        gates=(
            StepGate(name="quiet", expr="pods.new.restarts == 0", source=Source("web/bundle.yaml", 30)),
            StepGate(name="smoke", job="checks/smoke.yaml", source=Source("web/bundle.yaml", 30)),
        ),
    )
    assert found.site_defaults == {"domain": "example.org"}
    patch, injection = found.patches
    assert (patch.component, patch.target, patch.source.line) == ("db", "StatefulSet/*", 33)
    assert (injection.component, injection.target) == ("web/app", "pods with app=web")


GOOD = {
    "full": FULL,
    "least": HEAD,
    "empty spec": HEAD + "spec:\n",
    "nulls": HEAD
    + "spec: {components: , derive: , generate: ~, reach: , upgrade: {from: }, site: null, kubeVersion: }\n",
    "steps of nothing": HEAD + "spec: {upgrade: {steps: {default: , components: , soak: , required: }, gates: }}\n",
    "no soak": HEAD + "spec: {upgrade: {steps: {default: {canary: '1'}, soak: '0', pauseAfter: '1'}}}\n",
    "pre-release": HEAD.replace("1.4.0", "2.0.0-rc.1+build.5"),
}
BROKEN = {
    "patch without target": (HEAD + "spec: {patches: [{patch: {}}]}\n", 'spec.patches[0] needs "target"'),
    "patch operation": (HEAD + "spec: {patches: [{target: {kind: A, name: b}, patch: [{op: move, path: /a}]}]}\n", "must be one of: add"),
    "injects nothing": (HEAD + "spec: {inject: [{target: {}}]}\n", "injects nothing"),
    "empty": ("", "bundle.yaml:1: the document must be a mapping"),
    "list": ("- 1\n", "bundle.yaml:1: the document must be a mapping"),
    "newer": (HEAD.replace("/v1", "/v2"), 'has apiVersion "bundler.dev/v2", and this bundler reads bundler.dev/v1; use a newer bundler'),
    "foreign": (HEAD.replace("bundler.dev/v1", "v2"), 'apiVersion is "v2" and must be one of: bundler.dev/v1'),
    "kind": (HEAD.replace("kind: Bundle", "kind: Chart"), 'bundle.yaml:2: kind is "Chart" and must be one of: Bundle'),
    "no kind": (HEAD.replace("kind: Bundle\n", ""), 'the document needs "kind"'),
    "no metadata": ("apiVersion: bundler.dev/v1\nkind: Bundle\n", 'the document needs "metadata"'),
    "metadata text": ("apiVersion: bundler.dev/v1\nkind: Bundle\nmetadata: shop\n", "bundle.yaml:3: metadata must be a mapping, not a string"),
    "no version": (HEAD.replace(", version: 1.4.0", ""), 'bundle.yaml:3: metadata needs "version"'),
    "version number": (HEAD.replace("1.4.0", "1.40"), 'metadata.version must be a string, not a number; write three numbers, in quotes: "1.40.0"'),
    "version": (HEAD.replace("1.4.0", "'1.4'"), '"1.4" is not a semantic version'),
    "name": (HEAD.replace("shop", "Shop_1"), 'metadata.name is "Shop_1" and must be lower-case letters'),
    "long name": (HEAD.replace("shop", "s" * 54), "at most 53 characters"),
    "unknown top": (HEAD + "specs: {}\n", 'bundle.yaml:4: specs: unknown key "specs"; did you mean "spec"?'),
    "unknown far": (HEAD + "zzz: 1\n", "known: apiVersion, kind, metadata, spec"),
    "unknown in spec": (HEAD + "spec:\n  component: []\n", 'bundle.yaml:5: spec.component: unknown key "component"; did you mean "components"?'),
    "components map": (HEAD + "spec: {components: {}}\n", "spec.components must be a list, not a mapping"),
    "component text": (HEAD + "spec: {components: [db]}\n", "spec.components[0] must be a mapping with name, bundle"),
    "component unknown": (HEAD + "spec: {components: [{name: a, bundle: ./a, need: []}]}\n", 'did you mean "needs"?'),
    "component bundle": (HEAD + "spec: {components: [{name: a}]}\n", 'spec.components[0] needs "bundle"'),
    "component empty": (HEAD + "spec: {components: [{name: a, bundle: ''}]}\n", "spec.components[0].bundle must not be empty"),
    "needs text": (HEAD + "spec: {components: [{name: a, bundle: ./a, needs: b}]}\n", "needs must be a list, not a string"),
    "values list": (HEAD + "spec: {components: [{name: a, bundle: ./a, values: []}]}\n", "values must be a mapping, not a list"),
    "when boolean": (HEAD + "spec: {components: [{name: a, bundle: ./a, when: True}]}\n", 'must be a string, not a boolean; write it in quotes: "true"'),
    "derive list": (HEAD + "spec: {derive: []}\n", "spec.derive must be a mapping, not a list"),
    "derive number": (HEAD + "spec: {derive: {a: 1}}\n", 'spec.derive.a must be a string, not a whole number; write it in quotes: "1"'),
    "derive empty": (HEAD + "spec: {derive: {a: }}\n", "spec.derive.a must be a string, not empty"),
    "generate kind": (HEAD + "spec: {generate: [{name: a, secret: s, key: k, kind: pasword}]}\n", "must be one of: password, hex, uuid, base64"),
    "generate length": (HEAD + "spec: {generate: [{name: a, secret: s, key: k, kind: hex, length: 4}]}\n", "length is 4 and must be from 8 to 1024"),
    "generate text": (HEAD + "spec: {generate: [{name: a, secret: s, key: k, kind: hex, length: x}]}\n", "must be a whole number, not a string"),
    "uuid length": (HEAD + "spec: {generate: [{name: a, secret: s, key: k, kind: uuid, length: 36}]}\n", "has no meaning for a uuid"),
    "image": (HEAD + "spec: {images: [nginx]}\n", "spec.images[0] must be a mapping with ref, when"),
    "image and path": (HEAD + "spec: {images: [{ref: a, path: b, match: {kind: C}}]}\n", 'has "ref" and "path"'),
    "image place": (HEAD + "spec: {images: [{path: a.b}]}\n", 'spec.images[0] needs "match"'),
    "readiness": (HEAD + "spec: {readiness: [{match: {group: x}}]}\n", 'spec.readiness[0].match needs "kind"'),
    "grant": (HEAD + "spec: {reach: {grants: [privilege]}}\n", 'has "privilege", which is not a grant; did you mean "privileged"?'),
    "site": (HEAD + "spec: {site: {domian: x}}\n", 'did you mean "domain"?'),
    "recreate all": (HEAD + "spec: {upgrade: {recreate: [Deployment/*]}}\n", 'has "Deployment/*", which names no object'),
    "recreate any kind": (HEAD + "spec: {upgrade: {recreate: ['*/web']}}\n", 'has "*/web", which names no object'),
    "step of no pods": (HEAD + "spec: {upgrade: {steps: {default: [0, 50%]}}}\n", 'default[0] is "0", which is neither a number of pods from 1 nor a percentage'),
    "step of 0 %": (HEAD + "spec: {upgrade: {steps: {default: {canary: 0%}}}}\n", 'default.canary is "0%"'),
    "too much": (HEAD + "spec: {upgrade: {steps: {default: [101%]}}}\n", 'default[0] is "101%"'),
    "steps as text": (HEAD + "spec: {upgrade: {steps: {default: 10%}}}\n", 'must be a list of shares like ["1", "25%", "100%"], or {canary: 1}'),
    "no steps": (HEAD + "spec: {upgrade: {steps: {default: []}}}\n", "has no share"),
    "half a pod": (HEAD + "spec: {upgrade: {steps: {default: [1.5]}}}\n", "default[0] must be a string, not a number"),
    "canaries": (HEAD + "spec: {upgrade: {steps: {default: {canaries: 1}}}}\n", 'did you mean "canary"?'),
    "pause": (HEAD + "spec: {upgrade: {steps: {pauseAfter: first}}}\n", 'pauseAfter is "first" and must be canary, each, none or the number of a step'),
    "pause 0": (HEAD + "spec: {upgrade: {steps: {pauseAfter: 0}}}\n", 'pauseAfter is "0"'),
    "soak": (HEAD + "spec: {upgrade: {steps: {soak: 2 minutes}}}\n", "steps.soak cannot be used: '2 minutes' is not a duration; write 90s"),
    "required": (HEAD + "spec: {upgrade: {steps: {required: 'yes'}}}\n", "required must be true or false, not a string"),
    "jobs": (HEAD + "spec: {upgrade: {steps: {jobs: fine}}}\n", 'jobs is "fine" and must be one of: compatible'),
    "failure": (HEAD + "spec: {upgrade: {steps: {onFailure: stop}}}\n", 'onFailure is "stop" and must be one of: abort, pause'),
    "empty choice": (HEAD + "spec: {upgrade: {steps: {onFailure: ''}}}\n", "onFailure must not be empty"),
    "unknown step key": (HEAD + "spec: {upgrade: {steps: {soaks: 1m}}}\n", 'did you mean "soak"?'),
    "gate of both": (HEAD + "spec: {upgrade: {gates: [{name: a, expr: b, job: checks/c.yaml}]}}\n", 'has "expr" and "job"; a gate is an expression, or the file of a check'),
    "empty gate": (HEAD + "spec: {upgrade: {gates: [{name: a, expr: '', job: checks/c.yaml}]}}\n", "gates[0].expr must not be empty"),
    "empty soak": (HEAD + "spec: {upgrade: {steps: {soak: ''}}}\n", "steps.soak must not be empty"),
    "gate of nothing": (HEAD + "spec: {upgrade: {gates: [{name: a}]}}\n", 'has neither "expr" nor "job"'),
    "gate without name": (HEAD + "spec: {upgrade: {gates: [{expr: b}]}}\n", 'gates[0] needs "name"'),
    "gate name": (HEAD + "spec: {upgrade: {gates: [{name: A b, expr: b}]}}\n", 'name is "A b" and must be lower-case letters'),
    "gate by template": (HEAD + "spec: {upgrade: {gates: [{name: a, job: templates/a.yaml}]}}\n", 'has the job "templates/a.yaml", which is not a check; name a file like checks/smoke.yaml'),
    "rollback": (HEAD + "spec: {upgrade: {noRollbackBelow: 1.x}}\n", '"1.x" is not a semantic version'),
}  # fmt: skip
DECODER_ONLY = {
    "patch elsewhere": (HEAD + "spec: {patches: [{component: a, target: {kind: A, name: b}, patch: {}}]}\n", 'is "a", which is not a component; known: none'),
    "kube range": (HEAD + "spec: {kubeVersion: new}\n", '"new": "new" is not a version'),
    "component range": (HEAD + "spec: {components: [{name: a, bundle: ./a, version: '>>1'}]}\n", '">>1"'),
    "twice": (HEAD + "spec:\n  components:\n  - {name: a, bundle: ./a}\n  - {name: a, bundle: ./b}\n", 'bundle.yaml:7: spec.components[1] is a component named "a" like the one in line 6'),
    "dangling": (HEAD + "spec: {components: [{name: cache, bundle: ./a}, {name: b, bundle: ./a, needs: [cahce]}]}\n", 'spec.components[1] needs "cahce", which is not a component; did you mean "cache"?'),
    "self": (HEAD + "spec: {components: [{name: a, bundle: ./a, needs: [a]}]}\n", 'needs itself ("a")'),
    "circle": (HEAD + "spec: {components: [{name: a, bundle: ./a, needs: [b]}, {name: b, bundle: ./a, needs: [c]}, {name: c, bundle: ./a, needs: [a]}]}\n", "spec.components[0] needs itself in a circle: a -> b -> c -> a"),
    "image path": (HEAD + "spec: {images: [{path: 'a..b', match: {kind: C}}]}\n", 'has the path "a..b": '),
    "image ref": (HEAD + "spec: {images: [{ref: 'A b'}]}\n", "is not an image reference"),
    "path": (HEAD + "spec: {derive: {a..b: x}}\n", "spec.derive.a..b is not a path"),
    "steps shrink": (HEAD + "spec: {upgrade: {steps: {default: [50%, 10%]}}}\n", "default[1] is 10% after 50%; each step has more new pods than the one before"),
    "step after all": (HEAD + "spec: {upgrade: {steps: {default: [100%, 20]}}}\n", "default[1] is 20 after 100%"),
    "steps of nothing": (HEAD + "spec: {components: [{name: web, bundle: ./a}], upgrade: {steps: {components: {wbe: {canary: 1}}}}}\n", 'components.wbe is about "wbe", which is not a component; did you mean "web"?'),
    "pause after the end": (HEAD + "spec: {upgrade: {steps: {default: [1, 50%], pauseAfter: 3}}}\n", "pauseAfter is 3, and there are 2 steps before 100%"),
    "pause in none": (HEAD + "spec: {upgrade: {steps: {default: ['100%'], pauseAfter: 1}}}\n", "pauseAfter is 1, and there are 0 steps before 100%"),
    "no time": (HEAD + "spec: {upgrade: {steps: {stepTimeout: '0'}}}\n", 'stepTimeout is "0" and must be whole seconds, from 1s to 30d'),
    "for ever": (HEAD + f"spec: {{upgrade: {{steps: {{soak: {'9' * 400}d}}}}}}\n", "and must be whole seconds, from 0s to 30d"),
    "half a second": (HEAD + "spec: {upgrade: {steps: {soak: 1500ms}}}\n", 'soak is "1500ms" and must be whole seconds'),
    "gate twice": (HEAD + "spec:\n  upgrade:\n    gates:\n    - {name: a, expr: b}\n    - {name: a, expr: c}\n", 'gates[1] is a gate named "a" like the one in line 7'),
    "generate twice": (HEAD + "spec: {generate: [{name: a, secret: s, key: k, kind: hex}, {name: a, secret: s, key: k, kind: hex}]}\n", 'a generated secret named "a"'),
}  # fmt: skip


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_a_good_bundle_yaml_passes_the_decoder_and_the_schema(text: str) -> None:
    assert problems_of(text) == []
    assert [error.message for error in schema("bundle.v1").iter_errors(read_document(text).value)] == []


@pytest.mark.parametrize(("text", "found"), BROKEN.values(), ids=BROKEN)
def test_a_broken_bundle_yaml_fails_the_decoder_and_the_schema(text: str, found: str) -> None:
    assert any(found in problem for problem in problems_of(text)), problems_of(text)
    assert not schema("bundle.v1").is_valid(read_document(text).value)


@pytest.mark.parametrize(("text", "found"), DECODER_ONLY.values(), ids=DECODER_ONLY)
def test_what_a_schema_cannot_say_the_decoder_does(text: str, found: str) -> None:
    assert any(found in problem for problem in problems_of(text)), problems_of(text)
    assert schema("bundle.v1").is_valid(read_document(text).value)


def test_a_circle_is_told_once_and_a_diamond_is_none() -> None:
    diamond = (
        HEAD
        + "spec: {components: [{name: a, bundle: ./a, needs: [b, c]}, {name: b, bundle: ./a, needs: [d]}, {name: c, bundle: ./a, needs: [d]}, {name: d, bundle: ./a}]}\n"
    )
    assert problems_of(diamond) == []
    assert len(problems_of(DECODER_ONLY["circle"][0])) == 1


def test_a_lock_reads_back_as_it_was_written() -> None:
    entries = [LockEntry("web", "2.0.0", "../web", "b" * 64), LockEntry("db", "16.2.1", "../db", "a" * 64)]
    text = dump_lock(entries)
    assert text == dump_lock(reversed(entries))
    problems = Problems()
    assert decode_lock(Node.root(read_document(text), "bundle.lock", problems)) == {one.name: one for one in entries}
    assert problems.lines() == []
    assert schema("bundle-lock.v1").is_valid(read_document(text).value)


@pytest.mark.parametrize(
    "change", [("kind: BundleLock", "kind: Lock"), ("a" * 64, "a" * 63), ("2.0.0", "two"), ("source:", "sauce:")]
)
def test_a_broken_lock_fails_the_decoder_and_the_schema(change: tuple[str, str]) -> None:
    text = dump_lock([LockEntry("web", "2.0.0", "../web", "b" * 64), LockEntry("db", "16.2.1", "../db", "a" * 64)])
    document = read_document(text.replace(*change))
    problems = Problems()
    decode_lock(Node.root(document, "bundle.lock", problems))
    assert problems.lines()
    assert not schema("bundle-lock.v1").is_valid(document.value)


@pytest.mark.parametrize("name", ["bundle.v1", "bundle-lock.v1", "site.v1", "release-head.v1"])
def test_every_shipped_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(schema(name).schema)
