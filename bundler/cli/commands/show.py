"""``bundler show``. Layer: cli."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler import Values, library, wire
from bundler.actions import author
from bundler.actions.author.describe import menu_of
from bundler.cli import flows, output
from bundler.cli.adapters.session import open_session
from bundler.cli.output.described import show_description
from bundler.cli.parsing.arguments import bundle_argument
from bundler.cli.parsing.bundle_options import fetch_options
from bundler.cli.parsing.command import verb
from bundler.cli.parsing.plan_options import max_bytes_option, require_markdown
from bundler.cli.parsing.values_options import release_name_option, values_options
from bundler.files.plan_bytes import is_plan_file
from bundler.wire.bundles import description_form
from bundler.wire.deliveries import delivery_form

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.cli.session.app import App


@verb("show", outputs=("text", "json", "yaml", "markdown", "html"))
@bundle_argument
@values_options()
@fetch_options
@release_name_option
@click.option(
    "--graph",
    is_flag=False,
    flag_value="text",
    default="",
    metavar="[FILE]",
    help="Show the objects and how they hang together: as text, `mermaid`, FILE.svg or FILE.png.",
)
@max_bytes_option
def show_command(app: App, bundle: str, *, values: Values, release: str, graph: str, max_bytes: int) -> None:
    """Describe BUNDLE: what it is, its components, and the menu of values that it takes; or show a saved plan.

    Of a delivery also what it carries; its index alone is read. With --graph: the objects that it becomes with the
    values given, who routes to whom, who reads what, and which component needs which.
    """
    if is_plan_file(Path(bundle)):
        if graph or release or values != Values():
            raise click.UsageError("a saved plan is shown as it is: --graph, --release and values are for a bundle")
        require_markdown(app.output, max_bytes)
        output.saved_plan.show_saved(app, library.plan_files.read_plan(Path(bundle)), max_bytes=max_bytes)
        return
    if max_bytes:
        raise click.UsageError("--max-bytes shortens a saved plan, and this is a bundle")
    session = open_session(app)
    taken = session.acquire(bundle, site=values.site)
    if graph:
        _draw(app, library.bundles.render_request(session.scope, taken, values, release=release), graph)
        return
    description = description_form(taken.bundle, menu_of(taken.bundle, confinement=app.confinement))
    if taken.delivery is not None:
        description["delivery"] = delivery_form(taken.delivery.index, taken.delivery.delivery.build_id)
    show_description(app, description)


def _draw(app: App, order: RenderRequest, form: str) -> None:
    graph = author.graph.graph_of(order)
    match form:
        case "text":
            output.graph.show_graph(app, graph)
        case "mermaid":
            app.screen.text(wire.graph.mermaid(graph))
        case _:
            flows.graph_picture.write_graph(graph, Path(form))
            app.screen.say(f"{form} written")
