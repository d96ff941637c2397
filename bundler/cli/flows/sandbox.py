"""Look after the embedded cluster. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.adapters.session import sandbox_path
from bundler.cli.flows.confirm import EXIT_DECLINED, ask
from bundler.cli.terminal.text import Line
from bundler.errors import ConfirmationRequiredError, UsageError
from bundler.model.refs import ObjectRef
from bundler.sandbox.client import SandboxClient
from bundler.wire.checks import sandbox_form

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.session.app import App
    from bundler.wire.checks import SandboxVerb


def carry_out_rehearsal(app: App, doing: SandboxVerb, target: str, *, reason: str, is_yes: bool) -> int:
    """Do one thing to the embedded cluster; return the exit code.

    Args:
        app: the running command: its settings, output and clock.
        doing: path, reset, fail, heal or delete.
        target: ``KIND/NAME``; empty where none is needed.
        reason: a word for it, such as ``ImagePullBackOff``.
        is_yes: do not ask.

    Raises:
        UsageError: when a target or a reason is missing or unknown, or there is no such object.
        ConfirmationRequiredError: when a reset needs a word and there is no terminal to ask on.
        SandboxStoreError: when its file cannot be used.
    """
    path = sandbox_path(app)
    if doing == "path":
        return _told(app, doing, str(path))
    if doing == "reset":
        return _reset(app, path, is_yes=is_yes)
    sandbox = SandboxClient.open(path, app.clock)
    app.closing.callback(sandbox.close)
    kind, name = _named(doing, target)
    namespace = app.settings.namespace or "default"
    if doing == "fail":
        sandbox.fail(kind, name, reason or "CrashLoopBackOff", namespace)
        return _told(app, doing, f"{kind}/{name} in {namespace} fails from now on")
    if doing == "delete":
        _delete(sandbox, kind, name, namespace)
        return _told(app, doing, f"{kind}/{name} in {namespace} is deleted")
    is_healed = sandbox.heal(kind, name, namespace)
    return _told(app, doing, f"{kind}/{name} in {namespace} {'is healed' if is_healed else 'was not failing'}")


def _reset(app: App, path: Path, *, is_yes: bool) -> int:
    if not is_yes and not app.may_ask:
        raise ConfirmationRequiredError(
            "resetting the sandbox",
            context=["everything installed in it would be lost"],
            hint="pass --yes to confirm",
        )
    if not is_yes and not ask(app, "Delete everything in the sandbox? [y/N] "):
        app.screen.complain([Line("reset declined; nothing was changed", "yellow")])
        return EXIT_DECLINED
    SandboxClient.start_over(path, app.clock)
    return _told(app, "reset", "the sandbox is empty")


def _delete(sandbox: SandboxClient, kind: str, name: str, namespace: str) -> None:
    for served in sandbox.resource_types():
        ref = ObjectRef(served.group, kind, namespace if served.is_namespaced else "", name)
        if served.kind == kind and sandbox.delete(ref):
            return
    raise UsageError(
        f"deleting {kind}/{name} in the sandbox",
        context=[f"there is no {kind}/{name} in namespace {namespace}"],
        hint="check kind, name and namespace (-n); `bundler status RELEASE` lists the objects of a release",
    )


def _named(doing: SandboxVerb, target: str) -> tuple[str, str]:
    kind, slash, name = target.partition("/")
    if slash and kind and name:
        return kind, name
    raise UsageError(
        f"reading what to {doing} in the sandbox",
        context=[f"{target!r} is not a KIND/NAME" if target else "no object is named"],
        hint=f"name one object: bundler sandbox {doing} Deployment/shop-web -n shop",
    )


def _told(app: App, doing: SandboxVerb, text: str) -> int:
    app.show(sandbox_form(doing, text), [Line(text)])
    return 0
