"""Every place in an object where an image is. Layer: images, pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from bundler.fields.kinds import pod_spec_path
from bundler.images.image_formats import PLAIN, Spelling, read_mapping
from bundler.model.json import Body, JSONValue, is_list, is_mapping, items_at, list_at, mapping_at, text_at
from bundler.model.lean import dataclass
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef
from bundler.syntax.written_path import Match, PathSyntaxError, Step, read_step

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle

CONTAINER_GROUPS = ("initContainers", "containers", "ephemeralContainers")

_ALL = "[*]"


class _Every(NamedTuple):
    """Step into every item of a list, or every value of a mapping."""


RuleStep: TypeAlias = "Step | _Every"


class ImagePathError(ValueError):
    """A text that is not a path to images."""


@dataclass(frozen=True, slots=True)
class ImageRule:
    """A declared place of images in objects of one kind: ``spec.images`` with ``path`` and ``match``."""

    group: str
    kind: str
    path: str
    steps: tuple[RuleStep, ...]

    @classmethod
    def of(cls, group: str, kind: str, path: str) -> ImageRule:
        """Make a rule.

        Args:
            group: API group; empty for the core group.
            kind: of the object, such as ``Deployment``.
            path: where the image is: ``spec.image``.

        Raises:
            ImagePathError: when ``path`` is none.
        """
        return cls(group, kind, path, parse_image_path(path))

    def fits(self, ref: ObjectRef) -> bool:
        """Return whether it is about objects such as ``ref``."""
        return (self.group, self.kind) == (ref.group, ref.kind)


class Place(NamedTuple):
    """One image in one object."""

    steps: tuple[str | int, ...]
    """Keys and indexes from the root of the body."""
    before: str
    """What stands before the image in the same text: ``--image=``."""
    text: str
    """The image as written; the parts of a mapping put together."""
    label: str
    """``web``, ``volume data`` or the path that a bundle declares."""
    spelling: Spelling = PLAIN
    """How it is written: as one text, or as the keys of a mapping."""
    problem: str = ""
    """Why what is there cannot be read and written as an image; empty where it can."""

    @property
    def line_steps(self) -> tuple[str | int, ...]:
        """Where in the body the line stands that a reader looks for: that of the text, or of the repository's key."""
        return (*self.steps, self.spelling.repository) if self.spelling.keys else self.steps

    def pinned(self, host: str, name: str, tag: str, digest: str) -> dict[tuple[str | int, ...], JSONValue]:
        """Return what has to stand where, so that it names one digest in one repository.

        Args:
            host: of the registry.
            name: of the repository.
            tag: empty without one.
            digest: of the content.
        """
        if not self.spelling.keys:
            return {self.steps: f"{self.before}{host}/{name}@{digest}"}
        parts = self.spelling.pinned(host, name, tag, digest)
        return {(*self.steps, key): text for key, text in parts.items()}


def parse_image_path(text: str) -> tuple[RuleStep, ...]:
    """Read ``spec.image``, ``spec.pods[*].image``, ``spec.env[name=IMAGE].value``, ``data["a.b"]``, ``args[0]``.

    Raises:
        ImagePathError: when it is none of these.
    """
    steps: list[RuleStep] = []
    at = 0
    while at < len(text):
        step, at = _read_step(text, at)
        steps.append(step)
    if not steps or not isinstance(steps[0], str):
        raise ImagePathError("it must begin with a key")
    return tuple(steps)


def _read_step(text: str, at: int) -> tuple[RuleStep, int]:
    if text.startswith(_ALL, at):
        return _Every(), at + len(_ALL)
    try:
        return read_step(text, at)
    except PathSyntaxError as error:
        msg = f'{text[at:]!r} is not a step; write a.b, list[*], list[0], list[name=web] or map["a.b"]'
        raise ImagePathError(msg) from error


def rules_of(bundle: Bundle) -> tuple[ImageRule, ...]:
    """Return the declared places of a bundle and all its components.

    They hold for the whole release: one component may declare what another writes.
    """
    specs = (spec for one in bundle.tree() for spec in one.images if spec.path)
    return tuple(dict.fromkeys(ImageRule.of(spec.match_group, spec.match_kind, spec.path) for spec in specs))


def places_of(manifest: Manifest, rules: Iterable[ImageRule] = ()) -> list[Place]:
    """Return every place of an image in one object: its pods' and those that ``rules`` name; each place once."""
    path = pod_spec_path(manifest.ref.group, manifest.ref.kind)
    found = {} if path is None else {place.steps: place for place in pod_places(mapping_at(manifest.body, *path), path)}
    for rule in rules:
        if rule.fits(manifest.ref):
            for place in _declared(manifest.body, rule):
                found.setdefault(place.steps, place)
    return list(found.values())


def pod_places(pod: Body, path: Sequence[str]) -> Iterator[Place]:
    """Yield the images of a pod spec: containers of every sort and image volumes.

    Args:
        pod: the pod spec.
        path: where it is in its object.

    Source: kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1, "containers" and "volumes".
    """
    for group in CONTAINER_GROUPS:
        for index, container in enumerate(list_at(pod, group)):
            if image := text_at(container, "image"):
                yield Place(
                    (*path, group, index, "image"), "", image, text_at(container, "name") or f"{group}[{index}]"
                )
    for index, volume in enumerate(list_at(pod, "volumes")):
        if image := text_at(volume, "image", "reference"):
            label = f"volume {text_at(volume, 'name')}"
            yield Place((*path, "volumes", index, "image", "reference"), "", image, label)


def pod_specs(manifest: Manifest) -> tuple[str, ...] | None:
    """Return where the pod spec of an object stands; None where it has none."""
    path = pod_spec_path(manifest.ref.group, manifest.ref.kind)
    return path if path is not None and mapping_at(manifest.body, *path) else None


def _declared(body: Body, rule: ImageRule) -> Iterator[Place]:
    for steps, value in _walk(body, rule.steps, ()):
        if isinstance(value, str):
            before, image = _after_flag(value)
            if image:
                yield Place(steps, before, image, rule.path)
        elif is_mapping(value):
            read = read_mapping(value)
            if read.text or read.problem:
                yield Place(steps, "", read.text, rule.path, read.spelling, read.problem)
        elif value is not None and not isinstance(rule.steps[-1], _Every):
            # among the items of [*] other things may be; a path that leads to one value means that one
            yield Place(steps, "", "", rule.path, problem=_no_image(value))


def _no_image(value: JSONValue) -> str:
    kind = "a list; write [*] after its path" if is_list(value) else f"{json.dumps(value)}, which is not a string"
    return f"it is {kind}"


def _after_flag(text: str) -> tuple[str, str]:
    """Split ``--image=nginx:1`` after its first ``=``; anything that is not a flag is an image as a whole."""
    if not text.startswith("-"):
        return "", text
    flag, sign, image = text.partition("=")
    return flag + sign, image


def _walk(
    here: JSONValue, steps: Sequence[RuleStep], way: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], JSONValue]]:
    if not steps:
        yield way, here
        return
    for key, value in _step(here, steps[0]):
        yield from _walk(value, steps[1:], (*way, key))


def _step(here: JSONValue, step: RuleStep) -> Iterator[tuple[str | int, JSONValue]]:
    match step:
        case str() if is_mapping(here) and step in here:
            yield step, here[step]
        case int() if is_list(here) and step < len(here):
            yield step, here[step]
        case _Every() if is_list(here):
            yield from enumerate(here)
        case _Every() if is_mapping(here):
            yield from here.items()
        case Match() if is_list(here):
            yield from ((i, one) for i, one in enumerate(here) if text_at(one, step.key) == step.text)
        case _:
            pass


def replaced_at(body: JSONValue, changes: Mapping[tuple[str | int, ...], JSONValue]) -> JSONValue:
    """Return ``body`` with other values at some places; what does not change is shared with the original.

    Args:
        body: the object.
        changes: keys and indexes from its root -> what is there instead.
    """
    if () in changes:
        return changes[()]
    below: dict[str | int, dict[tuple[str | int, ...], JSONValue]] = {}
    for steps, value in changes.items():
        below.setdefault(steps[0], {})[steps[1:]] = value
    if is_mapping(body):
        return {key: replaced_at(value, below[key]) if key in below else value for key, value in body.items()}
    if is_list(body):
        return [replaced_at(value, below[index]) if index in below else value for index, value in enumerate(body)]
    return body


def containers_of(pod: Body) -> list[Body]:
    """Return the containers of every sort of a pod spec."""
    return [container for group in CONTAINER_GROUPS for container in items_at(pod, group)]
