"""What a bundle renders to: the text of its templates, or the objects that are sent. Layer: actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bundler import render
from bundler.actions.compose.compose import Composition, compose, render_context, values_of
from bundler.errors import UsageError
from bundler.model.job_marks import replace_job_marks
from bundler.model.rendered import RenderedManifests, RenderedObjects, RenderedText
from bundler.model.secret_leaves import shareable
from bundler.render.bundle import render_texts
from bundler.render.sensitive import sensitive_values
from bundler.values.problems import closest

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.render.types import RenderedTemplate


def render_text(order: RenderRequest, *, only: Sequence[str] = (), shows_secrets: bool = False) -> RenderedText:
    """Return the text that templates render, comments included, with what bundler adds.

    Args:
        order: bundle, names and values.
        only: the templates that are meant; empty: all.
        shows_secrets: leave values of Secrets in plain text.

    Raises:
        UsageError: when ``only`` names a template that was not rendered.
        BundlerError: when values or templates are wrong.
    """
    made = compose(order)
    written = [one for one in _chosen(made.rendering.templates, only) if one.text.strip()]
    text = _joined(written, shows_secrets=shows_secrets)
    return RenderedText(text=text, sensitive=made.sensitive, warnings=warnings_of(made))


def render_raw_text(order: RenderRequest, *, only: Sequence[str] = (), shows_secrets: bool = False) -> RenderedText:
    """Return the text that templates render without reading it, so that broken YAML can be inspected.

    Args:
        order: bundle, names and values.
        only: the templates that are meant; empty: all.
        shows_secrets: leave values of Secrets in plain text.

    Raises:
        UsageError: when ``only`` names a template that was not rendered.
        BundlerError: when values, or templates themselves, are wrong.
    """
    values = values_of(order)
    templates = render_texts(order.bundle, values, render_context(order, None))
    text = _joined(_chosen(templates, only), shows_secrets=shows_secrets)
    return RenderedText(text=replace_job_marks(text, str), sensitive=frozenset(sensitive_values(values)))


def render_objects(order: RenderRequest, *, only: Sequence[str] = (), shows_secrets: bool = False) -> RenderedObjects:
    """Return the objects as they are sent: in their normal form, with bundler's labels.

    Args:
        order: bundle, names and values.
        only: the templates whose objects are meant; empty: all.
        shows_secrets: leave values of Secrets in plain text.

    Raises:
        UsageError: when ``only`` names a template that was not rendered.
        BundlerError: when values, templates or objects are wrong.
    """
    made = compose(order)
    paths = {template.path for template in _chosen(made.rendering.templates, only)}
    bodies = [one.body for one in made.manifests if not only or one.source.file in paths]
    objects = tuple(body if shows_secrets else shareable(body) for body in bodies)
    return RenderedObjects(objects=objects, sensitive=made.sensitive, warnings=warnings_of(made))


def render_manifests(order: RenderRequest) -> RenderedManifests:
    """Return the objects as they are sent, each with its component and the line that printed it; nothing is masked.

    Raises:
        BundlerError: when values, templates or objects are wrong.
    """
    made = compose(order)
    return RenderedManifests(
        manifests=made.manifests,
        generated=made.rendering.generated,
        sensitive=made.sensitive,
        warnings=warnings_of(made),
    )


def warnings_of(made: Composition) -> tuple[str, ...]:
    """Return what deserves a look in what was rendered."""
    return (*made.values.warnings, *made.notices)


def _chosen(templates: Sequence[RenderedTemplate], only: Sequence[str]) -> Sequence[RenderedTemplate]:
    known = [template.path for template in templates]
    for path in only:
        if path not in known:
            near = closest(path, known)
            raise UsageError(
                f"choosing template {path}",
                context=["it is not among those rendered", *known],
                hint=f"did you mean {near}?" if near else "name one of them",
            )
    return [template for template in templates if not only or template.path in only]


def _joined(templates: Sequence[RenderedTemplate], *, shows_secrets: bool) -> str:
    return "".join(_document(template, shows_secrets=shows_secrets) for template in templates)


def _document(template: RenderedTemplate, *, shows_secrets: bool) -> str:
    """Return the text with a line that names its file, as the first document of its own."""
    text = template.text
    if not shows_secrets and "Secret" in text:
        text = render.masked_text.masked_text(text)
    body = text.removeprefix("---\n")
    end = "" if body.endswith("\n") else "\n"
    return f"---\n# {template.path}\n{body}{end}"
