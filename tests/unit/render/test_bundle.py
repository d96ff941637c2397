"""What a bundle comes to: texts, objects, order, names that templates see."""

from __future__ import annotations

import hashlib
import textwrap

import pytest

from bundler.errors.bundle import ExpressionError, RenderedYamlError, TemplateError
from bundler.model.bundle import BundleFile, ComponentSpec, GenerateSpec, ReadinessRule
from bundler.model.json import mapping_at
from bundler.model.lean import replace
from bundler.model.manifest import Source
from bundler.model.refs import ObjectRef
from bundler.render.bundle import render_bundle, render_texts
from bundler.render.notes import render_notes
from bundler.render.sensitive import sensitive_strings
from tests.lib.rendering import bundle_of, context_of, render, values_of

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n"


def config_map(name: str) -> str:
    return MAP.format(name=name)


def component(name: str, *needs: str) -> ComponentSpec:
    return ComponentSpec(name=name, bundle=f"../{name}", needs=needs, source=Source("bundle.yaml", 1))


def text_of(templates: dict[str, str], data: dict[str, object] | None = None, **fields: object) -> str:
    return render(templates, data, **fields).templates[0].text


def test_labels_and_namespace_are_spliced_and_comments_are_kept() -> None:
    template = """
        {# not printed #}
        # a comment
        apiVersion: v1
        kind: ConfigMap
        metadata:
          # the name
          name: {{ release.name }}   # here
          labels: {app: web}
        data:   # and there
          "a":   'b'
    """
    assert text_of({"a.yaml": template}) == textwrap.dedent("""\
        # a comment
        apiVersion: v1
        kind: ConfigMap
        metadata:
          namespace: prod
          # the name
          name: shop   # here
          labels: {"app.kubernetes.io/managed-by": "bundler", "app.kubernetes.io/instance": "shop", app: web}
        data:   # and there
          "a":   'b'
    """)


def test_the_body_of_a_manifest_is_what_its_text_says() -> None:
    rendering = render({"a.yaml": config_map("a") + "  labels:\n    x: y\n"})
    assert rendering.manifests[0].body == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "a",
            "namespace": "prod",
            "labels": {
                "x": "y",
                "app.kubernetes.io/managed-by": "bundler",
                "app.kubernetes.io/instance": "shop",
            },
        },
    }


def test_what_the_author_wrote_wins() -> None:
    text = config_map("a") + "  namespace: other\n  labels: {app.kubernetes.io/instance: mine}\n"
    manifest = render({"a.yaml": text}).manifests[0]
    assert manifest.ref == ObjectRef("", "ConfigMap", "other", "a")
    assert manifest.body["metadata"]["labels"]["app.kubernetes.io/instance"] == "mine"


def test_a_cluster_scoped_object_gets_no_namespace() -> None:
    manifest = render({"a.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"}).manifests[0]
    assert manifest.ref.namespace == ""
    assert "namespace" not in manifest.body["metadata"]


def test_a_crd_of_the_bundle_tells_the_scope_of_its_kind() -> None:
    crd = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: cs.x.io}\n"
        "spec: {group: x.io, scope: Cluster, names: {kind: C}}\n"
    )
    bundle = bundle_of({"c.yaml": "apiVersion: x.io/v1\nkind: C\nmetadata: {name: c}\n"}, crds={"c.yaml": crd})
    rendering = render_bundle(
        bundle, values_of({}), context_of(scope_of=lambda group, _kind: None if group == "x.io" else False)
    )
    assert [m.ref for m in rendering.manifests] == [
        ObjectRef("apiextensions.k8s.io", "CustomResourceDefinition", "", "cs.x.io"),
        ObjectRef("x.io", "C", "", "c"),
    ]


def test_crds_are_never_templated() -> None:
    crd = config_map('"{{ x }}"')
    bundle = bundle_of({}, crds={"a.yaml": crd})
    rendering = render_bundle(bundle, values_of({}), context_of())
    assert rendering.manifests[0].ref.name == "{{ x }}"
    assert rendering.manifests[0].source == Source("crds/a.yaml", 1)


def test_the_track_label_is_the_authors() -> None:
    manifest = render({"a.yaml": config_map("a") + "  labels: {bundler.dev/track: stable}\n"}).manifests[0]
    assert manifest.body["metadata"]["labels"]["bundler.dev/track"] == "stable"


def test_selectors_and_pod_templates_are_left_alone() -> None:
    template = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: a}
        spec:
          selector: {matchLabels: {bundler.dev/track: stable}}
          template:
            metadata:
              labels: {bundler.dev/track: stable}
    """
    spec = render({"a.yaml": template}).manifests[0].body["spec"]
    assert spec == {
        "selector": {"matchLabels": {"bundler.dev/track": "stable"}},
        "template": {"metadata": {"labels": {"bundler.dev/track": "stable"}}},
    }


def test_a_list_is_expanded_and_each_item_stamped() -> None:
    template = """
        apiVersion: v1
        kind: List
        items:
          - apiVersion: v1
            kind: ConfigMap
            metadata:
              name: a
        {% for name in ['b', 'c'] %}
          - {apiVersion: v1, kind: Secret, metadata: {name: {{ name }}}}
        {% endfor %}
    """
    manifests = render({"a.yaml": template}).manifests
    assert [(m.ref.short, m.source.line) for m in manifests] == [("ConfigMap/a", 4), ("Secret/b", 9), ("Secret/c", 9)]
    assert all(m.body["metadata"]["labels"]["app.kubernetes.io/instance"] == "shop" for m in manifests)


def test_each_object_knows_its_template_line() -> None:
    template = """
        # head
        {% for n in range(2) %}
        ---
        kind: ConfigMap
        apiVersion: v1
        metadata: {name: loop-{{ n }}}
        {% endfor %}
        {% if true %}
        ---

        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: block
        {% endif %}
        ---
        {{ {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'yaml'}} | to_yaml }}
        {% include "_inner.yaml" %}
    """
    inner = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: inner}\n"
    manifests = render({"a.yaml": template, "_inner.yaml": inner}).manifests
    assert [(m.ref.name, str(m.source)) for m in manifests] == [
        ("loop-0", "templates/a.yaml:4"),
        ("loop-1", "templates/a.yaml:4"),
        ("block", "templates/a.yaml:10"),
        ("yaml", "templates/a.yaml:17"),
        ("inner", "templates/_inner.yaml:2"),
    ]


def test_documents_without_content_are_no_objects() -> None:
    assert render({"a.yaml": "---\n# nothing\n---\n\n"}).manifests == ()


def test_only_enabled_components_are_compiled_and_their_order_is_the_declared_one() -> None:
    outer = bundle_of(
        {"z.yaml": config_map("z"), "a.yaml": config_map("a"), "_h.yaml": "{% broken"},
        components=(component("web", "db", "cache"), component("db"), component("cache")),
        component_bundles={
            "web": bundle_of({"b.yaml": config_map("web-{{ component.name }}")}, name="webapp"),
            "db": bundle_of({"b.yaml": config_map("db-{{ bundle.name }}")}, name="postgres"),
            "cache": bundle_of({"b.yaml": "{% broken"}, name="redis"),
        },
    )
    rendering = render_bundle(outer, values_of({}, web=values_of({}), db=values_of({})), context_of())
    assert [(t.component, t.path) for t in rendering.templates] == [
        ("", "templates/a.yaml"),
        ("", "templates/z.yaml"),
        ("web", "web/templates/b.yaml"),
        ("db", "db/templates/b.yaml"),
    ]
    assert [(m.ref.name, m.component) for m in rendering.manifests] == [
        ("a", ""),
        ("z", ""),
        ("web-web", "web"),
        ("db-postgres", "db"),
    ]
    assert rendering.needs == {"web": ("db",)}
    assert [(b.component, b.name) for b in rendering.bundles] == [("", "shop"), ("web", "webapp"), ("db", "postgres")]


def test_components_of_components_have_paths_and_their_own_needs() -> None:
    leaf = bundle_of({"a.yaml": config_map("{{ component.path | replace('/', '-') }}")}, name="leaf")
    middle = bundle_of(
        {},
        name="middle",
        components=(component("a"), component("b", "a")),
        component_bundles={"a": leaf, "b": leaf},
    )
    outer = bundle_of({}, components=(component("mid"),), component_bundles={"mid": middle})
    values = values_of({}, mid=values_of({}, a=values_of({}), b=values_of({})))
    rendering = render_bundle(outer, values, context_of())
    assert [m.ref.name for m in rendering.manifests] == ["mid-a", "mid-b"]
    assert rendering.needs == {"mid/b": ("mid/a",)}


def test_outer_site_facts_win_over_the_defaults_of_a_component() -> None:
    inner = bundle_of(
        {"a.yaml": config_map("{{ site.storageClass }}-{{ site.domain }}-{{ site.exposure }}")},
        site_defaults={"storageClass": "inner", "domain": "inner", "exposure": "inner"},
    )
    outer = bundle_of(
        {},
        components=(component("c"),),
        component_bundles={"c": inner},
        site_defaults={"storageClass": "outer", "domain": "outer"},
    )
    values = values_of({}, c=values_of({}))
    rendering = render_bundle(outer, values, context_of(site={"storageClass": "site"}))
    assert rendering.manifests[0].ref.name == "site-outer-inner"


def test_templates_see_the_names_that_the_manual_lists() -> None:
    template = """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: a}
        data:
          release: {{ release.name }}/{{ release.namespace }}
          bundle: {{ bundle.name }} {{ bundle.version }} {{ bundle.app_version }}
          kube: {{ capabilities.kube_version | quote }}
          apps: {{ capabilities.has_api('apps/v1/Deployment') }}
          foo: {{ capabilities.has_api('foo/v1') }}
          new: {{ capabilities.kube_at_least('1.9') }}
          newer: {{ capabilities.kube_at_least('1.40') }}
          file: {{ files.get('conf/a.ini') | to_yaml }}
          binary: {{ files.base64('conf/b.bin') }}
          names: {{ files.glob('conf/*.ini') | join(' ') }}
    """
    files = {
        "conf/a.ini": BundleFile(path="conf/a.ini", content=b"a=1\r\nb=2\r\n"),
        "conf/b.bin": BundleFile(path="conf/b.bin", content=b"\xff\x00"),
    }
    data = render({"a.yaml": template}, files=files).manifests[0].body["data"]
    assert data == {
        "release": "shop/prod",
        "bundle": "shop 1.4.0 2026.11",
        "kube": "1.36.2",
        "apps": True,
        "foo": False,
        "new": True,
        "newer": False,
        "file": "a=1\r\nb=2\r\n",
        "binary": "/wA=",
        "names": "conf/a.ini",
    }


def test_a_binary_file_read_as_text_is_an_error_with_the_way_out() -> None:
    with pytest.raises(TemplateError) as caught:
        render({"a.yaml": "{{ files.get('b') }}"}, files={"b": BundleFile(path="b", content=b"\xff")})
    assert "files.base64" in caught.value.hint


GENERATE = GenerateSpec(
    name="db-password",
    secret="{{ release.name }}-db",
    key="password",
    kind="password",
    length=24,
    source=Source("bundle.yaml", 9),
)


def test_templates_see_the_address_of_a_generated_secret() -> None:
    template = (
        config_map("a") + "data: {s: {{ generated['db-password'].secret }}, k: {{ generated['db-password'].key }}}\n"
    )
    rendering = render({"a.yaml": template}, generate=(GENERATE,))
    assert rendering.manifests[0].body["data"] == {"s": "shop-db", "k": "password"}
    assert [(s.name, s.ref, s.key, s.length) for s in rendering.generated] == [
        ("db-password", ObjectRef("", "Secret", "prod", "shop-db"), "password", 24)
    ]


@pytest.mark.parametrize("is_on", [True, False])
def test_a_secret_is_generated_where_its_condition_holds_and_has_an_address_anyway(is_on: bool) -> None:
    secret = replace(GENERATE, when="values.auth")
    template = config_map("a") + "data: {s: {{ generated['db-password'].secret }}}\n"
    rendering = render({"a.yaml": template}, {"auth": is_on}, generate=(secret,))
    assert rendering.manifests[0].body["data"] == {"s": "shop-db"}
    assert len(rendering.generated) == is_on


def test_a_condition_of_a_generated_secret_is_true_or_false() -> None:
    with pytest.raises(ExpressionError) as caught:
        render({}, {"auth": "yes"}, generate=(replace(GENERATE, when="values.auth"),))
    assert "bundle.yaml:9: `values.auth` is of type string" in "\n".join(map(str, caught.value.context))


def test_readiness_rules_of_all_parts_are_gathered() -> None:
    rule = ReadinessRule(group="x.io", kind="C", ready="true", source=Source("bundle.yaml", 1))
    assert render({}, readiness=(rule,)).readiness == (rule,)


def test_crlf_templates_print_lf() -> None:
    template = config_map("a").replace("\n", "\r\n") + "data: {x: {{ values.x | quote }}}\r\n"
    assert "\r" not in text_of({"a.yaml": template}, {"x": "y"})


def test_yaml_is_indented_to_where_it_stands() -> None:
    template = """
        {% macro block(value) %}
        inner:
          {{ value | to_yaml }}
        {% endmacro %}
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: a}
        after_key: {{ values.map | to_yaml }}
        after_key_list: {{ values.list | to_yaml }}
        own_line:
          {{ values.map | to_yaml }}
        items:
          - {{ values.map | to_yaml }}
          - name: {{ values.map | to_yaml }}
        text: {{ values.text | to_yaml }}
        in_list:
          - {{ values.text | to_yaml }}
        empty: {{ {} | to_yaml }}
        scalar: {{ 'yes' | to_yaml }}
        macro:
          {{ block(values.map) | indent(2) }}
        explicit:
          {{ values.map | to_yaml | indent(2) }}
        key_{{ 1 }}: {{ values.map | to_yaml }}
    """
    data = {"map": {"a": {"b": [1, {"c": 2, "d": 3}]}, "e: f": "g"}, "list": [1, [2]], "text": "one\n\ntwo"}
    body = render({"a.yaml": template}, data).manifests[0].body
    expected = {
        "after_key": data["map"],
        "after_key_list": data["list"],
        "own_line": data["map"],
        "items": [data["map"], {"name": data["map"]}],
        "text": data["text"],
        "in_list": [data["text"]],
        "empty": {},
        "scalar": "yes",
        "macro": {"inner": data["map"]},
        "explicit": data["map"],
        "key_1": data["map"],
    }
    assert {key: body[key] for key in expected} == expected


def test_yaml_in_other_filters_is_plain_text() -> None:
    template = config_map("a") + (
        "data:\n  sum: {{ values.m | to_yaml | sha256 }}\n  size: {{ values.m | to_yaml | length }}\n"
        "  block: {{ block() | b64encode }}\n"
    )
    template = "{% macro block() %}{{ values.m | to_yaml }}{% endmacro %}\n" + template
    data = render({"a.yaml": template}, {"m": {"a": 1}}).manifests[0].body["data"]
    assert data == {
        "sum": hashlib.sha256(b"a: 1").hexdigest(),
        "size": 4,
        "block": "YTogMQ==",
    }


def test_the_same_input_renders_the_same_bytes() -> None:
    template = config_map("a") + "data: {{ values | to_yaml }}\n"
    assert text_of({"a.yaml": template}, {"b": 1, "a": {"c": 2}}) == text_of(
        {"a.yaml": template}, {"b": 1, "a": {"c": 2}}
    )


def test_notes_see_revision_and_operation() -> None:
    bundle = bundle_of(
        {"_n.md": "{% macro m() %}macro{% endmacro %}"},
        notes=("{% from '_n.md' import m %}{{ operation }} {{ revision }} of {{ release.name }}: {{ m() }}\n"),
    )
    notes = render_notes(bundle, values_of({}), context_of(), revision=3, operation="upgrade")
    assert notes == "upgrade 3 of shop: macro\n"
    assert render_notes(bundle_of({}), values_of({}), context_of(), revision=1, operation="install") == ""


def test_a_failing_note_names_its_place() -> None:
    with pytest.raises(TemplateError) as caught:
        render_notes(bundle_of({}, notes="a\n{{ values.x }}"), values_of({}), context_of(), revision=1, operation="x")
    assert caught.value.context[0].startswith("NOTES.md:2:4: values.x is not set")


def test_broken_yaml_can_be_looked_at() -> None:
    bundle = bundle_of({"a.yaml": "a: [\n"})
    with pytest.raises(RenderedYamlError):
        render_bundle(bundle, values_of({}), context_of())
    assert [t.text for t in render_texts(bundle, values_of({}), context_of())] == ["a: [\n"]
    with pytest.raises(TemplateError):
        render_texts(bundle_of({"a.yaml": "{{ values.x }}"}), values_of({}), context_of())


def test_sensitive_strings_are_those_of_values_and_of_rendered_secrets() -> None:
    template = """
        apiVersion: v1
        kind: Secret
        metadata: {name: a}
        data: {encoded: aGVsbG8gd29ybGQ=, binary: /w==}
        stringData: {plain: in-the-clear}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: a}
        data: {open: not-secret}
    """
    values = values_of(
        {"a": {"b": "top"}, "l": [{"p": "item"}]},
        sensitive=frozenset({"/a/b", "/l/0/p", "/gone"}),
        c=values_of({"x~/y": {"z": 12345}}, sensitive=frozenset({"/x~0~1y"})),
    )
    bundle = bundle_of({"a.yaml": template})
    rendering = render_bundle(bundle, values_of({}), context_of())
    assert sensitive_strings(rendering, values) == {
        "top", "item", "12345", "aGVsbG8gd29ybGQ=", "hello world", "/w==", "in-the-clear",
    }  # fmt: skip


def test_a_file_keeps_its_line_ends_and_its_byte_order_mark() -> None:
    text = "\ufeffa=1\r\nb=2\r\n"
    template = CONFIG_HEAD + "data:\n  a: {{ files.get('a') | to_yaml }}\n  b: {{ files.get('a') | quote }}\n"
    data = (
        render({"a.yaml": template}, files={"a": BundleFile(path="a", content=text.encode())}).manifests[0].body["data"]
    )
    assert data == {"a": text, "b": text}


CONFIG_HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


def test_typed_lists_and_lists_in_lists_are_expanded_as_by_kubectl() -> None:
    template = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleList
items:
  - metadata: {name: one}
  - kind: Role
    apiVersion: rbac.authorization.k8s.io/v1
    metadata: {name: two}
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: ConfigMapList
    items:
      - metadata: {name: three}
        data: {a: b}
  - apiVersion: v1
    kind: List
    items:
      - apiVersion: v1
        kind: Secret
        metadata: {name: four}
"""
    found = render({"a.yaml": template}).manifests
    assert [(one.ref.short, one.api_version, one.source.line) for one in found] == [
        ("Role/one", "rbac.authorization.k8s.io/v1", 4),
        ("Role/two", "rbac.authorization.k8s.io/v1", 5),
        ("ConfigMap/three", "v1", 15),
        ("Secret/four", "v1", 20),
    ]
    assert all(mapping_at(one.body, "metadata", "labels") for one in found)
