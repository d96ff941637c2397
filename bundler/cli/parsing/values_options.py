"""Options that several verbs share, each group handed over as one object. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import Values
from bundler.cli.parsing.command import FilePath, gathered
from bundler.model.lean import dataclass
from bundler.model.values import AssignmentKind

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.parsing.command import Decorator


@dataclass(frozen=True, slots=True, kw_only=True)
class _ValuesFlags:
    """What is typed of values."""

    files: tuple[str, ...]
    set_values: tuple[str, ...]
    set_json: tuple[str, ...]
    set_file: tuple[str, ...]
    set_env: tuple[str, ...]
    site: Path | None = None
    option_order: tuple[str | None, ...]
    unset: tuple[str, ...] = ()


def _given(typed: _ValuesFlags) -> Values:
    """Put the values options together; assignments in the order typed."""
    left: dict[str | None, list[tuple[AssignmentKind, str]]] = {
        "set_values": [(AssignmentKind.SET, text) for text in typed.set_values],
        "set_json": [(AssignmentKind.JSON, text) for text in typed.set_json],
        "set_file": [(AssignmentKind.FILE, text) for text in typed.set_file],
        "set_env": [(AssignmentKind.ENV, text) for text in typed.set_env],
    }
    assignments = tuple(left[name].pop(0) for name in typed.option_order if left.get(name))
    return Values(files=typed.files, assignments=assignments, unset=typed.unset, site=typed.site)


_VALUES = [
    click.option("-f", "--values", "files", multiple=True, metavar="FILE", help="Values file; later ones win."),
    click.option("--set", "set_values", multiple=True, metavar="PATH=VALUE", help="One value, typed by the schema."),
    click.option("--set-json", multiple=True, metavar="PATH=JSON", help="One value, a list or a mapping as JSON."),
    click.option("--set-file", multiple=True, metavar="PATH=FILE", help="One value, the text of a file."),
    click.option("--set-env", multiple=True, metavar="PATH=NAME", help="One value, from an environment variable."),
    click.option("--site", type=FilePath(), metavar="FILE", help="Site file: facts of the place."),
]
_UNSET = click.option("--unset", multiple=True, metavar="PATH", help="Drop a recorded value.")


def values_options(*, can_unset: bool = False) -> Decorator:
    """Add the options that give values; the function gets them as ``values``."""
    return gathered("values", _ValuesFlags, [*_VALUES, _UNSET] if can_unset else _VALUES, make=_given)


kube_version_option = click.option(
    "--kube-version", default="", metavar="VERSION", help="Kubernetes that templates see."
)
show_secrets_option = click.option("--show-secrets", is_flag=True, help="Show sensitive values in plain text.")
release_name_option = click.option("--release", default="", help="Name of the release.  [default: the bundle's]")
