"""Rules for names, held to the patterns that Kubernetes writes them as."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, strategies as st

from bundler.fields.names import data_key_problems, is_label, label_problems, name_problem
from bundler.model.names import is_dns_label

if TYPE_CHECKING:
    from collections.abc import Callable

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
DATA_KEY = re.compile(r"[-._a-zA-Z0-9]+")
ODD = (
    "",
    "\n",
    "a\n",
    "\na",
    "a-",
    "-a",
    "a-a",
    "-",
    ".",
    "a.",
    ".a",
    "a..a",
    "a.-a",
    "a.b-c.d",
    "A",
    "aB",
    "a_b",
    "٣",
    "é",
    "a b",
)
LONG = tuple(char * count for char in "aA" for count in (52, 53, 63, 64, 253, 254))
TEXTS = st.text(st.sampled_from("ab0-.AZ_\n٣é /"), max_size=9) | st.sampled_from(LONG)


def _is_qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    is_prefixed = not slash or (len(prefix) <= 253 and SUBDOMAIN.fullmatch(prefix) is not None)
    return is_prefixed and len(name) <= 63 and QUALIFIED.fullmatch(name) is not None


def _has_good_value(text: str) -> bool:
    return not list(label_problems({"metadata": {"labels": {"a": text}}}))


def _has_good_key(text: str) -> bool:
    return not list(label_problems({"metadata": {"labels": {text: "a"}}}))


def _has_good_data(text: str) -> bool:
    return not list(data_key_problems({"data": {text: "a"}}))


RULES: dict[str, tuple[Callable[[str], bool], Callable[[str], object]]] = {
    "names of any length": (is_dns_label, LABEL.fullmatch),
    "labels": (is_label, lambda text: len(text) <= 63 and LABEL.fullmatch(text)),
    "subdomains": (
        lambda text: not name_problem("", "Secret", text),
        lambda text: len(text) <= 253 and SUBDOMAIN.fullmatch(text),
    ),
    "label keys": (_has_good_key, _is_qualified),
    "label values": (_has_good_value, lambda text: len(text) <= 63 and LABEL_VALUE.fullmatch(text)),
    "data keys": (_has_good_data, lambda text: len(text) <= 253 and DATA_KEY.fullmatch(text)),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_takes_what_its_pattern_takes(rule: str) -> None:
    takes, matches = RULES[rule]
    texts = [*ODD, *LONG, *(f"{one}/a" for one in ODD), *(f"a/{one}" for one in ODD)]
    assert [text for text in texts if takes(text) != bool(matches(text))] == []


@given(TEXTS)
@example("a.b/c")
def test_any_text_is_judged_as_its_pattern_judges_it(text: str) -> None:
    assert {rule: takes(text) for rule, (takes, _) in RULES.items()} == {
        rule: bool(matches(text)) for rule, (_, matches) in RULES.items()
    }
