"""What the copy that leads does: threads look at orders, children carry changes out. Layer: controller."""

from __future__ import annotations

import threading
import traceback
from typing import TYPE_CHECKING, Final

from bundler.concurrency import in_thread
from bundler.controller.children import ChildChanges
from bundler.controller.events import Events
from bundler.controller.metrics import conditions_in
from bundler.controller.news import news_of
from bundler.controller.orders import Orders, ReleaseOrders
from bundler.controller.queue import LookQueue
from bundler.controller.reconcile import Keeping, Reconciler
from bundler.errors import BundlerError
from bundler.model.json import mapping_at, text_at
from bundler.model.lean import dataclass
from bundler.model.refs import ref_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler import Session
    from bundler.controller.accounts import Accounts
    from bundler.controller.changes import Outcome
    from bundler.controller.children import Launch
    from bundler.controller.log import Log
    from bundler.controller.process import Instruments
    from bundler.controller.queue import DueLook
    from bundler.controller.shard import Shard
    from bundler.controller.status import Keeper
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef

LOOKERS: Final = 3
"""Threads that look at orders; what takes long is done by children."""
_LIST_EVERY_S: Final = 5.0
_NAP_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a controller is asked to do."""

    namespaces: tuple[str, ...]
    """Whose orders are kept; empty: all."""
    shard: Shard
    launch: Launch
    """How a change is started."""
    default_account: str
    keeper: Keeper
    redact: Callable[[str], str]


class ReleaseKeeping:
    """Keeps releases while this copy leads; see bundler.controller.process.Work."""

    def __init__(self, own: Session, accounts: Accounts, instruments: Instruments, settings: Settings) -> None:
        """Begin nothing yet.

        Args:
            own: acts as the controller.
            accounts: open sessions that act as ServiceAccounts.
            instruments: what the controller is observed by.
            settings: what it is asked to do.
        """
        self._accounts, self._settings = accounts, settings
        self._clock, self._log = instruments.clock, instruments.log
        self._metrics, self._pulse = instruments.metrics, instruments.pulse
        self._stopping = threading.Event()
        self._listed = threading.Event()
        self._queue = LookQueue(self._clock)
        self._orders = Orders(own.cluster, self._clock, ReleaseOrders(settings.namespaces), on_told=self._told)
        self._events = Events(own.cluster, self._clock, settings.keeper.host)
        self._changes = ChildChanges(settings.launch, self._queue.hurry, self)
        self._reconciler = Reconciler(
            Keeping(
                own=own,
                accounts=accounts,
                orders=self._orders,
                changes=self._changes,
                clock=self._clock,
                keeper=settings.keeper,
                namespace=own.namespace,
                default_account=settings.default_account,
                redact=settings.redact,
            )
        )
        self._polls = not own.cluster.is_worth_watching
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to look."""
        self._threads = [in_thread(self._guarded, "list", self._list)]
        self._threads += [in_thread(self._guarded, f"look {number + 1}", self._look) for number in range(LOOKERS)]
        for thread in self._threads:
            thread.start()

    @property
    def is_ready(self) -> bool:
        """Whether all orders were listed once."""
        return self._listed.is_set()

    def close(self) -> None:
        """Interrupt changes, and return when nothing is at work any more."""
        self._stopping.set()
        self._changes.close()
        for thread in self._threads:
            thread.join()
        self._accounts.close()

    def _guarded(self, name: str, work: Callable[[str], None]) -> None:
        """Run a thread to its end. One that ends by a bug is silent from then on, which /livez notices."""
        try:
            work(name)
        except Exception as error:  # noqa: BLE001 - the last door of a thread
            self._log.warning("a thread ended", thread=name, error=_words(error))
        else:
            self._pulse.forget(name)

    def _list(self, name: str) -> None:
        """List orders again and again: what is new, or what no watch hears of, is looked at."""
        known: set[ObjectRef] = set()
        while not self._is_over(name):
            try:
                keys = self._keys()
            except BundlerError as error:
                self._log.warning("orders cannot be listed", error=str(error), found="; ".join(error.context))
            else:
                self._queue.begin(keys - known)
                for key in keys & known if self._polls else ():
                    self._queue.ring(key)
                known = keys
                self._listed.set()
            self._rest(_LIST_EVERY_S, name)

    def _keys(self) -> set[ObjectRef]:
        """Return the orders of this shard."""
        bodies = {ref_of(body): body for body in self._orders.bodies()}
        mine = {key: body for key, body in bodies.items() if self._settings.shard.holds(key)}
        self._metrics.orders([text_at(body, "status", "phase") for body in mine.values()])
        for key, body in mine.items():
            self._metrics.conditions(key.namespace, key.name, conditions_in(mapping_at(body, "status")))
        return set(mine)

    def _look(self, name: str) -> None:
        while (look := self._queue.wait(lambda: self._is_over(name))) is not None:
            log, began_s = self._log.about(namespace=look.key.namespace, release=look.key.name), self._clock.monotonic()
            result = self._take(look, log)
            self._metrics.reconciled(result, self._clock.monotonic() - began_s)
            self._metrics.queue(self._queue.depth, self._queue.oldest_s)

    def _take(self, look: DueLook, log: Log) -> str:
        """Look at one order, and return how that ended."""
        try:
            again_s = self._reconciler.reconcile(look.key, is_brief=look.is_brief)
        except BundlerError as error:
            pause_s = self._queue.failed(look)
            log.info(
                "looking was not possible", error=str(error), found="; ".join(error.context), again_s=round(pause_s)
            )
            return "error"
        except Exception as error:  # noqa: BLE001 - a bug in one look must not end those at other orders
            self._queue.failed(look)
            log.warning("a look failed", error=_words(error))
            return "bug"
        self._queue.done(look, again_s)
        log.debug("looked", again_s=again_s)
        return "success"

    def _told(self, order: Body, status: Body) -> None:
        """Make events of what is new in a status."""
        for news in news_of(mapping_at(order, "status"), status):
            self._events.say(order, news)
            log = self._log.about(namespace=ref_of(order).namespace, release=ref_of(order).name)
            (log.warning if news.is_warning else log.info)(news.note, event=news.happened.value)

    def reported(self, key: ObjectRef, event: Body) -> None:
        """Write an event of a change into the log."""
        log = self._log.about(namespace=key.namespace, release=key.name)
        match text_at(event, "type"):
            case "warning":
                log.warning(text_at(event, "text"))
            case "changeFinished":
                log.info("object written", object=text_at(event, "object"), action=text_at(event, "action"))
            case kind:
                log.debug(kind, event=event)

    def ended(self, key: ObjectRef, outcome: Outcome, seconds: float) -> None:
        """Count a change, and write what came of it into the log."""
        work, result = outcome.work.value, outcome.result.value
        self._metrics.changed(work, result, seconds, corrected=len(outcome.corrected))
        log = self._log.about(namespace=key.namespace, release=key.name, revision=outcome.revision)
        log.info("change ended", change=work, result=result, found=outcome.message, seconds=round(seconds, 1))

    def _is_over(self, name: str) -> bool:
        self._pulse.beat(name)
        return self._stopping.is_set()

    def _rest(self, seconds: float, name: str) -> None:
        end_s = self._clock.monotonic() + seconds
        while not self._is_over(name) and self._clock.monotonic() < end_s:
            self._stopping.wait(_NAP_S)


def _words(error: Exception) -> str:
    return "".join(traceback.format_exception(error)[-4:])
