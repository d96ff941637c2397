"""Who holds a lock: a process on a machine. Layer: adapter."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.model.lock import Holder

if TYPE_CHECKING:
    from collections.abc import Callable

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")


def this_process(*, user: str, command: str, tool_version: str) -> Holder:
    """Return the holder that this process is.

    Args:
        user: what the environment calls them; empty where it does not, as in containers and cron jobs.
        command: the command line, sensitive values masked.
        tool_version: of bundler.
    """
    return Holder(
        user=user or account(),
        host=os.uname().nodename,
        pid=os.getpid(),
        boot_id=boot_id(),
        command=command,
        tool_version=tool_version,
    )


def account() -> str:
    """Return the user whose process this is."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"


def boot_id() -> str:
    """Name this boot and process-id namespace.

    Containers of one machine share its boot id but not its process ids: without the namespace, a process that lives in
    the container next door would look gone.
    """
    try:
        return f"{_BOOT_ID.read_text(encoding='ascii').strip()}/{_PID_NAMESPACE.readlink()}"
    except (OSError, ValueError):
        return ""


def is_process_gone(pid: int) -> bool:
    """Return whether no process of that id runs here.

    One that ended counts as gone, too, while its parent has not asked how: in a container whose first process asks for
    no one, that is for ever.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OverflowError:
        return False
    except OSError:
        pass  # it is another user's; how it is can be read all the same
    return _has_ended(pid)


def _has_ended(pid: int) -> bool:
    """Return whether a process is a zombie; False where the system does not say. Source: proc_pid_stat(5)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    # The name of the program is in parentheses, and may hold some itself.
    return stat.rpartition(b")")[2].split()[:1] in ([b"Z"], [b"X"])


def is_alive_here(theirs: Holder) -> bool | None:
    """Return whether ``theirs`` runs; None where it did not begin on this machine, in this boot."""
    is_here = bool(theirs.boot_id) and theirs.boot_id == boot_id() and theirs.pid > 0
    return not is_process_gone(theirs.pid) if is_here else None


def is_gone_here(theirs: Holder, ours: Holder, is_gone: Callable[[int], bool] = is_process_gone) -> bool:
    """Return whether ``theirs`` ran on this machine, in this boot, and is there no more.

    Args:
        theirs: holder recorded in the lease.
        ours: this process.
        is_gone: says whether a process id has ended.
    """
    return bool(ours.boot_id) and theirs.boot_id == ours.boot_id and theirs.pid > 0 and is_gone(theirs.pid)
