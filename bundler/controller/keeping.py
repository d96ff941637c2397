"""What the copy that leads is made of, and what is heard of its work: log, numbers, events. Layer: controller."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from bundler.concurrency import in_thread
from bundler.controller.accounts import Account, Accounts
from bundler.controller.carry_out import Place, carry_out
from bundler.controller.children import ChildChanges, Start
from bundler.controller.conditions import conditions_in
from bundler.controller.events import Events
from bundler.controller.family import Families
from bundler.controller.loop import Loop, LoopSettings
from bundler.controller.menus.keeping import MenuKeeping
from bundler.controller.menus.serve import Serving
from bundler.controller.news import News, news_of
from bundler.controller.orders import Orders, ReleaseOrders
from bundler.controller.reconcile import Keeping, Reconciler
from bundler.controller.versions import Versions
from bundler.errors import BundlerError
from bundler.model.json import Body, as_json, is_mapping, mapping_at, text_at
from bundler.model.lean import dataclass
from bundler.model.refs import ObjectRef, ref_of
from bundler.wire.events import event_form

if TYPE_CHECKING:
    from bundler import Session
    from bundler.controller.changes import Outcome, WantedChange
    from bundler.controller.log import Log
    from bundler.controller.order import Order
    from bundler.controller.outside import Cleared
    from bundler.controller.process import Instruments, Shard
    from bundler.controller.status import Keeper
    from bundler.model.events import Event

COUNT_EVERY_S: Final = 60.0
"""Between two lists of orders whose phases are counted."""
_COUNTING: Final = "count orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a controller is asked to do."""

    namespaces: tuple[str, ...]
    """Whose orders are kept; empty: all."""
    shard: Shard
    launch: Start
    """How a change is started."""
    default_account: str
    """Of orders that name none."""
    needs_account: bool
    """An order without any is refused: the cluster tells users apart."""
    keeper: Keeper
    redact: Callable[[str], str]
    """Takes what is sensitive out of texts."""


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
        self._own, self._accounts, self._settings = own, accounts, settings
        self._log, self._metrics, self._pulse = instruments.log, instruments.metrics, instruments.pulse
        self._source = ReleaseOrders(settings.namespaces)
        orders = Orders(own.cluster, instruments.clock, self._source)
        loop_settings = LoopSettings(namespaces=settings.namespaces, holds=settings.shard.holds)
        self._loop = Loop(own.cluster, orders, instruments, loop_settings)
        self._events = Events(own.cluster, instruments.clock, settings.keeper.host)
        changes = ChildChanges(settings.launch, self._loop.queue, self, self._carry_out)
        keeping = Keeping(
            own=own,
            accounts=accounts,
            orders=orders,
            families=Families(own.cluster, self._source.queries, instruments.clock),
            versions=Versions(instruments.clock, self._loop.queue.hurry),
            changes=changes,
            clock=instruments.clock,
            keeper=settings.keeper,
            namespace=own.namespace,
            default_account=settings.default_account,
            needs_account=settings.needs_account,
            redact=settings.redact,
            on_holding=self._loop.hold,
            on_news=self._say,
            on_told=self._told,
            on_cleared=self._cleared,
        )
        self._loop.use(Reconciler(keeping), changes)
        serving = Serving(own=own, accounts=accounts, orders=orders, clock=instruments.clock, namespace=own.namespace)
        self._menus = MenuKeeping(serving, instruments, namespaces=settings.namespaces, holds=settings.shard.holds)
        self._stopping = threading.Event()
        self._counting = in_thread(self._count, name=_COUNTING)

    def start(self) -> None:
        """Begin to look at orders."""
        self._loop.start()
        self._menus.start()
        self._counting.start()

    @property
    def is_ready(self) -> bool:
        """Whether all orders were listed, and may still be."""
        return self._loop.is_ready

    @property
    def troubles(self) -> tuple[str, ...]:
        """Why orders are not watched, or not even listed; a line each."""
        return self._loop.troubles

    def close(self) -> None:
        """Interrupt changes, and return when nothing is at work any more."""
        self._stopping.set()
        self._menus.close()
        self._loop.close()
        self._counting.join()
        self._accounts.close()

    def _carry_out(self, wanted: WantedChange) -> Outcome:
        """Carry a change out in this process."""
        key = ref_of(wanted.body)

        def report(event: Event) -> None:
            form = as_json(event_form(event))
            if is_mapping(form):
                self.reported(key, form)

        place = Place(
            tenant=self._accounts.session(Account(namespace=key.namespace, name=wanted.service_account)),
            own=self._own,
            namespace=self._own.namespace,
            report=report,
        )
        return carry_out(wanted, place)

    def reported(self, key: ObjectRef, event: Body) -> None:
        """Write an event of a change into the log."""
        log = self._about(key)
        match text_at(event, "type"):
            case "warning":
                log.warning(text_at(event, "text"))
            case "changeFinished":
                log.info("object written", object=text_at(event, "object"), action=text_at(event, "action"))
            case kind:
                log.debug(kind, event=event)

    def ended(self, key: ObjectRef, outcome: Outcome, seconds: float) -> None:
        """Count a change, and write what came of it into the log.

        Args:
            key: of its order.
            outcome: what came of it.
            seconds: that it took.
        """
        work, result = outcome.work.value, outcome.result.value
        self._metrics.changed(work, result, seconds, corrected=len(outcome.corrected))
        for verb, status, number in outcome.requests:
            self._metrics.requested(verb, status, number)
        log = self._about(key).about(change=work, result=result, seconds=round(seconds, 1))
        log.info("the change is over", revision=outcome.revision or "", found=outcome.message)

    def _told(self, order: Order, before: Body, now: Body) -> None:
        """Make events of what is new in a status, and show it as numbers."""
        self._metrics.conditions(order.namespace, order.name, conditions_in(now))
        for news in news_of(before, now):
            self._say(order, news)

    def _say(self, order: Order, news: News) -> None:
        self._events.say(order, news)
        log = self._about(order.ref)
        (log.warning if news.is_warning else log.info)(news.note, event=news.happened.value)

    def _cleared(self, order: Order, cleared: Cleared) -> None:
        """Name what a release had outside of its namespace, which is deleted: no event can be written there."""
        log = self._about(order.ref)
        if cleared.deleted:
            log.info("deleted outside of the namespace, which is deleted, too", objects=list(cleared.deleted))
        if cleared.left:
            log.warning("left outside of the namespace, which is deleted", objects=list(cleared.left))

    def _about(self, key: ObjectRef) -> Log:
        return self._log.about(namespace=key.namespace, release=key.name)

    def _count(self) -> None:
        """Count orders by phase again and again; those that are gone are no longer shown."""
        shown: set[ObjectRef] = set()
        with self._pulse.thread(_COUNTING):
            while not self._stopping.is_set():
                try:
                    shown = self._count_once(shown)
                except BundlerError as error:
                    self._log.debug("orders cannot be counted", error=str(error), found="; ".join(error.context))
                self._pulse.beat(_COUNTING, within_s=2 * COUNT_EVERY_S)
                self._stopping.wait(COUNT_EVERY_S)

    def _count_once(self, shown: set[ObjectRef]) -> set[ObjectRef]:
        """Show the orders that there are; of those that were shown and are gone no more is."""
        orders = self._all()
        self._metrics.orders([text_at(body, "status", "phase") for body in orders.values()])
        for key in shown - orders.keys():
            self._metrics.conditions(key.namespace, key.name, {})
        for key, body in orders.items():
            self._metrics.conditions(key.namespace, key.name, conditions_in(mapping_at(body, "status")))
        return set(orders)

    def _all(self) -> dict[ObjectRef, Body]:
        """Return the orders of this shard."""
        bodies = (body for query in self._source.queries for body in self._own.cluster.list(query).items)
        return {ref_of(body): body for body in bodies if self._settings.shard.holds(ref_of(body))}
