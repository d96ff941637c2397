"""One body that is shown, sent and recorded. Layer: planning, pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from bundler.errors import Found
from bundler.errors.bundle import ManifestError
from bundler.fields.kinds import schema_for
from bundler.fields.names import data_key_problems, name_problem
from bundler.model.json import Body, JSONValue, is_list, is_mapping, mapping_at
from bundler.model.labels import COMPONENT, RELEASE_UID
from bundler.model.lean import replace
from bundler.model.manifest import GeneratedSecret, Manifest, Source
from bundler.model.refs import ObjectRef
from bundler.model.secret_leaves import unbroken
from bundler.planning.jobs import hashed_name, is_job

if TYPE_CHECKING:
    from bundler.fields.schema import SchemaNode

_SERVER_METADATA = frozenset({"creationTimestamp", "managedFields", "selfLink", "generation", "resourceVersion", "uid"})
_LEAVES = frozenset({str, int, float, bool})


def normalize_manifests(
    manifests: Iterable[Manifest], generated: Iterable[GeneratedSecret] = ()
) -> tuple[Manifest, ...]:
    """Bring rendered objects into the one form in which they are compared, shown, sent and recorded.

    Args:
        manifests: as rendered.
        generated: secrets that bundler makes beside them; none may be a rendered one.

    Raises:
        ManifestError: with every problem: the same object twice, ``generateName``, list items with the same key.
    """
    rendered, secrets = tuple(manifests), tuple(generated)
    normal = tuple(_normalize(manifest) for manifest in rendered)
    problems = [
        *_twice(rendered),
        *_one_name(rendered, normal),
        *_generated_twice(rendered, secrets),
        *_unusable(secrets),
        *_not_texts(rendered),
        *(problem for one in normal for problem in _problems(one)),
    ]
    if problems:
        raise ManifestError(
            "bringing rendered objects into their normal form",
            context=sorted(problems),
            hint="fix the templates named above; `bundler template` shows what they render",
        )
    return normal


def _normalize(manifest: Manifest) -> Manifest:
    """Return the manifest in its normal form: itself, as most are, where nothing has to go."""
    body = _without_what_the_server_drops(manifest)
    if manifest.ref.group == "" and manifest.ref.kind == "Secret":
        body = _with_encoded_data(body)
    if is_job(manifest.ref):
        return _with_hashed_name(replace(manifest, body=body))
    return manifest if body is manifest.body else replace(manifest, body=body)


def _without_what_the_server_drops(manifest: Manifest) -> Body:
    """Leave out nulls and ``status`` of built-in kinds; what a custom resource says is its server's to judge."""
    schema = schema_for(manifest.ref.group, manifest.version, manifest.ref.kind)
    body = manifest.body
    if schema is None:
        return _without_server_metadata(body, without_nulls(mapping_at(body, "metadata")))
    if _may_be_emptied(body):
        body = mapping_at(_without_empty_keys(_cleaned(body), schema))
    if schema.has_status and "status" in body:
        body = {key: value for key, value in body.items() if key != "status"}
    return _without_server_metadata(body, mapping_at(body, "metadata"))


def _without_empty_keys(value: JSONValue, schema: SchemaNode) -> JSONValue:
    """Leave out an empty text where an item's key has a default (``protocol: ""`` of a port).

    The server fills in the default once the item is stored under the empty key, and takes the next apply for another
    item beside it.
    """
    if is_mapping(value):
        inner = {
            name: _without_empty_keys(value[name], node) for name, node in schema.keyed_fields.items() if name in value
        }
        return {**value, **inner} if any(value[name] is not new for name, new in inner.items()) else value
    if not is_list(value) or (items := schema.items) is None:
        return value
    kept = [_without_empty_keys(_with_default_key(item, schema), items) for item in value]
    return kept if any(old is not new for old, new in zip(value, kept, strict=True)) else value


def _with_default_key(item: JSONValue, schema: SchemaNode) -> JSONValue:
    if not is_mapping(item) or not any(item.get(name) == "" for name in schema.key_defaults):
        return item
    return {name: value for name, value in item.items() if value != "" or name not in schema.key_defaults}


def _without_server_metadata(body: Body, metadata: Body) -> Body:
    if metadata is body.get("metadata") and _SERVER_METADATA.isdisjoint(metadata):
        return body
    return {**body, "metadata": {key: value for key, value in metadata.items() if key not in _SERVER_METADATA}}


def real_name(manifest: Manifest) -> str:
    """Return the name that a rendered Job has in the cluster."""
    return hashed_name(_without_what_the_server_drops(manifest))


def without_nulls(body: Body) -> Body:
    """Return the body without keys whose value is null, at any depth; what has none is not copied. Lists keep items."""
    return _cleaned(body) if _may_be_emptied(body) else body


def _may_be_emptied(body: Body) -> bool:
    """Return whether a field holds null or an empty text, which the normal form may leave out.

    A flat loop that asks for classes, since there are tens of thousands of mappings to look into.
    """
    todo: list[JSONValue] = [body]
    for here in todo:
        if is_mapping(here):
            for value in here.values():
                if value is None or value == "":
                    return True
                if value.__class__ not in _LEAVES:
                    todo.append(value)
        elif is_list(here):
            todo += [item for item in here if item.__class__ not in _LEAVES]
    return False


def _cleaned(body: Body) -> dict[str, JSONValue]:
    return {key: _clean(value) for key, value in body.items() if value is not None}


def _clean(value: JSONValue) -> JSONValue:
    if is_mapping(value):
        return _cleaned(value)
    if is_list(value):
        return [_clean(item) for item in value]
    return value


def _with_encoded_data(body: Body) -> Body:
    """Bring a Secret into the form in which the server stores it: all of it in ``data``, in one line each."""
    data = {
        key: unbroken(value) if isinstance(value, str) else value for key, value in mapping_at(body, "data").items()
    }
    if "stringData" not in body and data == mapping_at(body, "data"):
        return body
    plain = mapping_at(body, "stringData")
    encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()}
    rest = {key: value for key, value in body.items() if key != "stringData"}
    return {**rest, "data": {**data, **encoded}}


def _with_hashed_name(manifest: Manifest) -> Manifest:
    """Give a Job the name of its spec, so that a changed one runs and an unchanged one does not run again."""
    name = hashed_name(manifest.body)
    body = {**manifest.body, "metadata": {**mapping_at(manifest.body, "metadata"), "name": name}}
    return replace(manifest, ref=replace(manifest.ref, name=name), body=body)


def _twice(manifests: Sequence[Manifest]) -> Iterable[str]:
    first: dict[ObjectRef, Manifest] = {}
    for manifest in manifests:
        other = first.setdefault(manifest.ref, manifest)
        if other is not manifest:
            text = f"{manifest.ref.short} is rendered twice: {other.source} and {manifest.source}"
            yield _second(text, manifest.ref, manifest.source)


def _second(text: str, ref: ObjectRef, source: Source) -> Found:
    """Return a line that names two places, and is about the second."""
    return Found(text, subject=ref.short, file=source.file, line=source.line)


def _one_name(rendered: Sequence[Manifest], normal: Sequence[Manifest]) -> Iterable[str]:
    """Two long names of Jobs of the same spec may become one: they are cut before the hash."""
    if all(before.ref is after.ref for before, after in zip(rendered, normal, strict=True)):
        return
    first: dict[ObjectRef, Manifest] = {}
    for before, after in zip(rendered, normal, strict=True):
        other = first.setdefault(after.ref, before)
        if other.ref != before.ref:
            both = f"{before.ref.short} and {other.ref.short} ({other.source}) both become {after.ref.short}"
            yield before.source.found(f"{both}: shorten one of the names", subject=before.ref.short)


def _generated_twice(manifests: Sequence[Manifest], generated: Sequence[GeneratedSecret]) -> Iterable[str]:
    """A Secret is sent once, whole: all its keys come from one ``generate``."""
    rendered = {manifest.ref: manifest for manifest in manifests} if generated else {}
    first: dict[ObjectRef, GeneratedSecret] = {}
    keys: dict[tuple[ObjectRef, str], GeneratedSecret] = {}
    for secret in generated:
        if (manifest := rendered.get(secret.ref)) is not None:
            text = f"{secret.ref.short} is rendered ({manifest.source}) and generated ({secret.source})"
            yield _second(text, secret.ref, secret.source)
        other = first.setdefault(secret.ref, secret)
        if other.component != secret.component:
            text = f"{secret.ref.short} is generated by two components: {other.source} and {secret.source}"
            yield _second(text, secret.ref, secret.source)
        elif (same := keys.setdefault((secret.ref, secret.key), secret)) is not secret:
            text = f"{secret.ref.short} has its key {secret.key!r} generated twice: {same.source} and {secret.source}"
            yield _second(text, secret.ref, secret.source)


def _unusable(generated: Iterable[GeneratedSecret]) -> Iterable[str]:
    """What is generated is sent without being asked about before: names that the server refuses stop it here."""
    for secret in generated:
        if problem := name_problem("", "Secret", secret.ref.name):
            said = f"the generated secret {secret.name}: its Secret: {problem}"
            yield secret.source.found(said, subject=secret.ref.short)
        for problem in data_key_problems({"data": {secret.key: ""}}):
            said = f"the generated secret {secret.name}: its key: {problem.partition(': ')[2]}"
            yield secret.source.found(said, subject=secret.ref.short)


def _not_texts(manifests: Iterable[Manifest]) -> Iterable[str]:
    """``stringData`` is encoded here, so the server would never see that something was not text."""
    for manifest in manifests:
        if (manifest.ref.group, manifest.ref.kind) != ("", "Secret"):
            continue
        for key, value in mapping_at(manifest.body, "stringData").items():
            if value is not None and not isinstance(value, str):
                found = f"{manifest.ref.short} has a stringData.{key} that is not a string; quote it"
                yield manifest.source.found(found, subject=manifest.ref.short, field=f"stringData.{key}")


def _problems(manifest: Manifest) -> Iterable[str]:
    found: list[str] = []
    if "generateName" in mapping_at(manifest.body, "metadata"):
        found.append("has metadata.generateName; a release must be able to find its objects again by name")
    version = manifest.version
    schema = schema_for(manifest.ref.group, version, manifest.ref.kind)
    if schema is not None:
        _find_duplicates(manifest.body, schema, "", found)
    short = manifest.ref.short
    return [manifest.source.found(f"{short} {problem}", subject=short) for problem in found]


def _find_duplicates(value: JSONValue, schema: SchemaNode, path: str, found: list[str]) -> None:
    """Add a sentence for each list whose items share their merge key (the server would refuse or merge them)."""
    if is_mapping(value):
        for key, node in schema.keyed_fields.items():
            if key in value:
                _find_duplicates(value[key], node, f"{path}.{key}", found)
        if (additional := schema.keyed_values) is not None:
            for key in value.keys() - schema.field_names:
                _find_duplicates(value[key], additional, f"{path}.{key}", found)
    elif is_list(value):
        mappings = [item for item in value if is_mapping(item)]
        if len(mappings) > 1 and schema.list_type == "map":
            found += _same_keys(mappings, schema, path)
        if (inner := schema.items) is not None and inner.has_keyed_lists:
            for item in mappings:
                _find_duplicates(item, inner, path, found)


def _same_keys(items: Sequence[Body], schema: SchemaNode, path: str) -> Iterable[str]:
    defaults, seen = schema.key_defaults, set[tuple[str, ...]]()
    for item in items:
        key = tuple([str(item.get(name, defaults.get(name, ""))) for name in schema.map_keys])
        if key in seen:
            named = ", ".join(f"{name}={part}" for name, part in zip(schema.map_keys, key, strict=True))
            yield f"lists {named} twice in {path}"
        seen.add(key)


def stamp(manifest: Manifest, *, uid: str) -> Manifest:
    """Add the labels by which a release knows its own objects again. Only the planner stamps, and only top-level."""
    body = dict(manifest.body)
    metadata = dict(mapping_at(body, "metadata"))
    labels = dict(mapping_at(metadata, "labels"))
    labels[RELEASE_UID], labels[COMPONENT] = uid, component_label(manifest.component)
    metadata["labels"], body["metadata"] = labels, metadata
    return replace(manifest, body=body)


@lru_cache(maxsize=256)
def component_label(component: str) -> str:
    """Return a component's path as a label value: ``/`` is not allowed there, and 63 characters are."""
    return component.replace("/", ".")[:63].rstrip(".-_")
