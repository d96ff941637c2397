"""Rendered Kubernetes objects. Layer: model, pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from bundler.errors import Found
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef

FindSource: TypeAlias = "Callable[[ObjectRef, Sequence[str | int]], Source | None]"
"""An object and keys and indexes from its root -> the template line that printed what is there; slow, for errors
and reports. None where no one knows."""


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """Where in a bundle something was written."""

    file: str
    """Path as the user knows it: inside the bundle, with the component's path before it (``web/templates/a.yaml``)."""
    line: int
    """From 1; 0 where the line is not known."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    @classmethod
    def parse(cls, text: str) -> Source:
        """Read what ``str`` makes of a source."""
        file, _, line = text.rpartition(":")
        return cls(file, int(line)) if file and line.isdecimal() else cls(text, 0)

    def found(self, message: str, *, column: int = 0, **about: Any) -> Found:
        """Return a line of an error on something that was found here: ``templates/web.yaml:23:14: MESSAGE``.

        Args:
            message: what is wrong.
            column: from 1; 0 where it is not known.
            about: other fields of :class:`bundler.errors.Found`.
        """
        place = f"{self}:{column}" if column else str(self)
        return Found(f"{place}: {message}", message=message, file=self.file, line=self.line, column=column, **about)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One rendered object and the template it came from."""

    ref: ObjectRef
    api_version: str
    body: Body
    source: Source
    component: str = ""
    """Path of the component inside the bundle, ``/`` between levels; empty for the bundle's own objects."""
    patched_by: tuple[Source, ...] = ()
    """Where the patches are written that changed what the template printed."""
    is_backup: bool = False
    """No object of the release, but what its bundle wants done before data is lost."""
    recorded_in: str = ""
    """Of what a rollback writes: the API version of the record, where the cluster serves another one now."""

    @property
    def version(self) -> str:
        """The API version without its group: ``v1``."""
        return self.api_version.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedSecret:
    """A secret made once and kept for ever: what to make, and where it lies."""

    name: str
    """The name by which templates ask for its address: ``generated['db-password']``."""
    ref: ObjectRef
    key: str
    kind: str
    """``password``, ``hex``, ``uuid`` or ``base64``."""
    length: int
    component: str = ""
    source: Source = Source("bundle.yaml", 0)
