"""Long texts: what changes in them, and what lint says of them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.growth.frame import growth
from benchmarks.workload import write_long_bundle
from bundler.actions.author.lint import lint
from bundler.actions.compose.user_values import UserInput
from bundler.expressions.template_reads import read_paths
from bundler.loader.locate import find_bundle
from bundler.model.change import Action, Change
from bundler.model.manifest import Manifest, Source
from bundler.model.refs import ObjectRef
from bundler.model.values import UserLayers
from bundler.planning.diff import object_diff

if TYPE_CHECKING:
    from benchmarks.growth.frame import Work

_REF = ObjectRef("", "ConfigMap", "prod", "rules")


def _config(lines: int, period: int) -> Manifest:
    text = "".join(f"line {number % period}\n" for number in range(lines))
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rules"}, "data": {"rules": text}}
    return Manifest(ref=_REF, api_version="v1", body=body, source=Source("templates/a.yaml", 1))


@growth("diff: a text whose lines repeat, all changed", small=2_500, large=10_000)
def repetitive_text(size: int) -> Work:
    before, after = _config(size, 150).body, _config(size, 149)
    change = Change(ref=_REF, action=Action.UPDATE, before=before, desired=after)
    return lambda: object_diff(change)


@growth("lint: objects in one template", small=100, large=400)
def lint_long_template(size: int) -> Work:
    folder = Path(tempfile.mkdtemp(prefix="bundler-growth-"))
    location = find_bundle(str(write_long_bundle(folder / "long", size)))
    return lambda: lint(location, UserInput(user=UserLayers()))


@growth("which values are read: variables of one template", small=1_000, large=4_000)
def variables(size: int) -> Work:
    numbers = range(size)
    text = "".join(f"{{% set v{n} = values.v{n} %}}\n{{{{ v{n} }}}} {{{{ v{n}.upper() }}}}\n" for n in numbers)
    return lambda: read_paths({"a.yaml": text})
