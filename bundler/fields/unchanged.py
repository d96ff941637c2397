"""Tell without asking that an apply would change nothing. Layer: fields, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bundler.model.json import Body


def is_unchanged(
    desired: Body, live: Body, *, manager: str = "bundler", ignoring: frozenset[str] = frozenset()
) -> bool:
    """Tell whether applying ``desired`` over ``live`` changes nothing; False whenever that is not certain.

    Args:
        desired: the body in normal form (no ``stringData``, nulls or ``status``).
        live: the object as the API returns it, managedFields included.
        manager: the field manager that would apply.
        ignoring: paths such as ``.spec.replicas`` whose value and ownership do not count.
    """
    raise NotImplementedError
