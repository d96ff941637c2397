"""Numbers keep the text that they were written with, from values to the record and back."""

from __future__ import annotations

import json

import pytest

from tests.lib.bundles import make_bundle

NS = ("-n", "prod")
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: texts}
data:
  tag: "{{ values.tag }}"
  other: "{{ values.other }}"
  json: '{{ {"n": values.tag, "l": [values.tag]} | to_json }}'
"""


def bundle_of(folder, values="tag: 1\nother: a\n", **files):
    return make_bundle(folder / "shop", {"values.yaml": values, "templates/a.yaml": TEMPLATE, **files})


def shown(cli, menu):
    found = cli("get", "manifest", "shop", *NS).ok().out
    return [line.strip() for line in found.splitlines() if line.startswith(("  tag", "  json"))]


@pytest.mark.medium
@pytest.mark.parametrize(
    ("text", "in_json"),
    [
        ("1.30", "1.30"), ("1e4", "1e4"), (".5", "0.5"), ("5.", "5"), ("-1.10", "-1.10"), ("+1.50", "1.50"),
        ("0.12345678901234567890", "0.12345678901234567890"), ("1.5", "1.5"), ("30", "30"),
    ],
)  # fmt: skip
def test_a_number_of_a_file_is_the_same_text_after_an_unrelated_upgrade(cli, text, in_json):
    menu = bundle_of(cli.home)
    (cli.home / "site.yaml").write_text(f"tag: {text}\n")
    cli("install", "shop", menu, "-f", cli.home / "site.yaml", *NS).ok()
    first = shown(cli, menu)
    assert f"{in_json}]" in first[0]
    assert text in first[1]
    cli("upgrade", "shop", menu, "--set", "other=b", *NS).ok()
    assert shown(cli, menu) == first
    assert f'"tag": {in_json}' in cli("get", "values", "shop", "-o", "json", *NS).ok().out


def test_numbers_of_options_defaults_and_formulas_keep_their_text(cli):
    schema = {"properties": {"other": {}, "tag": {}, "size": {"type": "number"}, "d": {}, "low": {}}}
    written = json.dumps(schema).replace('"type": "number"', '"type": "number", "default": 2.50')
    bundle = {
        "values.schema.json": written,
        "bundle.yaml": (
            "apiVersion: bundler.dev/v1\nkind: Bundle\nmetadata: {name: shop, version: 1.0.0, description: x}\n"
            "spec: {derive: {d: '1.30', low: '-0.10'}}\n"
        ),
    }
    menu = bundle_of(cli.home, "tag: 1\nother: a\n", **bundle)
    given = ("--set-json", "tag=7.00", "--set", "other=1.20")
    found = cli("values", menu, *given).ok().out
    assert {"tag: 7.00", "size: 2.50", "d: 1.30", "low: -0.10", 'other: "1.20"'} <= set(found.splitlines())
    in_json = cli("values", menu, *given, "-o", "json").ok().out
    assert all(part in in_json for part in ('"tag": 7.00', '"size": 2.50', '"d": 1.30', '"low": -0.10'))


def test_a_number_too_large_to_be_one_is_refused(cli):
    done = cli("values", bundle_of(cli.home), "--set-json", "tag=1e999")
    assert done.code == 1
    assert "the number 1e999 is too large" in done.err


@pytest.mark.parametrize(
    ("before", "after", "is_change"),
    [("1.30", "1.3", True), ("1", "1.0", True), ("1", "true", True), ("1.5", "1.5", False), ("1.30", "1.30", False)],
)
def test_another_spelling_of_a_value_is_a_change(cli, before, after, is_change):
    # The number that Kubernetes reads is the same: only the printed manifest and its notes differ.
    template = "# {{ values.tag }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: texts}\ndata: {}\n"
    menu = make_bundle(cli.home / "shop", {"values.yaml": "tag: a\n", "templates/a.yaml": template})
    cli("install", "shop", menu, "--set-json", f"tag={before}", *NS).ok()
    again = cli("upgrade", "shop", menu, "--set-json", f"tag={after}", *NS).ok()
    revisions = cli("history", "shop", "-o", "json", *NS).ok().document
    assert ("no changes" in again.out + again.err) is not is_change
    assert len(revisions["revisions"] if isinstance(revisions, dict) else revisions) == 1 + is_change
    assert f'"tag": {after if is_change else before}' in cli("get", "values", "shop", "-o", "json", *NS).ok().out
