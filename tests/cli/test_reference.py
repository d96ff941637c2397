"""docs/reference/ leaves nothing out."""

from __future__ import annotations

import re

import pytest

import bundler
from bundler.cli import root
from bundler.expressions.functions import make_filters, make_globals, make_tests
from tool.site import gallery, reference, rollout_pictures
from tool.site.function_examples import FILTERS, FUNCTIONS, OTHER_NAMES, TESTS
from tool.site.library_reference import grouped


@pytest.mark.parametrize(
    ("examples", "names"),
    [(FILTERS, set(make_filters())), (TESTS, set(make_tests()) - OTHER_NAMES), (FUNCTIONS, set(make_globals()))],
    ids=["filters", "tests", "functions"],
)
def test_every_function_has_an_example_that_uses_it(examples, names):
    assert set(examples) == names
    assert [name for name, text in examples.items() if name not in text] == []


@pytest.mark.medium
def test_every_example_works_but_the_one_that_is_to_fail():
    lines = reference.pages()["functions.md"].splitlines()
    assert [line.split("`")[1] for line in lines if "`error: " in line] == ["fail"]


def test_every_exit_code_of_an_error_is_explained():
    assert {kind.exit_code for kind in reference.error_kinds().values()} <= set(reference.EXIT_CODES)


@pytest.mark.medium
@pytest.mark.parametrize("page", ["bundle-yaml.md", "site-file.md"])
def test_every_field_has_a_meaning(page):
    rows = [line.split(" | ") for line in reference.pages()[page].splitlines() if line.startswith("| `")]
    assert [row[0] for row in rows if row[2].removesuffix(" |").strip() in ("", "Required.")] == []


def test_every_error_has_a_cause_and_a_remedy():
    found = {kind.code: reference.cause_and_remedy(kind) for kind in reference.error_kinds().values()}
    assert [code for code, (cause, remedy) in found.items() if not cause or not remedy[:1].isupper()] == []


@pytest.mark.medium
def test_every_verb_and_option_that_a_remedy_names_exists():
    text = reference.pages()["errors.md"] + reference.pages()["lint-rules.md"]
    remedies = [line for line in text.splitlines() if line.startswith(("**What", "| `"))]
    helps = reference.pages()["verbs.md"]
    verbs = {verb for section in root.SECTIONS.values() for verb in section}
    assert {verb for line in remedies for verb in re.findall(r"`bundler ([a-z-]+)", line)} <= verbs
    assert [option for line in remedies for option in re.findall(r"`(--[a-z-]+)", line) if option not in helps] == []


def test_every_variable_that_is_read_is_explained_and_no_other():
    assert reference.read_variables() == set(reference.OURS)


def test_every_public_name_of_the_library_is_explained():
    assert grouped() == set(bundler.__all__) - {"__version__"}


@pytest.mark.medium
def test_every_field_of_the_library_has_a_meaning():
    rows = [line.split(" | ") for line in reference.pages()["python.md"].splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert [row[0] for row in rows if row[2].removesuffix(" |").strip() == ""] == []


WRITE_GALLERY = "run `python tool/site/gallery.py`, and commit docs/gallery/"


@pytest.mark.medium
@pytest.mark.parametrize("name", gallery.names())
def test_the_gallery_shows_each_bundle_as_it_is(name):
    path = gallery.FOLDER / f"{name}.md"
    page = path.read_text("utf-8") if path.is_file() else ""
    quick = "".join(gallery.quick_parts(name))
    assert page.startswith(quick), WRITE_GALLERY
    images = page.removeprefix(quick)
    assert [image for image in gallery.default_images(name) if f"- `{image}`\n" not in images] == [], WRITE_GALLERY
    assert gallery.graph_in(gallery.FOLDER / f"{name}.svg") == gallery.drawn_graph(name), WRITE_GALLERY


def test_the_gallery_has_every_bundle_and_no_other():
    assert {path.stem for path in gallery.FOLDER.iterdir()} == {"index", *gallery.names()}
    assert (gallery.FOLDER / "index.md").read_text("utf-8") == gallery.index(), WRITE_GALLERY


@pytest.mark.slow
@pytest.mark.parametrize("story", rollout_pictures.STORIES, ids=lambda story: story.pictures[0])
def test_the_pictures_of_rollouts_show_what_the_pods_do(story):
    shown = {name: (rollout_pictures.FOLDER / f"{name}.svg").read_text("utf-8") for name in story.pictures}
    how = "run `python tool/site/rollout_pictures.py`, and commit docs/assets/rollouts/"
    assert shown == rollout_pictures.pictures(story), how


def test_the_page_of_rollouts_shows_every_picture_with_a_text_in_its_place():
    page = (rollout_pictures.ROOT / "docs" / "rollouts.md").read_text("utf-8")
    found = re.findall(r"^!\[(.+)\]\(assets/rollouts/(.+)\.svg\)$", page, re.MULTILINE)
    assert [name for _, name in found] == [name for story in rollout_pictures.STORIES for name in story.pictures]
    assert {path.stem for path in rollout_pictures.FOLDER.iterdir()} == {name for _, name in found}
