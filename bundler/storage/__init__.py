"""Release records and locks in a cluster. Layer: adapter."""

from bundler.storage.holder import Holder, this_process
from bundler.storage.lease import LockState
from bundler.storage.lock import LeaseLock, break_lock, read_lock
from bundler.storage.secrets import SecretReleaseStore

__all__ = ["Holder", "LeaseLock", "LockState", "SecretReleaseStore", "break_lock", "read_lock", "this_process"]
