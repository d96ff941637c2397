"""lint: everything at once, each with its place."""

import pytest

from bundler.actions.author.lint import lint
from bundler.actions.compose.user_values import UserInput
from bundler.loader.locate import find_bundle
from bundler.model.finding import Level
from bundler.model.values import UserLayers
from tests.lib.bundles import make_bundle

CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
"""


def errors_of(folder, **options):
    found = lint(find_bundle(str(folder)), UserInput(user=UserLayers()), **options).findings
    return [(one.place, one.message) for one in found if one.level is Level.ERROR]


EXPRESSIONS = {
    "derive": ({"derive": {"a": "1 +"}}, "unexpected end"),
    "derive with braces": ({"derive": {"a": "{{ values.b }}"}}, "expected token ':', got '}'"),
    "derive of a name that does not exist": (
        {"derive": {"a": "capabilities.kube_version"}},
        "capabilities is not defined",
    ),
    "an image's when": ({"images": [{"ref": "a:1", "when": "values.x ="}]}, "unexpected '=' after the expression"),
    "ready": ({"readiness": [{"match": {"group": "x.io", "kind": "X"}, "ready": "object.a =="}]}, "unexpected end"),
    "failed": (
        {"readiness": [{"match": {"group": "x.io", "kind": "X"}, "ready": "object.a", "failed": "status.phase"}]},
        "status is not defined",
    ),
    "generate": (
        {"generate": [{"name": "a", "secret": "{{ release.name", "key": "k", "kind": "hex"}]},
        "unexpected end of template, expected 'end of print statement'.",
    ),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_that_cannot_be_read_is_told_although_nothing_asks_for_it(tmp_path, name):
    spec, message = EXPRESSIONS[name]
    found = errors_of(make_bundle(tmp_path, {"templates/a.yaml": CONFIG}, **spec))
    assert [one[1].rstrip(".") for one in found] == [message.rstrip(".")]
    assert found[0][0].startswith("bundle.yaml:")


def test_all_broken_expressions_are_told_at_once(tmp_path):
    found = errors_of(
        make_bundle(tmp_path, {"templates/a.yaml": CONFIG}, derive={"a": "1 +", "b": "(1", "c": "values.d |"})
    )
    assert len(found) == 3


def test_a_broken_template_does_not_hide_what_is_wrong_with_the_objects_of_others(tmp_path):
    files = {
        "templates/a.yaml": "{{ values.gone }}",
        "templates/b.yaml": "a: b: c",
        "templates/c.yaml": CONFIG + "data: {port: 80}\n",
        "templates/d.yaml": CONFIG.replace("name: a", "name: A_B"),
        "templates/e.yaml": CONFIG,
    }
    found = errors_of(make_bundle(tmp_path, files))
    places = [place.partition(":")[0] for place, _ in found]
    assert places == [
        "templates/a.yaml",
        "templates/b.yaml",
        "templates/c.yaml",
        "templates/d.yaml",
        "templates/e.yaml",
    ]


BROKEN = "a: {{ values.a +\n"
COMPONENT = [{"name": "cache", "bundle": "./cache", "when": "false"}]


def everything_wrong(parent, **spec):
    files = {
        "templates/a.yaml": BROKEN,
        "templates/_b.tpl": "{% macro x() %}\n{% endif %}",
        "templates/c.yaml": "{{ 1 | no_such_filter }}",
        "NOTES.md": "x\n{% if %}\n",
    }
    root = make_bundle(parent, files, components=COMPONENT, **spec)
    inner = {"templates/a.yaml": BROKEN, "NOTES.md": "{% nothing %}", "templates/fine.yaml": CONFIG}
    make_bundle(root, inner, name="cache", derive={"x": "values.y", "y": "values.x", "z": "2 +"})
    return root


BROKEN_TEMPLATES = [
    "NOTES.md:2",
    "cache/NOTES.md:1",
    "cache/templates/a.yaml:1",
    "templates/_b.tpl:2",
    "templates/a.yaml:1",
    "templates/c.yaml:1",
]


def line_of(place):
    return ":".join(place.split(":")[:2])


def test_nothing_hides_behind_anything_else(tmp_path):
    derive = {"a": "1 +", "b": "values.c", "c": "values.b", "d": "values.e", "e": "values.f", "f": "values.e"}
    found = errors_of(everything_wrong(tmp_path, derive=derive))
    templates = [line_of(place) for place, _ in found if "bundle.yaml" not in place]
    assert templates == BROKEN_TEMPLATES
    formulas = [(place.partition(":")[0], message) for place, message in found if "bundle.yaml" in place]
    assert formulas == [
        ("bundle.yaml", "unexpected end"),
        ("bundle.yaml", "b → c → b"),
        ("bundle.yaml", "e → f → e"),
        ("cache/bundle.yaml", "x → y → x"),
        ("cache/bundle.yaml", "unexpected end"),
    ]


def test_what_cannot_be_loaded_does_not_hide_what_can_be_read(tmp_path):
    derive = {"a": "1 +", "b": "values.c", "c": "values.b", "d..e": "1", "f": ""}
    root = everything_wrong(tmp_path, derive=derive, gone=1)
    (root / "values.yaml").write_text("a: [")
    found = errors_of(root)
    assert [line_of(place) for place, _ in found if "bundle.yaml" not in place] == [
        *BROKEN_TEMPLATES,
        "values.yaml:2",
    ]
    messages = " / ".join(message for place, message in found if place.startswith("bundle.yaml"))
    assert all(part in messages for part in ("unexpected end", "b → c → b", "gone", "is not a path"))
    own = [place for place, _ in found if place.startswith("bundle.yaml")]
    assert len(own) == len(set(own)) == 5


def test_a_bundle_yaml_that_is_no_yaml_does_not_hide_its_templates(tmp_path):
    root = make_bundle(tmp_path, {"templates/a.yaml": BROKEN, "bundle.yaml": "a: ["})
    assert [line_of(place) for place, _ in errors_of(root)] == ["bundle.yaml:2", "templates/a.yaml:1"]


def test_a_broken_part_that_several_templates_include_is_told_once(tmp_path):
    use = "{% include '_part.tpl' %}"
    files = {"templates/a.yaml": use, "templates/b.yaml": use, "templates/_part.tpl": "{{ 1 + }}"}
    assert [line_of(place) for place, _ in errors_of(make_bundle(tmp_path, files))] == ["templates/_part.tpl:1"]


def test_a_component_without_a_bundle_is_told_once(tmp_path):
    ((place, message),) = errors_of(make_bundle(tmp_path, components=[{"name": "cache"}]))
    assert place.startswith("bundle.yaml:")
    assert "bundle" in message


def test_notes_are_rendered(tmp_path):
    found = errors_of(make_bundle(tmp_path, {"templates/a.yaml": CONFIG, "NOTES.md": "x\n{{ values.gone }}\n"}))
    assert [place for place, _ in found] == ["NOTES.md:2:4"]


def test_what_is_rendered_twice_has_the_place_of_the_second(tmp_path):
    found = errors_of(make_bundle(tmp_path, {"templates/a.yaml": CONFIG, "templates/b.yaml": CONFIG}))
    assert [place for place, _ in found] == ["templates/b.yaml:1"]


def test_a_wrong_default_has_the_place_of_the_default(tmp_path):
    schema = '{"properties": {"a": {"type": "integer"}}}'
    files = {"templates/a.yaml": CONFIG, "values.yaml": "a: x\n", "values.schema.json": schema}
    assert [place for place, _ in errors_of(make_bundle(tmp_path, files))] == ["values.yaml:1"]


def test_a_generated_secret_that_no_server_takes_is_told_where_there_is_no_object_at_all(tmp_path):
    generate = [{"name": "a", "secret": "Not_A_Name", "key": "k", "kind": "hex"}]
    ((place, message),) = errors_of(make_bundle(tmp_path, generate=generate))
    assert place.startswith("bundle.yaml:")
    assert "Not_A_Name" in message


def test_a_folder_of_another_name_is_no_templates(tmp_path):
    found = lint(
        find_bundle(str(make_bundle(tmp_path, {"template/a.yaml": CONFIG}))), UserInput(user=UserLayers())
    ).findings
    assert "nothing-to-install" in {one.rule for one in found}
    whole = make_bundle(tmp_path, {"templates/a.yaml": CONFIG}, name="whole")
    assert "nothing-to-install" not in {
        one.rule for one in lint(find_bundle(str(whole)), UserInput(user=UserLayers())).findings
    }


LEADING_NOWHERE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector:
    app: {{ values.app }}
  ports:
    - {port: 80, targetPort: {{ values.port }}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web, bundler.dev/track: stable}}
  template:
    metadata: {labels: {app: web, bundler.dev/track: stable}}
    spec: {containers: [{name: web, image: "web:1", ports: [{name: http, containerPort: 8080}]}]}
"""


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("{app: web, port: http}", []),
        ("{app: wbe, port: http}", [("templates/a.yaml:5", "Service/web: its selector app=wbe matches no pod of the")]),
        (
            "{app: web, port: metrics}",
            [("templates/a.yaml:8", "Service/web: its targetPort 'metrics' is not a port of")],
        ),
    ],
)
def test_a_service_that_leads_to_no_pod_is_an_error_at_the_line_of_its_field(tmp_path, values, expected):
    found = errors_of(make_bundle(tmp_path, {"templates/a.yaml": LEADING_NOWHERE, "values.yaml": values}))
    assert [
        (place, message[: len(start)]) for (place, message), (_, start) in zip(found, expected, strict=True)
    ] == expected


CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.dev}
spec:
  group: example.dev
  scope: Namespaced
  names: {kind: Gadget, plural: gadgets, singular: gadget, listKind: GadgetList}
  versions:
    - {name: v1alpha1, served: false, storage: false, schema: {openAPIV3Schema: {type: object}}}
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [size]
              properties: {size: {type: integer}, names: {type: array, items: {type: string}}}
"""
GADGETS = {
    "fits": ("example.dev/v1", "{size: 2, names: [a]}", []),
    "a version that is there and not served": (
        "example.dev/v1alpha1",
        "{size: 2}",
        [("templates/a.yaml:1", "Gadget/a: example.dev/v1alpha1 is not served by")],
    ),
    "a version that does not exist": (
        "example.dev/v2",
        "{size: 2}",
        [("templates/a.yaml:1", "Gadget/a: example.dev/v2 is not served by")],
    ),
    "an unknown field": (
        "example.dev/v1",
        "{size: 2, colour: red}",
        [("templates/a.yaml:4", "Gadget/a: spec.colour is unknown to")],
    ),
    "a wrong type": (
        "example.dev/v1",
        '{size: "2"}',
        [("templates/a.yaml:4", "Gadget/a: spec.size (expected numeric")],
    ),
    "a missing field": ("example.dev/v1", "{}", [("templates/a.yaml:4", "Gadget/a: spec.size (Required value)")]),
}


@pytest.mark.parametrize("name", GADGETS)
def test_a_custom_resource_is_held_against_the_definition_in_its_own_bundle(tmp_path, name):
    api_version, spec, expected = GADGETS[name]
    gadget = f"apiVersion: {api_version}\nkind: Gadget\nmetadata: {{name: a}}\nspec: {spec}\n"
    reach = {"clusterScoped": ["CustomResourceDefinition"]}
    found = errors_of(make_bundle(tmp_path, {"crds/gadgets.yaml": CRD, "templates/a.yaml": gadget}, reach=reach))
    assert len(found) == len(expected)
    for (place, message), (expected_place, start) in zip(found, expected, strict=True):
        assert place.startswith(expected_place)
        assert message.startswith(start)
        assert start.startswith("Gadget/a: spec.size (") or "CustomResourceDefinition/gadgets.example.dev" in message


def test_objects_in_the_namespace_of_the_release_do_not_leave_it(tmp_path):
    root = make_bundle(tmp_path, {"templates/a.yaml": CONFIG.replace("{name: a}", "{name: a, namespace: shop}")})
    assert [one[0] for one in errors_of(root)] == ["templates/a.yaml:1"]
    assert not errors_of(root, namespace="shop")


def test_each_finding_of_a_long_list_and_of_a_long_text_has_its_own_line(tmp_path):
    item = "- apiVersion: v1\n  kind: ConfigMap\n  metadata: {{name: a{n}}}\n  dat: {{}}\n"
    items = "".join(item.format(n=n) for n in range(20))
    texts = "".join(f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: b{n}}}\ndat: {{}}\n" for n in range(60))
    files = {"templates/list.yaml": "apiVersion: v1\nkind: List\nitems:\n" + items, "templates/texts.yaml": texts}
    found = errors_of(make_bundle(tmp_path, files))
    assert [place for place, _ in found] == [
        *(f"templates/list.yaml:{4 * n + 7}" for n in range(20)),
        *(f"templates/texts.yaml:{5 * n + 5}" for n in range(60)),
    ]


COUNTING = """
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data:
  run.sh: |
    echo ${#files[@]}
    rm -r "$old"
    {# a comment of the author's #}
    echo done
  raw.sh: |
    {% raw %}echo ${#files[@]} #}{% endraw %}
"""


def test_a_count_of_a_shell_that_starts_a_comment_is_found(tmp_path):
    inner = make_bundle(tmp_path / "demo", {"templates/b.yaml": COUNTING}, name="cache")
    root = make_bundle(
        tmp_path, {"templates/a.yaml": COUNTING}, components=[{"name": "cache", "bundle": "./cache", "when": "false"}]
    )
    assert inner.parent == root
    found = [one for one in errors_of(root) if "starts a comment" in one[1]]
    assert [place for place, _ in found] == ["cache/templates/b.yaml:6", "templates/a.yaml:6"]
    assert "line 8" in found[0][1]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("components.db.outputs.hots", "components.db.outputs.hots is not an output of db; outputs are: host"),
        ("components.bd.outputs.host", "components.bd.outputs.host asks for no component of this bundle"),
    ],
)
def test_an_output_that_is_not_there_is_found_where_its_reader_is_off_too(tmp_path, path, said):
    web = {"name": "web", "bundle": "./web", "when": "false", "values": {"host": "{{ " + path + " }}"}}
    root = make_bundle(tmp_path, components=[{"name": "db", "bundle": "./db"}, web])
    make_bundle(root, name="db", outputs={"host": "x"})
    make_bundle(root, {"values.yaml": "host: ''\n"}, name="web")
    found = [
        one for one in lint(find_bundle(str(root)), UserInput(user=UserLayers())).findings if one.rule == "expression"
    ]
    assert [one.file for one in found] == ["bundle.yaml"]
    assert said in found[0].message


def test_a_name_in_upgrade_recreate_that_nothing_has_is_found(tmp_path):
    optional = "{% if values.on %}\n" + CONFIG.replace("name: a", "name: {{ release.name }}-b") + "{% endif %}\n"
    files = {"templates/a.yaml": CONFIG, "templates/b.yaml": optional, "values.yaml": "on: false\n"}
    names = ["ConfigMap/a", "ConfigMap/*-b", "ConfigMap/cc"]
    folder = make_bundle(tmp_path, files, upgrade={"recreate": names})
    found = lint(find_bundle(str(folder)), UserInput(user=UserLayers())).findings
    (one,) = [one for one in found if one.rule == "recreate-name"]
    assert (one.level, one.message) == (
        Level.WARNING,
        "upgrade.recreate names ConfigMap/cc, and the bundle renders no such object",
    )


def test_what_upgrade_gates_and_steps_name_in_vain_is_found(tmp_path):
    config = CONFIG.replace("name: a", "name: {{ release.name }}-b")
    files = {"templates/a.yaml": CONFIG, "templates/b.yaml": config, "checks/smoke.yaml": CONFIG}
    gates = [
        {"name": "one", "expr": "objects['ConfigMap/a'] and objects['ConfigMap/*-b'] and objects['ConfigMap/*c']"},
        {"name": "two", "expr": "objects['ConfigMap/*?' ] and objects.x"},
        {"name": "smoke", "job": "checks/smoke.yaml"},
    ]
    steps = {"default": ["10%"], "components": {"web": {"canary": 1}}}
    web = make_bundle(tmp_path, {"templates/a.yaml": CONFIG}, name="web", upgrade={"steps": {"soak": "1s"}})
    upgrade = {"gates": gates, "steps": steps}
    folder = make_bundle(tmp_path, files, upgrade=upgrade, components=[{"name": "web", "bundle": f"../{web.name}"}])
    found = lint(find_bundle(str(folder)), UserInput(user=UserLayers())).findings
    assert [one.message for one in found if one.rule in {"gate-object", "gate-check", "idle-steps"}] == [
        "gate one asks for ConfigMap/*c, and the bundle renders no such object",
        "gate smoke runs checks/smoke.yaml, which prints no Job: there is no such gate",
        "upgrade.steps has a default, and there is no Deployment and no StatefulSet",
        "upgrade.steps names web, which has no Deployment and no StatefulSet",
    ]
    deployment = CONFIG.replace("kind: ConfigMap", "kind: Deployment").replace("v1", "apps/v1")
    (web / "templates/a.yaml").write_text("{% if values.on %}\n" + deployment + "{% endif %}\n")
    found = lint(find_bundle(str(folder)), UserInput(user=UserLayers())).findings
    assert not [one for one in found if one.rule == "idle-steps"]
