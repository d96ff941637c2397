"""Label and field selectors. Layer: fields, pure.

Source: Kubernetes, "Labels and Selectors" (grammar) and "Field Selectors".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bundler.model.json import Body, list_at, mapping_at, strings_at, text_at
from bundler.model.lean import dataclass

_COMMON_FIELDS = frozenset({"metadata.name", "metadata.namespace"})
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_FIELDS: Mapping[str, frozenset[str]] = {
    "Pod": frozenset(
        {"spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase", "status.podIP"}
    ),
    "Event": frozenset({f"{root}.{leaf}" for root in ("involvedObject", "regarding") for leaf in _INVOLVED})
    | {"reason", "type", "source", "reportingComponent"},
    "Secret": frozenset({"type"}),
    "Namespace": frozenset({"status.phase"}),
    "ReplicaSet": frozenset({"status.replicas"}),
    "Job": frozenset({"status.successful"}),
    "Node": frozenset({"spec.unschedulable"}),
}
_TERM = re.compile(
    r"\s*(?:"
    r"(?P<absent>!)\s*(?P<absent_key>[\w./-]+)"
    r"|(?P<set_key>[\w./-]+)\s+(?P<set_word>in|notin)\s*\(\s*(?P<values>[^)]*)\)"
    r"|(?P<key>[\w./-]+)\s*(?P<word>==|!=|=)\s*(?P<value>[\w.-]*)"
    r"|(?P<present_key>[\w./-]+)"
    r")\s*(?:,|$)"
)


class SelectorError(ValueError):
    """A selector cannot be read."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label or field."""

    key: str
    word: str
    """``in``, ``notin``, ``exists`` or ``absent``."""
    values: frozenset[str] = frozenset()

    def holds(self, found: str | None) -> bool:
        """Return whether a value, None where there is none, meets the condition."""
        match self.word:
            case "in":
                return found is not None and found in self.values
            case "notin":
                return found is None or found not in self.values
            case "exists":
                return found is not None
            case _:
                return found is None


def parse_labels(text: str) -> tuple[Requirement, ...]:
    """Read a label selector as it is sent to the server.

    Raises:
        SelectorError: with the server's words.
    """
    found, at = [], 0
    while at < len(text.rstrip()):
        match = _TERM.match(text, at)
        if match is None:
            raise SelectorError(f"unable to parse requirement: {text[at:]!r}")
        found.append(_requirement(match))
        at = match.end()
    return tuple(found)


def parse_fields(text: str, kind: str) -> tuple[Requirement, ...]:
    """Read a field selector for a kind.

    Raises:
        SelectorError: with the server's words; the kind must know the field.
    """
    known = _COMMON_FIELDS | _FIELDS.get(kind, frozenset())
    found = []
    for term in filter(None, text.split(",")):
        key, word, value = _split_field(term)
        if key not in known:
            listed = ", ".join(f'"{name}"' for name in sorted(known))
            raise SelectorError(f'"{key}" is not a known field selector: only {listed}')
        found.append(Requirement(key, "notin" if word == "!=" else "in", frozenset({value})))
    return tuple(found)


def selector_of(selector: Body) -> tuple[Requirement, ...]:
    """Read a LabelSelector: ``matchLabels`` and ``matchExpressions``."""
    words = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}
    exact = [
        Requirement(key, "in", frozenset({str(value)})) for key, value in mapping_at(selector, "matchLabels").items()
    ]
    listed = [
        Requirement(
            text_at(term, "key"),
            words.get(text_at(term, "operator"), "exists"),
            frozenset(strings_at(term, "values")),
        )
        for term in list_at(selector, "matchExpressions")
    ]
    return (*exact, *listed)


def labels_match(requirements: tuple[Requirement, ...], body: Body) -> bool:
    """Return whether an object's labels meet all requirements."""
    labels = mapping_at(body, "metadata", "labels")
    return all(one.holds(text_at(labels, one.key) if one.key in labels else None) for one in requirements)


def fields_match(requirements: tuple[Requirement, ...], body: Body) -> bool:
    """Return whether an object's fields meet all requirements; a missing field counts as empty."""
    return all(one.holds(_field(body, one.key)) for one in requirements)


def _field(body: Body, key: str) -> str:
    root, _, rest = key.partition(".")
    if root == "regarding":
        root = "involvedObject"
    return text_at(body, root, *rest.split(".")) if rest else text_at(body, root)


def _requirement(match: re.Match[str]) -> Requirement:
    if match["absent"]:
        return Requirement(match["absent_key"], "absent")
    if match["set_word"]:
        values = frozenset(value.strip() for value in match["values"].split(","))
        return Requirement(match["set_key"], match["set_word"], values)
    if match["word"]:
        return Requirement(match["key"], "notin" if match["word"] == "!=" else "in", frozenset({match["value"]}))
    return Requirement(match["present_key"], "exists")


def _split_field(term: str) -> tuple[str, str, str]:
    for word in ("!=", "==", "="):
        key, found, value = term.partition(word)
        if found:
            return key.strip(), word, value.strip()
    raise SelectorError(f"invalid selector: '{term}'; can't understand '{term}'")
