from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from bundler.errors.bundle import ValuesFileError
from bundler.loader.shipped import shipped_dir
from bundler.loader.site_file import load_site
from bundler.loader.user_files import load_values_file, read_values
from bundler.model.values import LayerKind, Origin
from bundler.storage.encoding import encode_revision
from bundler.storage.heads import read_head
from bundler.syntax.reader import read_document
from tests.unit.storage.builders import make_revision

if TYPE_CHECKING:
    from pathlib import Path

SITE = """\
apiVersion: bundler.dev/v1
kind: Site
metadata: {name: acme}
spec:
  domain: acme.example
  values:
    web: {replicas: 3}
  forbid: [privileged, cluster-scoped]
"""


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((shipped_dir("schemas") / f"{name}.schema.json").read_text()))


def test_values_remember_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "values-prod.yaml"
    path.write_bytes(b"\xef\xbb\xbfqps: 500\r\nweb:\r\n  port: 80\r\n")
    layer = load_values_file(path)
    assert layer.data == {"qps": 500, "web": {"port": 80}}
    assert layer.leaf_origins["/web/port"] == Origin(LayerKind.FILE, str(path), 3)
    assert read_values("# nothing\n", source="-").data == {}


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"- 1\n", ":1: values must be a mapping"), (b"a: 1\na: 2\n", ':2: column 1: duplicate key "a"'), (b"\xff", "not UTF-8"), (None, "No such file"), (b"#" * 11_000_000, "larger than the limit")],
)  # fmt: skip
def test_a_values_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes | None, found: str) -> None:
    path = tmp_path / "v.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValuesFileError) as caught:
        load_values_file(path)
    assert found in caught.value.context[0]
    assert str(path) in caught.value.context[0]
    assert caught.value.hint


def test_a_site_file_gives_facts_values_and_bounds(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(SITE)
    site = load_site(path)
    assert (site.name, site.facts, site.forbidden) == (
        "acme",
        {"domain": "acme.example"},
        ("privileged", "cluster-scoped"),
    )
    assert site.values.data == {"web": {"replicas": 3}}
    assert site.values.leaf_origins["/web/replicas"] == Origin(LayerKind.SITE, str(path), 7)
    assert schema("site.v1").is_valid(read_document(SITE).value)


@pytest.mark.parametrize(
    ("change", "found"),
    [(("kind: Site", "kind: Sight"), "must be one of: Site"), (("domain:", "domian:"), 'did you mean "domain"?'), (("name: acme", "name: ACME"), "metadata.name"), (("privileged", "all"), 'has "all"'), (("/v1", "/v9"), "newer bundler")],
)  # fmt: skip
def test_a_broken_site_file_fails_the_decoder_and_the_schema(
    tmp_path: Path, change: tuple[str, str], found: str
) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(SITE.replace(*change))
    with pytest.raises(ValuesFileError) as caught:
        load_site(path)
    assert found in caught.value.context[0]
    assert not schema("site.v1").is_valid(read_document(SITE.replace(*change)).value)


def test_the_head_of_a_record_keeps_to_its_schema() -> None:
    record = encode_revision(make_revision(), known={}).head
    content = dict(read_head(record.body()).content)
    assert [error.message for error in schema("release-head.v1").iter_errors(content)] == []
    del content["formatVersion"]
    assert not schema("release-head.v1").is_valid(content)
