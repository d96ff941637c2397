"""The site file: what a place offers, and what it demands. Layer: loader; reads local files only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from functools import partial
from typing import TYPE_CHECKING, Final

from bundler import loader
from bundler.errors.bundle import ValuesFileError
from bundler.loader.conflict_rules import decode_conflict_rules
from bundler.loader.decode import Node
from bundler.loader.definition import SITE_FACTS, check_head, site_facts
from bundler.loader.patches import decode_patches
from bundler.loader.problems import Problems
from bundler.loader.user_files import HINT, parse_document, read_text
from bundler.model.json import is_mapping
from bundler.model.lean import replace
from bundler.model.oci import OciAddress
from bundler.model.reach import GRANTS
from bundler.model.site import Site, SiteRegistry
from bundler.model.trust import TrustedKey, TrustPolicy, parse_public_key
from bundler.model.values import LayerKind
from bundler.values.merge import make_layer

if TYPE_CHECKING:
    from pathlib import Path


FORBIDDABLE: Final = ("cluster-scoped", "namespace", *GRANTS)
_FACTS: Final = tuple(fact for fact in SITE_FACTS if fact not in {"registry", "pullSecret"})
_SPEC_KEYS: Final = (
    "registry", "pullSecret", "namespace", "clusterUid", *_FACTS, "values", "patches", "inject", "conflicts",
    "catalogues", "keys", "policy", "forbid", "deploymentWindows",
)  # fmt: skip
_KEY_ID_CHARS: Final = (16, 64)
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def load_site(path: Path) -> Site:
    """Load a site file.

    Raises:
        ValuesFileError: with every problem.
    """
    source = str(path)
    document = parse_document(read_text(path), source)
    problems = Problems()
    site = _decode(Node.root(document, source, problems))
    if problems:
        raise ValuesFileError(f"reading site file {source}", context=problems.lines(), hint=HINT)
    return site


def _decode(root: Node) -> Site:
    if not check_head(root, kind="Site"):
        return Site(name="", values=make_layer({}, LayerKind.SITE, root.file))
    root.allow("apiVersion", "kind", "metadata", "spec")
    spec = root.mapping("spec", *_SPEC_KEYS)
    registry = _registry(spec)
    pull_secret = _object_name(spec, "pullSecret", _SUBDOMAIN)
    facts = site_facts(replace(spec, value={key: fact for key, fact in spec.body.items() if key in _FACTS}))
    if registry is not None:
        facts["registry"] = str(registry)
    if pull_secret:
        facts["pullSecret"] = pull_secret
    policy = spec.mapping("policy", "requireSignature", "threshold", "revoked", "minimumVersions", "forbid")
    return Site(
        name=root.mapping("metadata", "name", is_required=True).named(),
        source=root.file,
        facts=facts,
        registry=registry,
        pull_secret=pull_secret,
        namespace=_object_name(spec, "namespace", _LABEL),
        cluster_uid=spec.text("clusterUid"),
        values=spec.mapping("values").layer(LayerKind.SITE),
        patches=decode_patches(spec),
        conflicts=decode_conflict_rules(spec),
        trust=_trust(spec, policy, root.file),
        catalogues=_catalogues(spec),
        deployment=loader.site_windows.decode_windows(spec) if spec.child("deploymentWindows") else None,
        forbidden=tuple(dict.fromkeys((*_forbidden(spec), *_forbidden(policy)))),
    )


def _object_name(spec: Node, key: str, rule: re.Pattern[str]) -> str:
    """Read the name of an object. Source: kubernetes.io/docs/concepts/overview/working-with-objects/names."""
    text = spec.text(key)
    if text and not rule.fullmatch(text):
        letters = "lower-case letters, digits and inner hyphens"
        (spec.child(key) or spec).fail(f'is "{text}", which no object can be called; use {letters}')
    return text


def _registry(spec: Node) -> SiteRegistry | None:
    """Read ``registry``: HOST/PREFIX as a text, or a mapping that says more."""
    child = spec.child("registry")
    if child is None:
        return None
    if not is_mapping(child.value):
        return _parsed_registry(child, child.as_text(is_required=True))
    child.allow("host", "prefix", "insecureHTTP", "ca")
    prefix = child.text("prefix").strip("/")
    host = child.text("host", is_required=True)
    found = _parsed_registry(child, f"{host}/{prefix}" if prefix else host)
    if found is None:
        return None
    return replace(found, is_insecure_http=bool(child.flag("insecureHTTP")), ca=child.text("ca"))


def _parsed_registry(node: Node, text: str) -> SiteRegistry | None:
    return node.read(SiteRegistry.parse, text) if text else None


def _catalogues(spec: Node) -> tuple[str, ...]:
    found = spec.texts("catalogues")
    for text in found:
        try:
            OciAddress.parse(text)
        except ValueError as error:
            (spec.child("catalogues") or spec).fail(f"has {error}")
    return found


def _trust(spec: Node, policy: Node, file: str) -> TrustPolicy:
    nodes = spec.items("keys", "name", "key", "notBefore", "notAfter")
    keys = tuple(_keys(nodes))
    minimum = policy.mapping("minimumVersions")
    threshold = policy.integer("threshold", default=1, least=1, most=100)
    requires = bool(policy.flag("requireSignature"))
    if (requires or threshold > 1) and len(keys) < threshold and len(keys) == len(nodes):
        policy.fail(f"asks for {threshold} of the keys in spec.keys, and there are {len(keys)}; no file would ever do")
    return TrustPolicy(
        keys=keys,
        threshold=threshold,
        requires_signature=requires,
        revoked=frozenset(_revoked(policy)),
        minimum_versions={name: minimum.version(name) for name in minimum.body},
        source=file,
    )


def _revoked(policy: Node) -> list[str]:
    found = []
    for text in policy.texts("revoked"):
        word = text.lower()
        if len(word) not in _KEY_ID_CHARS or set(word) - set("0123456789abcdef"):
            (policy.child("revoked") or policy).fail(f'has "{text}"; a key id has 16 or 64 hex digits')
        found.append(word)
    return found


def _keys(nodes: Sequence[Node]) -> Iterator[TrustedKey]:
    """Yield each key once: a key that appears twice would look like two signers."""
    first: dict[str, Node] = {}
    for node in nodes:
        key = _key(node)
        if key is None:
            continue
        if first.setdefault(key.key_id, node) is not node:
            node.fail(f"is the same key as in line {first[key.key_id].source.line}: {key.shown}")
            continue
        yield key


def _key(node: Node) -> TrustedKey | None:
    line = node.text("key", is_required=True)
    since, until = _moment(node, "notBefore", is_end=False), _moment(node, "notAfter", is_end=True)
    if not line:
        return None
    if since is not None and until is not None and since > until:
        node.fail("ends (notAfter) before it begins (notBefore)")
    parse = partial(parse_public_key, name=node.text("name"), not_before=since, not_after=until)
    return node.read(parse, line, "has a key that cannot be read")


def _moment(node: Node, key: str, *, is_end: bool) -> datetime | None:
    """Read ``2026-12-31``, the whole day in UTC, or a moment with its offset."""
    text = node.text(key)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        node.fail(f'has {key} "{text}"; write "2026-12-31" or "2026-12-31T18:00:00Z"')
        return None
    if len(text) <= len("2026-12-31"):
        return datetime.combine(found.date(), time.max if is_end else time.min, UTC)
    if found.tzinfo is None:
        node.fail(f'has {key} "{text}" without its offset from UTC; write "{text}Z"')
        return None
    return found.astimezone(UTC)


def _forbidden(node: Node) -> tuple[str, ...]:
    forbidden = node.texts("forbid")
    for word in forbidden:
        if word not in FORBIDDABLE:
            (node.child("forbid") or node).fail(f'has "{word}"; known: {", ".join(FORBIDDABLE)}')
    return forbidden
