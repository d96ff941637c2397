"""Every error in its three parts: what was being done, what was found, what to do."""

from __future__ import annotations

import ast
import io
import json
import tarfile
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

import pytest

from bundler import errors
from bundler.cli.output.errors import bug_error, error_lines
from bundler.errors import BundlerError
from bundler.model.lock import Holder
from bundler.model.refs import ObjectRef
from bundler.storage.lock import LeaseLock
from tests.lib.bundles import make_bundle
from tests.lib.error_samples import SAMPLES
from tests.lib.fixtures_cli import scrub
from tests.lib.golden import check_golden
from tests.lib.menus import small_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(errors.__file__).parents[1]
FAMILIES = [import_module(f"bundler.errors.{found.name}") for found in iter_modules(errors.__path__)]


def every_class(root: type[BundlerError] = BundlerError) -> Iterator[type[BundlerError]]:
    yield root
    for below in root.__subclasses__():
        yield from every_class(below)


def kubeconfig(cli, **contexts: str) -> Path:
    body = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": next(iter(contexts)),
        "clusters": [{"name": name, "cluster": {"server": server}} for name, server in contexts.items()],
        "users": [{"name": "ada", "user": {"token": "t"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "ada"}} for name in contexts],
    }
    path = cli.home / "kubeconfig"
    path.write_text(json.dumps(body))
    return path


def config_map(name: str = "a", extra: str = "") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n{extra}"


# --- situations: name -> what leads there; returns the argv and the environment of the command line that fails ------


def no_cluster(cli):
    return ["list"], {"BUNDLER_CONTEXT": ""}


def wrong_context(cli):
    return ["list", "--context", "prod", "--kubeconfig", kubeconfig(cli, staging="https://127.0.0.1:1")], {}


def missing_kubeconfig(cli):
    return ["list", "--context", "prod", "--kubeconfig", cli.home / "nowhere"], {}


def context_named_sandbox(cli):
    return ["list", "--context", "sandbox", "--kubeconfig", kubeconfig(cli, sandbox="https://127.0.0.1:1")], {}


def server_away(cli):
    return ["list", "--timeout", "1s", "--kubeconfig", kubeconfig(cli, away="http://127.0.0.1:1")], {
        "BUNDLER_CONTEXT": ""
    }


def no_credentials(cli):
    path = kubeconfig(cli, away="http://127.0.0.1:1")
    body = json.loads(path.read_text())
    body["users"][0]["user"] = {"tokenFile": str(cli.home / "token")}
    path.write_text(json.dumps(body))
    return ["list", "--kubeconfig", path], {"BUNDLER_CONTEXT": ""}


def sandbox_file_broken(cli):
    (cli.home / "state" / "sandbox.db").write_bytes(b"this is not a database " * 100)
    return ["list"], {}


def unknown_bundle(cli):
    (cli.home / "mine").mkdir()
    make_bundle(cli.home / "mine", name="shopp")
    return ["install", "./nowhere"], {}


def registry_bundle(cli):
    return ["install", "oci://127.0.0.1:1/shop"], {}


def registry_address(cli):
    return ["install", "oci://registry.example"], {}


def broken_bundle_yaml(cli):
    return [
        "install",
        make_bundle(cli.home, {"bundle.yaml": "apiVersion: bundler.dev/v1\nkind: Bundle\n  metadata: {}\n"}),
    ], {}


def wrong_bundle_yaml(cli):
    text = """
    apiVersion: bundler.dev/v1
    kind: Bundle
    metadata: {name: Demo, version: one}
    spec:
      componets: []
      generate: [{name: a, secret: b, key: c, kind: poem}]
    """
    return ["install", make_bundle(cli.home, {"bundle.yaml": text, "values.yaml": "a: 1\na: 2\n"})], {}


def too_old_kubernetes(cli):
    return ["install", make_bundle(cli.home, {"templates/a.yaml": config_map()}, kubeVersion=">=9.1")], {}


def unsafe_archive(cli):
    path = cli.home / "evil.tgz"
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo("demo/../../etc/cron.d/evil")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"evil"))
        link = tarfile.TarInfo("demo/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return ["install", path], {}


def broken_archive(cli):
    (cli.home / "broken.tgz").write_bytes(b"not an archive")
    return ["install", cli.home / "broken.tgz"], {}


def unknown_value(cli):
    return ["install", "shop", "--set", "qsp=1000", "--set", "web.minReplica=3"], {}


def mistyped_value(cli):
    return ["install", "shop", "--set", "qps=fast"], {}


def invalid_values(cli):
    (cli.home / "prod.yaml").write_text("qps: -1\nhost: 'Not a host!'\n")
    return ["install", "shop", "-f", cli.home / "prod.yaml"], {}


def missing_values_file(cli):
    return ["install", "shop", "-f", cli.home / "nowhere.yaml", "--set-env", "host=NOT_SET"], {}


def path_without_value(cli):
    return ["install", "shop", "--set", "qps"], {}


def wrong_list_operators(cli):
    text = "args+: [c]\nargs[7]: z\ncontainers[name=wbe]:\n  image: nginx:2\nqps+: [1]\n"
    (cli.home / "prod.yaml").write_text(text)
    values = "qps: 1\nargs: [a, b]\ncontainers: [{name: web, image: nginx:1}]\n"
    return ["values", make_bundle(cli.home, {"values.yaml": values}), "-f", cli.home / "prod.yaml"], {}


def circular_derive(cli):
    derive = {"a": "values.b + 1", "b": "values.a + 1"}
    return ["values", make_bundle(cli.home, derive=derive)], {}


def broken_expression(cli):
    return ["values", make_bundle(cli.home, derive={"a": "values.b +"})], {}


def template_with_wrong_syntax(cli):
    return ["template", make_bundle(cli.home, {"templates/a.yaml": "a: {{ values.x\n"})], {}


def template_with_undefined_value(cli):
    files = {
        "values.yaml": "web: {name: x}\n",
        "templates/a.yaml": config_map(extra="data:\n  host: {{ values.web.host }}\n"),
    }
    return ["template", make_bundle(cli.home, files)], {}


def template_that_fails(cli):
    return ["template", make_bundle(cli.home, {"templates/a.yaml": "a: {{ 'x' | int / 0 }}\n"})], {}


def template_without_end(cli):
    text = "{% for i in range(1000000000) %}{% endfor %}\n"
    return ["template", make_bundle(cli.home, {"templates/a.yaml": text})], {}


def template_with_broken_yaml(cli):
    text = config_map(extra="data:\n  a: {{ values.text }}\n")
    return ["template", make_bundle(cli.home, {"templates/a.yaml": text, "values.yaml": 'text: "a: b: c"\n'})], {}


def several_broken_templates(cli):
    files = {"templates/a.yaml": "a: {{ values.x }}\n", "templates/b.yaml": "a: {{ values.x\n"}
    return ["template", make_bundle(cli.home, files)], {}


def same_object_twice(cli):
    files = {"templates/a.yaml": config_map(), "templates/b.yaml": config_map()}
    return ["template", make_bundle(cli.home, files)], {}


def undeclared_reach(cli):
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: wide}\nrules: []\n"
    return ["install", make_bundle(cli.home, {"templates/a.yaml": role})], {}


def rejected_objects(cli):
    deployment = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replica: 1
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: other}}, spec: {containers: [{name: web, image: x}]}}
"""
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}], selektor: {a: b}}\n"
    config = config_map(extra="dat: {a: b}\n")
    files = {"templates/a.yaml": deployment, "templates/b.yaml": service, "templates/c.yaml": config}
    return ["install", make_bundle(cli.home, files)], {}


def foreign_object(cli):
    cli("install", "first", make_bundle(cli.home, {"templates/a.yaml": config_map()}, name="first")).ok()
    return ["install", "second", make_bundle(cli.home, {"templates/a.yaml": config_map()}, name="second")], {}


def field_conflict(cli):
    menu = small_bundle(cli.home)
    cli("install", "shop", menu).ok()
    with cli.sandbox() as sandbox:
        sandbox.edit(ObjectRef("", "ConfigMap", "default", "shop-config"), {"data": {"text": "by hand"}})
    return ["upgrade", "shop", menu, "--set", "text=new"], {}


def downgrade(cli):
    cli("install", "demo", make_bundle(cli.home, {"templates/a.yaml": config_map()}, version="2.0.0")).ok()
    return ["upgrade", "demo", make_bundle(cli.home, {"templates/a.yaml": config_map()}, version="1.0.0")], {}


def unsupported_upgrade(cli):
    cli("install", "demo", make_bundle(cli.home, {"templates/a.yaml": config_map()})).ok()
    return ["upgrade", "demo", make_bundle(cli.home, version="3.0.0", upgrade={"from": ">=2.0"})], {}


def immutable_field(cli):
    volume = """apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: %s
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: x}]}}
"""
    cli("install", "demo", make_bundle(cli.home, {"templates/a.yaml": volume % "one"})).ok()
    return ["upgrade", "demo", make_bundle(cli.home, {"templates/a.yaml": volume % "two"})], {}


def site_forbids(cli):
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: wide}\nrules: []\n"
    reach = {"clusterScoped": ["ClusterRole.rbac.authorization.k8s.io"]}
    site = cli.home / "site.yaml"
    site.write_text(
        "apiVersion: bundler.dev/v1\nkind: Site\nmetadata: {name: acme}\nspec: {forbid: [cluster-scoped]}\n"
    )
    return ["install", make_bundle(cli.home, {"templates/a.yaml": role}, reach=reach), "--site", site], {}


def unconfirmed_uninstall(cli):
    cli("install", "demo", make_bundle(cli.home, {"templates/a.yaml": config_map()})).ok()
    return ["uninstall", "demo"], {}


def unknown_release(cli):
    return ["status", "nowhere"], {}


def locked_release(cli):
    menu = make_bundle(cli.home, {"templates/a.yaml": config_map()})
    with cli.sandbox() as sandbox:
        holder = Holder(
            user="bob",
            host="ci-7",
            pid=7,
            boot_id="of another machine",
            command="bundler upgrade",
            tool_version="0.1.0",
        )
        lock = LeaseLock(sandbox, cli.clock, holder, duration_s=3600).hold(
            "default", "demo", doing="upgrade", timeout_s=0
        )
        lock.__enter__()
        cli.held = lock
    return ["install", "demo", menu], {}


def failed_object(cli):
    menu = small_bundle(cli.home)
    cli("install", "shop", menu).ok()
    with cli.sandbox() as sandbox:
        sandbox.fail("Deployment", "shop-web", "ErrImageNeverPull", "default")
    return ["upgrade", "shop", menu, "--set", "image=broken:1"], {}


def failed_hook(cli):
    job = """
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {bundler.dev/hook: before-upgrade}}
spec:
  backoffLimit: 0
  template: {spec: {restartPolicy: Never, containers: [{name: migrate, image: "docker.io/library/migrate:1"}]}}
"""
    menu = small_bundle(cli.home)
    (menu / "hooks").mkdir()
    (menu / "hooks/migrate.yaml").write_text(job)
    cli("install", "shop", menu).ok()
    planned = json.loads(cli("diff", "shop", menu, "--set", "image=web:2", "-o", "json").out)
    (name,) = [one["object"].rpartition("/")[2] for one in planned["changes"] if one.get("hook") == "before-upgrade"]
    with cli.sandbox() as sandbox:
        sandbox.fail("Job", name, "CrashLoopBackOff", "default")
    return ["upgrade", "shop", menu, "--set", "image=web:2"], {}


def slow_object(cli):
    menu = small_bundle(cli.home)
    cli("install", "shop", menu).ok()
    with cli.sandbox() as sandbox:
        sandbox.fail("Deployment", "shop-web", "NotReady", "default")
    return ["upgrade", "shop", menu, "--set", "image=slow:1", "--timeout", "20s"], {}


def missing_namespace(cli):
    return [
        "install",
        make_bundle(cli.home, {"templates/a.yaml": config_map()}),
        "-n",
        "prod",
        "--no-create-namespace",
    ], {}


def folder_in_the_way(cli):
    (cli.home / "demo").mkdir()
    (cli.home / "demo" / "file").write_text("")
    return ["create", cli.home / "demo"], {}


SITUATIONS = {
    no_cluster: "kubeconfig",
    wrong_context: "kubeconfig",
    missing_kubeconfig: "kubeconfig",
    context_named_sandbox: "context-ambiguous",
    server_away: "cluster-unavailable",
    no_credentials: "credentials",
    sandbox_file_broken: "sandbox-store",
    unknown_bundle: "bundle-not-found",
    registry_bundle: "registry-unavailable",
    registry_address: "bundle-invalid",
    broken_bundle_yaml: "bundle-invalid",
    wrong_bundle_yaml: "bundle-invalid",
    too_old_kubernetes: "kube-version",
    unsafe_archive: "archive-unsafe",
    broken_archive: "archive-damaged",
    unknown_value: "values-invalid",
    mistyped_value: "values-invalid",
    invalid_values: "values-invalid",
    missing_values_file: "values-file",
    path_without_value: "values-path",
    wrong_list_operators: "values-path",
    circular_derive: "values-derive",
    broken_expression: "values-derive",
    template_with_wrong_syntax: "template-syntax",
    template_with_undefined_value: "template-undefined",
    template_that_fails: "template",
    template_without_end: "template-limit",
    template_with_broken_yaml: "rendered-yaml",
    several_broken_templates: "render",
    same_object_twice: "manifest",
    undeclared_reach: "plan-reach",
    rejected_objects: "plan-rejected",
    foreign_object: "plan-foreign",
    field_conflict: "plan-conflict",
    immutable_field: "plan-immutable",
    downgrade: "plan-downgrade",
    unsupported_upgrade: "plan-upgrade-path",
    site_forbids: "site-policy",
    unconfirmed_uninstall: "confirmation-required",
    unknown_release: "release-not-found",
    locked_release: "release-locked",
    failed_object: "object-failed",
    failed_hook: "hook-failed",
    slow_object: "wait-timeout",
    missing_namespace: "object-not-found",
    folder_in_the_way: "bundle",
}

CLEAN = {failed_object, failed_hook, slow_object}
"""Situations in which something is written before they fail; all others change nothing."""


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_bad_input_gets_an_error_in_three_parts_and_changes_nothing(cli, situation):
    with cli.sandbox():
        pass  # what every cluster has from its start is there before
    argv, variables = situation(cli)
    before = state_of(cli)
    outcome = cli(*argv, **variables)
    code = SITUATIONS[situation]
    kind = next(each for each in every_class() if each.code == code)
    assert f"error[{code}]: " in outcome.err
    assert outcome.code == kind.exit_code
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    shown = outcome.err[outcome.err.index("error[") :]
    assert "\n  " in shown
    assert "\nhint: " in shown
    assert situation in CLEAN or state_of(cli) == before
    check_golden(f"errors/{code}.{situation.__name__}.txt", scrub(f"{shown}--- exit {outcome.code}\n", cli.home))


def state_of(cli) -> object:
    """Return everything the embedded cluster holds, but for what time alone changes in it."""
    path = cli.home / "state" / "sandbox.db"
    if not path.exists() or path.read_bytes()[:6] != b"SQLite":
        return None
    from bundler.model.cluster import ListQuery

    with cli.sandbox() as sandbox:
        kinds = [one for one in sandbox.resource_types() if "list" in one.verbs or not one.verbs]
        found = [sandbox.list(ListQuery(group=k.group, kind=k.kind, namespace="")).items for k in kinds]
    return {
        (body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"]): body["metadata"]["uid"]
        for bodies in found
        for body in bodies
    }


@pytest.mark.parametrize("kind", SAMPLES, ids=lambda kind: kind.__name__)
def test_each_other_class_shows_its_three_parts(kind):
    message, context, hint = SAMPLES[kind]
    lines = [line.text for line in error_lines(kind(message, context=context, hint=hint))]
    assert lines[0] == f"error[{kind.code}]: {message}"
    check_golden(f"errors/{kind.code}.sample.txt", "\n".join(lines) + f"\n--- exit {kind.exit_code}\n")


def test_every_class_of_the_tree_has_a_golden():
    shown = {each.code for each in SAMPLES} | set(SITUATIONS.values())
    missing = sorted(each.code for each in every_class() if each.code not in shown)
    assert missing == [], "add a situation above, or a line to tests/lib/error_samples.py"


def test_codes_are_kebab_case_and_nobody_shares_one():
    names_of_modules = {module.__name__ for module in [errors, *FAMILIES]}
    codes = [each.code for each in every_class() if each.__module__ in names_of_modules]
    assert len(codes) == len(set(codes))
    assert all(code == code.lower() and " " not in code and "_" not in code for code in codes)


def raising_calls() -> Iterator[tuple[str, ast.Call]]:
    """Yield every construction of an error in the package, by its place."""
    names = {each.__name__ for each in every_class()}
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if "Error(" in text else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node


@pytest.mark.medium
def test_no_error_is_raised_without_context_and_hint():
    bare, calls = [], list(raising_calls())
    assert len(calls) > 100
    for place, call in calls:
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        parts = [given.get("context"), given.get("hint")]
        empty = [p for p in parts if isinstance(p, ast.List | ast.Tuple) and not p.elts]
        empty += [p for p in parts if isinstance(p, ast.Constant) and not p.value]
        if None in parts or empty:
            bare.append(place)
    assert bare == []


def test_an_error_cannot_be_made_without_its_parts():
    with pytest.raises(TypeError):
        BundlerError("doing something")


def test_a_bug_is_reported_short_and_whole_on_request(cli, monkeypatch):
    def fail(*_args, **_options):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("bundler.cli.commands.show.menu_of", fail)
    outcome = cli("show", "shop")
    assert outcome.code == 70
    assert "error[bug]: " in outcome.err
    assert "ZeroDivisionError: division by zero" in outcome.err
    assert "Traceback" not in outcome.err
    assert "Traceback" in cli("show", "shop", "-v").err


def test_the_report_of_a_bug_names_no_folder_of_the_machine():
    try:
        cli_folder = Path(bug_error.__code__.co_filename)
        raise KeyError(cli_folder.name)
    except KeyError as error:
        text = "\n".join(line.text for line in error_lines(bug_error(error, is_verbose=False)))
    assert str(PACKAGE.parent) not in text


def test_an_interrupt_ends_with_130(cli, monkeypatch):
    def stop(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("bundler.cli.commands.show.menu_of", stop)
    assert cli("show", "shop").code == 130


def test_time_in_messages_is_relative(cli):
    """A lock's age is told, not its time stamp: clocks of machines differ."""
    argv, _ = locked_release(cli)
    cli.clock.sleep(timedelta(minutes=2).total_seconds())
    assert "ago" in cli(*argv).err
