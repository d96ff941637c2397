"""Custom resources beside the CustomResourceDefinitions of their own bundle. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from bundler.actions.author.findings import Flaw
from bundler.fields.custom_rules import custom_problems
from bundler.fields.fitting import type_problems
from bundler.fields.kinds import schema_from_crd
from bundler.fields.schema import unknown_fields
from bundler.model.definition import is_definition, kind_of, served_versions
from bundler.model.json import Body, text_at

if TYPE_CHECKING:
    from bundler.model.manifest import Manifest

Definitions: TypeAlias = "Mapping[tuple[str, str], Body]"
"""Group and kind -> the CustomResourceDefinition of the bundle that defines it."""


def definitions_in(manifests: Iterable[Manifest]) -> Definitions:
    """Return what the CustomResourceDefinitions among rendered objects define."""
    return {kind_of(one.body): one.body for one in manifests if is_definition(one.ref)}


def custom_flaws(manifest: Manifest, definition: Body) -> Iterator[Flaw]:
    """Yield what the API server would refuse of a custom resource, going by its definition."""
    version, name = manifest.version, text_at(definition, "metadata", "name")
    served = served_versions(definition)
    schema = schema_from_crd(definition, version)
    if version not in served or schema is None:
        yield Flaw(
            rule="gone-version",
            message=f"{manifest.api_version} is not served by CustomResourceDefinition/{name} of this bundle",
            hint=f"use {', '.join(f'{manifest.ref.group}/{one}' for one in served)}",
            is_error=True,
        )
        return
    unknown = unknown_fields(manifest.body, schema)
    for path in unknown:
        yield _flaw("unknown-field", path, "is unknown to", name, "check its name")
    for problem in (*type_problems(manifest.body, schema), *custom_problems(manifest.body, schema)):
        path = problem.path.removeprefix(".")
        if path not in unknown:
            yield _flaw(
                "wrong-type", path, f"({problem.what}) does not fit", name, "correct the template, or the definition"
            )


def _flaw(rule: str, path: str, what: str, definition: str, hint: str) -> Flaw:
    message = f"{path} {what} CustomResourceDefinition/{definition} of this bundle"
    return Flaw(rule=rule, message=message, hint=hint, is_error=True, field=path)
