"""The exception tree, and its root. Layer: errors, the lowest; imports nothing of ours.

    BundlerError
    ├── UsageError                 the command line itself is wrong (exit 2)
    ├── BundleError                a bundle on disk or in an archive
    ├── ValuesError                what the user or an author gave as values
    ├── RenderError                templates, expressions, rendered YAML
    ├── PlanError                  the change as a whole cannot be made
    ├── ClusterError               the API server, or the way to it
    ├── WaitError                  objects did not become ready, or go away
    ├── ReleaseError               records, revisions, locks
    ├── RegistryError              OCI registries
    └── SignatureError             signatures and trust

Each error says three things: what was being done (``message``), what was found (``context``: object, file, line,
value), and what to do (``hint``). ``code`` is stable and documented; ``exit_code`` is one of those that README lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class BundlerError(Exception):
    """Base of every failure we expect. Subclasses set ``code``; it is stable and documented.

    The message says what was being done, ``context`` what was found (a line each), ``hint`` what to do. ``exit_code``
    is the command line's.

    Example:
        >>> from bundler import BundlerError, Session
        >>> with Session.sandbox() as session:
        ...     try:
        ...         session.status("shop")
        ...     except BundlerError as error:
        ...         print(error.code, "-", error.hint)
        release-not-found - ...
    """

    code: ClassVar[str] = "bundler-error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, context: Sequence[str], hint: str) -> None:
        super().__init__(message)
        self.context = tuple(context)
        self.hint = hint
        self.is_unclear = False
        """The write that failed may have taken effect all the same: its answer was lost."""

    def __reduce__(self) -> tuple[object, ...]:
        """Let an error cross to another process with all its fields, whatever its constructor asks for."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[BundlerError], args: tuple[object, ...], fields: dict[str, object]) -> BundlerError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(fields)
    return error


class UsageError(BundlerError):
    """The command line cannot be understood, or its options contradict each other.

    Remedy: Correct what the error names; `bundler VERB --help` lists what a verb takes.
    """

    code = "usage"
    exit_code = 2


class ConfirmationRequiredError(UsageError):
    """A change needs an answer, and the run has no terminal to ask on.

    Remedy: Read the plan; pass `--yes` to answer its questions, and `--accept-data-loss` where data may be lost.
    """

    code = "confirmation-required"


class InterruptedRunError(BundlerError):
    """The user or the system stopped this run.

    Remedy: Run the same command again; it continues from what is in the cluster.
    """

    code = "interrupted"
    exit_code = 130


class OutputError(BundlerError):
    """The output cannot be written to its destination.

    Remedy: Check the path, its permissions and the space on the disk.
    """

    code = "output"
