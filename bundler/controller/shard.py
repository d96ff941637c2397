"""Which orders a controller keeps, where several share them. Layer: controller, pure."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from bundler.controller.process import LEASE
from bundler.errors import UsageError
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.refs import ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One of several equal shares of all orders."""

    number: int = 1
    of: int = 1

    @property
    def lease(self) -> str:
        """The name of the Lease that its leader holds."""
        return LEASE if self.of == 1 else f"{LEASE}-{self.number}-of-{self.of}"

    def holds(self, key: ObjectRef) -> bool:
        """Return whether an order belongs to it; each belongs to one, whatever its kind."""
        name = f"{key.namespace}/{key.name}".encode()
        return int.from_bytes(sha256(name).digest()[:8]) % self.of == self.number - 1


def parse_shard(text: str) -> Shard:
    """Return the shard that is typed: ``1/4``.

    Raises:
        UsageError: for what is none.
    """
    number, slash, of = text.partition("/")
    if slash and number.isascii() and number.isdigit() and of.isascii() and of.isdigit():
        shard = Shard(number=int(number), of=int(of))
        if 1 <= shard.number <= shard.of:
            return shard
    raise UsageError("reading --shard", context=[f"{text!r} is no share"], hint="write 1/4 for the first of four")
