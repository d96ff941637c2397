"""Build the way to registries, and take bundles from them. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.adapters.network_policy import stay_offline
from bundler.http.client_config import ClientConfig
from bundler.http.gate import Gate
from bundler.model.lean import replace
from bundler.oci.client import OciClient, credential_files
from bundler.oci.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.cli.session.app import App
    from bundler.oci.client import FindCredentials
    from bundler.oci.settings import HostSettings
    from bundler.ports import Reporter


def open_registry(
    app: App,
    *,
    gate: Gate | None = None,
    report: Reporter | None = None,
    hosts: Mapping[str, HostSettings] | None = None,
    find_credentials: FindCredentials | None = None,
    is_writing: bool = False,
) -> OciClient:
    """Return a client of registries for one run; it is closed at its end.

    What ``--registry-ca`` and ``--insecure-http`` say (``registry_options``) is known to it.

    Args:
        app: settings and streams.
        gate: the registries that may be spoken to; None: all, or with ``--offline`` those of the site file.
        report: takes what is told while it goes on; the screen where none is given.
        hosts: what a site file says of hosts; it wins over ``registries.yaml``.
        find_credentials: says who we are, in place of the files of docker and podman.
        is_writing: the verb will write what it reads.

    Raises:
        RegistryError: when the settings of registries cannot be read.
    """
    options = app.network.options
    settings = load_settings(
        app.settings.environment.config_dir,
        authority_file=options.registry_ca,
        plain_http=options.insecure_http,
    )
    settings = replace(settings, hosts={**settings.hosts, **(hosts or {})})
    stay_offline(app, default=False)
    if gate is None and options.is_offline(default=False):
        gate = Gate(app.network.site_hosts)
    around = registry_surroundings(app, gate=gate, report=report)
    find = find_credentials or credential_files(around).find
    client = OciClient(settings, around, find_credentials=find, learn=app.redactor.learn, is_writing=is_writing)
    app.closing.callback(client.close)
    return client


def registry_surroundings(app: App, *, gate: Gate | None = None, report: Reporter | None = None) -> ClientConfig:
    """Return what a client of registries needs from the program around it."""
    if report is None:
        from bundler.cli.terminal.progress import Progress  # noqa: PLC0415 - those who draw bring their own

        report = app.closing.enter_context(Progress(app.screen, app.clock))
    environment = app.settings.environment
    return ClientConfig(
        env=environment.variables,
        clock=app.clock,
        budget=lambda: max(0.0, min(app.deadline_s - app.clock.monotonic(), app.stop.grace_s())),
        report=report,
        is_interactive=environment.stdin_is_terminal,
        gate=gate,
        fence=app.network.fence,
    )
