"""Which patterns can take exponential time; and that no usual one is taken for such."""

from __future__ import annotations

import pytest

from bundler.syntax.backtracking import find_ambiguity

LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
VERSION = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
PRE = r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"

HOSTILE = [
    "(a+)+$", "^(a*)*$", r"^(.|\s)*$", "^([^a]|b)*$", "^((a)|a)*$", "^(a|aa)+$", r"^(\w+\s?)*$", r"^([a-z]+\.?)*$", "^(a?b?)*$", r"^(\d+)*x",
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


@pytest.mark.parametrize("pattern", HOSTILE)
def test_a_repetition_that_can_take_one_text_in_many_ways_is_named(pattern: str) -> None:
    assert find_ambiguity(pattern)


@pytest.mark.parametrize("pattern", USUAL)
def test_usual_patterns_are_let_pass(pattern: str) -> None:
    assert find_ambiguity(pattern) == ""


def test_the_repetition_itself_is_named() -> None:
    assert find_ambiguity("^x([a-z]+,?)*!$") == "([a-z]+,?)* can take the same text in many ways"
