"""Laws of splicing: the text that comes out reads as what went in, plus the stamps, and nothing else moved."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from bundler.errors.bundle import ManifestError
from bundler.expressions.markers import YamlBlock, YamlText, finish_text, mark_yaml
from bundler.expressions.text import to_json
from bundler.render.bundle import render_bundle
from bundler.syntax.reader import read_documents
from bundler.syntax.writer import dump_yaml
from tests.lib.laws import examples
from tests.lib.rendering import bundle_of, context_of, values_of

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
SCALARS = st.one_of(st.text(max_size=8), st.integers(), st.booleans(), st.none(), st.sampled_from(["yes", "1e3", "~"]))
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
LABELS = st.none() | st.dictionaries(NAMES | st.just("app.kubernetes.io/instance"), st.text(max_size=6), max_size=3)


@st.composite
def objects(draw: st.DrawFn) -> dict[str, object]:
    metadata: dict[str, object] = {"name": draw(NAMES)}
    for key in draw(st.permutations(["labels", "annotations", "namespace", "finalizers"])):
        if draw(st.booleans()):
            metadata[key] = draw({"namespace": NAMES, "finalizers": st.lists(NAMES)}.get(key, LABELS))
    body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata, "data": draw(DATA)}
    keys = draw(st.permutations(list(body)))
    order = draw(st.permutations(list(metadata)))
    body["metadata"] = {key: metadata[key] for key in order}
    return {key: body[key] for key in keys}


def write(body: dict[str, object], style: str) -> str:
    """Write ``body`` in one of several ways that authors have."""
    if style == "json":
        return to_json(body) + "\n"
    if style == "pretty json":
        return to_json(body, 2) + "\n"
    if style == "flow metadata":
        rest = dump_yaml({key: value for key, value in body.items() if key != "metadata"})
        return f"metadata: {to_json(body['metadata'])}\n{rest}"
    if style == "commented":
        lines = dump_yaml({key: value for key, value in body.items() if key != "data"}).split("\n")
        return "\n".join(f"{' ' * (len(line) - len(line.lstrip()))}# note\n{line}" for line in lines) + "\ndata: 1\n"
    if style == "empty values":
        return dump_yaml(body).replace(": null\n", ":\n")
    return dump_yaml(body)


STYLES = st.sampled_from(["block", "json", "pretty json", "flow metadata", "commented", "empty values"])


def stamped(body: dict[str, object]) -> dict[str, object]:
    metadata = dict(body["metadata"])
    metadata.setdefault("namespace", "prod")
    labels = {"app.kubernetes.io/managed-by": "bundler", "app.kubernetes.io/instance": "shop"}
    metadata["labels"] = {**labels, **(metadata.get("labels") or {})}
    return {**body, "metadata": metadata}


@settings(max_examples=examples(120), deadline=None)
@given(st.lists(st.tuples(objects(), STYLES), min_size=1, max_size=3))
def test_spliced_text_reads_as_the_original_plus_the_stamps(given_objects: list[tuple[dict[str, object], str]]) -> None:
    text = "".join("---\n" + write(body, style) for body, style in given_objects)
    before = [document.value for document in read_documents(text)]
    bundle = bundle_of({}, crds={"all.yaml": text})
    rendering = render_bundle(bundle, values_of({}), context_of())
    after = [document.value for document in read_documents(rendering.templates[0].text)]
    assert after == [stamped(body) for body in before]
    assert [manifest.body for manifest in rendering.manifests] == after


@settings(max_examples=examples(60), deadline=None)
@given(objects(), STYLES)
def test_splicing_only_adds_characters(body: dict[str, object], style: str) -> None:
    text = write(body, style)
    rendering = render_bundle(bundle_of({}, crds={"all.yaml": text}), values_of({}), context_of())
    rest = iter(rendering.templates[0].text)
    if "labels" in body["metadata"] and body["metadata"]["labels"] is None:
        return
    assert all(character in rest for character in text)


@settings(max_examples=examples(60), deadline=None)
@given(objects(), st.sampled_from(["labels", "annotations"]))
def test_what_an_alias_repeats_is_refused_and_never_changed_elsewhere(body: dict[str, object], key: str) -> None:
    metadata = {**body["metadata"], key: {"a": "b"}}
    text = dump_yaml({**body, "metadata": {k: v for k, v in metadata.items() if k != key}, "data": 1})
    text = text.replace("metadata:\n", f"metadata:\n  {key}: &x {{a: b}}\n", 1) + "spec: {other: *x}\n"
    try:
        rendering = render_bundle(bundle_of({}, crds={"all.yaml": text}), values_of({}), context_of())
    except ManifestError:
        return
    assert read_documents(rendering.templates[0].text)[0].value["spec"] == {"other": {"a": "b"}}


PREFIXES = st.sampled_from(
    ["", "  ", "- ", "  - - ", "key: ", "  key: ", "- key: ", '"quoted key": ', "a:\n  b: ", "x: 1\ny:\n  - "]
)


def value_at_end(value: object) -> object:
    while isinstance(value, dict | list):
        value = value[list(value)[-1]] if isinstance(value, dict) else value[-1]
        if isinstance(value, dict) and set(value) == {"MARK"}:
            return value["MARK"]
    return value


@settings(max_examples=examples(150), deadline=None)
@given(PREFIXES, DATA)
def test_yaml_put_anywhere_reads_back_as_the_value(prefix: str, data: object) -> None:
    value = {"MARK": data}
    text = finish_text(prefix + mark_yaml(YamlBlock(dump_yaml(value)[:-1])) + "\n")
    document = read_documents(text)[0].value
    assert (document["MARK"] if prefix.strip() == "" else value_at_end(document)) == data


@settings(max_examples=examples(100), deadline=None)
@given(
    st.sampled_from(["key: ", "- ", "  - key: ", "  "]), st.text(max_size=20) | st.just("a\nb") | st.just("a\n\n b\n")
)
def test_a_text_put_anywhere_reads_back_as_itself(prefix: str, text: str) -> None:
    printed = finish_text(prefix + mark_yaml(YamlText(dump_yaml(text)[:-1])) + "\n")
    value = read_documents(printed)[0].value
    while isinstance(value, dict | list):
        value = value["key"] if isinstance(value, dict) else value[0]
    assert value == text
