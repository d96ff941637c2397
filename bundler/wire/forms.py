"""Which form each verb prints with ``-o json``: what the schemas are written from. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from bundler.wire.bundles import (
    CreatedForm,
    DescriptionForm,
    FindingForm,
    LockedForm,
    LoginForm,
    PackagedForm,
    PulledForm,
    PushedForm,
    ValueForm,
)
from bundler.wire.catalogues import CatalogueBuiltForm, CataloguePushedForm, SearchForm
from bundler.wire.changes import AbsenceForm, DifferenceForm, OutcomeForm, RemovalForm
from bundler.wire.checked import CheckReportForm
from bundler.wire.checks import CheckForm, SandboxForm, SiteForm
from bundler.wire.comparison import ComparisonForm
from bundler.wire.deliveries import (
    CarriedForm,
    ExportedForm,
    ImportedForm,
    InventoryForm,
    KeyPairForm,
    SignedForm,
    VerifiedForm,
)
from bundler.wire.drift import DriftForm
from bundler.wire.errors import ErrorForm
from bundler.wire.events import EventForm
from bundler.wire.explanation import ExplanationForm
from bundler.wire.graph import GraphForm
from bundler.wire.images import BuiltImageForm
from bundler.wire.objects import ListForm, SplitForm
from bundler.wire.order_kinds import OrderKindForm
from bundler.wire.orders import OrderForm
from bundler.wire.releases import (
    AuditForm,
    EntryForm,
    EvidenceForm,
    KeptSummaryForm,
    MigrateStorageForm,
    NotesForm,
    ProtectForm,
    RevisionForm,
    StandingForm,
    StateForm,
    SummaryForm,
    UnlockForm,
)
from bundler.wire.render_tests import RenderTestForm
from bundler.wire.rollouts import ProgressForm
from bundler.wire.saved_plan import SavedPlanForm
from bundler.wire.support import SupportForm
from bundler.wire.sweep import SweepForm

if TYPE_CHECKING:
    from collections.abc import Mapping

ValuesForm: TypeAlias = dict[str, object]
"""Values, as a bundle has them or as the user gave them."""

FORMS: Final[Mapping[str, object]] = {
    "create": CreatedForm,
    "lint": list[FindingForm],
    "template": ListForm | SplitForm,
    "menu": ListForm | OrderKindForm,
    "rbac": ListForm,
    "values": ValuesForm | list[ValueForm] | SweepForm,
    "test-render": list[RenderTestForm],
    "drift": list[DriftForm],
    "explain": ExplanationForm,
    "show": DescriptionForm | GraphForm | SavedPlanForm,
    "lock": list[LockedForm],
    "package": PackagedForm,
    "image build": BuiltImageForm,
    "login": LoginForm,
    "push": PushedForm,
    "pull": PulledForm,
    "search": SearchForm,
    "catalogue build": CatalogueBuiltForm,
    "catalogue push": CataloguePushedForm,
    "images": InventoryForm | CarriedForm,
    "export": ExportedForm,
    "verify": VerifiedForm,
    "keygen": KeyPairForm,
    "sign": SignedForm,
    "import": ImportedForm,
    "site init": SiteForm,
    "site check": list[CheckForm],
    "preflight": list[CheckForm],
    "install": OutcomeForm | DifferenceForm,
    "upgrade": OutcomeForm | DifferenceForm,
    "diff": DifferenceForm | ComparisonForm,
    "plan": SavedPlanForm,
    "apply": OutcomeForm | RemovalForm,
    "continue": OutcomeForm | DifferenceForm,
    "abort": OutcomeForm | DifferenceForm,
    "rollback": OutcomeForm | DifferenceForm,
    "uninstall": RemovalForm | AbsenceForm | DifferenceForm,
    "list": list[KeptSummaryForm],
    "status": StateForm,
    "history": list[KeptSummaryForm] | list[AuditForm] | RevisionForm | EvidenceForm | StandingForm,
    "get values": ValuesForm,
    "get manifest": ListForm,
    "get notes": NotesForm,
    "get plan": list[EntryForm],
    "wait": StateForm,
    "test": CheckReportForm,
    "protect": ProtectForm,
    "order": OrderForm,
    "suspend": OrderForm,
    "resume": OrderForm,
    "approve": OrderForm,
    "retry": OrderForm,
    "pause": SummaryForm,
    "rollout": ProgressForm,
    "migrate-storage": MigrateStorageForm,
    "unlock": UnlockForm,
    "support-bundle": SupportForm,
    "sandbox": SandboxForm,
}
"""Verbs, with the word that chooses among several forms; alternatives are what options choose among."""

OTHER_FORMS: Final[Mapping[str, object]] = {"error": ErrorForm, "event": EventForm}
"""What is printed in place of the form of a verb, and what a Python program may print of a run's events."""
