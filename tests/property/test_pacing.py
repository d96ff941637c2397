"""Laws of rollouts in steps: what holds at every moment, in whatever order controllers and pods move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings, strategies as st

from bundler.model.rollout import AuthorPace, Pacing, Share
from bundler.planning.pacing import new_pods, next_pacing, old_pods
from tests.lib.laws import examples
from tests.lib.rolling import Rolling, bounds, sync_pods

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

BOUNDS = st.sampled_from([0, 1, 2, 5, "10%", "25%", "50%", "100%"])
PACES = st.tuples(BOUNDS, BOUNDS).filter(lambda pace: pace != (0, 0))
STEPS = st.sampled_from(
    [["1"], ["10%"], ["1", "25%"], ["25%", "50%", "75%"], ["3", "10", "20"], ["10%", "50%", "90%"], ["37%", "61%"]]
).map(lambda texts: [Share.parse(text) for text in texts])
SIZES = st.integers(1, 50)
ORDERS = st.randoms(use_true_random=False)


class Watched:
    """A Deployment that goes in steps, moved in a random order, and what holds after each move."""

    def __init__(self, replicas: int, pace: tuple[int | str, int | str], order: Random) -> None:
        self.pace, self.order = pace, order
        self.author = AuthorPace(surge=pace[0], unavailable=pace[1])
        self.rolling = Rolling.started(replicas, *pace)
        self.share: Share | None = None
        self.least = self.promised
        """How many pods are ready at least; after it was scaled, no more than were promised before."""
        self.is_scaled = False
        """Kubernetes shares out a new number of replicas between both templates, and that has not settled."""

    @property
    def promised(self) -> int:
        return self.rolling.replicas - bounds(*self.pace, self.rolling.replicas)[1]

    @property
    def is_there(self) -> bool:
        """Whether it has come to where it is held, as a run sees it before it writes again."""
        rolling, now = self.rolling, self.rolling.pacing
        is_held = now is None or (
            rolling.old.size <= old_pods(now, rolling.replicas) and rolling.new.size >= new_pods(now, rolling.replicas)
        )
        return rolling.is_settled and is_held

    def advance(self, share: Share, *, is_canary: bool = False, scaled_to: Sequence[int] = ()) -> None:
        """Bring it to a share of new pods; it is scaled somewhere on the way."""
        self.share = share
        while pacing := self.next_pacing(share, is_canary=is_canary):
            assert new_pods(pacing, self.rolling.replicas) <= share.pods(self.rolling.replicas)
            self.rolling.hold(pacing)
            self.settle(scaled_to)
            scaled_to = ()
        self.share = None

    def next_pacing(self, share: Share, *, is_canary: bool) -> Pacing | None:
        rolling = self.rolling
        there = {"old": rolling.old.size, "new": rolling.new.size}
        return next_pacing(self.author, share, rolling.replicas, **there, is_canary=is_canary)

    def settle(self, scaled_to: Sequence[int] = ()) -> None:
        """Let everything move in some order until nothing does."""
        left = [*scaled_to]
        for _ in range(5000):
            if left and self.order.random() < 0.1:
                self.scale(left.pop())
            elif self.is_there and not left:
                self.is_scaled, self.least = False, self.promised
                return
            else:
                self.move()
        raise AssertionError("it does not come to rest")

    def scale(self, replicas: int) -> None:
        self.rolling.replicas, self.is_scaled = replicas, True
        self.least = 0

    def move(self) -> None:
        rolling = self.rolling
        before = (rolling.sizes, rolling.new.size)
        waiting = [one for one in (rolling.old, rolling.new) if one.unready]
        what = self.order.choice(["sync", "old", "new", *(["ready"] if waiting else [])])
        if what == "sync":
            rolling.sync()
        elif what == "ready":
            one = self.order.choice(waiting)
            one.unready, one.ready = one.unready - 1, one.ready + 1
        else:
            sync_pods(rolling.old if what == "old" else rolling.new)
        self.check(*before)

    def check(self, pods: int, new: int) -> None:
        """Check what holds at every moment, and of what grew: that it was allowed to.

        Args:
            pods: of both templates, before the move.
            new: of the new one.
        """
        rolling = self.rolling
        assert rolling.ready >= self.least
        surge = max(rolling.bounds[0], bounds(*self.pace, rolling.replicas)[0])
        assert rolling.sizes <= max(pods, rolling.replicas + surge)
        if self.share and not self.is_scaled:
            assert rolling.new.size <= max(new, self.share.pods(rolling.replicas))


@settings(max_examples=examples(400), deadline=None)
@given(SIZES, PACES, STEPS, ORDERS, st.booleans(), st.booleans())
def test_pods_stay_ready_and_few_are_new_in_whatever_order_a_deployment_moves(
    replicas: int,
    pace: tuple[int | str, int | str],
    steps: Sequence[Share],
    order: Random,
    has_canary: bool,
    is_aborted: bool,
) -> None:
    watched = Watched(replicas, pace, order)
    for number, share in enumerate(steps):
        watched.advance(share, is_canary=has_canary and number == 0)
        assert watched.rolling.new.size == share.pods(replicas)
    watched.rolling.write(*pace, is_new=not is_aborted)
    watched.settle()
    assert (watched.rolling.old.size, watched.rolling.new.size) == ((replicas, 0) if is_aborted else (0, replicas))


@settings(max_examples=examples(400), deadline=None)
@given(SIZES, PACES, STEPS, ORDERS, st.lists(st.lists(SIZES, max_size=2), max_size=4), st.booleans())
def test_a_deployment_that_is_scaled_in_any_state_keeps_its_promises_once_that_has_settled(
    replicas: int,
    pace: tuple[int | str, int | str],
    steps: Sequence[Share],
    order: Random,
    scalings: Sequence[Sequence[int]],
    is_aborted: bool,
) -> None:
    watched = Watched(replicas, pace, order)
    for number, share in enumerate(steps):
        scaled_to = scalings[number] if number < len(scalings) else ()
        watched.advance(share, is_canary=number == 0, scaled_to=scaled_to)
        watched.settle(scaled_to)
        assert watched.rolling.ready >= watched.promised
    watched.rolling.write(*pace, is_new=not is_aborted)
    watched.settle()
    replicas = watched.rolling.replicas
    assert (watched.rolling.old.size, watched.rolling.new.size) == ((replicas, 0) if is_aborted else (0, replicas))


@settings(max_examples=examples(200), deadline=None)
@given(SIZES, PACES, STEPS, ORDERS, SIZES)
def test_a_deployment_that_is_scaled_while_all_its_pods_are_ready_misses_no_more_pods_than_its_author_lets_it(
    replicas: int, pace: tuple[int | str, int | str], steps: Sequence[Share], order: Random, scaled_to: int
) -> None:
    watched = Watched(replicas, pace, order)
    for share in steps:
        watched.advance(share)
        least = watched.promised
        watched.scale(scaled_to)
        watched.least = min(least, watched.promised)
        watched.settle()
