"""Change a list that lower layers made, at one place: ``--set list[0].f=1`` and the operators of values files.

Layer: values, pure. What comes out is a layer that holds the whole list, so that recording it needs no operators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.errors.bundle import ValuesPathError
from bundler.model.json import is_list
from bundler.syntax.written_path import Match, Step, format_path
from bundler.values.layers import owning_layers
from bundler.values.list_draft import ListDraft
from bundler.values.merge import fold_layers, merge_all
from bundler.values.paths import ValuePath, get_value, leading_keys, parse_path
from bundler.values.traced import Traced

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle, DeriveRule
    from bundler.model.values import Origin, ValuesLayer
    from bundler.values.schema_view import SchemaView


class OpenLists:
    """The lists that a user changes item by item: each becomes one layer, once nothing more is asked of it."""

    def __init__(self, bundle: Bundle, view: SchemaView, layers: list[ValuesLayer]) -> None:
        """Begin.

        Args:
            bundle: the top bundle.
            view: of ``bundle``.
            layers: what the user gave so far; takes a layer for each list that is closed.
        """
        self._bundle, self._view, self._layers = bundle, view, layers
        self._open: dict[tuple[str, ...], tuple[ListDraft, Origin]] = {}
        """With each: who changed it last."""
        self._above: set[tuple[str, ...]] = set()
        """The paths of what is around an open list."""

    def change(self, path: ValuePath, make: Callable[[Traced], Traced], origin: Origin) -> None:
        """Change the list which ``path`` leads to, or into.

        Args:
            path: from the top bundle's values, through components too.
            make: from what is there now to what shall be; None stands for what is not set.
            origin: who changes it; parts of the list that stay keep theirs.

        Raises:
            ValuesPathError: when there is no such item, no list, or the list is derived.
        """
        _refuse_secret_names(path, self._view)
        keys = tuple(leading_keys(path))
        if keys not in self._open:
            self.close_touching(keys)
            draft = self._draft(path, keys)
        else:
            draft = self._open[keys][0]
        draft.change(path, make)
        self._open[keys] = (draft, origin)
        self._above.update(keys[:length] for length in range(len(keys)))

    def close_touching(self, keys: Sequence[str]) -> None:
        """Close the lists which a value at ``keys`` would be part of, or around."""
        whole = tuple(keys)
        if whole in self._above or any(whole[:length] in self._open for length in range(len(whole) + 1)):
            self.close()

    def close(self) -> None:
        """Make layers of all open lists."""
        self._layers += [draft.layer(origin) for draft, origin in self._open.values()]
        self._open.clear()
        self._above.clear()

    def _draft(self, path: ValuePath, keys: Sequence[str]) -> ListDraft:
        layers, depth = owning_layers(self._bundle, self._view, self._layers, path)
        _refuse_derived(self._bundle, keys, self._layers)
        fold = fold_layers(layers)
        return ListDraft(keys, Traced(fold.data, fold.origins).at(keys[depth:]))


def item_view(view: SchemaView, path: Sequence[Step]) -> SchemaView:
    """Look at ``path``; an item chosen by a name is like any other."""
    return view.at([0 if isinstance(step, Match) else step for step in path])


def refuse_no_list(part: Traced, path: Sequence[Step]) -> None:
    """Refuse to append to something that is set and no list.

    Raises:
        ValuesPathError: when it is so.
    """
    if part.value is not None and not is_list(part.value):
        raise ValuesPathError(
            f"following the path {format_path(path)}",
            context=[f"{format_path(path)}: it is not a list"],
            hint="leave the + out to replace it",
        )


def _refuse_secret_names(path: ValuePath, view: SchemaView) -> None:
    for depth, step in enumerate(path):
        if isinstance(step, Match) and item_view(view, path[:depth]).child(0).child(step.key).holds_sensitive:
            place = format_path(path[:depth])
            raise ValuesPathError(
                f"following a path into {place}",
                context=[f"{place}: items cannot be named by {step.key}, which is a secret"],
                hint="name the item by its number, or by another key",
            )


def _refuse_derived(bundle: Bundle, keys: Sequence[str], lower: Sequence[ValuesLayer]) -> None:
    """Refuse a list that a formula computes: it does so after all layers are known."""
    rule = next(_rules_for(bundle, keys), None)
    if rule is None or is_list(get_value(merge_all(lower), keys)):
        return
    place = format_path(keys)
    raise ValuesPathError(
        f"following the path {place}",
        context=[f"{place}: it is derived ({rule.source}: {rule.formula})"],
        hint="give the whole list; it then takes the place of the formula",
    )


def _rules_for(bundle: Bundle, keys: Sequence[str]) -> Iterator[DeriveRule]:
    for rule in bundle.derive:
        target = parse_path(rule.path)
        if tuple(keys[: len(target)]) == target:
            yield rule
    inner = bundle.component_bundles.get(keys[0]) if keys else None
    if inner is not None:
        yield from _rules_for(inner, keys[1:])
