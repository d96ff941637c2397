"""create, lint, template, values, show, package."""

from __future__ import annotations

import json

import pytest

from bundler.loader.locate import known_names
from bundler.loader.shipped import shipped_dir
from bundler.syntax.reader import read_documents
from tests.lib.bundles import make_bundle
from tests.lib.menus import small_bundle


@pytest.mark.medium
def test_a_new_bundle_lints_clean_renders_and_installs(cli, monkeypatch):
    monkeypatch.chdir(cli.home)
    cli.golden("create", "create", "my-app").ok()
    assert cli("lint", "./my-app", "--strict").ok().out == ""
    assert "kind: Deployment" in cli("template", "./my-app").ok().out
    assert "revision 1 deployed" in cli("install", "./my-app").ok().out


def test_create_never_touches_what_is_there(cli, monkeypatch):
    monkeypatch.chdir(cli.home)
    cli("create", "my-app").ok()
    (cli.home / "my-app" / "values.yaml").write_text("mine: 1\n")
    outcome = cli("create", "my-app")
    assert outcome.code == 1
    assert "exists already" in outcome.err
    assert (cli.home / "my-app" / "values.yaml").read_text() == "mine: 1\n"


def test_create_fills_the_empty_folder_one_stands_in(cli, monkeypatch):
    (cli.home / "my-app").mkdir()
    monkeypatch.chdir(cli.home / "my-app")
    assert cli("create", ".", "-o", "json").ok().document["name"] == "my-app"
    cli("lint", ".").ok()


def test_create_refuses_a_name_that_no_bundle_can_have(cli):
    assert cli("create", "My_App").code == 2


@pytest.mark.medium
def test_a_clean_bundle_is_said_to_be_clean(cli):
    outcome = cli("lint", "redis", "--strict").ok()
    assert outcome.err == "no problems found\n"


FLAWED = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replica: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: nginx}]
---
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: web}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web, bundler.dev/track: stable}
"""


def test_lint_finds_everything_at_once(cli):
    path = make_bundle(cli.home, {"templates/web.yaml": FLAWED, "values.yaml": "a: 1\n"})
    outcome = cli.golden("lint-flawed", "lint", path)
    assert outcome.code == 1


def test_lint_tells_errors_of_the_format_with_file_and_line(cli):
    text = "apiVersion: bundler.dev/v1\nkind: Bundle\nmetadata: {name: demo}\nspec:\n  componets: []\n"
    path = make_bundle(cli.home, {"bundle.yaml": text, "values.yaml": "a: 1\na: 2\n"})
    outcome = cli.golden("lint-broken", "lint", path)
    assert outcome.code == 1


def test_lint_counts_the_namespace_that_is_named_as_the_release_s_own(cli):
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: prod}\n"
    path = make_bundle(cli.home, {"templates/a.yaml": config})
    assert cli("lint", path, "-n", "prod").ok().out.count("plan-reach") == 0
    assert cli("lint", path).out.count("plan-reach") == 1


def test_a_hint_that_many_findings_share_is_printed_once(cli):
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
    path = make_bundle(cli.home, {"templates/a.yaml": config + "".join(f"x{n}: 1\n" for n in range(138))})
    outcome = cli("lint", path)
    assert outcome.out.count("unknown to Kubernetes") == 138
    assert outcome.out.count("hint (for 138 findings): Check its name") == outcome.out.count("Check its name") == 1


def test_lint_writes_sarif(cli):
    path = make_bundle(cli.home, {"templates/web.yaml": FLAWED})
    run = cli("lint", path, "-o", "sarif").document["runs"][0]
    rules = {result["ruleId"] for result in run["results"]}
    assert {"unknown-field", "gone-version", "service-track", "image-tag"} <= rules
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == rules
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"]


def test_lint_writes_json(cli):
    path = make_bundle(cli.home, {"templates/web.yaml": FLAWED})
    findings = cli("lint", path, "-o", "json").document
    assert {"file", "line", "level", "rule", "message", "hint"} <= findings[0].keys()


def test_lint_names_values_that_nothing_reads(cli):
    files = {
        "values.yaml": "name: a\nweb:\n  image: x\n  old: {one: 1, two: 2}\n",
        "templates/a.yaml": """\
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: {{ values.name }}}
            data: {image: {{ values.web.image }}}
            """,
    }
    path = make_bundle(cli.home, files)
    cli.golden("lint-unread", "lint", path).ok()
    assert cli("lint", path, "--strict").code == 1
    finding = next(one for one in cli("lint", path, "-o", "json").document if one["rule"] == "unread-value")
    assert (finding["file"], finding["line"], finding["level"]) == ("values.yaml", 4, "warning")
    results = cli("lint", path, "-o", "sarif").document["runs"][0]["results"]
    place = next(one for one in results if one["ruleId"] == "unread-value")["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "values.yaml"}, "region": {"startLine": 4}}


def test_template_prints_the_text_with_comments_and_additions(cli):
    files = {"templates/a.yaml": "# kept\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a} # too\n"}
    cli.golden("template", "template", make_bundle(cli.home, files), "-n", "prod").ok()


@pytest.mark.medium
def test_template_as_data_is_a_list_of_objects(cli):
    found = cli("template", "shop", "-o", "json").ok().document
    assert found["kind"] == "List"
    assert {"Deployment", "StatefulSet", "Ingress"} <= {item["kind"] for item in found["items"]}


def test_template_as_data_prints_the_objects_as_they_are_sent(cli):
    job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once, creationTimestamp: null}\nspec:\n  suspend: null\n"
    pod = "  template: {spec: {restartPolicy: Never, containers: [{name: a, image: 'a:1'}]}}\nstatus: {active: 1}\n"
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hidden}\n"
    widget = "apiVersion: acme.io/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: null}\n"
    files = {"templates/job.yaml": job + pod, "templates/s.yaml": secret, "templates/w.yaml": widget}
    path = make_bundle(cli.home, files)
    items = cli("template", path, "-o", "json", "-n", "prod", "--show-secrets").ok().document["items"]
    sent = {item["kind"]: item for item in items}
    assert sent["Job"]["metadata"]["name"].startswith("once-")
    assert "suspend" not in sent["Job"]["spec"]
    assert "status" not in sent["Job"]
    assert "creationTimestamp" not in sent["Job"]["metadata"]
    assert "bundler.dev/release-uid" in sent["Job"]["metadata"]["labels"]
    assert sent["Secret"]["data"] == {"a": "aGlkZGVu"}
    assert sent["Widget"]["spec"] == {"size": None}
    only = cli("template", path, "-o", "yaml", "--only", "templates/job.yaml").ok().out
    assert ("kind: Job" in only, "Widget" in only) == (True, False)
    assert "suspend: null" in cli("template", path).ok().out


@pytest.mark.medium
def test_template_prints_chosen_files_alone(cli):
    outcome = cli("template", "shop", "--only", "web/templates/edges.yaml").ok()
    assert {text.value["kind"] for text in read_documents(outcome.out)} <= {
        "Ingress",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
    }
    assert cli("template", "shop", "--only", "web/templates/edge.yaml").code == 2


def test_template_prints_broken_yaml_when_asked_to(cli):
    files = {"templates/a.yaml": "a: {{ values.x }}\n", "values.yaml": "x: 'b: c'\n"}
    path = make_bundle(cli.home, files)
    assert cli("template", path).code == 1
    assert "a: b: c" in cli("template", path, "--show-invalid").ok().out


@pytest.mark.medium
def test_template_needs_no_cluster(cli):
    assert cli("template", "shop", BUNDLER_CONTEXT="nowhere", KUBECONFIG="/nonexistent").code == 0


def test_assignments_apply_in_the_order_typed(cli):
    path = make_bundle(cli.home, {"values.yaml": "a: {b: 1}\n"})
    first = cli("values", path, "--set-json", 'a={"b": 2, "c": 3}', "--set", "a.b=4", "-o", "json").ok()
    assert first.document == {"a": {"b": 4, "c": 3}}
    second = cli("values", path, "--set", "a.b=4", "--set-json", 'a={"b": 2, "c": 3}', "-o", "json").ok()
    assert second.document == {"a": {"b": 2, "c": 3}}


def test_values_come_from_files_variables_and_standard_input(cli):
    path = make_bundle(cli.home, {"values.yaml": "a: 1\nb: 1\nc: x\nd: x\n"})
    (cli.home / "text").write_text("from a file")
    argv = ["values", path, "-f", "-", "--set-env", "c=GREETING", "--set-file", f"d={cli.home / 'text'}", "-o", "json"]
    outcome = cli(*argv, stdin="b: 2\n", GREETING="from a variable").ok()
    assert outcome.document == {"a": 1, "b": 2, "c": "from a variable", "d": "from a file"}


def test_values_explain_who_set_what(cli):
    cli.golden("values-explain", "values", "shop", "--set", "qps=1000", "--explain", "web.minReplicas").ok()


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_explained_values_are_themselves_and_whole_in_data(cli, output):
    text = "x" * 100
    user = {"properties": {"password": {"writeOnly": True}}, "additionalProperties": True}
    schema = {"properties": {"users": {"items": user}}, "additionalProperties": True}
    files = {
        "values.yaml": f"n: 2\nflag: true\ntext: {text}\nold: 1\nusers: [{{name: ada, password: s3cret-word, age: 3}}]\n",
        "values.schema.json": json.dumps(schema),
    }
    path = make_bundle(cli.home, files)
    argv = ["values", path, "--set", "n=3", "--set", "flag=false", "--set-json", "old=null", "--explain", "-o", output]
    said = cli(*argv).ok().out
    (document,) = read_documents(said)
    rows = {row["path"]: row for row in document.value}
    assert {name: row["value"] for name, row in rows.items()} == {
        "n": 3, "flag": False, "text": text, "old": None,
        "users": [{"name": "ada", "password": "***", "age": 3}],
    }  # fmt: skip
    assert [one["value"] for one in rows["n"]["overridden"]] == [2]
    assert "s3cret" not in said


def test_a_site_file_lies_below_values_files(cli):
    path = make_bundle(cli.home, {"values.yaml": "a: 1\nb: 1\nc: 1\n"})
    site = cli.home / "site.yaml"
    site.write_text("apiVersion: bundler.dev/v1\nkind: Site\nmetadata: {name: acme}\nspec: {values: {a: 2, b: 2}}\n")
    (cli.home / "f.yaml").write_text("b: 3\n")
    outcome = cli("values", path, "--site", site, "-f", cli.home / "f.yaml", "-o", "json").ok()
    assert outcome.document == {"a": 2, "b": 3, "c": 1}


def test_site_and_values_files_change_lists_in_place(cli):
    path = make_bundle(cli.home, {"values.yaml": "args: [a]\nweb: [{name: x, port: 1}]\n"})
    site = cli.home / "site.yaml"
    site.write_text(
        "apiVersion: bundler.dev/v1\nkind: Site\nmetadata: {name: acme}\nspec:\n  values:\n    args+: [b]\n"
    )
    (cli.home / "f.yaml").write_text("args+: [c]\nweb[name=x]: {port: 2}\n")
    argv = ["values", path, "--site", site, "-f", cli.home / "f.yaml", "-o", "json"]
    assert cli(*argv).ok().document == {"args": ["a", "b", "c"], "web": [{"name": "x", "port": 2}]}
    sources = {row["path"]: row["source"] for row in cli(*argv, "--explain").ok().document}
    assert (sources["args[1]"], sources["args[2]"]) == (f"{site}:6", f"{cli.home / 'f.yaml'}:1")


@pytest.mark.parametrize("output", ["text", "json", "yaml", "markdown", "html"])
def test_show_describes_a_bundle(cli, output):
    cli.golden(f"show-{output}", "show", "shop", "-o", output).ok()


def test_foreign_text_is_escaped_in_html_and_markdown(cli):
    path = make_bundle(cli.home, {"values.yaml": "# <script>alert(1)</script> *bold*\na: 1\n"})
    assert "<script>" not in cli("show", path, "-o", "html").ok().out
    assert r"\*bold\*" in cli("show", path, "-o", "markdown").ok().out


@pytest.mark.medium
def test_packages_are_the_same_bytes_and_install_like_the_folder(cli):
    first, second = cli.home / "one.tgz", cli.home / "two.tgz"
    facts = cli("package", "shop", "--out", first, "-o", "json").ok().document
    cli("package", first, "--out", second).ok()
    assert first.read_bytes() == second.read_bytes()
    assert facts["digest"] == json.loads(cli("show", first, "-o", "json").out)["digest"]
    assert cli("template", first).ok().out == cli("template", "shop").ok().out


def test_the_bundle_path_is_searched_before_what_is_shipped(cli):
    (cli.home / "mine").mkdir()
    make_bundle(cli.home / "mine", name="shop", version="9.9.9")
    outcome = cli("show", "shop", "-o", "json", BUNDLER_BUNDLE_PATH=str(cli.home / "mine")).ok()
    assert outcome.document["version"] == "9.9.9"
    assert str(cli.home / "mine") in outcome.err


def test_sensitive_values_are_masked_unless_asked_for(cli):
    path = small_bundle(cli.home)
    secret = "correct-horse-battery"
    for argv in (["template", path], ["values", path], ["values", path, "--explain"], ["template", path, "-o", "json"]):
        outcome = cli(*argv, "--set", f"token={secret}").ok()
        assert secret not in outcome.out + outcome.err
    assert secret in cli("values", path, "--set", f"token={secret}", "--show-secrets").ok().out
    assert secret in cli("template", path, "--set", f"token={secret}", "--show-secrets").ok().out


def test_lint_writes_the_reach_that_the_switches_can_lead_to(cli):
    path = make_bundle(
        cli.home,
        {
            "values.yaml": "host: false\n",
            "values.schema.json": '{"type": "object", "properties": {"host": {"type": "boolean"}}}',
            "templates/a.yaml": "{% if values.host %}\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
            "spec: {hostNetwork: true, containers: [{name: a, image: docker.io/library/a:1}]}\n{% endif %}\n",
        },
    )
    before = (path / "bundle.yaml").read_text("utf-8")
    written = cli("lint", path, "--write-reach")
    assert "bundle.yaml: reach added, grants: privileged" in written.err
    assert "grants: [privileged]" in (path / "bundle.yaml").read_text("utf-8")
    assert before != (path / "bundle.yaml").read_text("utf-8")
    again = cli("lint", path, "--write-reach")
    assert "bundle.yaml declares all that it reaches" in again.err
    cli("template", path, "--set", "host=true").ok()


@pytest.mark.medium
def test_a_new_bundle_with_shipped_components_lints_clean_and_names_what_is_not_shipped(cli):
    path = cli.home / "app"
    cli("create", path, "--with", "postgres,redis").ok()
    linted = cli("lint", path).ok()
    assert "no problems found" in linted.err + linted.out
    assert "# postgres/templates/" in cli("template", path).ok().out
    refused = cli("create", cli.home / "other", "--with", "mysql")
    assert refused.code == 2
    assert f"Choose from {', '.join(known_names([]))}" in refused.err
    assert not (cli.home / "other").exists()


@pytest.mark.parametrize(
    "argv", [["lock", "shop"], ["lint", "shop", "--write-reach"], ["test-render", "shop", "--update"]]
)
def test_what_is_shipped_with_bundler_is_never_written_to(cli, argv):
    folder = shipped_dir("bundles") / "shop"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    refused = cli(*argv)
    assert refused.code == 1
    assert "shop is shipped with bundler" in refused.err
    assert "with a slash: ./shop" in refused.err
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_commands_that_are_suggested_can_be_copied_whatever_a_folder_is_called(cli, monkeypatch):
    folder = cli.home / "our bundles; old"
    folder.mkdir()
    monkeypatch.chdir(folder.parent)
    app = "our bundles; old/app"
    assert f"bundler install '{app}' --context sandbox" in cli("create", app).ok().err
    assert f"`bundler values '{app}' --explain`" in cli("values", app, "--set", "qps=99999").err
    plan = cli("plan", "app", app, "--out", f"{folder}/it.plan").ok().err
    assert f"`bundler show '{folder}/it.plan'`" in plan
    assert f"bundler apply '{folder}/it.plan'" in plan
    (folder / "app" / "bundle.yaml").write_text("kind: [\n")
    assert f"`bundler lint '{app}'`" in cli("template", app).err
