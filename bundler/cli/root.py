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
        "create": "Make a new bundle, ready to install.",
        "lint": "Find everything that is wrong with a bundle.",
        "template": "Render a bundle and print its objects.",
        "test-render": "Run a bundle's own tests.",
        "values": "Print a bundle's values, and what set them.",
        "menu": "Show as what kind a bundle can be ordered.",
        "show": "Describe a bundle: what it is, its parts and its menu.",
        "lock": "Pin the exact version of every component.",
        "package": "Pack a bundle into one archive, reproducibly.",
        "image": "Build a container image from files and a base.",
    },
    "Find and share": {
        "search": "Find bundles by words.",
        "login": "Log in to a registry.",
        "push": "Publish a bundle in a registry.",
        "pull": "Fetch a bundle from a registry.",
        "catalogue": "List bundles of a registry in a catalogue.",
    },
    "Offline delivery": {
        "images": "List every image that a bundle may need.",
        "export": "Write a bundle and everything it needs into one file.",
        "verify": "Check every byte of a delivery, and its signatures.",
        "keygen": "Make a key pair for signing.",
        "sign": "Sign a delivery or an archive.",
        "import": "Copy the images of a delivery to a registry.",
        "site": "Write or check a site file.",
    },
    "Change a release": {
        "preflight": "Check that the cluster has what an installation needs.",
        "install": "Install a bundle, or upgrade its release.",
        "upgrade": "Upgrade a release to another bundle or other values.",
        "diff": "Show what an install or upgrade would change.",
        "rbac": "Print the roles that a bundle's operators need.",
        "plan": "Plan a change, and save the plan for review.",
        "apply": "Carry out a saved plan, exactly or not at all.",
        "pause": "Pause an upgrade in steps.",
        "continue": "Continue an upgrade in steps.",
        "abort": "Abort an upgrade in steps.",
        "rollback": "Go back to an earlier revision.",
        "uninstall": "Delete what a release owns, and its records.",
    },
    "Releases that an order keeps": {
        "order": "Change what an order says a release is to be.",
        "suspend": "Let the controller leave a release alone.",
        "resume": "Let the controller keep a release again.",
        "approve": "Approve a plan that the controller asks about.",
        "retry": "Let the controller try again what failed.",
        "controller": "Keep releases as objects in the cluster say.",
    },
    "Look after releases": {
        "list": "List releases.",
        "status": "Show a release and the health of its objects.",
        "rollout": "Show how far an upgrade in steps has come.",
        "history": "List the revisions of a release.",
        "get": "Print values, manifest, notes or plan of a revision.",
        "logs": "Print the logs of all pods of a release.",
        "drift": "Find what differs from what was written.",
        "explain": "Say where a field of a live object comes from.",
        "wait": "Wait until a release is ready.",
        "test": "Run the checks of a release in the cluster.",
        "protect": "Refuse to uninstall a release or to lose its data.",
        "migrate-storage": "Store objects of a CRD in its new version.",
        "unlock": "Release the lock of a run that died.",
        "support-bundle": "Gather what helps to find a fault into one file.",
    },
    "The machine": {
        "sandbox": "Look after the embedded cluster.",
        "completion": "Print a shell's completion script.",
    },
}

VERBS: Final[Mapping[str, str]] = {name: text for section in SECTIONS.values() for name, text in section.items()}

_OF_OTHERS: Final = {
    "build": "package",
    "completions": "completion",
    "delete": "uninstall",
    "audit": "history",
    "catalog": "catalogue",
    "compare": "diff",
    "dependency": "lock",
    "deploy": "install",
    "find": "search",
    "help": "--help",
    "init": "create",
    "inspect": "show",
    "ls": "list",
    "must-gather": "support-bundle",
    "new": "create",
    "ps": "list",
    "publish": "push",
    "remove": "uninstall",
    "render": "template",
    "rm": "uninstall",
    "undo": "rollback",
    "unprotect": "protect",
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
