"""Comments in a bundle that silence a rule of lint, each with its reason. Layer: actions, pure.

``# lint: ignore image-tag - the registry has no versions`` is about its own line and the next, ``ignore-file`` about
the whole file; inside ``{# #}`` it stays out of the rendered text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bundler.actions.author.rules import RULES
from bundler.model.bundle import NOTES_FILE, Bundle, template_place
from bundler.model.finding import Finding, Level
from bundler.model.lean import dataclass

_WORD = "lint: ignore"
_SILENCE = re.compile(
    r"#-?\s*lint: ignore(?P<file>-file)?(?P<rules>(?:[ ,]+(?!-)[\w-]+)*)(?:\s+-+\s+(?P<reason>.*?))?\s*(?:-?#\}.*)?$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """One comment."""

    file: str
    line: int
    is_for_file: bool
    rules: tuple[str, ...]
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Return whether a finding is what it is about."""
        is_near = self.is_for_file or finding.line in {self.line, self.line + 1}
        return finding.file == self.file and finding.rule in self.rules and is_near

    @property
    def problem(self) -> str:
        """What is wrong with the comment itself; empty where nothing is."""
        unknown = [rule for rule in self.rules if rule not in RULES]
        if unknown:
            return f"there is no rule {unknown[0]} that can be silenced"
        if not self.rules:
            return "the comment names no rule"
        return "" if self.reason else f"nothing says why {', '.join(self.rules)} is silenced"


def silences_in(bundle: Bundle, texts: Mapping[str, str]) -> tuple[Silence, ...]:
    """Return the silences in the templates and notes of a bundle and its components, and in ``texts``, by file."""
    everything = {**dict(_texts(bundle, "")), **texts}
    return tuple(one for file, text in sorted(everything.items()) if _WORD in text for one in _silences(file, text))


def _texts(bundle: Bundle, prefix: str) -> Iterator[tuple[str, str]]:
    yield from ((f"{prefix}{template_place(name)}", text) for name, text in bundle.templates.items())
    yield from ((f"{prefix}crds/{name.removeprefix('crds/')}", text) for name, text in bundle.crds.items())
    yield f"{prefix}{NOTES_FILE}", bundle.notes
    for name, inner in bundle.component_bundles.items():
        yield from _texts(inner, f"{prefix}{name}/")


def _silences(file: str, text: str) -> Iterator[Silence]:
    for number, line in enumerate(text.splitlines(), 1):
        if found := _SILENCE.search(line):
            rules = tuple(re.findall(r"[\w-]+", found["rules"] or ""))
            reason = (found["reason"] or "").strip()
            yield Silence(file=file, line=number, is_for_file=bool(found["file"]), rules=rules, reason=reason)


def silenced(findings: Iterable[Finding], silences: Sequence[Silence]) -> Iterator[Finding]:
    """Yield what is left of ``findings``, and what is wrong with the silences themselves."""
    sound = [one for one in silences if not one.problem]
    used: set[Silence] = set()
    for finding in findings:
        covering = [one for one in sound if one.covers(finding)]
        used.update(covering)
        if not covering:
            yield finding
    for one in silences:
        if one.problem:
            hint = "write `lint: ignore RULE - why`; docs/lint.md lists the rules"
            yield Finding(one.file, one.line, 0, Level.ERROR, "bad-silence", one.problem, (), hint)
        elif one not in used:
            message = f"nothing here is found by {', '.join(one.rules)}"
            yield Finding(one.file, one.line, 0, Level.WARNING, "unused-silence", message, (), "remove the comment")
