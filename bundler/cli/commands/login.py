"""``bundler login``. Layer: cli."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING

import click

from bundler import library
from bundler.actions.acquire.login import login
from bundler.cli.adapters.session import open_session
from bundler.cli.parsing.command import verb
from bundler.cli.parsing.registry_options import registry_options
from bundler.cli.terminal.streams import is_utf8
from bundler.cli.terminal.text import Line
from bundler.errors import UsageError
from bundler.model.site import is_host
from bundler.oci.client import credential_files
from bundler.oci.credentials import Credentials
from bundler.wire.bundles import login_form

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("login")
@click.argument("host")
@click.option("-u", "--username", required=True, metavar="NAME", help="User name.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@registry_options
def login_command(app: App, host: str, username: str, password_stdin: bool) -> None:
    """Log in to the registry HOST, and keep the login where docker and podman look, too.

    The registry is asked first; what it refuses is not kept.
    """
    if not is_host(host) or ":" in username:
        raise UsageError(
            "reading the command line",
            context=[f"{host!r} and {username!r} must be a host (HOST or HOST:PORT) and a name without a colon"],
            hint="give the host alone, without oci://, a repository or a name and password",
        )
    credentials = Credentials(
        user=username, password=_password(app, host, from_stdin=password_stdin), source="this login"
    )
    app.redactor.learn(credentials.password, credentials.basic.removeprefix("Basic "))
    scope = open_session(app).scope
    files = credential_files(scope.client_config())
    registry = library.registries.open_registry(
        scope, find_credentials=lambda at, _: credentials if at == host else None
    )
    done = login(host, registry, lambda: files.store(host, credentials))
    unchecked = "" if done.was_checked else f"; {host} asked for no login, so the password was not checked"
    said = f"logged in to {host} as {username}, kept in {done.kept}{unchecked}"
    app.show(login_form(host, username, done), [Line(said)])


def _password(app: App, host: str, *, from_stdin: bool) -> str:
    if from_stdin:
        password = sys.stdin.read().rstrip("\r\n")
    elif app.may_ask:
        password = getpass.getpass(f"Password for {host}: ")
    else:
        password = ""
    if password and not is_utf8(password):
        found = "the password is not text in UTF-8, and a registry would see another one"
        raise UsageError(f"logging in to {host}", context=[found], hint="write the file in UTF-8, without a BOM")
    if password:
        return password
    raise UsageError(
        f"logging in to {host}",
        context=["there is no password, and no terminal to ask on" if not from_stdin else "standard input is empty"],
        hint=f"pass it on standard input: bundler login {host} -u NAME --password-stdin < FILE",
    )
