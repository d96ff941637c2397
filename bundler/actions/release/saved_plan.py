"""Save a plan, and check that it still holds. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from os import urandom
from typing import TYPE_CHECKING

from bundler.actions.release.change_reasons import with_reasons
from bundler.actions.release.no_op import is_pending
from bundler.errors.change import StalePlanError
from bundler.model.change import Action, Change, Plan
from bundler.model.lean import replace
from bundler.model.redaction import Redactor
from bundler.model.release import Authorship, BundleReference, ReleaseStatus
from bundler.model.salted import SALT_BYTES, salted_digest
from bundler.model.saved_plan import BaseRevision, PlanFacts, PlannedVerb, SavedChange, SavedPlan, SavedValues
from bundler.model.size import first_of
from bundler.planning.conflicts import change_notes
from bundler.planning.diff import object_diff
from bundler.planning.kept_by_order import rollout_problems
from bundler.planning.live_facts import live_facts
from bundler.planning.moved_since import is_other_cluster, moved_base, moved_since
from bundler.planning.payloads import Mask
from bundler.planning.problem import Problem, refuse
from bundler.planning.replaced import with_replaced
from bundler.planning.server_warnings import warning_lines
from bundler.planning.shown_changes import unlike_shown, unlike_values, untimed
from bundler.values.changes import changed_user_values
from bundler.values.flatten import is_touching
from bundler.values.hidden_leaves import hide_leaves
from bundler.values.planned_values import moved_values

if TYPE_CHECKING:
    from bundler.actions.release.history import History
    from bundler.actions.release.proposal import Draft, Proposal
    from bundler.model.causes import Cause, ChangedValue
    from bundler.model.cluster import ClusterIdentity
    from bundler.model.json import Body, JSONValue
    from bundler.model.saved_plan import SavedRequest
    from bundler.ports import Ports
    from bundler.values.hidden_leaves import IsSecret

    Redact = Callable[[str], str]

_DOING = "checking that nothing moved since the plan was saved"
_SHOWN = 20
REFUSED_THEN = "refused when it was planned: "
"""Begins the warnings of a plan that say why it could not be carried out when it was made; now it may be."""
_HINT = "make a new plan with `bundler plan`, and have it reviewed"


def saved_from(
    proposal: Proposal,
    request: SavedRequest,
    ports: Ports,
    authorship: Authorship,
    *,
    expires_s: float,
) -> SavedPlan:
    """Return a proposal as a plan that can be kept; nothing secret is left in it.

    Args:
        proposal: that passed every gate.
        request: what led to it.
        ports: the cluster, clock and redactor of the session.
        authorship: who makes it.
        expires_s: seconds that it may be carried out for; 0: without end.
    """
    identity, now = ports.cluster.identity(), ports.clock.now()
    shown = with_reasons(proposal.shown, proposal.draft)
    redact = ports.redactor.redact
    pending = is_pending(proposal)
    changes = _shown_changes(shown) if pending else []
    draft = proposal.draft
    return SavedPlan(
        facts=replace(facts_of(proposal), cluster_uid=identity.uid, server=identity.server),
        request=replace(request, revision=draft.revision.rolled_back_to if draft else 0, reason=redact(request.reason)),
        values=_values(draft, proposal.plan, ports.redactor) if draft else SavedValues(),
        changes=tuple(_saved_change(change, ports.redactor) for change in changes),
        changed_values=tuple(_redacted_value(value, redact) for value in shown.values),
        namespaces=proposal.planned.new_namespaces,
        unchanged=shown.count(Action.NONE),
        is_pending=pending,
        warnings=tuple(map(redact, warning_lines(shown.changes))),
        cluster=_cluster_text(identity),
        created=now,
        expires=now + timedelta(seconds=expires_s) if expires_s else None,
        user=authorship.user,
        host=authorship.host,
        tool_version=authorship.tool_version,
    )


def _cluster_text(identity: ClusterIdentity) -> str:
    return f"{identity.context} ({identity.server})"


def facts_of(proposal: Proposal, earlier: SavedPlan | None = None) -> PlanFacts:
    """Return what of a proposal must be the same when it is carried out.

    Args:
        proposal: what would be done.
        earlier: the saved plan that it is compared with.
    """
    draft = proposal.draft
    recorded = draft.recorded.sensitive if draft and draft.recorded else frozenset[str]()
    mask = Mask(proposal.planned.wanted, earlier=recorded | proposal.kept_secrets)
    return PlanFacts(
        plan=replace(proposal.plan, changes=()),
        base=base_of(proposal.history),
        bundle=_bundle_of(proposal),
        live=live_facts(proposal.plan, mask, earlier),
    )


def _bundle_of(proposal: Proposal) -> BundleReference:
    return proposal.draft.revision.summary.bundle if proposal.draft else BundleReference(name="", version="")


def base_of(history: History) -> BaseRevision:
    """Return the newest revision, as a saved plan refers to it."""
    newest = history.newest
    if newest is None or history.is_newest_damaged:
        return BaseRevision(revision=history.newest_number, said="damaged" if history.damaged else "")
    by = f", by {newest.user}" if newest.user else ""
    left = f"rolled out in steps, {newest.rollout}" if newest.rollout else "a run began it and has not ended it"
    status = f"{newest.status}: {left}" if newest.status.is_pending else newest.status
    said = f"{status}, {newest.bundle.name} {newest.bundle.version}{by}"
    return BaseRevision(revision=newest.revision, uid=newest.uid, said=said)


def _shown_changes(plan: Plan) -> list[Change]:
    """Return the changes that a saved plan shows."""
    return [change for change in with_replaced(plan.changes) if change.action is not Action.NONE]


def _saved_change(change: Change, redactor: Redactor) -> SavedChange:
    text = redactor.redact("\n".join(object_diff(change).lines))
    return SavedChange(
        ref=change.ref,
        action=change.action,
        component=change.component,
        reason=redactor.redact(change.reason),
        is_verified=change.is_verified,
        notes=tuple((word, redactor.redact(said)) for word, said in change_notes(change)),
        causes=tuple(_redacted_cause(cause, redactor.redact) for cause in change.causes),
        lines=tuple(text.split("\n")) if text else (),
    )


def _redacted_cause(cause: Cause, redact: Redact) -> Cause:
    fields = tuple(replace(one, field=redact(one.field)) for one in cause.fields)
    return replace(cause, fields=fields, note=redact(cause.note), values=tuple(map(redact, cause.values)))


def _redacted_value(value: ChangedValue, redact: Redact) -> ChangedValue:
    return replace(
        value,
        path=redact(value.path),
        before=redact(value.before),
        after=redact(value.after),
        source=redact(value.source),
        because=tuple(map(redact, value.because)),
    )


def _values(draft: Draft, plan: Plan, session: Redactor) -> SavedValues:
    """Return the values of a revision to be, with a salted digest in place of whatever is sensitive in them."""
    own, sensitive = Redactor(), draft.revision.sensitive
    own.learn(*sensitive)
    given = draft.composition.values.user.sensitive if draft.composition else frozenset()

    def is_secret(pointer: str, leaf: JSONValue) -> bool:
        text = str(leaf)
        if is_touching(pointer, given) or text in sensitive:
            return True
        return isinstance(leaf, str) and (session.redact_value(text) != text or own.redact_value(text) != text)

    new, taken = hide_leaves(draft.revision.user_values, is_secret)
    salt = urandom(SALT_BYTES).hex() if taken else ""
    return SavedValues(
        recorded=_masked(draft.recorded_values, is_secret),
        new=new,
        sensitive={pointer: salted_digest(value, salt) for pointer, value in taken.items()},
        salt=salt,
        changes=tuple(session.redact(line) for line in _changed(draft, plan)),
        start=session.redact(draft.started_from),
    )


def _masked(values: Body | None, is_secret: IsSecret) -> Body | None:
    return None if values is None else hide_leaves(values, is_secret)[0]


def _changed(draft: Draft, plan: Plan) -> Iterable[str]:
    if draft.composition is not None:
        return map(str, changed_user_values(draft.recorded_values or {}, draft.composition.values))
    return (str(value) for value in plan.values if not value.because)


def refuse_stale(saved: SavedPlan, history: History, identity: ClusterIdentity, now: datetime) -> None:
    """Stop before anything is planned where a saved plan cannot hold any more.

    Args:
        saved: the plan.
        history: of its release, as it is now.
        identity: of the cluster that it would be carried out on.
        now: the time.

    Raises:
        RolloutOpenError: when the release is being upgraded in steps.
        StalePlanError: when it expired, is for another cluster, or for another revision.
    """
    lines = []
    if saved.expires is not None and now > saved.expires:
        lines.append(f"it expired at {saved.expires:%Y-%m-%d %H:%M:%S} UTC")
    if is_other_cluster(saved.facts, uid=identity.uid, server=identity.server):
        here = f"{_cluster_text(identity)} with uid {identity.uid or 'unknown'}"
        lines.append(
            f"it was made for {saved.cluster} with uid {saved.facts.cluster_uid or 'unknown'}, and this is {here}"
        )
    else:
        lines += moved_base(saved.facts.base, base_of(history))
    rolling = None if saved.request.verb is PlannedVerb.UNINSTALL else history.open_rollout
    refuse([*rollout_problems(rolling), *([_problem(saved, lines)] if lines else [])])


def stale_problems(proposal: Proposal) -> Iterator[Problem]:
    """Yield that a proposal is not what its saved plan says; a gate."""
    saved = proposal.terms.accepted.plan
    if saved is None:
        return
    lines = moved_since(saved.facts, facts_of(proposal, saved))
    if lines:
        yield _problem(saved, lines)
    if proposal.draft is not None and (wrong := moved_values(saved.values, proposal.draft.revision.user_values)):
        yield _problem(saved, wrong, hint="give the values that the plan was made with")


def refuse_unlike(saved: SavedPlan, proposal: Proposal, redact: Redact) -> None:
    """Stop where a saved plan shows something other than would be done, although it would do what was planned.

    Readers sign what is shown. Under the lock, where nothing moved since, differences are those that were compared.

    Args:
        saved: the plan.
        proposal: that passed every gate.
        redact: masks what is sensitive in a text.

    Raises:
        StalePlanError: with what it shows otherwise.
    """
    pending = is_pending(proposal)
    shown = with_reasons(proposal.shown, proposal.draft)
    now = _shown_changes(shown) if pending else []
    unchanged = proposal.shown.count(Action.NONE)
    lines = unlike_shown(saved.changes, now, redact, compares_text=not proposal.is_second_look)
    lines += [
        f"Namespace/{name}: the plan does not show it, and would create it"
        for name in sorted({*proposal.planned.new_namespaces} - {*saved.namespaces})
    ]
    if saved.is_pending is not pending:
        lines.append(f"the plan shows that {'something' if saved.is_pending else 'nothing'} would be done")
    if saved.unchanged != unchanged:
        lines.append(f"the plan shows {saved.unchanged} unchanged objects, and there are {unchanged}")
    lines += _unlike_values(saved, proposal, redact)
    if not proposal.is_second_look:
        lines += unlike_values(saved.changed_values, shown.values, redact)
        lines += _unlike_facts(saved, proposal)
        lines += _unlike_warnings(saved, shown, redact)
    if lines:
        refuse([_problem(saved, first_of(lines, _SHOWN))])


def _unlike_values(saved: SavedPlan, proposal: Proposal, redact: Redact) -> Iterator[str]:
    """Yield the values that a plan shows otherwise than they change; who sets them is not known any more."""
    changed = _changed(proposal.draft, proposal.plan) if proposal.draft is not None else ()
    shown, now = ({_without_source(redact(line)) for line in lines} for lines in (saved.values.changes, changed))
    for line in sorted(shown ^ now):
        yield f"{line}: {'the plan shows it, and it is not so' if line in shown else 'the plan does not show it'}"


def _unlike_facts(saved: SavedPlan, proposal: Proposal) -> Iterator[str]:
    """Yield what the heads of a plan say otherwise: of the bundle, and of the revision that it is made on."""
    then, bundle, base = saved.facts, _bundle_of(proposal), base_of(proposal.history)
    for old, new in (
        (getattr(one, name) for one in (then.bundle, bundle)) for name in ("name", "version", "app_version")
    ):
        if old != new:
            yield f"the plan shows bundle {old or 'without that'}, and it is {new or 'without that'}"
    newest = proposal.history.newest
    is_settled = newest is None or not (newest.status.is_pending or newest.status is ReleaseStatus.INTERRUPTED)
    if is_settled and then.base.said != base.said:
        yield f"the plan shows revision {then.base.revision} as {then.base.said}, and it is {base.said}"


def _unlike_warnings(saved: SavedPlan, shown: Plan, redact: Redact) -> Iterator[str]:
    told = {untimed(redact(text)) for text in saved.warnings if not text.startswith(REFUSED_THEN)}
    made = {untimed(redact(text)) for text in warning_lines(shown.changes)}
    for text in sorted(told ^ made):
        said = "the plan shows it, and it is not so" if text in told else "the plan does not show it"
        yield f"warning: {text}: {said}"


def _without_source(line: str) -> str:
    return line.rpartition(" (")[0] if line.endswith(")") else line


def _problem(saved: SavedPlan, lines: list[str], *, hint: str = _HINT) -> Problem:
    return Problem(
        error=StalePlanError,
        doing=f"{_DOING} ({saved.created:%Y-%m-%d %H:%M:%S} UTC)",
        lines=tuple(lines),
        hint=hint,
    )
