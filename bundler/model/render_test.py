"""Tests of what a bundle renders to. Layer: model, pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.json import JSONValue
    from bundler.model.manifest import Source
    from bundler.model.values import ValuesLayer


class Check(StrEnum):
    """What is asked of a value, or of how many objects there are; the value is the key in the file."""

    EQUALS = "equals"
    MATCHES = "matches"
    CONTAINS = "contains"
    EXISTS = "exists"
    AT_LEAST = "atLeast"
    AT_MOST = "atMost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One assertion about the objects of a case."""

    target: str
    """``Deployment/shop-web``; ``Deployment`` means every object of that kind, together."""
    path: str = ""
    """A field path inside the object; empty: the objects themselves are counted."""
    check: Check
    wanted: JSONValue
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """One point of a case's matrix."""

    name: str
    """``qps=2000 kubernetes=1.31``; empty where there is no matrix."""
    kube_version: str = ""
    values: tuple[tuple[str, JSONValue], ...] = ()
    """Paths in the values and what is set there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderCase:
    """What is rendered, and what is expected of it."""

    name: str
    source: Source
    values: ValuesLayer
    combinations: Sequence[Combination]
    """At least one."""
    expectations: tuple[Expectation, ...] = ()
    site: Path | None = None
    release: str = ""
    """Empty: the bundle's name."""
    namespace: str = ""
    error: str = ""
    """Text that the error must contain; empty: rendering must succeed."""
    golden: Path | None = None
    """The file that holds the objects; with a matrix each combination has one of its own beside it."""


class Verdict(StrEnum):
    """How a test ended."""

    PASSED = "passed"
    FAILED = "failed"
    UPDATED = "updated"
    """Its golden file was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderTestResult:
    """One case at one point of its matrix."""

    name: str
    source: Source
    verdict: Verdict
    problems: tuple[str, ...]
    sensitive: frozenset[str]
    """Strings that must not be printed."""
    seconds: float
