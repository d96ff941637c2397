"""What rendered objects should be like beyond being valid; `bundler lint` tells. Layer: actions, pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING

from bundler.actions.author.custom_objects import Definitions, custom_flaws
from bundler.actions.author.findings import Flaw
from bundler.actions.author.hook_findings import helm_hook_flaws
from bundler.fields.fitting import type_problems
from bundler.fields.kinds import all_kinds, kind_info, pod_spec_path, schema_for
from bundler.fields.misfit import MisfitKind
from bundler.fields.removed_apis import removed_in, successor_of
from bundler.fields.schema import SchemaNode, unknown_fields
from bundler.fields.validation import object_problems
from bundler.model.image import ImageRef
from bundler.model.json import Body, items_at, list_at, mapping_at, strings_at, text_at, value_at
from bundler.model.labels import TRACK
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler.model.manifest import Manifest

_CONTAINERS = ("initContainers", "containers")
_FETCH = re.compile(
    r"\b(?:curl|wget)\b[^|;&]*?\bhttps?://(?!127\.)(?!\S*\.(?:svc|local)\b)[\w-]+(?:\.[\w-]+)+", re.IGNORECASE
)
"""A download by hand from a host that is none of the cluster's."""
_LONG_RUNNING = {"Deployment", "StatefulSet", "DaemonSet"}
_TYPE_HINTS = {
    MisfitKind.TEXT_WANTED: "put the value in quotes: `{{ value | quote }}`",
    MisfitKind.WHOLE_WANTED: "write a whole number",
    MisfitKind.OTHER_TYPE_WANTED: (
        "write numbers, true and false without quotes; mappings and lists are printed by `| to_yaml`"
    ),
    MisfitKind.QUANTITY: "write amounts like 500m, 2, 64Mi, 10Gi",
    MisfitKind.BASE64: "encode it: `| b64encode`, or write it under stringData",
}
_LEADING = {"wrong-type", "gone-version", "unknown-kind"}
"""Flaws that make others: the server, too, looks no further."""


_NO_DEFINITIONS: Definitions = MappingProxyType({})


def check_manifest(manifest: Manifest, definitions: Definitions = _NO_DEFINITIONS) -> Iterator[Flaw]:
    """Yield what is wrong with one rendered object.

    Args:
        manifest: the object.
        definitions: of the bundle's own custom kinds.
    """
    definition = definitions.get((manifest.ref.group, manifest.ref.kind))
    of_schema = list(_schema_flaws(manifest) if definition is None else custom_flaws(manifest, definition))
    yield from of_schema
    if not any(flaw.rule in _LEADING for flaw in of_schema):
        yield from _refused_flaws(manifest)
    yield from _selector_flaws(manifest)
    yield from helm_hook_flaws(manifest.body)
    path = pod_spec_path(manifest.ref.group, manifest.ref.kind)
    if path is not None:
        pod = mapping_at(manifest.body, *path)
        for flaw in (*_pod_flaws(pod), *_container_flaws(pod, is_long_running=manifest.ref.kind in _LONG_RUNNING)):
            yield replace(flaw, field=".".join([*path, flaw.field]))


def _schema_flaws(manifest: Manifest) -> Iterator[Flaw]:
    group, _, version = manifest.api_version.rpartition("/")
    schema = schema_for(group, version, manifest.ref.kind)
    if schema is not None:
        for path in unknown_fields(manifest.body, schema):
            yield Flaw(
                rule="unknown-field",
                message=f"{path} is unknown to Kubernetes",
                hint="check its name",
                is_error=True,
                field=path,
            )
        yield from _type_flaws(manifest.body, schema)
    elif successor := successor_of(group, manifest.ref.kind):
        yield Flaw(
            rule="gone-version",
            message=f"{manifest.api_version} is not served by Kubernetes any more{_since(manifest)}",
            hint=successor,
            is_error=True,
        )
    elif (info := kind_info(group, manifest.ref.kind)) is not None:
        prefix = f"{group}/" if group else ""
        served = ", ".join(f"{prefix}{one}" for one in info.versions)
        yield Flaw(
            rule="gone-version",
            message=f"{manifest.api_version} is not served by the newest Kubernetes{_since(manifest)}",
            hint=f"use {served}",
            is_error=True,
        )
    elif group in {info.group for info in all_kinds()}:
        yield _unknown_kind(manifest)


def _since(manifest: Manifest) -> str:
    release = removed_in(manifest.api_version, manifest.ref.kind)
    return f", since {release}" if release else ""


def _unknown_kind(manifest: Manifest) -> Flaw:
    """No CRD can add a kind to Kubernetes' own groups."""
    known = {info.kind: info for info in all_kinds()}
    close = [known[name] for name in get_close_matches(manifest.ref.kind, known, 1)]
    exact = [f"{info.kind} of {'/'.join(filter(None, (info.group, info.versions[0])))}" for info in close]
    hint = f"did you mean {exact[0]}?" if exact else "check apiVersion and kind"
    message = f"{manifest.api_version} has no kind {manifest.ref.kind}"
    return Flaw(rule="unknown-kind", message=message, hint=hint, is_error=True)


def _type_flaws(body: Body, schema: SchemaNode) -> Iterator[Flaw]:
    for problem in type_problems(body, schema):
        if hint := _TYPE_HINTS.get(problem.kind):  # unknown fields and keys that are there twice are reported elsewhere
            path = problem.path.removeprefix(".")
            yield Flaw(rule="wrong-type", message=f"{path}: {problem.what}", hint=hint, is_error=True, field=path)


def _refused_flaws(manifest: Manifest) -> Iterator[Flaw]:
    for problem in object_problems(manifest.ref.group, manifest.ref.kind, manifest.body, None):
        hint = "fix the template: the API server refuses this"
        yield Flaw(rule="refused", message=problem, hint=hint, is_error=True, field=problem)


def _selector_flaws(manifest: Manifest) -> Iterator[Flaw]:
    is_service = (manifest.ref.group, manifest.ref.kind) == ("", "Service")
    if is_service and TRACK in mapping_at(manifest.body, "spec", "selector"):
        yield Flaw(
            rule="service-track",
            message=f"the Service selects {TRACK}",
            hint="select without it, so that pods on trial get their share of requests",
            field="spec.selector",
        )


def _pod_flaws(pod: Body) -> Iterator[Flaw]:
    """Source: kubernetes.io/docs/concepts/security/pod-security-standards, "Restricted"."""
    containers = [c for group in _CONTAINERS for c in items_at(pod, group)]
    as_root = [c for c in containers if not _says(pod, c, "runAsNonRoot")]
    if as_root:
        yield _restricted(f"{_names(as_root)} may run as root", "set runAsNonRoot: true in the securityContext")
    profiles = [c for c in containers if not _profile(pod, c)]
    if profiles:
        yield _restricted(
            f"{_names(profiles)} has no seccomp profile", "set seccompProfile: {type: RuntimeDefault} for the pod"
        )
    escalating = [c for c in containers if value_at(c, "securityContext", "allowPrivilegeEscalation") is not False]
    if escalating:
        yield _restricted(f"{_names(escalating)} may gain privileges", "set allowPrivilegeEscalation: false")
    capable = [c for c in containers if "ALL" not in list_at(c, "securityContext", "capabilities", "drop")]
    if capable:
        yield _restricted(f"{_names(capable)} keeps capabilities", "set capabilities: {drop: [ALL]}")


def _restricted(message: str, hint: str) -> Flaw:
    return Flaw(rule="pod-security", message=message, hint=f"{hint}; namespaces that enforce restricted refuse it")


def _says(pod: Body, container: Body, key: str) -> bool:
    own = mapping_at(container, "securityContext")
    return (own if key in own else mapping_at(pod, "securityContext")).get(key) is True


def _profile(pod: Body, container: Body) -> bool:
    return any(
        text_at(one, "securityContext", "seccompProfile", "type") in {"RuntimeDefault", "Localhost"}
        for one in (container, pod)
    )


def _names(containers: list[Body]) -> str:
    names = [text_at(one, "name") for one in containers]
    return f"container{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _fetches(container: Body) -> bool:
    words = [*strings_at(container, "command"), *strings_at(container, "args")]
    return _FETCH.search(" ".join(words)) is not None


def _container_flaws(pod: Body, *, is_long_running: bool) -> Iterator[Flaw]:
    for group in _CONTAINERS:
        for index, container in enumerate(items_at(pod, group)):
            for flaw in _flaws_of_container(container, needs_probe=is_long_running and group == "containers"):
                yield replace(flaw, field=f"{group}[{index}].{flaw.field}")


def _flaws_of_container(container: Body, *, needs_probe: bool) -> Iterator[Flaw]:
    name, image = text_at(container, "name"), text_at(container, "image")
    if image and ImageRef.of(image) is None:
        yield Flaw(
            rule="image-name",
            message=f"container {name} runs {image!r}, which is not an image reference",
            hint="write HOST/REPOSITORY:TAG, in small letters; no node can pull this one",
            is_error=True,
            field="image",
        )
    elif "@" not in image and image.rpartition("/")[2].partition(":")[2] in {"", "latest"}:
        yield Flaw(
            rule="image-tag",
            message=f"container {name} runs {image}, which is another image every day",
            hint="name a version, or a digest",
            field="image",
        )
    if container.get("imagePullPolicy") == "Always":
        yield Flaw(
            rule="pull-always",
            message=f"container {name} pulls its image at every start",
            hint="leave imagePullPolicy out: images are pinned by digest, and a site may be cut off",
            field="imagePullPolicy",
        )
    if _fetches(container):
        yield Flaw(
            rule="fetches",
            message=f"container {name} seems to fetch something from the network when it starts",
            hint="put it into the image; a site without internet cannot fetch it",
            field="command" if "command" in container else "args",
        )
    if not mapping_at(container, "resources", "requests"):
        yield Flaw(
            rule="no-requests",
            message=f"container {name} requests neither CPU nor memory",
            hint="set resources.requests, so that the scheduler can place the pod",
            field="resources",
        )
    if needs_probe and "readinessProbe" not in container:
        yield Flaw(
            rule="no-readiness",
            message=f"container {name} has no readinessProbe",
            hint="add one; without it a broken container counts as ready",
        )
