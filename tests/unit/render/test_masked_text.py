import pytest

from bundler.render.masked_text import masked_text

SECRETS = {
    "block": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  a: abc # why\n  b: |\n    abc\n    abc\n\ntype: Opaque\n",
    "data first": "stringData: {a: abc}\nkind: Secret\n",
    "flow": "{apiVersion: v1, kind: Secret, stringData: {a: abc, 'b': 'abc'}}\n",
    "json": '{"kind": "Secret", "data": {"a": "abc"}}\n',
    "list": "kind: List\nitems:\n- kind: Secret\n  stringData: {a: abc}\n",
    "nested list": "kind: List\nitems:\n- kind: List\n  items: [{kind: Secret, stringData: {a: abc}}]\n",
    "anchored kind": "kind: &k Secret\nstringData: {a: abc}\n",
    "indented": "  kind: Secret\n  stringData:\n    a: abc\n",
    "quoted kind": "kind: 'Secret'\nstringData: {a: \"abc\"}\n",
    "alias": "metadata: {annotations: {b: &x abc}}\nkind: Secret\nstringData: {a: *x}\n",
    "second document": "kind: ConfigMap\n---\nkind: Secret\nstringData: {a: abc}\n",
    "number": "kind: Secret\nstringData: {a: !!str abc}\n",
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_every_leaf_of_a_secret_is_masked_however_it_is_written(text):
    masked = masked_text(text)
    assert "abc" not in masked
    assert '"***"' in masked


def test_all_but_the_leaves_stays_as_it_is():
    text = SECRETS["block"]
    assert masked_text(text) == (
        'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  a: "***" # why\n  b: "***"\n\ntype: Opaque\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "kind: ConfigMap\ndata: {a: abc, kind: Secret}\n",
        "kind: Deployment\nspec: {secretName: abc}\n",
        "kind: Secret\nstringData: {a: [\n",
        "kind: Secret\nmetadata: {name: abc}\n",
        "",
    ],
)
def test_what_is_no_leaf_of_a_secret_stays(text):
    assert masked_text(text) == text
