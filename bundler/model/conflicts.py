"""Who wins where another manager has set a field that the bundle sets too. Layer: model, pure."""

from __future__ import annotations

import re
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from bundler.model.json import pointer_tokens
from bundler.model.lean import dataclass
from bundler.model.manifest import Source
from bundler.model.pattern import LazyPattern

if TYPE_CHECKING:
    from bundler.model.refs import ObjectRef

_ANY_ITEM = re.escape("[*]")


class OnConflict(StrEnum):
    """What is done about a field that another manager set differently.

    Example:
        >>> from bundler import OnConflict, ReleaseRequest
        >>> request = ReleaseRequest(bundle="webapp", release="shop", on_conflict=OnConflict.TAKE)
        >>> str(request.on_conflict)
        'take'
    """

    FAIL = "fail"
    """Nothing is written; the plan shows the field, both values and who set the live one."""
    TAKE = "take"
    """The bundle's value is written, and the other manager no longer owns the field."""
    KEEP = "keep"
    """The live value stays. The field is left to the other manager, in later changes too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictRule:
    """What is done about the conflicts that it fits; an empty part fits any."""

    policy: OnConflict
    kind: str = ""
    name: str = ""
    """May hold ``*`` for any characters."""
    path: str = ""
    """A field, with all below it: ``.spec.replicas``; ``[*]`` stands for any item of a list."""
    manager: str = ""
    """May hold ``*`` for any characters."""
    source: Source = Source("", 0)
    """Where it is written."""

    def fits(self, ref: ObjectRef, path: str, manager: str) -> bool:
        """Return whether a conflict is meant.

        Args:
            ref: the object.
            path: the field, as the API server writes it: ``.spec.template.spec.containers[name="web"].image``.
            manager: who set the live value.
        """
        return (
            self.kind in {"", ref.kind}
            and fnmatchcase(ref.name, self.name or "*")
            and fnmatchcase(manager, self.manager or "*")
            and (not self.path or re.match(_pattern(_plain(self.path)), _plain(path)) is not None)
        )


def _pattern(path: str) -> str:
    """Return what a path, and any below it, looks like; a leading dot may be left out."""
    return re.escape(f".{path.removeprefix('.')}").replace(_ANY_ITEM, r"\[[^\]]*\]") + r"(?=[.\[]|$)"


def _plain(path: str) -> str:
    """Return a path without the quotes of keys of list items, which a shell may have taken: ``[name=web]``."""
    return _QUOTED_KEY.sub(r"\1", path)


def path_problem(path: str) -> str:
    """Return why a text can be no path of a field, so that a rule with it would fit nothing; empty where it can."""
    if _PATH.fullmatch(path) is None:
        return f'"{path}" is not a field; write one like .spec.replicas, or .spec.template.spec.containers[*].image'
    if _STAR.search(path) is not None:
        return (
            f'"{path}" has * for a field; it stands for list items, as in containers[*], and a path means all below it'
        )
    return ""


def path_of(text: str) -> str:
    """Return a path as the API server writes it; one that is a JSON pointer names any item where it has an index."""
    if not text.startswith("/"):
        return text
    return "".join("[*]" if token.isdigit() else f".{token}" for token in pointer_tokens(text))


_PATH = LazyPattern(r'\.?[A-Za-z][\w-]*(?:\.[^.\[\]]+|\[(?:[^\[\]"]|"(?:[^"\\]|\\.)*")+\])*')
_STAR = LazyPattern(r"\.\*+(?=[.\[]|$)")
_QUOTED_KEY = LazyPattern(r'(?<==)"((?:[^"\\]|\\.)*)"')
_IGNORED = LazyPattern(r"(?:([A-Z][A-Za-z0-9]*)(?:/([^:]+))?:)?(.+)")


def ignoring(text: str) -> ConflictRule:
    """Read ``[KIND[/NAME]:]PATH`` as a rule that leaves the field as it is live; ``*`` in names, ``[*]`` in paths.

    Raises:
        ValueError: with why it would fit nothing.
    """
    found = _IGNORED.fullmatch(text)
    if found is None:
        raise ValueError("it is empty")
    kind, name, path = found[1], found[2], path_of(found[3])
    if why := path_problem(path):
        raise ValueError(why)
    source = Source("--ignore", 0)
    return ConflictRule(policy=OnConflict.KEEP, kind=kind or "", name=name or "", path=path, source=source)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictPolicy:
    """All rules of a change, those that count more first."""

    rules: tuple[ConflictRule, ...] = ()

    def rule_for(self, ref: ObjectRef, path: str, manager: str) -> ConflictRule | None:
        """Return the first rule that fits; None where none does, and the conflict stops the change.

        Args:
            ref: the object.
            path: the field, as the API server writes it.
            manager: who set the live value.
        """
        return next((rule for rule in self.rules if rule.fits(ref, path, manager)), None)


def policy_of(policy: OnConflict, *rules: tuple[ConflictRule, ...], said_by: str = "--on-conflict") -> ConflictPolicy:
    """Return the policy of a change: rules by their rank, then what the command says of all other conflicts.

    Args:
        policy: of the command.
        rules: of the site file, then of the bundle.
        said_by: what of the command says so.
    """
    last = ConflictRule(policy=policy, source=Source(said_by, 0))
    return ConflictPolicy(rules=(*(rule for group in rules for rule in group), last))
