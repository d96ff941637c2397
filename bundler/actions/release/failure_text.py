"""What a record says of a run that failed. Layer: actions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors import Found
from bundler.model.size import shortened

if TYPE_CHECKING:
    from bundler.errors import BundlerError
    from bundler.model.redaction import Redactor

_EVIDENCE_CHARS = 65_536
_CAUSE_CHARS = 240
"""Of a reason in the columns; the whole of it is in the record."""


def cause_of(error: BundlerError, redactor: Redactor) -> str:
    """Return in a line what ended a run: the first object named, and its pod's reason; the rest is the evidence."""
    first, more = error.context[:1], error.context[1:]
    pods = [line.strip() for line in more if isinstance(line, Found) and line.subject.startswith("Pod/")]
    cause = "; ".join((*first, *pods[:1])) or str(error)
    return redactor.redact(f"{error.code}: {shortened(cause, _CAUSE_CHARS)}")


def evidence_of(error: BundlerError, redactor: Redactor) -> str:
    """Return the report that was printed."""
    return redactor.redact("\n".join([str(error), *error.context]))[:_EVIDENCE_CHARS]
