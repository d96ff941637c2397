"""What one run remembers of its objects from one wait to the next. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bundler.model.refs import ObjectRef


class RunMemory:
    """Used by several threads, each of which asks about its own objects."""

    def __init__(self) -> None:
        self._since_s: dict[ObjectRef, float] = {}
        self._versions: dict[ObjectRef, str] = {}
        self._said: set[tuple[ObjectRef, str]] = set()
        self._evidence: list[tuple[str, ...]] = []

    def explain(self, lines: tuple[str, ...]) -> None:
        """Remember what explains why objects of one wait are not ready, as it was when the run failed."""
        self._evidence.append(lines)

    def evidence_besides(self, known: tuple[str, ...]) -> tuple[str, ...]:
        """Return what explains the other waits that were not over when one failed: each is of another component.

        Args:
            known: the context of the error that ended the run.
        """
        return tuple(line for lines in self._evidence if lines != known for line in lines)

    def wrote(self, ref: ObjectRef, *, version: str, now_s: float) -> None:
        """Remember that the run wrote an object, and the resourceVersion that it got.

        Args:
            ref: the object.
            version: resourceVersion that the server answered.
            now_s: seconds since the epoch.
        """
        self._since_s[ref], self._versions[ref] = now_s, version

    def since_s(self, ref: ObjectRef, now_s: float) -> float:
        """Return when the run wrote an object, or first waited for it; monotonic."""
        return self._since_s.setdefault(ref, now_s)

    def version(self, ref: ObjectRef) -> str:
        """Return the resourceVersion that the run wrote; empty where it wrote nothing."""
        return self._versions.get(ref, "")

    def is_news(self, ref: ObjectRef, text: str) -> bool:
        """Tell, once in a run, that this was not said of the object before."""
        is_news = (ref, text) not in self._said
        self._said.add((ref, text))
        return is_news
