"""Compiled templates in the user's cache."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from bundler.cli.compiled import MAX_FILES, CompiledFiles
from bundler.model.bundle import Bundle, BundleMetadata
from bundler.model.digest import digest_of
from bundler.model.values import LayerKind, MergedValues
from bundler.render import Capabilities, RenderContext, compiled, render_bundle, templates
from bundler.values.merge import make_layer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEMPLATE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {n: '{{ values.n }}'}\n"
TEMPLATES = {"a.yaml": TEMPLATE, "b.yaml": TEMPLATE.replace("name: a", "name: b")}


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of templates that Jinja's compiler was asked for, by a program that has just started."""
    asked: list[str] = []
    language = templates.Language
    compile_template: Any = language.compile

    def counted(self: object, source: str, name: str, *rest: object) -> object:
        asked.append(name)
        return compile_template(self, source, name, *rest)

    monkeypatch.setattr(language, "compile", counted)
    monkeypatch.setattr(compiled, "_CODES", {})
    return asked


def render(shelf: CompiledFiles, number: int = 1, files: dict[str, str] | None = None) -> list[str]:
    """Render as a program does that has just started."""
    compiled._CODES.clear()
    files = TEMPLATES if files is None else files
    bundle = Bundle(
        metadata=BundleMetadata(name="demo", version="1.0.0"),
        digest=digest_of("".join(files.values()).encode()),
        origin="demo",
        defaults=make_layer({}, LayerKind.DEFAULTS, "values.yaml"),
        templates=files,
    )
    context = RenderContext(
        release_name="demo",
        namespace="demo",
        capabilities=Capabilities(kube_version="1.36.2"),
        scope_of=lambda _group, _kind: True,
        compiled=shelf,
    )
    values = MergedValues(data={"n": number}, origins={})
    return [template.text for template in render_bundle(bundle, values, context).templates]


def test_a_template_is_compiled_once_and_prints_the_same_from_the_cache(
    tmp_path: Path, compilations: list[str]
) -> None:
    shelf = CompiledFiles(tmp_path / "templates")

    first, second = render(shelf), render(shelf)

    assert first == second
    assert compilations == ["a.yaml", "b.yaml"]
    assert render(shelf, number=7) == [text.replace("'1'", "'7'") for text in first]
    assert compilations == ["a.yaml", "b.yaml"]


def test_a_changed_template_is_compiled_again(tmp_path: Path, compilations: list[str]) -> None:
    shelf = CompiledFiles(tmp_path / "templates")
    render(shelf)

    changed = render(shelf, files={"a.yaml": TEMPLATE.replace("values.n", "values.n + 1")})

    assert "'2'" in changed[0]
    assert compilations == ["a.yaml", "b.yaml", "a.yaml"]


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


def put_a_link_for_the_folder(folder: Path) -> None:
    real = folder.parent / "elsewhere"
    folder.rename(real)
    folder.symlink_to(real)


@pytest.mark.parametrize(
    "spoil",
    [
        flip_a_byte,
        cut,
        let_others_write_the_file,
        let_others_write_the_folder,
        put_a_link,
        put_a_link_for_the_folder,
    ],
)
def test_what_somebody_else_can_have_written_is_not_run(
    tmp_path: Path, compilations: list[str], spoil: Callable[[Path], None]
) -> None:
    shelf = CompiledFiles(tmp_path / "templates")
    first = render(shelf)
    spoil(tmp_path / "templates")

    assert render(shelf) == first
    assert compilations == ["a.yaml", "b.yaml"] * 2


def test_another_interpreter_or_compiler_finds_nothing(
    tmp_path: Path, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = CompiledFiles(tmp_path / "templates")
    render(shelf)
    monkeypatch.setattr(sys, "hexversion", sys.hexversion + 1)

    render(shelf)

    assert compilations == ["a.yaml", "b.yaml"] * 2


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path: Path, compilations: list[str]) -> None:
    (tmp_path / "file").write_text("no folder")

    assert len(render(CompiledFiles(tmp_path / "file" / "templates"))) == 2
    assert compilations == ["a.yaml", "b.yaml"]


def test_the_oldest_files_are_forgotten(tmp_path: Path) -> None:
    shelf = CompiledFiles(tmp_path / "templates")
    for number in range(MAX_FILES + 5):
        render(shelf, files={"a.yaml": TEMPLATE.replace("name: a", f"name: a{number}")})

    assert len(list((tmp_path / "templates").iterdir())) == MAX_FILES
