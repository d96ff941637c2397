"""Rules for names, labels and data keys. Layer: fields, pure.

Source: the messages of k8s.io/apimachinery ``util/validation`` as kube-apiserver 1.36 answers them.
"""

from __future__ import annotations

from collections.abc import Iterator

from bundler.model.json import Body, mapping_at, text_at
from bundler.model.names import is_dns_label, is_framed

_ALPHANUMERIC = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_KEY_CHARS = _ALPHANUMERIC | frozenset("-_.")
_SHORT_NAMES = frozenset({"Namespace", "Service", "StatefulSet"})
_FREE_GROUPS = frozenset({"rbac.authorization.k8s.io"})
"""Names of RBAC objects may hold colons and capitals; they only have to fit into a path."""

_WHAT_SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com')"
)
_WHAT_LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character (e.g. 'my-name',  or '123-abc')"
)
_WHAT_QUALIFIED = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc')"
)
_WHAT_VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345')"
)
_WHAT_KEY = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"


def name_problem(group: str, kind: str, name: str) -> str:
    """Return why a name is not allowed, empty where it is.

    Args:
        group: API group; empty for the core group.
        kind: of the object, such as ``Deployment``.
        name: to check.
    """
    if not name:
        return "Required value: name or generateName is required"
    if group in _FREE_GROUPS:
        return "" if "/" not in name and "%" not in name and name not in (".", "..") else f"Invalid value: {name!r}"
    if group == "" and kind in _SHORT_NAMES:
        return "" if is_label(name) else f'Invalid value: "{name}": {_WHAT_LABEL}'
    if len(name) > 253:
        return f'Invalid value: "{name}": must be no more than 253 characters'
    if kind == "CronJob" and len(name) > 52:
        return f'Invalid value: "{name}": must be no more than 52 characters'
    return "" if _is_subdomain(name) else f'Invalid value: "{name}": {_WHAT_SUBDOMAIN}'


def is_label(text: str) -> bool:
    """Return whether a text is a DNS label."""
    return len(text) <= 63 and is_dns_label(text)


def label_problem(text: str) -> str:
    """Return why a text is not a DNS label, empty where it is."""
    return "" if is_label(text) else f'Invalid value: "{text}": {_WHAT_LABEL}'


def subdomain_problem(text: str) -> str:
    """Return why a text is not a DNS subdomain, empty where it is."""
    is_right = len(text) <= 253 and _is_subdomain(text)
    return "" if is_right else f'Invalid value: "{text}": {_WHAT_SUBDOMAIN}'


def label_problems(body: Body) -> Iterator[str]:
    """Yield what is wrong with an object's labels and annotation keys."""
    for key, value in mapping_at(body, "metadata", "labels").items():
        if not _is_qualified(key):
            yield f'metadata.labels: Invalid value: "{key}": {_WHAT_QUALIFIED}'
        if not isinstance(value, str) or not _is_label_value(value):
            yield f'metadata.labels: Invalid value: "{value}": {_WHAT_VALUE}'
    for key in mapping_at(body, "metadata", "annotations"):
        if not _is_qualified(key.lower()):
            yield f'metadata.annotations: Invalid value: "{key}": {_WHAT_QUALIFIED}'


def data_key_problems(body: Body) -> Iterator[str]:
    """Yield the keys of a ConfigMap or Secret that are not allowed."""
    for field in ("data", "binaryData"):
        for key in mapping_at(body, field):
            if len(key) > 253 or not key or not _KEY_CHARS.issuperset(key):
                yield f'{field}[{key}]: Invalid value: "{key}": {_WHAT_KEY}'


def crd_name_problem(body: Body) -> str:
    """Return why a definition's name does not fit what it defines, empty where it does."""
    wanted = f"{text_at(body, 'spec', 'names', 'plural')}.{text_at(body, 'spec', 'group')}"
    name = text_at(body, "metadata", "name")
    return "" if name == wanted else f'metadata.name: Invalid value: "{name}": must be spec.names.plural+"."+spec.group'


def _is_qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > 253 or not _is_subdomain(prefix)):
        return False
    return name != "" and _is_label_value(name)


def _is_label_value(text: str) -> bool:
    return text == "" or (len(text) <= 63 and is_framed(text, _KEY_CHARS, _ALPHANUMERIC))


def _is_subdomain(text: str) -> bool:
    return all(is_dns_label(part) for part in text.split("."))
