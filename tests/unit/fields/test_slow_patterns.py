"""Which patterns can take exponential time; and that no usual one is taken for such."""

from __future__ import annotations

import pytest

from bundler.fields.slow_patterns import find_ambiguity

LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
VERSION = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
PRE = r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"

HOSTILE = [
    "(a+)+$", "^(a*)*$", r"^(.|\s)*$", "^([^a]|b)*$", "^((a)|a)*$", "^(a(c?)?)*$", "^(a|a)*$", "^(((a*){3}){3}){3}$",
    "^(a|aa)+$", r"^(\w+\s?)*$", r"^([a-z]+\.?)*$", "^(a?b?)*$", r"^(\d+)*x",
    "^(a+){12}$", "^(a{1,3})*$", "^((a|b)+|b)*$", r"^(\s*\w+\s*)*$", "^(?:a+)+$", "^(?P<x>a+)+$", "(?i)^([a-z]|(?:[A-Z]))*$",
    "^(a*ba*)*$", r"^(.*,)*x$", "^(?=(a+)+$)", "^(([a-z])+.)+[A-Z]([a-z])+$", r"^([^@]+@?)+$", "^(a+?)+?$", "^(a{2,})*$",
    r"^(\N{DIGIT ONE}+)+$", "(?x)^(a +)+$", "(((((a{64}){64}){64}){64}){64})*",
]  # fmt: skip

USUAL = [
    f"^{LABEL}$", rf"^{LABEL}(\.{LABEL})*$", r"^([a-zA-Z0-9]([a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]{2,}$",
    r"^(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]*[a-zA-Z0-9])\.)*([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9\-]*[A-Za-z0-9])$",
    f"^{VERSION}{PRE}(?:\\+([0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*))?$",
    "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$", "^[0-9]+(Mi|Gi|Ti)$",
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$",
    r"^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$", r"^(\d+[smhdw])+$",
    r"^https?://([\w-]+\.)+[\w-]+(:\d+)?(/[\w ./?%&=-]*)?$", r"^(https?|ftp)://[^\s/$.?#].[^\s]*$",
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$", r"^[\w.+-]+@([\w-]+\.)+[\w-]{2,}$",
    r"^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$",
    r"^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(/\d+)?$",
    "^(([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|([0-9a-fA-F]{1,4}:){1,7}:|::)$", "^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$",
    "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$", "^([0-9a-f]{64},)*[0-9a-f]{64}$",
    r"^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$", r"^(/[^/\s]+)+/?$", "^(/[a-z]*)*$",
    r"^(@(annually|yearly|monthly|weekly|daily|hourly|reboot))|((((\d+,)+\d+|(\d+(\/|-)\d+)|\d+|\*) ?){5,7})$",
    r"^(?=.{1,253}$)([a-z]+\.)*[a-z]+$", r"^([a-z]+(-[a-z]+)*)(,[a-z]+(-[a-z]+)*)*$", r"^-----BEGIN [A-Z ]+-----\n([A-Za-z0-9+/=]+\n)+$",
    r"^(\"[^\"]*\"|[^,\"]+)(,(\"[^\"]*\"|[^,\"]+))*$", r"^([^\\]|\\.)*$", "^((a))(b)(?(1)c|d)$", r"^(\w|-|_)+$", "(?i)^([a-z]|[A-Z])*$", r"^(\||a)*$", "^(?:a|b|ab?c)*$", "(", "a+a+$", "",
    r"^([A-Za-z_][A-Za-z0-9_]*=[^,]*,)*$", "^[A-Z][a-z]+( [A-Z][a-z]+)*$", r"^(?:(?:\*|\d+)(?:/\d+)? ){4}(?:\*|\d+)$",
]  # fmt: skip


WORD = "[0-9a-fA-F]{1,4}"
IPV6 = "|".join([
    f"({WORD}:){{7}}{WORD}", f"({WORD}:){{1,7}}:", *(f"({WORD}:){{1,{7 - n}}}(:{WORD}){{1,{n}}}" for n in range(1, 7)),
])  # fmt: skip


@pytest.mark.parametrize("pattern", HOSTILE)
def test_a_repetition_that_can_take_one_text_in_many_ways_is_named(pattern: str) -> None:
    assert find_ambiguity(pattern)


@pytest.mark.parametrize("pattern", [*USUAL, f"^({IPV6})$"])
def test_usual_patterns_are_let_pass(pattern: str) -> None:
    assert find_ambiguity(pattern) == ""


@pytest.mark.parametrize(
    "pattern",
    ["(" + "a?" * 5000 + ")+", "(" + "|".join(f"[a-z]{{60}}{n}" for n in range(200)) + ")+", "x" * 30_000 + "(a)*"],
)
def test_what_is_too_large_to_be_judged_is_refused_before_that_takes_long(pattern: str) -> None:
    assert find_ambiguity(pattern) == "it repeats more than can be judged"


def test_a_long_repetition_is_named_in_short() -> None:
    assert len(find_ambiguity(f"^({'a' * 1000}(b+)+)$")) < 200
    assert len(find_ambiguity(f"^({'a' * 1000}b*b*)*$")) < 200


def test_the_repetition_itself_is_named() -> None:
    assert find_ambiguity("^x([a-z]+,?)*!$") == "([a-z]+,?)* can take the same text in many ways"
