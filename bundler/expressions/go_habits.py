"""What a tag in the language of Helm's charts is here. Layer: expressions, pure.

Authors who come from charts write ``{{- if .Values.x }}`` and ``default "x"`` for a while. Each such habit is answered
with the right spelling of the very tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_TAG = re.compile(r"\{\{-?\s*(?P<printed>.*?)\s*-?\}\}|\{%-?\s*(?P<done>.*?)\s*-?%\}")
_ROOTS = {
    "Release.Name": "release.name",
    "Release.Namespace": "release.namespace",
    "Chart.Name": "bundle.name",
    "Chart.Version": "bundle.version",
    "Chart.AppVersion": "bundle.app_version",
    "Capabilities.KubeVersion.Version": "capabilities.kube_version",
    "Capabilities.KubeVersion": "capabilities.kube_version",
    "Capabilities.APIVersions.Has": "capabilities.has_api",
    "Files.Get": "files.get",
    "Values": "values",
}
_PATH = re.compile(rf"(?<![\w.)\]])\$?\.({'|'.join(map(re.escape, _ROOTS))})\b")
_FILTERS = {
    "toYaml": "to_yaml",
    "toJson": "to_json",
    "b64enc": "b64encode",
    "b64dec": "b64decode",
    "sha256sum": "sha256",
    "squote": "quote",
    "int64": "int",
    "len": "length",
    "kebabcase": "kebab",
    "nindent": "indent",
    "trimSuffix": "trim",
}
_WITH_ARGUMENT = "default|indent|nindent|trunc|join|required|replace|int"
_OPERATORS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "and": "and", "or": "or"}
_WITHOUT_EQUAL = frozenset({"tpl", "lookup", "fromYaml"})
_FOREIGN_PATH = re.compile(r"\w+\.(?:Values|Release|Chart|Files|Capabilities)\b")
_WORD = r"""("[^"]*"|'[^']*'|\([^()]*\)|\S+)"""


def go_hint(line: str) -> str:
    """Return what to write for the first tag of a line that is written as in Go; empty where there is none."""
    return next((hint for found in _TAG.finditer(line) if (hint := _tag_hint(found))), "")


def path_hint(written: str, *, is_unknown: bool) -> str:
    """Return what to write for a path that begins with a word of Go, such as ``if.Values.x`` for ``if .Values.x``.

    Args:
        written: as the template has it.
        is_unknown: there is no such name; otherwise only paths of charts are answered.
    """
    if not (is_unknown or _FOREIGN_PATH.match(written)):
        return ""
    word, _, rest = written.partition(".")
    return _inside_hint(f"{word} .{rest}" if rest else word)


def filter_hint(name: str) -> str:
    """Return what a filter or function of charts is called here; empty where it has no equal."""
    if name == "nindent":
        return "`| to_yaml` indents by itself; other texts take `| indent(4)`"
    if name in _WITHOUT_EQUAL:
        return f"{name} has no equal: values are data, and nothing is asked of the cluster while rendering"
    return f"here it is called {_FILTERS[name]}" if name in _FILTERS else ""


def _tag_hint(found: re.Match[str]) -> str:
    if found["printed"] is not None:
        return _inside_hint(found["printed"])
    spelled = _spelled(found["done"])
    return f"write it without the dot in front: {{% {spelled} %}}" if spelled != found["done"] else ""


def _inside_hint(text: str) -> str:
    for pattern, answer in _RULES:
        found = pattern.fullmatch(text)
        if found is not None and (hint := answer(found)):
            return hint
    return ""


def _spelled(expression: str) -> str:
    """Return an expression with paths, filters and calls as they are written here."""
    text = _PATH.sub(lambda found: _ROOTS[found[1]], expression.strip())
    text = re.sub(r"\|\s*n?indent\s+\d+", "", text) if "toYaml" in text else text
    text = re.sub(rf"\|\s*({_WITH_ARGUMENT})\s+{_WORD}", r"| \1(\2)", text)
    text = re.sub(r"\bnindent\(", "indent(", text)
    text = re.sub(rf"^(default|required|trunc|join|indent)\s+{_WORD}\s+{_WORD}$", r"\3 | \1(\2)", text)
    text = re.sub(rf"^(quote|toYaml|toJson|b64enc|b64dec|lower|upper|trim)\s+{_WORD}", r"\2 | \1", text)
    text = re.sub(
        rf"^({'|'.join(_OPERATORS)})\s+{_WORD}\s+{_WORD}$", lambda one: f"{one[2]} {_OPERATORS[one[1]]} {one[3]}", text
    )
    text = re.sub(rf"^printf\s+{_WORD}\s+(.+)$", lambda one: f"{one[1]} | format({', '.join(one[2].split())})", text)
    text = re.sub(r"\b(toYaml|toJson|b64enc|b64dec|sha256sum|squote|int64)\b", lambda one: _FILTERS[one[1]], text)
    text = re.sub(r"\b(files\.get|capabilities\.has_api) (\"[^\"]*\")", r"\1(\2)", text)
    return re.sub(r"\s+", " ", text).strip()


def _tag(template: str) -> Callable[[re.Match[str]], str]:
    def answer(found: re.Match[str]) -> str:
        parts = [_spelled(part or "") for part in found.groups()]
        return f"a tag is written in {{% %}}: {template.format(*parts)}"

    return answer


def _same_expression(found: re.Match[str]) -> str:
    first = found[0].partition(" ")[0]
    if first in _WITHOUT_EQUAL:
        return filter_hint(first)
    spelled = _spelled(found[0])
    return f"write {{{{ {spelled} }}}}" if spelled != found[0] else ""


def _included(found: re.Match[str]) -> str:
    name = re.sub(r"\W+", "_", found[1].rpartition(".")[2]) or "name"
    return (
        f'write {{% from "_helpers.yaml" import {name} %}} and {{{{ {name}() }}}}: '
        f"what was defined is a macro, {{% macro {name}() %}} … {{% endmacro %}}, in a file whose name starts with _"
    )


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"/\*(.*?)(?:\*/)?"), lambda found: f"a comment is {{# {found[1].strip()} #}}"),
    (re.compile(r"if\s+(.+)"), _tag("{{% if {0} %}} … {{% endif %}}")),
    (re.compile(r"else\s+if\s+(.+)"), _tag("{{% elif {0} %}}")),
    (re.compile(r"else"), _tag("{{% else %}}")),
    (
        re.compile(r"end"),
        lambda _: "close what was opened by its own name: {% endif %}, {% endfor %}, {% endmacro %}",
    ),
    (
        re.compile(r"range\s+\$(\w+),\s*\$(\w+)\s*:=\s*(.+)"),
        lambda one: (
            f"a tag is written in {{% %}}: {{% for {one[1]}, {one[2]} in {_spelled(one[3])} | items %}} … "
            f"{{% endfor %}}; of a list, {{% for {one[2]} in {_spelled(one[3])} %}}"
        ),
    ),
    (re.compile(r"range\s+\$(\w+)\s*:=\s*(.+)"), _tag("{{% for {0} in {1} %}} … {{% endfor %}}")),
    (re.compile(r"range\s+(.+)"), _tag("{{% for item in {0} %}} … {{% endfor %}}")),
    (re.compile(r"with\s+(.+)"), _tag("{{% if {0} %}} … {{% endif %}}, with the whole path inside")),
    (re.compile(r"\$(\w+)\s*:?=\s*(.+)"), _tag("{{% set {0} = {1} %}}")),
    (re.compile(r"""(?:define|template|include)\s+["']([^"']+)["'].*"""), _included),
    (
        re.compile(r"[#/^>!].*"),
        lambda _: "put text that only looks like a template between {% raw %} and {% endraw %}",
    ),
    (
        re.compile(r"\$\w.*"),
        lambda _: (
            "put text that only looks like a template, such as an alert's {{ $labels.x }}, between {% raw %} "
            "and {% endraw %}; a variable of your own has no $"
        ),
    ),
    (re.compile(r".+"), _same_expression),
)
