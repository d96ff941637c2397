"""The group of verbs; each is imported only when it is called. Layer: cli."""

from __future__ import annotations

from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING, Final

import click

from bundler.cli.terminal.help import HelpfulCommand, version_option

if TYPE_CHECKING:
    from collections.abc import Mapping

SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "Write a bundle": {
        "create": "Make a new bundle that installs as it is.",
        "lint": "Find everything that is wrong with a bundle.",
        "template": "Print what a bundle renders to.",
        "test-render": "Run the tests that a bundle brings.",
        "values": "Print the values a bundle works with, and who set them.",
        "show": "Describe a bundle: what it is, its parts and its menu.",
        "lock": "Write down which components a bundle has, exactly.",
        "package": "Pack a bundle into one archive, the same bytes every time.",
    },
    "Registries": {
        "login": "Log in to a registry.",
        "push": "Publish a bundle in a registry.",
        "pull": "Fetch a bundle from a registry.",
    },
    "Offline delivery": {
        "images": "List every image that a bundle can need.",
        "export": "Write a bundle and everything it needs into one file.",
        "verify": "Check a delivery to its last byte, and who signed it.",
        "keygen": "Make a pair of keys to sign with.",
        "sign": "Sign a delivery or an archive.",
        "import": "Bring the images of a delivery into a registry.",
        "site": "Describe the place where bundles are installed.",
    },
    "Change a release": {
        "preflight": "Check that everything that an installation needs is there.",
        "install": "Install a bundle, or upgrade the release that is there.",
        "upgrade": "Upgrade a release to a bundle, or to other values.",
        "diff": "Show what an install or upgrade would change.",
        "rollback": "Go back to what an earlier revision recorded.",
        "uninstall": "Delete what a release owns, and its records.",
    },
    "Look after releases": {
        "list": "List releases.",
        "status": "Show a release and the health of its objects.",
        "history": "List the revisions of a release.",
        "get": "Print values, manifest, notes or plan of a revision.",
        "logs": "Print the logs of all pods of a release.",
        "wait": "Wait until a release is ready.",
        "unlock": "Break the lock that a dead run left behind.",
    },
    "The machine": {
        "sandbox": "Look after the embedded cluster.",
        "completion": "Print the completion script of a shell.",
    },
}

VERBS: Final[Mapping[str, str]] = {name: text for section in SECTIONS.values() for name, text in section.items()}

_OF_OTHERS: Final = {
    "apply": "install",
    "build": "package",
    "completions": "completion",
    "delete": "uninstall",
    "dependency": "lock",
    "deploy": "install",
    "help": "--help",
    "init": "create",
    "inspect": "show",
    "ls": "list",
    "new": "create",
    "ps": "list",
    "publish": "push",
    "remove": "uninstall",
    "render": "template",
    "rm": "uninstall",
    "test": "test-render",
    "undo": "rollback",
    "update": "upgrade",
    "validate": "lint",
    "version": "--version",
}
"""What other tools call a verb of ours."""

SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class VerbGroup(HelpfulCommand, click.Group):
    """A group whose help comes from a table, so that asking for it imports no verb."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all verbs, in the order of the help."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        del ctx
        if cmd_name not in VERBS:
            return None
        # `import` is a word of Python's, so its module is called import_
        name = cmd_name.replace("-", "_")
        module = import_module(f"bundler.cli.commands.{name}{'_' if iskeyword(name) else ''}")
        command = getattr(module, f"{name}_command", None)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; an unknown one is answered with the nearest."""
        name = args[0]
        if name in VERBS or ctx.resilient_parsing or name.startswith("-"):
            return super().resolve_command(ctx, args)
        import difflib  # noqa: PLC0415 - for a mistake only

        near = [_OF_OTHERS[name]] if name in _OF_OTHERS else difflib.get_close_matches(name, VERBS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise click.UsageError(f"there is no verb {name}{hint}", ctx=ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs in sections."""
        del ctx
        for title, verbs in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(verbs.items()))


@click.group(cls=VerbGroup, context_settings=SETTINGS, invoke_without_command=False, params=[version_option()])
def bundler() -> None:
    """Package applications as bundles and install them on Kubernetes.

    Try it without a cluster: bundler install shop --set qps=1000 --context sandbox
    """
