"""Run the controller, or one change for it. Layer: cli."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

from bundler._version import __version__
from bundler.cli.adapters.accounts import open_as
from bundler.cli.adapters.session import confined, is_embedded
from bundler.controller.accounts import Account, Accounts
from bundler.controller.carry_out import Place, carry_out, fetch_timeout_s
from bundler.controller.change import Conversation, RequestTally
from bundler.controller.children import Launch, this_program
from bundler.controller.definitions import define_kinds
from bundler.controller.keeping import ReleaseKeeping, Settings
from bundler.controller.log import Level, Log, LogSettings, LogStream
from bundler.controller.metrics import Metrics
from bundler.controller.process import ControllerProcess, Instruments, parse_shard, share_one_heap
from bundler.controller.pulse import Pulse
from bundler.controller.status import Keeper
from bundler.controller.web import WebServer, parse_address
from bundler.errors import UsageError
from bundler.library.name_rules import check_namespace
from bundler.model.json import text_at
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler.cli.parsing.controller_options import ControllerWish
    from bundler.cli.session.app import App
    from bundler.controller.changes import Outcome, WantedChange


REQUEST_S: Final = 30.0
"""For one request of the controller itself: it is asked again by the next look."""


def keep_releases(app: App, wish: ControllerWish) -> None:
    """Keep releases until someone asks to stop.

    Args:
        app: the running command.
        wish: what is typed.

    Raises:
        UsageError: when an option contradicts another one, or an address cannot be listened on.
    """
    named, shard = _namespaces(wish), parse_shard(wish.shard)
    share_one_heap()
    instruments = Instruments(clock=app.clock, log=_log(app, wish), metrics=Metrics(), pulse=Pulse(app.clock))
    with app.stop.careful(), ExitStack() as closing:
        count = instruments.metrics.requested
        own = closing.enter_context(open_as(app, Account(namespace="", name="", timeout_s=REQUEST_S), count=count))
        settings = Settings(
            namespaces=named,
            shard=shard,
            launch=Launch(argv=this_program(_words_of_a_child(app)), at_once=wish.changes),
            default_account=wish.default_service_account,
            needs_account=not is_embedded(app),
            keeper=Keeper(host=os.uname().nodename, version=__version__),
            redact=app.redactor.redact,
        )

        def make_work() -> ReleaseKeeping:
            return ReleaseKeeping(own, Accounts(partial(open_as, app, count=count)), instruments, settings)

        process = ControllerProcess(own, instruments, make_work, shard.lease)
        pages = {"--metrics": {"/metrics": instruments.metrics.page}, "--health": process.pages}
        for option, text in (("--metrics", wish.metrics), ("--health", wish.health)):
            if text:
                server = WebServer(parse_address(text, option), pages[option], option)
                closing.callback(server.close)
        if is_embedded(app):
            define_kinds(own.cluster)
        instruments.log.info(
            "the controller starts",
            version=__version__,
            context=app.settings.context,
            namespaces=list(named) or "all",
            shard=wish.shard,
            lease=f"{own.namespace}/{shard.lease}",
        )
        app.stop.on_first = _say_nothing
        process.run(app.stop.is_asked)


def _namespaces(wish: ControllerWish) -> tuple[str, ...]:
    named = tuple(check_namespace(one.strip()) for one in wish.namespaces.split(",") if one.strip())
    if named and wish.all_namespaces:
        found = ["--namespaces and --all-namespaces exclude each other"]
        raise UsageError("reading the options", context=found, hint="give one of them")
    return named


def _words_of_a_child(app: App) -> list[str]:
    """Return the command line of a change: the same cluster, and the same way to registries."""
    settings, rules = app.settings, app.network.rules
    words = ["controller", "change", "--quiet"]
    words += ["--context", settings.context] if settings.context else []
    words += ["--kubeconfig", str(settings.kubeconfig)] if settings.kubeconfig else []
    words += ["--namespace", settings.namespace] if settings.namespace else []
    words += ["--registry-ca", str(rules.registry_ca)] if rules.registry_ca else []
    return [*words, *(word for host in rules.insecure_http for word in ("--insecure-http", host))]


def _log(app: App, wish: ControllerWish) -> Log:
    is_json = (wish.log_format or ("text" if app.settings.environment.err_is_terminal else "json")) == "json"
    settings = LogSettings(
        redact=app.redactor.redact, now=app.clock.now, least=Level[wish.log_level.upper()], is_json=is_json
    )
    return Log(LogStream(sys.stderr, settings))


def carry_out_change(app: App) -> None:
    """Carry out the one change that standard input asks for, and say on standard output what came of it.

    Args:
        app: the running command; its time is that of the change.

    Raises:
        UsageError: when there is no request.
    """
    talk = Conversation(sys.stdin.buffer, sys.stdout.buffer, mask=app.redactor.redact, ask_to_stop=_interrupt)

    def work(wanted: WantedChange) -> Outcome:
        timeout_s, namespace = app.settings.timeout_s, text_at(wanted.body, "metadata", "namespace")
        account = Account(namespace=namespace, name=wanted.service_account, timeout_s=timeout_s)
        tally = RequestTally()
        opened = partial(open_as, app, count=tally.count)
        as_tenant = partial(opened, report=talk.report, confinement=confined(app))
        with (
            opened(Account(namespace="", name="", timeout_s=timeout_s)) as own,
            as_tenant(account) as tenant,
            as_tenant(replace(account, timeout_s=fetch_timeout_s(timeout_s))) as source,
        ):
            place = Place(tenant=tenant, own=own, namespace=own.namespace, report=talk.report, source=source)
            return replace(carry_out(wanted, place), requests=tally.counted)

    talk.answer(work)


def _say_nothing() -> None:
    """Leave it to the log to say that the process ends."""


def _interrupt() -> None:
    """Do what Ctrl-C does."""
    os.kill(os.getpid(), signal.SIGTERM)
