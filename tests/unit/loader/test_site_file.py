"""The site file: the decoder, and the JSON Schema for editors, held to one table."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from bundler.errors.bundle import ValuesFileError
from bundler.loader.shipped import shipped_dir
from bundler.loader.site_file import load_site
from bundler.model.site import SiteRegistry
from bundler.model.trust import make_key
from bundler.syntax.reader import read_document

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.site import Site

KEY, NEXT = (make_key(secret * 32, "acme release").line for secret in (b"k", b"n"))
HEAD = "apiVersion: bundler.dev/v1\nkind: Site\nmetadata: {name: acme}\nspec:\n"
FULL = (
    HEAD
    + f"""\
  registry: {{host: "registry.site:5000", prefix: /acme/, insecureHTTP: true, ca: site-ca.pem}}
  pullSecret: pull
  namespace: kitchen
  clusterUid: 1-2-3
  storageClass: fast
  ingressClass: gate
  exposure: ingress
  domain: acme.example
  tls: {{secret: wildcard}}
  proxy: {{https: "http://proxy:3128", noProxy: .acme.example}}
  nodeSelector: {{pool: web}}
  tolerations: [{{key: a, operator: Exists, effect: NoSchedule}}]
  values: {{qps: 500}}
  patches:
    - {{target: {{group: apps, kind: Deployment, name: "*"}}, patch: {{spec: {{replicas: 2}}}}}}
    - {{target: {{kind: Service, name: web}}, patch: [{{op: remove, path: /spec/ports/0}}]}}
  inject:
    - {{target: {{labels: {{app: web}}}}, containers: [{{name: log, image: "log:1"}}], env: [{{name: A, value: b}}]}}
  keys:
    - {{key: {json.dumps(KEY)}, notBefore: "2026-01-01", notAfter: "2026-12-31"}}
    - {{key: {json.dumps(NEXT)}, name: other, notAfter: "2026-06-01T12:00:00+02:00"}}
  policy: {{requireSignature: true, threshold: 2, revoked: [{"a" * 16}], minimumVersions: {{shop: 1.4.0}}, forbid: [webhooks]}}
  forbid: [privileged]
  catalogues: [oci://registry.site:5000/acme/catalogue]
  deploymentWindows:
    timeZone: Europe/Vienna
    windows: [{{days: [Mon, Thu], from: 20:00, until: 23:30}}, {{days: [Sat], from: 22:00, until: "04:00"}}, {{}}]
    freezes: [{{from: 2026-12-18, until: 2027-01-06, reason: closing}}, {{from: 2026-07-01T18:00, until: 2026-07-01T20:00Z}}]
"""
)


def loaded(folder: Path, text: str) -> Site:
    path = folder / "acme.yaml"
    path.write_text(text)
    return load_site(path)


def schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads((shipped_dir("schemas") / "site.v1.schema.json").read_text()))


def test_everything_that_a_site_file_can_say(tmp_path: Path) -> None:
    site = loaded(tmp_path, FULL)
    assert [error.message for error in schema().iter_errors(read_document(FULL).value)] == []
    assert site.registry == SiteRegistry(
        host="registry.site:5000", prefix="acme", is_insecure_http=True, ca="site-ca.pem"
    )
    assert (site.pull_secret, site.namespace, site.cluster_uid) == ("pull", "kitchen", "1-2-3")
    assert site.facts == {
        "storageClass": "fast",
        "ingressClass": "gate",
        "exposure": "ingress",
        "domain": "acme.example",
        "tls": {"secret": "wildcard", "issuer": ""},
        "proxy": {"http": "", "https": "http://proxy:3128", "noProxy": ".acme.example"},
        "nodeSelector": {"pool": "web"},
        "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoSchedule"}],
        "registry": "registry.site:5000/acme",
        "pullSecret": "pull",
    }
    first, second, injected = site.patches
    assert injected.target == "pods with app=web"
    assert injected.injection is not None
    assert injected.injection.containers == ({"name": "log", "image": "log:1"},)
    assert (first.group, first.target, first.merge) == ("apps", "Deployment/*", {"spec": {"replicas": 2}})
    assert (second.group, second.operations) == (None, ({"op": "remove", "path": "/spec/ports/0"},))
    assert str(first.source).endswith("acme.yaml:19")
    trust = site.trust
    assert [(key.name, key.not_before, key.not_after) for key in trust.keys] == [
        ("acme release", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, 23, 59, 59, 999999, UTC)),
        ("other", None, datetime(2026, 6, 1, 10, tzinfo=UTC)),
    ]
    assert (trust.threshold, trust.requires_signature, trust.minimum_versions) == (2, True, {"shop": "1.4.0"})
    assert trust.revoked == {"a" * 16}
    assert site.forbidden == ("privileged", "webhooks")
    assert site.catalogues == ("oci://registry.site:5000/acme/catalogue",)
    assert site.values.data == {"qps": 500}
    assert site.deployment is not None
    assert [str(window) for window in site.deployment.windows] == [
        "Mon Thu 20:00-23:30",
        "Sat 22:00-04:00",
        "every day 00:00-24:00",
    ]
    assert [(one.since, one.until, one.reason) for one in site.deployment.freezes] == [
        (datetime(2026, 12, 17, 23, tzinfo=UTC), datetime(2027, 1, 6, 23, tzinfo=UTC), "closing"),
        (datetime(2026, 7, 1, 16, tzinfo=UTC), datetime(2026, 7, 1, 20, tzinfo=UTC), ""),
    ]


def test_a_registry_can_be_one_text(tmp_path: Path) -> None:
    site = loaded(tmp_path, HEAD + "  registry: registry.site/a/b/\n")
    assert site.registry == SiteRegistry(host="registry.site", prefix="a/b")


def test_an_empty_site_says_nothing(tmp_path: Path) -> None:
    site = loaded(tmp_path, HEAD.replace("spec:\n", ""))
    assert (site.registry, site.facts, site.patches, site.trust.keys) == (None, {}, (), ())


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("registry: {prefix: a}", 'needs "host"'),
        ("registry: {host: a, path: b}", 'unknown key "path"'),
        ("registry: {host: a.b, insecureHTTP: sometimes}", "must be true or false"),
        ('registry: "https://a"', "is not a registry"),
        ("namespace: 5", "must be a string"),
        ("registry: [a]", "must be a string"),
        ("nodeSelector: {a: 1}", "must be a string"),
        ("tolerations: [{keys: a}]", 'did you mean "key"?'),
        ("tls: {secretName: a}", 'unknown key "secretName"'),
        ("conflicts: [{policy: keep}]", 'needs "path" or "manager"'),
        ("conflicts: [{policy: win, path: a}]", "must be one of: fail, take, keep"),
        ("patches: [{target: {kind: A}, patch: {}}]", 'needs "name" or "labels"'),
        ("inject: [{target: {kind: A}}]", "injects nothing"),
        ("inject: [{containers: [{image: a}]}]", 'needs "name"'),
        ("inject: [{volumeMounts: [{name: a}]}]", 'needs "mountPath"'),
        ("inject: [{component: a, env: [{name: b}]}]", 'unknown key "component"'),
        ("patches: [{target: {kind: A, name: b}}]", 'needs "patch"'),
        ("patches: [{target: {kind: A, name: b}, patch: [{op: move, path: /a}]}]", "must be one of: add"),
        ("patches: [{target: {kind: A, name: b}, patch: [{op: remove, path: a}]}]", "not a JSON pointer"),
        ("namespace: Kitchen", 'namespace is "Kitchen", which no object'),
        ("pullSecret: site_pull", 'pullSecret is "site_pull", which no object'),
        ("keys: [{key: abc}]", "cannot be read"),
        (f"keys: [{{key: {json.dumps(KEY)}, notAfter: soon}}]", 'write "2026-12-31"'),
        ("policy: {threshold: 0}", "from 1 to 100"),
        ("policy: {revoked: [zz]}", "a key id has 16 or 64 hex digits"),
        ("policy: {forbid: [everything]}", "known:"),
        ("catalogues: [registry.site/catalogue]", "is not an address like oci://"),
        ("deploymentWindows: {windows: []}", 'needs "timeZone"'),
        ("deploymentWindows: {timeZone: UTC, windows: [{days: [Monday]}]}", "known: Mon, Tue"),
        ("deploymentWindows: {timeZone: UTC, windows: [{from: 8 pm}]}", 'write a time of day like "20:00"'),
        ("deploymentWindows: {timeZone: UTC, windows: [{from: 25:00}]}", 'write a time of day like "20:00"'),
        ("deploymentWindows: {timeZone: UTC, windows: [{start: 20:00}]}", 'unknown key "start"'),
        ("deploymentWindows: {timeZone: UTC, freezes: [{from: 2026-01-01}]}", 'needs "until"'),
        ("deploymentWindows: {timeZone: UTC, freezes: [{from: soon, until: 2026-01-01}]}", 'write "2026-12-18"'),
        ("colour: red", 'unknown key "colour"'),
    ],
)  # fmt: skip
def test_what_is_wrong_fails_the_decoder_and_the_schema(tmp_path: Path, line: str, found: str) -> None:
    text = f"{HEAD}  {line}\n"
    with pytest.raises(ValuesFileError) as caught:
        loaded(tmp_path, text)
    assert any(found in problem for problem in caught.value.context), caught.value.context
    assert all("acme.yaml:5" in problem for problem in caught.value.context)
    assert not schema().is_valid(read_document(text).value)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("policy: {requireSignature: true}", "no file would ever do"),
        ("conflicts: [{policy: keep, path: 'spec.*'}]", 'has a "path" that fits nothing'),
        ("deploymentWindows: {timeZone: Europe/Wien}", "is not a time zone that this machine knows"),
        ("deploymentWindows: {timeZone: ../../etc/passwd}", "is not a time zone that this machine knows"),
        ("deploymentWindows: {timeZone: UTC, windows: [{from: 20:00, until: 20:00}]}", "is never open"),
        ("deploymentWindows: {timeZone: UTC, freezes: [{from: 2026-02-30, until: 2026-03-01}]}", "write"),
        ("deploymentWindows: {timeZone: UTC, freezes: [{from: 2026-03-02, until: 2026-03-01}]}", "before it begins"),
        (f'keys: [{{key: {json.dumps(KEY)}, notBefore: "2027-01-01", notAfter: "2026-01-01"}}]', "before it begins"),
        (f'keys: [{{key: {json.dumps(KEY)}, notAfter: "2026-01-01T00:00"}}]', "without its offset"),
        ("policy: {minimumVersions: {shop: new}}", "cannot be used"),
        ("registry: registry/acme", "would be read as a path of docker.io"),
        ("registry: {host: registry.site, prefix: ACME}", "is not a registry"),
        (f"keys: [{{key: {json.dumps(KEY)}}}, {{key: {json.dumps(KEY)}, name: other}}]", "is the same key as in line"),
    ],
)
def test_what_no_schema_can_say_is_told_by_the_decoder(tmp_path: Path, line: str, found: str) -> None:
    with pytest.raises(ValuesFileError) as caught:
        loaded(tmp_path, f"{HEAD}  {line}\n")
    assert any(found in problem for problem in caught.value.context), caught.value.context


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValuesFileError) as caught:
        loaded(tmp_path, HEAD + "  colour: red\n  registry: {}\n  policy: {threshold: 0}\n")
    assert len(caught.value.context) == 3
