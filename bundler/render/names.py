"""The names that templates see. Layer: render, pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import TYPE_CHECKING

from jinja2.runtime import Undefined

from bundler.expressions.bundle_files import readers_of
from bundler.expressions.condition import holds
from bundler.expressions.expression import evaluate_text
from bundler.expressions.text import TemplateFailureError, TemplateObject
from bundler.model.job_marks import job_mark
from bundler.model.json import Body
from bundler.model.manifest import GeneratedSecret, Source
from bundler.model.refs import ObjectRef
from bundler.model.values import MergedValues, components_seen

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.render.types import Capabilities, RenderContext

_NAME_MAX_CHARS = 253
_HINT = (
    "let the pod read it with a secretKeyRef, since the text of a generated secret is never visible to templates: "
    "name: {{ generated['%s'].secret }}, key: {{ generated['%s'].key }}"
)


def base_names(
    bundle: Bundle, values: MergedValues, context: RenderContext, *, component: str, site: Body
) -> dict[str, object]:
    """Return what templates and expressions of one bundle see; ``generated`` comes on top of it.

    Args:
        bundle: loaded, with its components.
        values: merged, of the bundle and its components.
        context: release, capabilities and site facts that templates see.
        component: dotted path of the component; empty for the bundle itself.
        site: facts of the site, which win.
    """
    metadata = bundle.metadata
    return {
        "values": values.data,
        "components": components_seen((spec.name for spec in bundle.components), values.components),
        "release": {"name": context.release_name, "namespace": context.namespace},
        "bundle": {
            "name": metadata.name,
            "version": metadata.version,
            "app_version": metadata.app_version,
            "description": metadata.description,
        },
        "component": {"name": component.rpartition("/")[2], "path": component},
        "capabilities": _capabilities(context.capabilities),
        "files": readers_of(bundle.files),
        "site": site,
    }


def _capabilities(capabilities: Capabilities) -> dict[str, object]:
    version = _numbers(capabilities.kube_version)

    def has_api(name: str) -> bool:
        return capabilities.has_api(name)

    def kube_at_least(wanted: str) -> bool:
        return version >= _numbers(wanted)

    text = ".".join(map(str, version))
    return {"kube_version": text, "has_api": has_api, "kube_at_least": kube_at_least}


def _numbers(version: str) -> tuple[int, int, int]:
    """Return the numbers that a version begins with: 1, 30 and 2 of ``v1.30.2-eks-1``."""
    numbers: list[int] = []
    for part in str(version).removeprefix("v").split(".", 3)[:3]:
        digits = "".join(takewhile(str.isdecimal, part))
        numbers += [int(digits)] if digits else []
        if not digits or digits != part:
            break
    if len(numbers) < 2:
        raise TemplateFailureError(f"{version!r} is not a Kubernetes version", 'write it as "1.30" or "1.30.2"')
    major, minor, patch = (*numbers, 0)[:3]
    return major, minor, patch


class GeneratedAddress(TemplateObject):
    """Where a generated secret lies; what it holds is no one's business here."""

    __slots__ = ("_secret",)

    def __init__(self, secret: GeneratedSecret) -> None:
        self._secret = secret

    def template_attribute(self, name: str) -> object:
        """Return ``secret`` (the Secret's name) or ``key``."""
        if name == "secret":
            return self._secret.ref.name
        if name == "key":
            return self._secret.key
        raise self._refusal(f"it has no {name!r}; it has: key, secret")

    def __str__(self) -> str:
        raise self._refusal("it cannot be printed as a whole")

    def _refusal(self, why: str) -> TemplateFailureError:
        name = self._secret.name
        return TemplateFailureError(f"generated[{name!r}] is the address of a secret: {why}", _HINT % (name, name))


class GeneratedAddresses(TemplateObject):
    """``generated`` in templates: addresses by name."""

    __slots__ = ("_addresses",)

    def __init__(self, secrets: tuple[GeneratedSecret, ...]) -> None:
        self._addresses = {secret.name: GeneratedAddress(secret) for secret in secrets}

    def template_attribute(self, name: str) -> object:
        """Return the address of the generated secret ``name``."""
        found = self._addresses.get(name)
        if found is None:
            known = ", ".join(sorted(self._addresses)) or "none"
            hint = "add it to spec.generate of bundle.yaml, or correct the name"
            raise TemplateFailureError(f"bundle.yaml generates no secret {name!r}; it generates: {known}", hint)
        return found

    def __str__(self) -> str:
        raise TemplateFailureError("`generated` cannot be printed", "write generated['name'].secret or .key")


def generated_secrets(
    bundle: Bundle, names: Mapping[str, object], context: RenderContext, *, component: str
) -> tuple[GeneratedSecret, ...]:
    """Return every entry of ``spec.generate``, switched on or not, with the Secrets' names computed.

    Args:
        bundle: loaded, with its components.
        names: what the Secret's name can refer to.
        context: release, capabilities and site facts that templates see.
        component: dotted path of the component; empty for the bundle itself.

    Raises:
        RenderError: when a name cannot be computed.
    """
    made = []
    for spec in bundle.generate:
        source = Source(_below(component, spec.source.file), spec.source.line)
        name = evaluate_text(spec.secret, names, source=source, bounds=context.bounds, codes=context.codes)
        made.append(
            GeneratedSecret(
                name=spec.name,
                ref=ObjectRef("", "Secret", context.namespace, str(name)),
                key=spec.key,
                kind=spec.kind,
                length=spec.length,
                component=component,
                source=source,
            )
        )
    return tuple(made)


def switched_on(
    secrets: Iterable[GeneratedSecret], bundle: Bundle, names: Mapping[str, object], context: RenderContext
) -> Iterator[GeneratedSecret]:
    """Yield those of a bundle's generated secrets that these values ask for.

    Args:
        secrets: all of the bundle.
        bundle: whose they are.
        names: what their conditions see.
        context: with what is compiled of the bundle already.

    Raises:
        RenderError: when a condition cannot be computed.
    """
    conditions = {spec.name: spec.when for spec in bundle.generate}
    for one in secrets:
        of = f"the generated secret {one.name}"
        if holds(conditions[one.name], names, of=of, source=one.source, codes=context.codes):
            yield one


def job_name(name: object) -> str:
    """Return what stands for the name that a Job gets from its spec, until all Jobs are rendered."""
    if isinstance(name, Undefined):
        name = str(name)  # fails with the path of what is not set
    if isinstance(name, str) and 0 < len(name) <= _NAME_MAX_CHARS:
        return job_mark(name)
    raise TemplateFailureError("job_name(…) takes the name of a Job", "write it as the Job's metadata.name does")


def _below(component: str, path: str) -> str:
    return f"{component}/{path}" if component and not path.startswith(f"{component}/") else path
