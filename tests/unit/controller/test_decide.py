"""Every row of the table by which an order is acted on."""

from __future__ import annotations

import pytest

from bundler.controller.changes import Work
from bundler.controller.decide import Act, Obstacle, Seen, back_off_s, decide
from bundler.controller.order import AfterFailure, Deletion, Keep, Order
from bundler.controller.status import AttemptResult, Reason
from bundler.model.release import ReleaseStatus
from bundler.model.rollout import Rollout, RolloutState
from tests.unit.controller.builders import ONE, TWO, attempt, order, revision, seen

DEPLOYED, SUPERSEDED, FAILED = ReleaseStatus.DEPLOYED, ReleaseStatus.SUPERSEDED, ReleaseStatus.FAILED
PENDING, INTERRUPTED = ReleaseStatus.PENDING_UPGRADE, ReleaseStatus.INTERRUPTED
FIRST = revision(1, DEPLOYED, ONE)
ROLLED_BACK = (revision(1, SUPERSEDED, ONE), revision(2, FAILED, TWO), revision(3, DEPLOYED))
PASSING, REFUSED = AttemptResult.PASSING, AttemptResult.REFUSED
NO_ONE = Obstacle(reason=Reason.RIGHTS_MISSING, message="it does not exist", lacks_account=True)

ROWS: dict[str, tuple[Order, Seen, Act, Reason]] = {
    "a new order is carried out": (order(), seen(), Act.CHANGE, Reason.PLANNING),
    "one that is met is compared": (order(), seen(FIRST), Act.COMPARE, Reason.READY),
    "new inputs are carried out": (order(), seen(FIRST, inputs=TWO), Act.CHANGE, Reason.PLANNING),
    "a release of the command line is planned": (order(), seen(revision(1, DEPLOYED)), Act.CHANGE, Reason.PLANNING),
    "and compared once it was found to match": (
        order(),
        seen(revision(1, DEPLOYED), matched=(ONE, 1)),
        Act.COMPARE,
        Reason.READY,
    ),
    "what matched an earlier revision is planned again": (
        order(),
        seen(revision(1, SUPERSEDED), revision(2, DEPLOYED), matched=(ONE, 1)),
        Act.CHANGE,
        Reason.PLANNING,
    ),
    "inputs whose revision failed are not tried again": (
        order(),
        seen(FIRST, revision(2, FAILED, TWO), inputs=TWO),
        Act.HOLD,
        Reason.FAILED_ONCE,
    ),
    "nor after a rollback": (order(), seen(*ROLLED_BACK, inputs=TWO), Act.HOLD, Reason.FAILED_ONCE),
    "what was rolled back to can be ordered": (order(), seen(*ROLLED_BACK, inputs=ONE), Act.CHANGE, Reason.PLANNING),
    "and what failed again after that": (
        order(),
        seen(*ROLLED_BACK, inputs=TWO, attempt=attempt(AttemptResult.SUCCEEDED, ONE, revision=3)),
        Act.CHANGE,
        Reason.PLANNING,
    ),
    "what failed before something else was deployed is tried": (
        order(),
        seen(revision(1, FAILED, TWO), revision(2, DEPLOYED, ONE), inputs=TWO),
        Act.CHANGE,
        Reason.PLANNING,
    ),
    "an attempt that no record holds is not repeated": (
        order(),
        seen(attempt=attempt(AttemptResult.FAILED)),
        Act.HOLD,
        Reason.FAILED_ONCE,
    ),
    "what failed in passing waits": (
        order(),
        seen(attempt=attempt(PASSING, reason=Reason.SOURCE_UNAVAILABLE)),
        Act.HOLD,
        Reason.SOURCE_UNAVAILABLE,
    ),
    "and is tried again": (order(), seen(attempt=attempt(PASSING, ago_s=7)), Act.CHANGE, Reason.PLANNING),
    "although its revision failed": (
        order(),
        seen(revision(1, FAILED, ONE), attempt=attempt(PASSING, ago_s=7)),
        Act.CHANGE,
        Reason.PLANNING,
    ),
    "an upgrade in steps that is paused waits for a person": (
        order(),
        seen(FIRST, revision(2, PENDING, TWO, rollout=Rollout(shares={}, state=RolloutState.PAUSED)), inputs=TWO),
        Act.HOLD,
        Reason.ROLLOUT_PAUSED,
    ),
    "also where something else is ordered": (
        order(),
        seen(FIRST, revision(2, PENDING, rollout=Rollout(shares={}, state=RolloutState.PAUSED)), inputs=ONE),
        Act.HOLD,
        Reason.ROLLOUT_PAUSED,
    ),
    "one whose run died is taken up": (
        order(),
        seen(FIRST, revision(2, PENDING, TWO, rollout=Rollout(shares={})), inputs=TWO),
        Act.CHANGE,
        Reason.PLANNING,
    ),
    "what was refused waits": (
        order(),
        seen(attempt=attempt(REFUSED, reason=Reason.RIGHTS_MISSING, ago_s=599)),
        Act.HOLD,
        Reason.RIGHTS_MISSING,
    ),
    "and is planned again each interval": (
        order(),
        seen(attempt=attempt(REFUSED, ago_s=601)),
        Act.CHANGE,
        Reason.PLANNING,
    ),
    "a plan that waits for an approval": (
        order(),
        seen(attempt=attempt(REFUSED, reason=Reason.AWAITING_APPROVAL), waiting_plan=TWO),
        Act.HOLD,
        Reason.AWAITING_APPROVAL,
    ),
    "is carried out once it is approved": (
        order(approves=TWO),
        seen(attempt=attempt(REFUSED, reason=Reason.AWAITING_APPROVAL), waiting_plan=TWO),
        Act.CHANGE,
        Reason.PLANNING,
    ),
    "the approval of another plan is none": (
        order(approves=ONE),
        seen(attempt=attempt(REFUSED, reason=Reason.AWAITING_APPROVAL), waiting_plan=TWO),
        Act.HOLD,
        Reason.AWAITING_APPROVAL,
    ),
    "a run that died is finished": (
        order(),
        seen(FIRST, revision(2, PENDING, TWO), inputs=TWO),
        Act.CHANGE,
        Reason.PLANNING,
    ),
    "whoever began it": (order(), seen(FIRST, revision(2, PENDING)), Act.CHANGE, Reason.PLANNING),
    "one that lives is waited for": (
        order(),
        seen(FIRST, revision(2, PENDING), locked_by="ada@ci-7 pid 12"),
        Act.WAIT,
        Reason.LOCKED,
    ),
    "an interrupted run is repeated": (
        order(),
        seen(FIRST, revision(2, INTERRUPTED, TWO), inputs=TWO),
        Act.CHANGE,
        Reason.PLANNING,
    ),
    "dependencies come first": (
        order(),
        seen(waits_for=("Release/db",)),
        Act.HOLD,
        Reason.DEPENDENCY_NOT_READY,
    ),
    "and do not matter to what is deployed": (
        order(),
        seen(FIRST, waits_for=("Release/db",)),
        Act.COMPARE,
        Reason.READY,
    ),
    "a suspended order is only looked at": (
        order(is_suspended=True),
        seen(FIRST, inputs=TWO),
        Act.WAIT,
        Reason.SUSPENDED,
    ),
    "and so is one in a suspended namespace": (
        order(),
        seen(FIRST, inputs=TWO, is_namespace_suspended=True),
        Act.WAIT,
        Reason.SUSPENDED,
    ),
    "a namespace that goes is left alone": (
        order(),
        seen(inputs=TWO, is_namespace_terminating=True),
        Act.WAIT,
        Reason.NAMESPACE_TERMINATING,
    ),
    "what is not known is held": (
        order(),
        seen(FIRST, inputs="", obstacle=Obstacle(reason=Reason.VALUES_INVALID, message="no Secret")),
        Act.HOLD,
        Reason.VALUES_INVALID,
    ),
    "rights that are missing are all found out by trying": (
        order(),
        seen(obstacle=Obstacle(reason=Reason.RIGHTS_MISSING, message="secrets is forbidden")),
        Act.CHANGE,
        Reason.PLANNING,
    ),
    "and then waited for": (
        order(),
        seen(
            obstacle=Obstacle(reason=Reason.RIGHTS_MISSING, message="secrets is forbidden"),
            attempt=attempt(REFUSED, reason=Reason.RIGHTS_MISSING),
        ),
        Act.HOLD,
        Reason.RIGHTS_MISSING,
    ),
    "nothing is done as an account that does not exist": (
        order(),
        seen(FIRST, inputs="", obstacle=NO_ONE),
        Act.HOLD,
        Reason.RIGHTS_MISSING,
    ),
    "a newer record is left alone": (
        order(),
        seen(obstacle=Obstacle(reason=Reason.TOO_NEW_RECORD, message="format 9")),
        Act.HOLD,
        Reason.TOO_NEW_RECORD,
    ),
    "a change under way is waited for": (
        order(),
        seen(FIRST, inputs=TWO, under_way=Work.APPLY),
        Act.WAIT,
        Reason.APPLYING,
    ),
    "a deleted order is uninstalled": (order(is_deleted=True), seen(FIRST), Act.UNINSTALL, Reason.DELETING),
    "although it is suspended": (
        order(is_deleted=True, is_suspended=True),
        seen(FIRST),
        Act.UNINSTALL,
        Reason.DELETING,
    ),
    "a protected release is not uninstalled": (
        order(is_deleted=True, is_protected=True),
        seen(FIRST),
        Act.WAIT,
        Reason.PROTECTED,
    ),
    "but goes with its namespace": (
        order(is_deleted=True, is_protected=True),
        seen(FIRST, is_namespace_terminating=True),
        Act.DROP_FINALIZER,
        Reason.NAMESPACE_TERMINATING,
    ),
    "an orphan stays": (
        order(is_deleted=True, deletion=Deletion.ORPHAN),
        seen(FIRST),
        Act.DROP_FINALIZER,
        Reason.DELETING,
    ),
    "a controller does not uninstall itself": (
        order(is_deleted=True),
        seen(FIRST, holds_controller=True),
        Act.DROP_FINALIZER,
        Reason.DELETING,
    ),
    "with nothing left the finalizer goes": (order(is_deleted=True), seen(), Act.DROP_FINALIZER, Reason.DELETING),
    "and where the release was uninstalled": (
        order(is_deleted=True),
        seen(revision(1, ReleaseStatus.UNINSTALLED)),
        Act.DROP_FINALIZER,
        Reason.DELETING,
    ),
    "a namespace that goes needs no help": (
        order(is_deleted=True),
        seen(FIRST, is_namespace_terminating=True),
        Act.DROP_FINALIZER,
        Reason.NAMESPACE_TERMINATING,
    ),
    "without our finalizer nothing is ours": (
        order(is_deleted=True, has_finalizer=False),
        seen(FIRST),
        Act.IGNORE,
        Reason.DELETING,
    ),
    "an uninstall that failed waits": (
        order(is_deleted=True),
        seen(FIRST, attempt=attempt(AttemptResult.FAILED, "", reason=Reason.RIGHTS_MISSING)),
        Act.WAIT,
        Reason.RIGHTS_MISSING,
    ),
    "and it is repeated": (
        order(is_deleted=True),
        seen(FIRST, attempt=attempt(AttemptResult.FAILED, "", ago_s=7)),
        Act.UNINSTALL,
        Reason.DELETING,
    ),
    "an order is deleted while it is carried out": (
        order(is_deleted=True),
        seen(FIRST, under_way=Work.APPLY),
        Act.INTERRUPT,
        Reason.DELETING,
    ),
    "an uninstall under way is waited for": (
        order(is_deleted=True),
        seen(FIRST, under_way=Work.UNINSTALL),
        Act.WAIT,
        Reason.DELETING,
    ),
    "what an order no longer says is not carried out to its end": (
        order(),
        seen(FIRST, inputs=TWO, under_way=Work.APPLY, begun=ONE),
        Act.INTERRUPT,
        Reason.APPLYING,
    ),
    "what it says is": (
        order(),
        seen(FIRST, inputs=TWO, under_way=Work.APPLY, begun=TWO),
        Act.WAIT,
        Reason.APPLYING,
    ),
    "and a correction too": (
        order(),
        seen(FIRST, inputs=TWO, under_way=Work.CORRECT),
        Act.WAIT,
        Reason.APPLYING,
    ),
    "no one deletes what cannot be read": (
        order(is_deleted=True),
        seen(obstacle=Obstacle(reason=Reason.RIGHTS_MISSING, message="secrets is forbidden")),
        Act.WAIT,
        Reason.RIGHTS_MISSING,
    ),
    "an uninstalled release is installed": (
        order(),
        seen(revision(1, ReleaseStatus.UNINSTALLED)),
        Act.CHANGE,
        Reason.PLANNING,
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_each_row_of_the_table(row: str) -> None:
    wanted, found, act, reason = ROWS[row]
    decision = decide(wanted, found)
    assert (decision.act, decision.reason) == (act, reason)


@pytest.mark.parametrize("row", ROWS)
def test_whatever_holds_or_waits_looks_again(row: str) -> None:
    wanted, found, _, _ = ROWS[row]
    decision = decide(wanted, found)
    is_over = decision.act in {Act.IGNORE, Act.DROP_FINALIZER, Act.UNINSTALL}
    assert is_over or (decision.again_s is not None and 0 < decision.again_s <= wanted.interval_s)


@pytest.mark.parametrize(
    ("found", "corrects"),
    [
        (seen(FIRST), True),
        (seen(*ROLLED_BACK, inputs=TWO), True),
        (seen(FIRST, revision(2, FAILED, TWO), inputs=TWO), False),
        (seen(FIRST, inputs="", obstacle=Obstacle(reason=Reason.SOURCE_UNAVAILABLE, message="")), True),
        (seen(FIRST, inputs="", obstacle=NO_ONE), False),
        (seen(), False),
    ],
    ids=["met", "rolled back", "failed and held", "the source is away", "no account", "nothing there"],
)
def test_drift_is_corrected_unless_a_change_left_the_release_half_done(found: Seen, *, corrects: bool) -> None:
    assert decide(order(after_failure=AfterFailure.HOLD), found).corrects is corrects


@pytest.mark.parametrize("keep", [Keep.WARN, Keep.ONCE])
def test_nothing_is_corrected_that_the_order_does_not_want_corrected(keep: Keep) -> None:
    assert not decide(order(keep=keep), seen(FIRST)).corrects


def test_pauses_double_up_to_five_minutes_and_differ_between_orders() -> None:
    pauses = [back_off_s(tries, "u-1") for tries in range(1, 40)]
    assert all(4 <= pause <= 6 for pause in pauses[:1])
    assert all(5 * 2**n * 0.8 <= pause <= 5 * 2**n * 1.2 for n, pause in enumerate(pauses[:6]))
    assert all(240 <= pause <= 360 for pause in pauses[6:])
    assert back_off_s(1, "u-1") != back_off_s(1, "u-2")
