"""Expressions and templates that would run for hours or take all memory, each with the trick it plays."""

from __future__ import annotations

_BIG = "{% set ns = namespace(l=[1], s='x', i=3) %}"
_DOUBLED = _BIG + "{% for _ in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}"
_LONG = _BIG + "{% for _ in range(22) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}"
_OTHER = _DOUBLED.replace("ns", "os")


def _looped(body: str, rounds: int = 300_000, start: str = _BIG) -> str:
    return f"{start}{{% for i in range({rounds}) %}}{body}{{% endfor %}}"


BOMBS: dict[str, str] = {
    "comparing nested lists": _DOUBLED + _OTHER + "{{ ns.l == os.l }}",
    "comparing nested lists for order": _DOUBLED + _OTHER + "{{ ns.l < os.l }}",
    "a chain of comparisons": _DOUBLED + _OTHER + "{{ 1 < 2 < 3 and ns.l != 5 != os.l == ns.l }}",
    "in over nested lists": _DOUBLED + _OTHER + "{{ ns.l in [os.l, os.l] }}",
    "in over many long texts": _LONG + "{{ (ns.s ~ 'a') in [ns.s ~ 'b'] * 100000 }}",
    "the test in": _DOUBLED + _OTHER + "{{ ns.l is in([os.l]) }}",
    "the test eq": _DOUBLED + _OTHER + "{{ ns.l is eq(os.l) }}",
    "selecting equals": _DOUBLED + _OTHER + "{{ [ns.l] | select('equalto', os.l) | list | length }}",
    "loop.changed": _DOUBLED + _OTHER + "{% for x in [ns.l, os.l] %}{{ loop.changed(x) }}{% endfor %}",
    "slices of a list": _looped("{% set y = ns.l[:] %}", start="{% set ns = namespace(l=range(100000) | list) %}"),
    "slices of a text": _looped("{% set y = ns.s[1:] %}", start=_LONG),
    "dict of a list": _looped(
        "{% set y = dict(ns.p) %}", start="{% set ns = namespace(p=range(100000) | batch(2) | list) %}"
    ),
    "dict of a mapping": _looped(
        "{% set y = dict(ns.p) %}", start="{% set ns = namespace(p=dict(range(100000) | batch(2) | list)) %}"
    ),
    "a format with widths": "{{ ('%900d' * 100000) % ((1,) * 100000) }}",
    "a format with one long name": _LONG + "{{ ('%(a)s' * 1000000) | format(a=ns.s) }}",
    "wordwrap with a long wrapstring": _LONG + "{{ ('a ' * 1000000) | wordwrap(1, true, ns.s) }}",
    "wordwrap in a loop": _looped("{% set y = ns.s | wordwrap(2) %}", start=_LONG),
    "sum of lists": "{{ ([range(1000) | list] * 100000) | sum(start=[]) | length }}",
    "sum of texts": _LONG + "{{ ([ns.s] * 100000) | sum(start='') }}",
    "to_json of repeated texts": _LONG + "{{ ([ns.s] * 100000) | to_json }}",
    "to_json of nested lists": _DOUBLED + "{{ ns.l | to_json }}",
    "to_json with a wide indent": "{{ ([[[[[[[[1] * 3] * 3] * 3] * 3] * 3] * 3] * 100] * 20) | to_json(16) | length }}",
    "to_yaml of repeated texts": _LONG + "{{ ([ns.s] * 100000) | to_yaml }}",
    "to_yaml at a far column": "{{ ' ' * 1000000 }}a: {{ (range(100000) | list) | to_yaml }}",
    "many to_yaml on one line": _looped("{{ 1 | to_yaml }}", rounds=400_000),
    "split in a loop": _looped("{% set y = ns.s.split('x') %}", start=_LONG),
    "split at spaces": _looped("{% set y = ns.s.split() %}", start=_LONG.replace("'x'", "'x '")),
    "splitlines": _looped("{% set y = ns.s.splitlines() %}", start=_LONG.replace("'x'", "'\\n'")),
    "regex_replace in a loop": _looped("{% set y = ('a' * 150) | regex_replace('a*a*b', '') %}"),
    "kebab in a loop": _looped("{% set y = ns.s | kebab %}", start=_LONG),
    "title in a loop": _looped("{% set y = ns.s | title %}", start=_LONG.replace("'x'", "'x '")),
    "stripping many characters": _LONG + "{{ ('a' * 4000000).strip(ns.s ~ 'a') }}",
    "trim of many characters": _LONG + "{{ ('a' * 4000000) | trim(ns.s ~ 'a') }}",
    "integers growing by plus": _looped("{% set ns.i = ns.i + ns.i %}"),
    "integers growing by minus": _looped("{% set ns.i = ns.i - (0 - ns.i) %}"),
    "integers growing by times": _looped("{% set ns.i = ns.i * ns.i %}"),
    "a power": "{{ 9 ** (9 ** 9) }}",
    "a long number": _LONG.replace("'x'", "'1'") + "{{ ns.s | float }}",
    "sorting repeated long texts": _LONG + "{{ ([ns.s] * 100000) | sort | length }}",
    "unique over long texts": _LONG + "{{ ([ns.s] * 100000) | unique | list | length }}",
    "sorting the letters of a text": _looped("{% set y = ns.s | sort %}", start=_LONG),
    "joining a text": _looped("{% set y = ns.s | join(',') %}", start=_LONG),
    "joining long texts": _LONG + "{{ ([ns.s] * 100000) | join }}",
    "indent": _LONG.replace("'x'", "'\\n'") + "{{ ns.s | indent(900, true, true) }}",
    "replacing nothing by much": _LONG + "{{ ns.s | replace('', ns.s) }}",
    "a macro that calls itself twice": (
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}"
    ),
    "loops in loops": "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor %}{% endfor %}",
    "a list of lists repeated": "{{ ([[0] * 900000] * 900000) | length }}",
    "a range without end": "{{ range(10 ** 15) | list | length }}",
    "a text that doubles": _looped("{% set ns.s = ns.s ~ ns.s %}"),
    "output without end": _looped("{{ 'x' * 10000 }}"),
}
