"""A thread that takes looks as they are due. Layer: controller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.errors import BundlerError

LOOK_MOST_S: Final = 300.0
"""One look takes no longer: it asks some ten things, and each has half a minute."""

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.controller.process import Instruments
    from bundler.controller.queue import DueLook, LookQueue


def take_looks(
    queue: LookQueue,
    look_at: Callable[[DueLook], float | None],
    instruments: Instruments,
    *,
    name: str,
    is_over: Callable[[], bool],
    on_looked: Callable[[str, float], None] = lambda _result, _seconds: None,
) -> None:
    """Take looks until it is time to stop; whatever goes wrong with one concerns what it looks at alone.

    Args:
        queue: says what is due.
        look_at: takes one look, and returns the seconds until the next one; None: what it looks at is gone.
        instruments: what is observed.
        name: of the thread, for its pulse.
        is_over: whether it is time to stop.
        on_looked: takes what came of each look, ``ok`` or the code of an error, and the seconds that it took.
    """

    def is_stopped() -> bool:
        instruments.pulse.beat(name)
        return is_over()

    with instruments.pulse.thread(name):
        while (look := queue.wait(is_stopped)) is not None:
            began_s = instruments.clock.monotonic()
            instruments.pulse.beat(name, within_s=LOOK_MOST_S)
            result = _take(queue, look, look_at, instruments)
            on_looked(result, instruments.clock.monotonic() - began_s)


def _take(queue: LookQueue, look: DueLook, look_at: Callable[[DueLook], float | None], instruments: Instruments) -> str:
    log = instruments.log.about(namespace=look.key.namespace, order=look.key.short)
    try:
        again_s = look_at(look)
    except BundlerError as error:
        pause_s = queue.failed(look)
        log.warning(str(error), found="; ".join(error.context), code=error.code, again_s=round(pause_s, 1))
        return error.code
    except Exception as error:  # noqa: BLE001 - one order that meets a mistake of ours must not stop the others
        pause_s = queue.failed(look)
        said = f"{type(error).__name__}: {error}"
        log.error("a mistake in bundler", error=said, again_s=round(pause_s, 1))  # noqa: TRY400 - a log of our own
        return "bug"
    queue.done(look, again_s)
    return "ok"
