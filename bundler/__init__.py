"""bundler: package applications as versioned bundles and install them on Kubernetes.

The names below are the public library; everything else may change. They are loaded when they are first named, so that
`bundler --version` answers at once.
"""

from __future__ import annotations

from bundler._version import __version__

TYPE_CHECKING = False  # as `typing` says: importing that alone is a fifth of `bundler --version`
if TYPE_CHECKING:
    from bundler.actions.acquire.bundle import AcquiredBundle
    from bundler.actions.compose.user_values import Values
    from bundler.actions.release.correct import CorrectionOptions
    from bundler.actions.release.lifecycle import ChangeResult, RunOptions
    from bundler.actions.release.proposal import Proposal
    from bundler.actions.release.rollback import RollbackRequest
    from bundler.actions.release.terms import Accepted
    from bundler.actions.release.uninstall import UninstallRequest
    from bundler.actions.rollout.abort import AbortRequest
    from bundler.actions.rollout.resume import ContinueRequest
    from bundler.errors import BundlerError
    from bundler.library.network import NetworkRules
    from bundler.library.options import SessionOptions
    from bundler.library.requests import PlanInputs, ReleaseRequest
    from bundler.library.run import Run
    from bundler.library.session import Session
    from bundler.menu.order_values import secrets_of_order, values_of_order
    from bundler.model.catalogue import FoundBundle, SearchedPlace, SearchResult
    from bundler.model.causes import Cause, CauseKind, ChangedField, ChangedValue
    from bundler.model.change import Action, Change, Plan
    from bundler.model.check_report import CheckOutcome, CheckReport, CheckRun
    from bundler.model.cluster import Answer, Listing, ListQuery, Payload, WatchEvent
    from bundler.model.comparison import ComparedSide, Comparison
    from bundler.model.conflicts import OnConflict
    from bundler.model.drift import Correction, DriftedField, DriftedObject, DriftKind, ReleaseDrift
    from bundler.model.events import (
        Acquired,
        BytesMoved,
        ChangeFinished,
        ChangeStarted,
        GateJudged,
        HealthChanged,
        Notice,
        PhaseStarted,
        PodsReplaced,
        Retrying,
        Warned,
    )
    from bundler.model.explanation import ExplainedField, Explanation, FieldOwner, Setter, Since
    from bundler.model.finding import Finding, LintResult
    from bundler.model.kind import ControllerCheck, KindField, KindSpec, OrderKind, OrderProblem, SecretKey
    from bundler.model.orders import KeepingOrder, OrderMark
    from bundler.model.refs import ObjectRef
    from bundler.model.release import AuditEntry, Protection, ReleaseStatus, Revision, RevisionSummary
    from bundler.model.release_state import ReleaseState, RolloutProgress
    from bundler.model.rendered import RenderedObjects, RenderedText, SplitObjects
    from bundler.model.results import MigratedStorage
    from bundler.model.rights import MissingRight
    from bundler.model.rollout import OnFailure, RolloutRequest, Share
    from bundler.model.saved_plan import SavedPlan
    from bundler.model.support import SupportArchive, SupportPart
    from bundler.ports import ClusterClient, EventStream

__all__ = [
    "AbortRequest",
    "Accepted",
    "Acquired",
    "AcquiredBundle",
    "Action",
    "Answer",
    "AuditEntry",
    "BundlerError",
    "BytesMoved",
    "Cause",
    "CauseKind",
    "Change",
    "ChangeFinished",
    "ChangeResult",
    "ChangeStarted",
    "ChangedField",
    "ChangedValue",
    "CheckOutcome",
    "CheckReport",
    "CheckRun",
    "ClusterClient",
    "ComparedSide",
    "Comparison",
    "ContinueRequest",
    "ControllerCheck",
    "Correction",
    "CorrectionOptions",
    "DriftKind",
    "DriftedField",
    "DriftedObject",
    "EventStream",
    "ExplainedField",
    "Explanation",
    "FieldOwner",
    "Finding",
    "FoundBundle",
    "GateJudged",
    "HealthChanged",
    "KeepingOrder",
    "KindField",
    "KindSpec",
    "LintResult",
    "ListQuery",
    "Listing",
    "MigratedStorage",
    "MissingRight",
    "NetworkRules",
    "Notice",
    "ObjectRef",
    "OnConflict",
    "OnFailure",
    "OrderKind",
    "OrderMark",
    "OrderProblem",
    "Payload",
    "PhaseStarted",
    "Plan",
    "PlanInputs",
    "PodsReplaced",
    "Proposal",
    "Protection",
    "ReleaseDrift",
    "ReleaseRequest",
    "ReleaseState",
    "ReleaseStatus",
    "RenderedObjects",
    "RenderedText",
    "Retrying",
    "Revision",
    "RevisionSummary",
    "RollbackRequest",
    "RolloutProgress",
    "RolloutRequest",
    "Run",
    "RunOptions",
    "SavedPlan",
    "SearchResult",
    "SearchedPlace",
    "SecretKey",
    "Session",
    "SessionOptions",
    "Setter",
    "Share",
    "Since",
    "SplitObjects",
    "SupportArchive",
    "SupportPart",
    "UninstallRequest",
    "Values",
    "Warned",
    "WatchEvent",
    "__version__",
    "secrets_of_order",
    "values_of_order",
]

_HOMES = {
    "AbortRequest": "actions.rollout.abort",
    "Accepted": "actions.release.terms",
    "Acquired": "model.events",
    "AcquiredBundle": "actions.acquire.bundle",
    "Action": "model.change",
    "Answer": "model.cluster",
    "AuditEntry": "model.release",
    "BundlerError": "errors",
    "BytesMoved": "model.events",
    "Cause": "model.causes",
    "CauseKind": "model.causes",
    "Change": "model.change",
    "ChangeFinished": "model.events",
    "ChangeResult": "actions.release.lifecycle",
    "ChangeStarted": "model.events",
    "ChangedField": "model.causes",
    "ChangedValue": "model.causes",
    "CheckOutcome": "model.check_report",
    "CheckReport": "model.check_report",
    "CheckRun": "model.check_report",
    "ClusterClient": "ports",
    "ComparedSide": "model.comparison",
    "Comparison": "model.comparison",
    "ContinueRequest": "actions.rollout.resume",
    "ControllerCheck": "model.kind",
    "Correction": "model.drift",
    "CorrectionOptions": "actions.release.correct",
    "DriftKind": "model.drift",
    "DriftedField": "model.drift",
    "DriftedObject": "model.drift",
    "EventStream": "ports",
    "ExplainedField": "model.explanation",
    "Explanation": "model.explanation",
    "FieldOwner": "model.explanation",
    "Finding": "model.finding",
    "FoundBundle": "model.catalogue",
    "GateJudged": "model.events",
    "HealthChanged": "model.events",
    "KeepingOrder": "model.orders",
    "KindField": "model.kind",
    "KindSpec": "model.kind",
    "LintResult": "model.finding",
    "ListQuery": "model.cluster",
    "Listing": "model.cluster",
    "MigratedStorage": "model.results",
    "MissingRight": "model.rights",
    "NetworkRules": "library.network",
    "Notice": "model.events",
    "ObjectRef": "model.refs",
    "OnConflict": "model.conflicts",
    "OnFailure": "model.rollout",
    "OrderKind": "model.kind",
    "OrderMark": "model.orders",
    "OrderProblem": "model.kind",
    "Payload": "model.cluster",
    "PhaseStarted": "model.events",
    "Plan": "model.change",
    "PlanInputs": "library.requests",
    "PodsReplaced": "model.events",
    "Proposal": "actions.release.proposal",
    "Protection": "model.release",
    "ReleaseDrift": "model.drift",
    "ReleaseRequest": "library.requests",
    "ReleaseState": "model.release_state",
    "ReleaseStatus": "model.release",
    "RenderedObjects": "model.rendered",
    "RenderedText": "model.rendered",
    "Retrying": "model.events",
    "Revision": "model.release",
    "RevisionSummary": "model.release",
    "RollbackRequest": "actions.release.rollback",
    "RolloutProgress": "model.release_state",
    "RolloutRequest": "model.rollout",
    "Run": "library.run",
    "RunOptions": "actions.release.lifecycle",
    "SavedPlan": "model.saved_plan",
    "SearchResult": "model.catalogue",
    "SearchedPlace": "model.catalogue",
    "SecretKey": "model.kind",
    "Session": "library.session",
    "SessionOptions": "library.options",
    "Setter": "model.explanation",
    "Share": "model.rollout",
    "Since": "model.explanation",
    "SplitObjects": "model.rendered",
    "SupportArchive": "model.support",
    "SupportPart": "model.support",
    "UninstallRequest": "actions.release.uninstall",
    "Values": "actions.compose.user_values",
    "Warned": "model.events",
    "WatchEvent": "model.cluster",
    "secrets_of_order": "menu.order_values",
    "values_of_order": "menu.order_values",
}
"""The module of each public name."""


def __getattr__(name: str) -> object:
    """Load the module of a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - the version alone needs none of it

    found: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
