"""What the pods of a bundle read under a name that stays when its content changes. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.fields.kinds import pod_spec_path
from bundler.fields.pod_references import read_by
from bundler.model.json import mapping_at
from bundler.model.lean import dataclass
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef
from bundler.planning.stepping import PACED_KINDS

if TYPE_CHECKING:
    from bundler.planning.step_rules import StepPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedConfig:
    """A ConfigMap or Secret of a bundle that old and new pods would read alike."""

    ref: ObjectRef
    readers: tuple[ObjectRef, ...]
    """The workloads that go in steps and read it."""


def shared_config(
    manifests: Sequence[Manifest], policy: StepPolicy, content_names: Collection[str]
) -> Iterator[SharedConfig]:
    """Yield the objects that are changed in place under pods that are replaced in steps.

    Args:
        manifests: as rendered.
        policy: which components go in steps.
        content_names: names that carry the content: such an object is another one where its content is.
    """
    readers: dict[ObjectRef, list[ObjectRef]] = {}
    for one in manifests:
        path = pod_spec_path(one.ref.group, one.ref.kind)
        if path and (one.ref.group, one.ref.kind) in PACED_KINDS and policy.is_stepped(one.component):
            for kind, name in dict.fromkeys(read_by(mapping_at(one.body, *path))):
                readers.setdefault(ObjectRef("", kind, one.ref.namespace, name), []).append(one.ref)
    for one in manifests:
        is_config = (one.ref.group, one.ref.kind) in {("", "ConfigMap"), ("", "Secret")}
        if is_config and one.ref in readers and one.ref.name not in content_names:
            yield SharedConfig(ref=one.ref, readers=tuple(readers[one.ref]))
