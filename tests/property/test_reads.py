"""What templates read, checked against what they print."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import assume, given, settings, strategies as st
from jinja2 import FunctionLoader

from bundler.expressions.bounds import DEFAULT_BOUNDS, Meter, join_pieces, metered
from bundler.expressions.language import FAILURES, Language
from bundler.expressions.template_reads import read_paths
from tests.lib.laws import examples

LEAVES = [tuple(path) for path in product("ab", "ab", "ab")]
NAMES = st.sampled_from(["v", "w", "x"])
ROOTS = st.one_of(st.just("values"), NAMES)
KEYS = st.sampled_from([".a", ".b", "['a']", "[release.key]", ".get('b', {})"])
PATHS = st.builds(lambda root, keys: root + "".join(keys), ROOTS, st.lists(KEYS, max_size=3))
PIECES = st.one_of(
    st.builds("{{{{ {} | default('-') | to_json }}}}".format, PATHS),
    st.builds("{{% set {} = {} %}}".format, NAMES, PATHS),
    st.builds("{{% with {} = {} %}}{{{{ {} | default('-') | to_json }}}}{{% endwith %}}".format, NAMES, PATHS, PATHS),
    st.builds("{{% for k, {} in {}.items() %}}{{{{ {} | to_json }}}}{{% endfor %}}".format, NAMES, PATHS, PATHS),
    st.builds("{{% if {} is defined and {} %}}yes{{% endif %}}".format, PATHS, PATHS),
    st.builds("{{% from '_p' import {} as {} %}}".format, NAMES, NAMES),
    st.builds("{{% import '_p' as {} %}}".format, NAMES),
    st.builds("{{% macro m({}={}) %}}{{{{ {} | to_json }}}}{{% endmacro %}}{{{{ m() }}}}".format, NAMES, PATHS, PATHS),
    st.just("{% include '_p' %}"),
)
TEXTS = st.lists(PIECES, min_size=1, max_size=4).map("".join)
PARTIALS = st.lists(PIECES, max_size=2).map("".join).filter(lambda text: "'_p'" not in text)


def printed(files: dict[str, str], values: dict[str, Any]) -> str:
    language = Language(FunctionLoader(files.get))
    language.globals.update(values=values, release={"key": "a"})
    template = language.get_template("main")
    with metered(Meter(DEFAULT_BOUNDS)):
        return join_pieces(template.root_render_func(template.new_context()))


def values_with(changed: tuple[str, ...] | None = None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for path in LEAVES:
        inner = values.setdefault(path[0], {}).setdefault(path[1], {})
        inner[path[2]] = "".join(path) + ("!" if path == changed else "")
    return values


def is_read(path: tuple[str, ...], read: frozenset[tuple[str, ...]]) -> bool:
    return any(path[: len(each)] == each or each[: len(path)] == path for each in read)


@settings(max_examples=examples(300), deadline=None)
@given(TEXTS, PARTIALS)
def test_what_changes_the_text_counts_as_read(text: str, partial: str) -> None:
    files = {"main": text, "_p": partial}
    try:
        before = printed(files, values_with())
    except FAILURES:
        assume(False)
    read = read_paths(files)
    for path in LEAVES:
        try:
            has_changed = printed(files, values_with(path)) != before
        except FAILURES:
            has_changed = True
        assert not has_changed or is_read(path, read), (path, files, read)
