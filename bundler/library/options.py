"""What a program says of a session when it opens one. Layer: library, pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from bundler.errors.bundle import ValuesFileError
from bundler.library.network import NetworkRules
from bundler.model.lean import dataclass, field
from bundler.ports import UNCONFINED, Clock, Confinement, Reporter, count_nothing, say_nothing

if TYPE_CHECKING:
    from bundler.loader.limits import LoadLimits
    from bundler.model.redaction import Redactor

DEFAULT_TIMEOUT_S: Final = 600.0
DEFAULT_LOCK_DURATION_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """How a session works. A session reads no variable of the process: what it may know of them is given here.

    Example:
        >>> from bundler import Session, SessionOptions
        >>> options = SessionOptions(namespace="shop-prod", timeout_s=120.0)
        >>> with Session.sandbox(options=options) as session:
        ...     session.namespace
        'shop-prod'
    """

    namespace: str = ""
    """Namespace of releases; empty: the one of the site file, else the one of the kubeconfig's context."""
    timeout_s: float = DEFAULT_TIMEOUT_S
    """Seconds that each call may take, waiting included; they end no search by a regular expression of a bundle."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables for ``--set-env`` values, proxies, login plugins (``PATH``, ``HOME``) and ``KUBECONFIG``."""
    home: Path = Path("/")
    """The home folder that ``.kube/config`` is looked for in where no kubeconfig is named."""
    cache_dir: Path | None = None
    """Where fetched bundles, compiled templates and discovery are kept; None: nowhere beyond the session."""
    config_dir: Path | None = None
    """Where ``registries.yaml`` is; None: there is none."""
    search_path: tuple[Path, ...] = ()
    """Folders in which a bundle's name is looked up before those shipped with bundler."""
    catalogues: tuple[str, ...] = ()
    """Addresses (``oci://``) of catalogues in which a bundle's name is looked up where no local place has it."""
    limits: LoadLimits | None = None
    """How large a bundle may be; None: the default limits."""
    network: NetworkRules = NetworkRules()
    """Which servers may be reached."""
    lock_duration_s: float = DEFAULT_LOCK_DURATION_S
    """Seconds that the lock of a release lives without a heartbeat; at least 1."""
    user: str = ""
    """Who holds the lock, as others are shown it; empty: the account of the process."""
    impersonate: str = ""
    """The ServiceAccount that every request is sent as, whatever user the session logs in as:
    ``system:serviceaccount:NAMESPACE:NAME``. Its rights count; records name both. Empty: no one else."""
    command: str = ""
    """What is recorded as the command that made a revision; it must hold no secret."""


class Stop(Protocol):
    """The wish to stop."""

    def is_asked(self) -> bool:
        """Return whether the run was asked to stop."""
        ...

    def grace_s(self) -> float:
        """Return the seconds that requests may still take: without end until the run is asked to stop."""
        ...

    def careful(self) -> AbstractContextManager[None]:
        """While the block runs, what is under way is finished before the run ends."""
        ...


class NeverStopped:
    """No one asks to stop."""

    def is_asked(self) -> bool:
        """Return that no one did."""
        return False

    def grace_s(self) -> float:
        """Return no end."""
        return float("inf")

    def careful(self) -> AbstractContextManager[None]:
        """Nothing interrupts what is under way."""
        return nullcontext()


def _no_stdin() -> str:
    found = "a session reads no standard input"
    raise ValuesFileError("reading values from -", context=[found], hint="give them as Values(data=...)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The program that a session works for, and what it brings along; a library session makes its own."""

    clock: Clock
    redactor: Redactor
    closing: ExitStack
    """What is entered here is left when the session, or the program, ends."""
    report: Reporter = say_nothing
    """Takes the events of calls that name no other reporter."""
    count: Callable[[str, int], None] = count_nothing
    """Takes verb and status of each request to the API server; called from several threads."""
    stop: Stop = NeverStopped()
    confinement: Confinement = UNCONFINED
    """Runs work on foreign bundles."""
    owns_process: bool = False
    """The process serves this session alone, and may be copied to judge by an author's rules."""
    is_interactive: bool = False
    """Login plugins may ask on standard input."""
    masks: bool = True
    """Errors and events are masked here; False: the program masks all that it prints."""
    deadline_s: Callable[[], float] | None = None
    """On ``clock.monotonic()``: when the whole program has to end; None: each call has the time of the options."""
    argv: tuple[str, ...] = ()
    """The command line of the program; it is recorded, masked by the schemas of the bundle."""
    read_stdin: Callable[[], str] = _no_stdin
