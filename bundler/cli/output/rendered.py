"""What ``bundler template`` prints. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.compose.compose import compose, expression_names, render_context
from bundler.errors import UsageError
from bundler.model.secret_leaves import is_secret, without_leaves
from bundler.render import render_texts
from bundler.render.masked_text import masked_text
from bundler.render.sensitive import sensitive_values
from bundler.values.compute import compute_values
from bundler.values.problems import closest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.actions.compose.render_request import RenderRequest
    from bundler.cli.session.app import App
    from bundler.render import RenderedTemplate


def show_rendering(app: App, order: RenderRequest, *, only: Sequence[str], shows_secrets: bool) -> None:
    """Compose an order and print the rendered text itself, or the objects as data.

    Raises:
        BundlerError: whatever is wrong with values or templates.
        UsageError: when ``only`` names a template that was not rendered.
    """
    composition = compose(order)
    app.leftovers.append(composition)
    app.redactor.learn(*composition.sensitive)
    if shows_secrets:
        app.screen.show_secrets()
    for warning in (*composition.values.warnings, *composition.notices):
        app.screen.warn(warning)
    templates = _chosen(composition.rendering.templates, only)
    if app.output == "text":
        shown = [template for template in templates if template.text.strip()]
        app.screen.text("".join(_document(template, shows_secrets=shows_secrets) for template in shown))
        return
    paths = {template.path for template in templates}
    bodies = [m.body for m in composition.rendering.manifests if not only or m.source.file in paths]
    items = [without_leaves(body) if is_secret(body) and not shows_secrets else body for body in bodies]
    app.screen.document({"apiVersion": "v1", "kind": "List", "items": items}, app.output)


def show_raw_texts(app: App, order: RenderRequest, *, only: Sequence[str], shows_secrets: bool) -> None:
    """Print what templates render without reading it: broken YAML can be looked at.

    Raises:
        BundlerError: whatever is wrong with values, or with templates themselves.
        UsageError: when ``only`` names a template that was not rendered.
    """
    values = compute_values(order.bundle, order.user, names=expression_names(order), codes=order.codes)
    app.redactor.learn(*sensitive_values(values))
    if shows_secrets:
        app.screen.show_secrets()
    templates = render_texts(order.bundle, values, render_context(order, None))
    chosen = _chosen(templates, only)
    app.screen.text("".join(_document(template, shows_secrets=shows_secrets) for template in chosen))


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
