from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler.archive.writer import pack_files, write_archive
from bundler.errors.bundle import BundleInvalidError, UnsafeArchiveError
from bundler.loader.limits import LoadLimits
from bundler.loader.load import load_bundle
from bundler.loader.locate import find_bundle, known_names
from bundler.loader.shipped import shipped_dir
from bundler.model.bundle import BundleFile
from bundler.model.values import LayerKind, Origin
from tests.lib.bundles import bundle_yaml, load_from, make_bundle

if TYPE_CHECKING:
    from pathlib import Path


def shop(parent: Path) -> Path:
    make_bundle(parent, {"templates/db.yaml": "kind: A\n", "run.sh": "#!/bin/sh\n"}, name="postgres", version="16.2.1")
    (parent / "postgres/run.sh").chmod(0o755)
    make_bundle(parent, {"values.yaml": "a: 1\n"}, name="webapp", components=[{"name": "db", "bundle": "../postgres"}])
    components = [
        {"name": "db", "bundle": "../postgres", "version": "~16.2"},
        {"name": "web", "bundle": "../webapp", "needs": ["db"]},
    ]
    files = {
        "values.yaml": "qps: 10\nweb:\n  list: [1, 2]\n",
        "values.schema.json": '{"type": "object"}',
        "templates/a.yaml": b"\xef\xbb\xbfkind: A\r\n",
        "templates/_help.j2": "x",
        "templates/sub/b.yml": "y",
        "crds/c.yaml": "z",
        "NOTES.md": "hello\n",
        "README.md": "read\n",
    }
    return make_bundle(parent, files, name="shop", version="1.4.0", components=components)


def problems(path: Path) -> tuple[str, ...]:
    with pytest.raises(BundleInvalidError) as caught:
        load_from(path)
    assert "bundler lint" in caught.value.hint
    return caught.value.context


def test_a_component_whose_range_cannot_be_read_is_told_by_line_and_not_fetched(tmp_path: Path) -> None:
    component = {"name": "db", "bundle": "oci://registry.example/db", "version": "=>1"}
    location = find_bundle(f"{make_bundle(tmp_path, {}, name='shop', components=[component])}")

    def fetch(*_: object) -> Path:
        raise AssertionError("nothing should be fetched")

    with pytest.raises(BundleInvalidError) as caught:
        load_bundle(location, fetch=fetch)
    assert [line for line in caught.value.context if "bundle.yaml:" in line and '"=>1"' in line]


def test_a_folder_is_loaded_whole(tmp_path: Path) -> None:
    bundle = load_from(shop(tmp_path))
    assert (bundle.metadata.name, bundle.metadata.version, bundle.notes) == ("shop", "1.4.0", "hello\n")
    assert bundle.templates == {"_help.j2": "x", "a.yaml": "kind: A\n", "sub/b.yml": "y"}
    assert bundle.crds == {"c.yaml": "z"}
    assert bundle.schema == {"type": "object"}
    assert bundle.defaults.data == {"qps": 10, "web": {"list": [1, 2]}}
    assert bundle.defaults.leaf_origins["/web/list"] == Origin(LayerKind.DEFAULTS, "values.yaml", 3)
    web = bundle.component_bundles["web"]
    assert web.defaults.leaf_origins["/a"] == Origin(LayerKind.DEFAULTS, "web/values.yaml", 1)
    assert web.component_bundles["db"].metadata.version == "16.2.1"
    assert bundle.files["components/web/components/db/run.sh"].is_executable
    assert bundle.files["README.md"].content == b"read\n"


def test_an_archive_holds_what_the_folder_holds(tmp_path: Path) -> None:
    folder = load_from(shop(tmp_path))
    written = write_archive(folder, tmp_path)
    assert written.path.name == "shop-1.4.0.tgz"
    archive = load_from(written.path)
    assert archive.digest == folder.digest
    assert archive.files == folder.files
    assert archive.component_bundles["web"].component_bundles["db"].digest == folder.component_bundles["db"].digest
    own = {"origin": "", "component_bundles": {}}
    assert replace(archive, **own) == replace(folder, **own)


def test_packing_does_not_depend_on_place_time_or_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write_archive(load_from(shop(tmp_path / "one")), tmp_path / "one")
    monkeypatch.chdir(tmp_path)
    mask = os.umask(0o077)
    try:
        root = shop(tmp_path / "two")
        for path in root.rglob("*"):
            os.utime(path, (1, 1))
        second = write_archive(load_from(root), tmp_path / "two/other.tgz")
    finally:
        os.umask(mask)
    assert first.path.read_bytes() == second.path.read_bytes()
    assert (first.sha256, first.size_bytes) == (second.sha256, second.path.stat().st_size)
    assert second.path.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in (tmp_path / "two").iterdir() if path.name.startswith(".")] == []


def test_the_digest_follows_content_path_and_mode(tmp_path: Path) -> None:
    root = shop(tmp_path)
    before = load_from(root).digest
    assert load_from(root).digest == before
    (tmp_path / "postgres/run.sh").chmod(0o644)
    changed_mode = load_from(root).digest
    (root / "README.md").write_text("other")
    changed_text = load_from(root).digest
    (root / "README.md").rename(root / "READ.md")
    assert len({before, changed_mode, changed_text, load_from(root).digest}) == 4


def test_an_unpacked_archive_is_checked_against_its_lock(tmp_path: Path) -> None:
    files = load_from(shop(tmp_path)).files
    alone = tmp_path / "far/away/shop"
    for file in files.values():
        target = alone / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        target.chmod(0o755 if file.is_executable else 0o644)
    assert load_from(alone).files == files
    (alone / "components/db/run.sh").write_text("#!/bin/sh\nevil\n")
    assert problems(alone) == (
        "bundle.yaml:8: component db: is vendored, and its files are not those that bundle.lock names",
    )
    (alone / "bundle.lock").unlink()
    assert "bundle.lock does not name it" in problems(alone)[0]


def test_a_component_can_be_an_archive(tmp_path: Path) -> None:
    make_bundle(tmp_path, name="postgres", version="16.2.1")
    write_archive(load_from(tmp_path / "postgres"), tmp_path)
    root = make_bundle(tmp_path, components=[{"name": "db", "bundle": "../postgres-16.2.1.tgz"}])
    assert load_from(root).component_bundles["db"].digest == load_from(tmp_path / "postgres").digest
    (tmp_path / "postgres-16.2.1.tgz").write_bytes(b"junk")
    assert problems(root)[0].startswith("bundle.yaml:8: component db: reading archive ")


def test_all_problems_of_all_components_come_at_once_with_file_and_line(tmp_path: Path) -> None:
    make_bundle(tmp_path, {"values.yaml": "a: 1\na: 2\n", "templates/x.txt": ""}, name="db", version="1.0")
    files = {"values.schema.json": '{"a": }', "values.yaml": "- 1\n", "templates/t.yaml": b"\n\xff"}
    root = make_bundle(
        tmp_path, files, components=[{"name": "db", "bundle": "../db"}, {"name": "x", "bundle": "../x", "needs": ["y"]}]
    )
    assert problems(root) == (
        "bundle.yaml:10: component x: ../x does not exist, and components/x/ does not exist",
        'bundle.yaml:10: spec.components[1] needs "y", which is not a component; components are: db, x',
        'db/bundle.yaml:5: metadata.version cannot be used: "1.0" is not a semantic version; write a version as MAJOR.MINOR.PATCH, for instance 1.4.0 or 2.0.0-rc.1 (https://semver.org)',
        "db/templates/x.txt: files in templates/ must end in .yaml, or start with _ to be included by others",
        'db/values.yaml:2: column 1: duplicate key "a"; first set in line 1',
        "templates/t.yaml:2: the file is not UTF-8 text",
        "values.schema.json:1: column 7: not JSON: Expecting value",
        "values.yaml:1: values must be a mapping",
    )


@pytest.mark.parametrize(
    ("component", "found"),
    [
        ({"bundle": "../db", "version": "^2"}, 'component c: asks for version "^2", and ../db is 1.0.0'),
        (
            {"bundle": "oci://host/db"},
            "is in a registry, and components/c/ does not exist; `bundler lock --vendor` puts it there",
        ),
        ({"bundle": "db"}, '"db" must be a path relative to the bundle, like ../c'),
        ({"bundle": "/srv/db"}, '"/srv/db" must be a path relative to the bundle, like ../c'),
        ({"bundle": "../nothing"}, "../nothing does not exist"),
        ({"bundle": "../demo"}, "the bundle contains itself: demo -> demo"),
        ({"bundle": "../around"}, "the bundle contains itself: demo -> around -> demo"),
        ({"bundle": "../" + "x" * 300}, "does not exist"),
    ],
)
def test_a_component_that_cannot_be_had_is_a_problem_of_its_line(
    tmp_path: Path, component: dict[str, str], found: str
) -> None:
    make_bundle(tmp_path, name="db")
    make_bundle(tmp_path, name="around", components=[{"name": "demo", "bundle": "../demo"}])
    (problem,) = problems(make_bundle(tmp_path, components=[{"name": "c", **component}]))
    assert found in problem
    assert "bundle.yaml:8: " in problem


def test_nesting_of_components_is_bounded(tmp_path: Path) -> None:
    for number in range(5):
        make_bundle(tmp_path, name=f"b{number}", components=[{"name": "inner", "bundle": f"../b{number + 1}"}])
    make_bundle(tmp_path, name="b5")
    location = find_bundle(str(tmp_path / "b0"))
    assert load_bundle(location, limits=LoadLimits(max_component_depth=5))
    with pytest.raises(BundleInvalidError) as caught:
        load_bundle(location, limits=LoadLimits(max_component_depth=4))
    assert "nested deeper than the limit of 4" in caught.value.context[0]


def test_a_path_component_is_not_reached_from_an_archive(tmp_path: Path) -> None:
    make_bundle(tmp_path, name="db")
    text = bundle_yaml(components=[{"name": "db", "bundle": "../db"}])
    (tmp_path / "a.tgz").write_bytes(pack_files([BundleFile(path="bundle.yaml", content=text.encode())], top="demo"))
    assert problems(tmp_path / "a.tgz") == (
        "bundle.yaml:8: component db: ../db cannot be reached from an archive, and components/db/ does not exist; package the bundle again",
    )


def test_what_lies_in_components_undeclared_is_a_problem(tmp_path: Path) -> None:
    assert problems(make_bundle(tmp_path, {"components/old/bundle.yaml": bundle_yaml("old")})) == (
        "components/old: is not a component of bundle.yaml; remove the folder or declare it",
    )


def test_an_archive_without_a_bundle_and_an_unsafe_one_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.tgz"
    path.write_bytes(pack_files([BundleFile(path="x", content=b"")], top="demo"))
    assert problems(path) == ("bundle.yaml: the file is missing",)
    path.write_bytes(pack_files([BundleFile(path="../x", content=b"")], top="demo"))
    with pytest.raises(UnsafeArchiveError):
        load_from(path)


def test_links_stay_inside_and_only_files_are_read(tmp_path: Path) -> None:
    root = make_bundle(tmp_path, {"templates/a.yaml": "kind: A\n"})
    (root / "templates/b.yaml").symlink_to("a.yaml")
    assert load_from(root).templates["b.yaml"] == "kind: A\n"
    (tmp_path / "secret").write_text("s3cret")
    (root / "templates/c.yaml").symlink_to(tmp_path / "secret")
    (root / "templates/d.yaml").symlink_to("nowhere")
    (root / "loop").symlink_to(".")
    os.mkfifo(root / "pipe")
    found = problems(root)
    assert found == (
        "loop: a link to a folder; a bundle holds files and folders only",
        "pipe: no regular file; a bundle holds files and folders only",
        "templates/c.yaml: the link leaves the bundle; put a copy of the file here",
        "templates/d.yaml: the file cannot be read: No such file or directory",
    )


def test_sizes_are_bounded(tmp_path: Path) -> None:
    location = find_bundle(str(make_bundle(tmp_path, {"a": "x" * 300, "b": "x" * 250})))
    for limits, found in (
        (
            LoadLimits(max_file_bytes=299),
            "a: the file has 300 B, the limit of a file is 299 B (--max-bundle-file-size)",
        ),
        (LoadLimits(max_total_bytes=500), "B, the limit is 500 B (--max-bundle-size); leave files out"),
        (LoadLimits(max_files=2), "the bundle has 3 files, the limit is 2 (--max-bundle-files)"),
    ):
        with pytest.raises(BundleInvalidError) as caught:
            load_bundle(location, limits=limits)
        assert any(found in problem for problem in caught.value.context)


def test_names_that_no_archive_may_hold_are_refused(tmp_path: Path) -> None:
    root = make_bundle(tmp_path, {"a\x1bb": "", "c\\d": "", "README": "", "readme": ""})
    found = problems(root)
    assert all(problem.isprintable() for problem in found)
    assert len(found) == 3
    assert 'the name differs from "README" only in case' in found[-1]


def test_references_to_files_become_definitions_of_one_schema(tmp_path: Path) -> None:
    schema = {
        "properties": {
            "a": {"$ref": "schemas/a.json"},
            "default": {"$ref": "#/$defs/own"},
            "$ref": {"const": {"$ref": "data"}},
        },
        "$defs": {"own": True},
    }
    first = {
        "$id": "a.json",
        "$ref": "b c.json#/$defs/x",
        "properties": {"self": {"$ref": "#"}, "up": {"$ref": "../values.schema.json#/$defs/own"}},
    }
    second = {"$defs": {"x": {"items": [{"$ref": "#/$defs/y"}]}, "y": {"$ref": "a.json#/properties/self"}}}
    files = {
        "values.schema.json": json.dumps(schema),
        "schemas/a.json": json.dumps(first),
        "schemas/b c.json": json.dumps(second),
    }
    assert load_from(make_bundle(tmp_path, files)).schema == {
        "properties": {"a": {"$ref": "#/$defs/file-schemas-a.json"}, "default": {"$ref": "#/$defs/own"}, "$ref": {"const": {"$ref": "data"}}},
        "$defs": {
            "own": True,
            "file-schemas-a.json": {"$ref": "#/$defs/file-schemas-b-c.json/$defs/x", "properties": {"self": {"$ref": "#/$defs/file-schemas-a.json"}, "up": {"$ref": "#/$defs/own"}}},
            "file-schemas-b-c.json": {"$defs": {"x": {"items": [{"$ref": "#/$defs/file-schemas-b-c.json/$defs/y"}]}, "y": {"$ref": "#/$defs/file-schemas-a.json/properties/self"}}},
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ('{\n"$ref": "https://example.org/x.json"}', 'values.schema.json:2: $ref "https://example.org/x.json" leads out of the bundle'),
        ('{"$ref": "//example.org/x"}', "leads out of the bundle"),
        ('{"$ref": "../other.json"}', "leads out of the bundle"),
        ('{"$ref": "/etc/passwd"}', "leads out of the bundle"),
        ('{"items": [{"$ref": "none.json"}]}', "names none.json, which is not a file of the bundle"),
        ('{"$ref": "bundle.yaml#anchor"}', "names an anchor in another file"),
        ('{"properties": {"a": {"$id": "x"}}}', "$id below the root is not supported"),
        ('{"a": 1, "a": 2}', 'the key "a" appears twice'),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ("[]", "must be a JSON object"),
        ("[" * 100_000, "nested deeper than the limit of 100"),
        ('{"not":' * 150 + "{}" + "}" * 150, "nested deeper than the limit of 100"),
    ],
)  # fmt: skip
def test_a_schema_that_leads_elsewhere_or_is_none_is_refused(tmp_path: Path, schema: str, found: str) -> None:
    (problem,) = problems(make_bundle(tmp_path, {"values.schema.json": schema}))
    assert found in problem


def test_shipped_files_are_found_in_a_checkout() -> None:
    assert (shipped_dir("schemas") / "bundle.v1.schema.json").is_file()


def test_a_component_may_name_a_bundle_that_is_shipped(tmp_path):
    files = {"templates/a.yaml": ""}
    path = make_bundle(tmp_path, files, components=[{"name": "db", "bundle": "postgres"}])
    loaded = load_bundle(find_bundle(str(path)))
    assert loaded.component_bundles["db"].metadata.name == "postgres"


def test_an_unknown_word_for_a_component_is_answered_with_the_shipped_bundles(tmp_path):
    path = make_bundle(tmp_path, {}, components=[{"name": "db", "bundle": "postgras"}])
    with pytest.raises(BundleInvalidError) as caught:
        load_bundle(find_bundle(str(path)))
    assert f"or a bundle shipped with bundler: {', '.join(known_names([]))}" in str(caught.value.context)


def test_gates_name_checks_that_are_there_and_steps_components_all_the_way_down(tmp_path: Path) -> None:
    make_bundle(tmp_path, name="inner", version="1.0.0")
    make_bundle(tmp_path, name="web", version="1.0.0", components=[{"name": "app", "bundle": "../inner"}])
    checks = {f"checks/{name}.yaml": "" for name in ("smoke", "_part")}
    gates = [{"name": name.strip("_"), "job": f"checks/{name}.yaml"} for name in ("smoke", "smok", "_part", "zzz")]
    shares = {name: {"canary": 1} for name in ("web", "web/app", "web/ap")}
    upgrade = {"gates": gates, "steps": {"components": shares}}
    root = make_bundle(tmp_path, checks, components=[{"name": "web", "bundle": "../web"}], upgrade=upgrade)
    found = [line.partition(": ")[2] for line in problems(root)]
    assert found == [
        'gate smok: "checks/smok.yaml" is not a check of the bundle; did you mean "checks/smoke.yaml"?',
        'gate part: "checks/_part.yaml" is not a check of the bundle; did you mean "checks/smoke.yaml"?',
        'gate zzz: "checks/zzz.yaml" is not a check of the bundle; did you mean "checks/smoke.yaml"?',
        'spec.upgrade.steps.components is about "web/ap", which is not a component; known there: app',
    ]
