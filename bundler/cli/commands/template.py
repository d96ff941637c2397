"""``bundler template``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import ReleaseRequest
from bundler.cli.adapters.session import open_session
from bundler.cli.output.rendered import show_objects, show_split, show_text
from bundler.cli.parsing.arguments import bundle_argument
from bundler.cli.parsing.bundle_options import fetch_options
from bundler.cli.parsing.command import FilePath, gathered, verb
from bundler.cli.parsing.values_options import (
    kube_version_option,
    release_name_option,
    show_secrets_option,
    values_options,
)

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.session.app import App

EXIT_DIFFERS = 3


@verb("template")
@bundle_argument
@values_options()
@fetch_options
@release_name_option
@kube_version_option
@click.option("--only", "only", multiple=True, metavar="FILE", help="Print only this template: web/templates/a.yaml.")
@click.option("--show-invalid", is_flag=True, help="Print the text even if it is not valid YAML, with nothing added.")
@click.option("--split", type=FilePath(), metavar="DIR", help="Write one file for each object, for review in Git.")
@click.option("--check", is_flag=True, help="With --split: write nothing, and exit with 3 if the folder differs.")
@show_secrets_option
@gathered("request", ReleaseRequest)
def template_command(
    app: App,
    *,
    request: ReleaseRequest,
    only: tuple[str, ...],
    show_invalid: bool,
    split: Path | None,
    check: bool,
    show_secrets: bool,
) -> int:
    """Print what BUNDLE renders to, labels and namespace in place.

    As text: what the templates say, comments included. With -o json or yaml: the objects as they are sent, without
    nulls and without `status`, which the server would drop.
    With --split DIR: one file for each object, DIR/COMPONENT/KIND/NAME.yaml; files of earlier runs whose objects are
    gone are deleted, other files are left alone.
    No cluster is asked: templates see the newest Kubernetes that bundler knows, or --kube-version.
    """
    session = open_session(app)
    if split is not None:
        if only or show_invalid:
            raise click.UsageError("--split writes every object: leave out --only and --show-invalid")
        result = session.split(request, split, is_check=check, shows_secrets=show_secrets)
        show_split(app, result)
        return EXIT_DIFFERS if check and result.differs else 0
    if check:
        raise click.UsageError("--check needs --split DIR, the folder to compare")
    if app.output == "text" or show_invalid:
        text = session.render(request, only=only, shows_secrets=show_secrets, is_checked=not show_invalid)
        _allow_secrets(app, is_wanted=show_secrets)
        show_text(app, text)
    else:
        objects = session.render_objects(request, only=only, shows_secrets=show_secrets)
        _allow_secrets(app, is_wanted=show_secrets)
        show_objects(app, objects)
    return 0


def _allow_secrets(app: App, *, is_wanted: bool) -> None:
    """Print in plain text what was rendered, and not the errors before it."""
    if is_wanted:
        app.screen.show_secrets()
