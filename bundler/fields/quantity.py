"""Kubernetes quantities: canonical form, order, sum. Layer: fields, pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, order=True)
class Quantity:
    """An amount such as ``500m`` or ``1Gi``; equal amounts compare equal however they were written."""

    amount: Decimal

    @classmethod
    def parse(cls, text: str | int | float) -> Quantity:
        """Read a quantity.

        Raises:
            ValueError: when it is none.
        """
        raise NotImplementedError


def canonical(text: str | int | float) -> str:
    """Return the form in which the API server stores a quantity: ``1000m`` is ``1``, ``1024Mi`` is ``1Gi``.

    Raises:
        ValueError: when it is no quantity.
    """
    raise NotImplementedError
