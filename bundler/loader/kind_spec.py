"""As what kind a bundle can be ordered: ``spec.menu`` of bundle.yaml. Layer: loader, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.model.kind import KindColumn, KindSpec
from bundler.model.names import is_dns_label
from bundler.model.pattern import LazyPattern

if TYPE_CHECKING:
    from bundler.loader.decode import Node

_KEYS: Final = ("group", "kind", "plural", "shortNames", "version", "expose", "columns")
_KIND: Final = LazyPattern(r"[A-Z][A-Za-z0-9]{0,62}")
_VERSION: Final = LazyPattern(r"v[1-9][0-9]{0,3}(?:(?:alpha|beta)[1-9][0-9]{0,3})?")
_TAKEN: Final = ("k8s.io", "kubernetes.io", "bundler.dev")
"""Groups whose kinds are others', and those below them."""
_LABEL_CHARS: Final = 63
_NAME_CHARS: Final = 253


def decode_menu(spec: Node) -> KindSpec | None:
    """Decode ``menu``; what is wrong is reported to the node's problems.

    Args:
        spec: the mapping that holds it.

    Returns:
        None where there is none, or it does not say what kind it is.
    """
    node = spec.mapping("menu", *_KEYS, is_required=True)
    if not node.body:
        return None
    exposed = node.nodes("expose")
    menu = KindSpec(
        group=_group(node),
        kind=_fitting(node, "kind", _KIND, "begin with a capital and hold letters and digits, like Shop"),
        plural=_label(node, "plural", node.text("plural", is_required=True)),
        short_names=tuple(_label(node, "shortNames", name) for name in node.texts("shortNames")),
        version=_fitting(node, "version", _VERSION, "be like v1, v1beta1 or v2alpha3")
        if "version" in node.body
        else "v1",
        expose=tuple(one.as_text(is_required=True) for one in exposed),
        columns=tuple(_column(one) for one in node.items("columns", "name", "path")),
        source=node.source,
        exposed_in=tuple(one.source for one in exposed),
    )
    if len(menu.definition_name) > _NAME_CHARS:
        node.fail(f"has plural and group of more than {_NAME_CHARS} characters together")
    return menu if menu.group and menu.kind and menu.plural else None


def _group(node: Node) -> str:
    group = node.text("group", is_required=True)
    if not group:
        return ""
    where = node.child("group") or node
    if "." not in group or not all(len(part) <= _LABEL_CHARS and is_dns_label(part) for part in group.split(".")):
        where.fail(f'is "{group}" and must be a domain in lower case, like acme.example')
    elif any(f".{group}".endswith(f".{taken}") for taken in _TAKEN):
        where.fail(f'is "{group}", which belongs to Kubernetes or bundler; use a domain of your own')
    return group


def _fitting(node: Node, key: str, pattern: LazyPattern, rule: str) -> str:
    text = node.text(key, is_required=True)
    if text and not pattern.fullmatch(text):
        (node.child(key) or node).fail(f'is "{text}" and must {rule}')
    return text


def _label(node: Node, key: str, text: str) -> str:
    if text and (len(text) > _LABEL_CHARS or not is_dns_label(text) or text[0].isdigit()):
        (node.child(key) or node).fail(f'is "{text}" and must be of lower-case letters and digits, like shops')
    return text


def _column(node: Node) -> KindColumn:
    return KindColumn(
        name=node.text("name", is_required=True), path=node.text("path", is_required=True), source=node.source
    )
