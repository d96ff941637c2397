"""Compiled templates and expressions in the user's cache."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2.compiler
import jinja2.lexer
import jinja2.parser
import pytest
from jinja2.lexer import Lexer

import bundler
from bundler.actions.compose.compose import Composition, compose
from bundler.actions.compose.render_request import RenderRequest
from bundler.errors import BundlerError
from bundler.expressions.compiled import CompiledCodes, code_key
from bundler.library import template_cache as compiled
from bundler.library.template_cache import MAX_FILES, CompiledFile
from bundler.model.digest import Digest
from bundler.model.values import UserLayers
from bundler.values.assignments import parse_assignment
from tests.lib.bundles import bundle_yaml, load_from, make_bundle

if TYPE_CHECKING:
    from collections.abc import Callable

TEMPLATE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {n: '{{ values.n }}'}\n"
FILES = {
    "values.yaml": "n: 1\n",
    "templates/_lib.yaml": "{% macro named(name) %}{name: {{ name }}}{% endmacro %}",
    "templates/a.yaml": TEMPLATE,
    "templates/b.yaml": "{% import '_lib.yaml' as lib %}"
    + TEMPLATE.replace("{name: a}", "{{ lib.named(generated.p.secret) }}"),
    "web/bundle.yaml": bundle_yaml("web"),
    "web/values.yaml": "n: 0\nt: ''\n",
    "web/templates/a.yaml": TEMPLATE.replace("name: a", "name: '{{ values.t }}'"),
}
SPEC: dict[str, Any] = {
    # m is written before what it needs: rules are ordered by the paths that they read
    "derive": {"m": "values.twice + 1", "twice": "values.n * 2"},
    "generate": [{"name": "p", "secret": "{{ release.name }}-p", "key": "k", "kind": "password"}],
    "readiness": [{"match": {"kind": "ConfigMap"}, "ready": "object.ok"}],
    "components": [
        {
            "name": "web",
            "bundle": "./web",
            "when": "values.n > 0",
            "values": {"n": "{{ values.m }}", "t": "t{{ values.n }}"},
        },
    ],
}
ALL = [
    *("values.twice + 1", "values.n * 2", "values.n > 0", "{{ values.m }}", "t{{ values.n }}", "{{ release.name }}-p"),
    *("a.yaml", "b.yaml", "_lib.yaml", "a.yaml", "object.ok"),
]


@pytest.fixture
def lexed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Jinja's lexer was asked for: names of templates, and expressions."""
    asked: list[str] = []
    tokens: Any = Lexer.tokeniter

    def told(self: object, source: str, name: str | None, *rest: object) -> object:
        asked.append(name or source)
        return tokens(self, source, name, *rest)

    monkeypatch.setattr(Lexer, "tokeniter", told)
    return asked


def composed(home: Path, *sets: str, files: dict[str, str] | None = None) -> Composition:
    """Compose as a program does that has just started."""
    bundle = load_from(make_bundle(home, {**FILES, **(files or {})}, **SPEC))
    order = RenderRequest(
        bundle=bundle,
        release="demo",
        namespace="demo",
        user=UserLayers(assignments=tuple(map(parse_assignment, sets))),
        site={},
        codes=CompiledCodes(CompiledFile(home / "templates", bundle.digest)),
    )
    return compose(order)


def texts(composition: Composition) -> list[str]:
    """Return what was rendered."""
    return [template.text for template in composition.rendering.templates]


def test_everything_is_compiled_once_and_comes_to_the_same_from_the_cache(tmp_path: Path, lexed: list[str]) -> None:
    first = composed(tmp_path)
    assert sorted(lexed) == sorted(ALL)
    assert first.values.components is not None
    assert first.values.components["web"].data == {"n": 3, "t": "t1"}
    lexed.clear()

    second = composed(tmp_path)

    assert lexed == []
    assert texts(second) == texts(first)
    assert (second.values, second.manifests) == (first.values, first.manifests)
    assert first.rendering.generated == second.rendering.generated


def test_other_values_need_no_other_code(tmp_path: Path, lexed: list[str]) -> None:
    composed(tmp_path)
    lexed.clear()

    other = composed(tmp_path, "n=7")

    assert lexed == []
    assert other.values.data["m"] == 15
    assert "'7'" in texts(other)[0]


def test_a_changed_template_is_compiled_again(tmp_path: Path, lexed: list[str]) -> None:
    composed(tmp_path)
    lexed.clear()

    changed = composed(tmp_path, files={"templates/a.yaml": TEMPLATE.replace("values.n", "values.n + 1")})

    assert "'2'" in texts(changed)[0]
    assert "a.yaml" in lexed


def test_what_was_compiled_before_a_failure_is_kept(tmp_path: Path, lexed: list[str]) -> None:
    with pytest.raises(BundlerError):
        composed(tmp_path, "n=text")
    lexed.clear()

    composed(tmp_path)

    assert not {"values.n * 2", "values.twice + 1"} & set(lexed)


def test_nothing_is_read_and_nothing_written_where_nothing_is_compiled(tmp_path: Path) -> None:
    with CompiledCodes(CompiledFile(tmp_path / "templates", Digest("sha256:0"))):
        pass

    assert not (tmp_path / "templates").exists()


@pytest.mark.parametrize(
    "other",
    [("bare", "x", 1), ("text", "x"), ("bare", "x y"), ("bare", "x", "1"), ("bare", "x", 1, 2), ("bare", "1\0x")],
)
def test_code_of_another_text_or_kind_or_place_has_another_key(other: tuple[Any, ...]) -> None:
    assert code_key(*other) != code_key("bare", "x")


def only_file(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def flip_a_byte(folder: Path) -> None:
    content = bytearray(only_file(folder).read_bytes())
    content[len(content) // 2] ^= 1
    only_file(folder).write_bytes(content)


def cut(folder: Path) -> None:
    os.truncate(only_file(folder), 40)


def let_others_write_the_file(folder: Path) -> None:
    only_file(folder).chmod(0o622)


def let_others_write_the_folder(folder: Path) -> None:
    folder.chmod(0o777)


def put_a_link(folder: Path) -> None:
    real = folder.parent / "elsewhere"
    path = only_file(folder)
    path.rename(real)
    path.symlink_to(real)


def put_a_link_to_an_open_folder(folder: Path) -> None:
    real = folder.parent / "elsewhere"
    folder.rename(real)
    real.chmod(0o777)
    folder.symlink_to(real)


def let_others_write_a_folder_above(folder: Path) -> None:
    folder.parent.chmod(0o777)


@pytest.mark.parametrize(
    "spoil",
    [
        flip_a_byte,
        cut,
        let_others_write_the_file,
        let_others_write_the_folder,
        put_a_link,
        put_a_link_to_an_open_folder,
        let_others_write_a_folder_above,
    ],
)
def test_what_somebody_else_can_have_written_is_not_run(
    tmp_path: Path, lexed: list[str], spoil: Callable[[Path], None]
) -> None:
    first = composed(tmp_path)
    lexed.clear()
    spoil(tmp_path / "templates")

    assert texts(composed(tmp_path)) == texts(first)
    assert sorted(lexed) == sorted(ALL)


def test_a_file_of_somebody_else_is_not_run(tmp_path: Path, lexed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    composed(tmp_path)
    lexed.clear()
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)

    composed(tmp_path)

    assert sorted(lexed) == sorted(ALL)


def test_another_interpreter_finds_nothing(tmp_path: Path, lexed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    composed(tmp_path)
    lexed.clear()
    monkeypatch.setattr(sys, "hexversion", sys.hexversion + 1)

    composed(tmp_path)

    assert sorted(lexed) == sorted(ALL)


def fingerprint() -> list[str]:
    return list(compiled._compiler())


@pytest.mark.parametrize(
    "path",
    [
        "expressions/expression.py",
        "expressions/functions.py",
        "expressions/language.py",
        "expressions/markers.py",
        "expressions/undefined.py",
        "render/line_marks.py",
        "render/templates.py",
    ],
)
def test_each_file_of_the_compiler_counts_whether_it_is_loaded_or_not(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("expressions", "render"):
        place = Path(bundler.__path__[0]) / name
        shutil.copytree(place, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(bundler, "__path__", [str(tmp_path)])
    before = fingerprint()

    with (tmp_path / path).open("a") as file:
        file.write("\n")

    assert fingerprint() != before


def test_a_library_that_was_mended_in_place_is_another_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mended = tmp_path / "compiler.py"
    mended.write_bytes(Path(jinja2.compiler.__file__).read_bytes())
    monkeypatch.setattr(jinja2.compiler, "__file__", str(mended))
    before = fingerprint()

    with mended.open("a") as file:
        file.write("\n")

    assert fingerprint() != before


class ArchiveLoader:
    """What a module of a zip archive has for a loader, as far as it is checked."""

    def __init__(self, archive: Path) -> None:
        self.archive = str(archive)


def test_inside_an_archive_the_archive_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "bundler.pyz"
    archive.write_bytes(b"one")
    for module in (bundler, jinja2.compiler, jinja2.lexer, jinja2.parser):
        monkeypatch.setattr(module, "__loader__", ArchiveLoader(archive))
        monkeypatch.setattr(module, "__file__", str(archive / "inside.py"))
    monkeypatch.setattr(bundler, "__path__", [str(archive / "bundler")])
    before = fingerprint()

    archive.write_bytes(b"another")

    assert before[1].startswith(f"{archive} ")
    assert fingerprint() != before


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "templates").write_text("no folder")

    assert len(texts(composed(tmp_path))) == 3


def test_the_oldest_files_are_forgotten(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 5):
        CompiledFile(tmp_path / "templates", Digest(f"sha256:{number}")).put({})

    assert len(list((tmp_path / "templates").iterdir())) == MAX_FILES


def test_what_is_large_is_kept_and_the_oldest_goes_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "MAX_BYTES", 5000)
    sizes = {"small": 100, "middle": 4000, "large": 9000}
    code = compile("1", "", "eval")
    for digest, size in sizes.items():
        shelf = CompiledFile(tmp_path / "templates", Digest(digest))
        shelf.put({"x" * size: (code, False, frozenset())})
        os.utime(tmp_path / "templates" / shelf._name(), ns=(size, size))

    kept = {digest: bool(CompiledFile(tmp_path / "templates", Digest(digest)).take()) for digest in sizes}

    assert kept == {"small": False, "middle": False, "large": True}
