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
value), and what to do (``hint``). An error is not changed once it is made: who knows more raises a copy. What code
has to know of it stands in fields, of the error or of its lines (``Found``), and is never read out of its text.
``code`` is stable and documented; ``exit_code`` is one of those that README lists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self, TypeVar


class Found(str):
    """A line of what was found that knows what it is about."""

    __slots__ = ("column", "field", "file", "hint", "line", "message", "subject")
    message: str
    """What is wrong, without its place."""
    subject: str
    """The Kubernetes object: ``Deployment/web``."""
    field: str
    """The place in the object, the values or the file."""
    file: str
    """As the user knows it."""
    line: int
    """From 1; 0 where it is not known."""
    column: int
    """From 1; 0 where it is not known."""
    hint: str
    """What to do about this one line, where there are several."""

    def __new__(cls, text: str, *, message: str = "", **about: Any) -> Self:
        """Make a line that is printed as ``text``; ``about`` are the other fields."""
        made = super().__new__(cls, text)
        empty = {"subject": "", "field": "", "file": "", "line": 0, "column": 0, "hint": ""}
        for name, value in {**empty, "message": message or text, **about}.items():
            object.__setattr__(made, name, value)
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a line of an error is not changed: {name}")

    def __reduce__(self) -> tuple[object, ...]:
        return _found_again, (type(self), str(self), self.about)

    @property
    def about(self) -> dict[str, Any]:
        """All fields by name."""
        return {name: getattr(self, name) for name in Found.__slots__}

    def spelled(self, spell: Callable[[str], str]) -> Found:
        """Return the line with every text in it spelled again: masked, cut."""
        about = {name: spell(value) if isinstance(value, str) else value for name, value in self.about.items()}
        return Found(spell(str(self)), **about)


def _found_again(kind: type[Found], text: str, about: dict[str, Any]) -> Found:
    return kind(text, **about)


def field_of(line: str) -> str:
    """Return the field that a line is about; empty where it knows none."""
    return line.field if isinstance(line, Found) else ""


class Detail(str):
    """A line that belongs to the one above it: an excerpt, a chain of includes."""

    __slots__ = ()


class Again(str):
    """A hint to repeat the command, in whose place another way to continue may be put."""

    __slots__ = ("after", "before", "words")
    before: str
    words: str
    after: str

    def __new__(cls, before: str = "", words: str = "run the same command again", after: str = "") -> Self:
        """Put the hint together.

        Args:
            before: what is done first: ``fix what is named above and``; ends with a space.
            words: how the command is repeated, and why that helps.
            after: what may be done in place of all that: ``, or go back with …``.
        """
        hint = super().__new__(cls, f"{before}{words}{after}")
        hint.before, hint.words, hint.after = before, words, after
        return hint

    def __reduce__(self) -> tuple[object, ...]:
        """Let it cross to another process."""
        return Again, (self.before, self.words, self.after)

    def instead(self, words: str) -> str:
        """Return the hint with another way to continue."""
        return f"{self.before}{words}{self.after}"


class Remedy(Detail):
    """A line that repeats the hint of the one above it, for people."""

    __slots__ = ()


def respelled(line: str, spell: Callable[[str], str]) -> str:
    """Return a line of a context with its texts spelled again: masked, cut; it stays what it is."""
    match line:
        case Found():
            return line.spelled(spell)
        case Detail():
            return type(line)(spell(line))
        case _:
            return spell(line)


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
    context: tuple[str, ...]
    hint: str
    is_unclear: bool
    """The write that failed may have taken effect all the same: its answer was lost."""

    def __init__(self, message: str, *, context: Sequence[str], hint: str) -> None:
        super().__init__(message)
        self._keep(context=tuple(context), hint=hint, is_unclear=False)

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("__"):
            raise AttributeError(f"an error is not changed once it is made: {name}")
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[object, ...]:
        """Let an error cross to another process with all its fields, whatever its constructor asks for."""
        return _restored, (type(self), self.args, self.__dict__)

    @property
    def problems(self) -> tuple[Found, ...]:
        """The lines of the context that know what they are about."""
        return tuple(line for line in self.context if isinstance(line, Found))

    def with_context(self, *lines: str, hint: str = "") -> Self:
        """Return a copy that says more.

        Args:
            lines: come after the context.
            hint: what to do; where none is given, the one of this error.
        """
        return self._copy(context=(*self.context, *lines), hint=hint or self.hint)

    def spelled(self, spell: Callable[[str], str]) -> Self:
        """Return a copy with every text in it spelled again: masked, cut."""
        context = tuple(respelled(line, spell) for line in self.context)
        texts = {name: spell(text) for name, text in self.__dict__.items() if isinstance(text, str)}
        args = tuple(spell(one) if isinstance(one, str) else one for one in self.args)
        fields = {**self.__dict__, **texts, "context": context}
        return _restored(type(self), args, fields).with_traceback(self.__traceback__)

    def unclear(self) -> Self:
        """Return a copy for a write that may have taken effect."""
        return self._copy(is_unclear=True)

    def _keep(self, **fields: object) -> None:
        """Set fields, while the error is made."""
        self.__dict__.update(fields)

    def _copy(self, **fields: object) -> Self:
        return _restored(type(self), self.args, {**self.__dict__, **fields})


_Kind = TypeVar("_Kind", bound=BundlerError)


def _restored(kind: type[_Kind], args: tuple[object, ...], fields: dict[str, object]) -> _Kind:
    error = kind.__new__(kind, *args)
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


class BugError(BundlerError):
    """Bundler met something that it did not foresee: this is a bug.

    Remedy: Report it with the lines that were printed; `-v` adds the full traceback.
    """

    code = "bug"
    exit_code = 70


class OutputError(BundlerError):
    """The output cannot be written to its destination.

    Remedy: Check the path, its permissions and the space on the disk.
    """

    code = "output"
