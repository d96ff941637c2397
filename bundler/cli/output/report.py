"""What is shown of a change or a release away from a terminal, whatever form it takes. Layer: cli, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One object that changes."""

    action: str
    """``create``, ``update``, ``recreate`` or ``delete``."""
    name: str
    """``Deployment/web``."""
    remark: str = ""
    """Why, in a few words."""
    because: tuple[str, ...] = ()
    """Which values, or what else, caused it."""
    notes: tuple[tuple[str, str], ...] = ()
    """Fields that others set: ``conflict``, ``take`` or ``keep``, and which."""
    lines: tuple[str, ...] = ()
    """A unified diff."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Lines under a title."""

    title: str
    lines: tuple[str, ...]
    is_ordered: bool = False
    """The lines follow each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a title; a mark in the first cell says how a row is."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that is shown; texts are foreign, and each form makes them harmless in its own way."""

    title: str
    summary: str
    """The one sentence to read."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Release, namespace, cluster, bundle: a line each."""
    listings: tuple[Listing, ...] = ()
    """Changed values, warnings: before the objects."""
    alarms: tuple[tuple[str, str], ...] = ()
    """What leaves the namespace or grants power: its kind, and what it is about."""
    items: tuple[Item, ...] = ()
    tables: tuple[Table, ...] = ()
    kept: tuple[str, ...] = ()
    """Objects that stay, and why."""
    ends: tuple[Listing, ...] = ()
    """After the objects: steps, evidence."""
