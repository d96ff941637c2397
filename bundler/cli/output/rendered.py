"""What ``bundler template`` prints. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.compose.compose import compose, expression_names, render_context
from bundler.errors import UsageError
from bundler.model.job_marks import replace_job_marks
from bundler.model.json import mapping_at
from bundler.model.lean import replace
from bundler.model.secret_leaves import is_secret, without_leaves
from bundler.ports import UNCONFINED
from bundler.render import render_texts
from bundler.render.masked_text import masked_text
from bundler.render.sensitive import sensitive_values
from bundler.values.compute import compute_values
from bundler.values.problems import closest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.actions.compose.render_request import RenderRequest
    from bundler.cli.session.app import App
    from bundler.model.json import Body
    from bundler.render import RenderedTemplate


def show_rendering(app: App, order: RenderRequest, *, only: Sequence[str], shows_secrets: bool) -> None:
    """Compose an order and print the rendered text itself, or the objects as data.

    Raises:
        BundlerError: whatever is wrong with values or templates.
        UsageError: when ``only`` names a template that was not rendered.
    """
    is_text = app.output == "text"
    sensitive, warnings, shown = order.confinement.run(
        lambda: _rendered(order, only, is_text=is_text, shows_secrets=shows_secrets), doing=_doing(order)
    )
    app.redactor.learn(*sensitive)
    if shows_secrets:
        app.screen.show_secrets()
    for warning in warnings:
        app.screen.warn(warning)
    if isinstance(shown, str):
        app.screen.text(shown)
    else:
        app.screen.document({"apiVersion": "v1", "kind": "List", "items": shown}, app.output)


def show_raw_texts(app: App, order: RenderRequest, *, only: Sequence[str], shows_secrets: bool) -> None:
    """Print what templates render without reading it: broken YAML can be looked at.

    Raises:
        BundlerError: whatever is wrong with values, or with templates themselves.
        UsageError: when ``only`` names a template that was not rendered.
    """
    sensitive, text = order.confinement.run(lambda: _raw(order, only, shows_secrets=shows_secrets), doing=_doing(order))
    app.redactor.learn(*sensitive)
    if shows_secrets:
        app.screen.show_secrets()
    app.screen.text(text)


def _doing(order: RenderRequest) -> str:
    return f"rendering {order.bundle.metadata.name} {order.bundle.metadata.version}"


def _rendered(
    order: RenderRequest, only: Sequence[str], *, is_text: bool, shows_secrets: bool
) -> tuple[frozenset[str], tuple[str, ...], str | list[Body]]:
    """Return what must not be printed, the warnings, and what is printed; texts alone, so that they cross at once."""
    composition = compose(replace(order, confinement=UNCONFINED))
    templates = _chosen(composition.rendering.templates, only)
    warnings = (*composition.values.warnings, *composition.notices)
    if is_text:
        written = [template for template in templates if template.text.strip()]
        text = "".join(_document(template, shows_secrets=shows_secrets) for template in written)
        return composition.sensitive, warnings, text
    paths = {template.path for template in templates}
    named = zip(composition.rendering.manifests, composition.manifests, strict=True)
    bodies = [_named(m.body, normal.ref.name) for m, normal in named if not only or m.source.file in paths]
    items = [without_leaves(body) if is_secret(body) and not shows_secrets else body for body in bodies]
    return composition.sensitive, warnings, items


def _named(body: Body, name: str) -> Body:
    """Return an object with the name that it has in the cluster: a Job's comes from its spec."""
    metadata = mapping_at(body, "metadata")
    return body if metadata.get("name") == name else {**body, "metadata": {**metadata, "name": name}}


def _raw(order: RenderRequest, only: Sequence[str], *, shows_secrets: bool) -> tuple[tuple[str, ...], str]:
    values = compute_values(order.bundle, order.user, names=expression_names(order), codes=order.codes)
    templates = render_texts(order.bundle, values, render_context(order, None))
    text = "".join(_document(template, shows_secrets=shows_secrets) for template in _chosen(templates, only))
    return tuple(sensitive_values(values)), replace_job_marks(text, str)


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


def _document(template: RenderedTemplate, *, shows_secrets: bool) -> str:
    """Return the text with a line that names its file, as the first document of its own."""
    body = (template.text if shows_secrets else masked_text(template.text)).removeprefix("---\n")
    end = "" if body.endswith("\n") else "\n"
    return f"---\n# {template.path}\n{body}{end}"
