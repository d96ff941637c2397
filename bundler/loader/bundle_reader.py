"""What the files of one bundle say: its definition, its defaults, its templates. Layer: loader, pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import bundler.loader
from bundler.loader.decode import Node
from bundler.loader.definition import decode_definition
from bundler.loader.locate import BUNDLE_FILE, LOCK_FILE
from bundler.loader.problems import Problems
from bundler.model.bundle import BESIDE_TEMPLATES, CHECKS_FOLDER, HOOKS_FOLDER, NOTES_FILE, template_place
from bundler.model.json import is_mapping
from bundler.model.manifest import Source
from bundler.model.values import LayerKind, ValuesLayer
from bundler.syntax.events import YamlSyntaxError
from bundler.syntax.reader import MarkedDocument, read_document
from bundler.values.merge import make_layer
from bundler.values.problems import meant_or_known

if TYPE_CHECKING:
    from bundler.loader.lockfile import LockEntry
    from bundler.model.bundle import Bundle, BundleFile, UpgradeRules
    from bundler.syntax.limits import Limits

VALUES_FILE = "values.yaml"
TEMPLATES = "templates/"
CRDS = "crds/"
_RENDERED = {TEMPLATES: "", **{folder: BESIDE_TEMPLATES + folder for folder in (HOOKS_FOLDER, CHECKS_FOLDER)}}
"""The folders of templates, and how the names of what is in them begin."""
_UNREADABLE = read_document("")


class BundleReader:
    """Reads the files of one bundle; what is broken becomes empty, and is reported."""

    def __init__(self, files: Mapping[str, BundleFile], prefix: str, problems: Problems, limits: Limits) -> None:
        """Keep the files, and where problems with them go.

        Args:
            files: of the bundle, by their paths.
            prefix: the component's path with a slash, for messages and sources; empty for the top bundle.
            problems: gathers what is wrong.
            limits: of each YAML document.
        """
        self._files, self._prefix, self._problems, self._limits = files, prefix, problems, limits

    def definition(self) -> Bundle:
        """Return what bundle.yaml says."""
        return decode_definition(self._root(BUNDLE_FILE))

    def locked(self) -> dict[str, LockEntry]:
        """Return what bundle.lock holds, by component."""
        return bundler.loader.lockfile.decode_lock(self._root(LOCK_FILE)) if LOCK_FILE in self._files else {}

    def defaults(self) -> ValuesLayer:
        """Return the values of values.yaml."""
        source = f"{self._prefix}{VALUES_FILE}"
        document = self._document(VALUES_FILE) if VALUES_FILE in self._files else _UNREADABLE
        value = document.value
        if value is not None and not is_mapping(value):
            self._problems.add(Source(source, document.lines[""]), "values must be a mapping")
        data = value if is_mapping(value) else {}
        return make_layer(data, LayerKind.DEFAULTS, source, document.lines if data else {})

    def templates(self, rules: UpgradeRules) -> dict[str, str]:
        """Return the texts of all templates, those of hooks and checks included.

        Args:
            rules: of the bundle, which may name one of them.
        """
        texts = {
            begin + name: text for folder, begin in _RENDERED.items() for name, text in self._texts(folder).items()
        }
        self._check_backup(rules, texts)
        self._check_gates(rules, texts)
        return texts

    def crds(self) -> dict[str, str]:
        """Return the texts of the CRDs."""
        return self._texts(CRDS)

    def notes(self) -> str:
        """Return the text of NOTES.md; empty where there is none."""
        return self._text(self._files[NOTES_FILE]) if NOTES_FILE in self._files else ""

    def _check_backup(self, rules: UpgradeRules, templates: Mapping[str, str]) -> None:
        name = rules.backup.removeprefix(TEMPLATES)
        if rules.backup_source is None or (name != rules.backup and name in templates and not name.startswith("_")):
            return
        message = f'spec.upgrade.backup is "{rules.backup}", which is not a template'
        hint = f'write one like "{TEMPLATES}backup.yaml"'
        self._problems.add(rules.backup_source, f"{message}; {hint}", field="/spec/upgrade/backup")

    def _check_gates(self, rules: UpgradeRules, templates: Mapping[str, str]) -> None:
        for gate in rules.gates:
            if _is_check(gate.job, templates) or not gate.job.startswith(CHECKS_FOLDER):
                continue  # the latter is reported where it is read
            known = [place for place in map(template_place, templates) if _is_check(place, templates)]
            meant = meant_or_known(gate.job, known, "checks are")
            self._problems.add(gate.source, f'gate {gate.name}: "{gate.job}" is not a check of the bundle; {meant}')

    def _root(self, path: str) -> Node:
        """Return a document to decode; problems of one that cannot be read are not reported twice."""
        document = self._document(path)
        problems = Problems() if document is _UNREADABLE else self._problems
        return Node.root(document, f"{self._prefix}{path}", problems)

    def _document(self, path: str) -> MarkedDocument:
        if path not in self._files:
            self._problems.add(Source(f"{self._prefix}{path}", 0), "the file is missing")
            return _UNREADABLE
        try:
            return read_document(self._text(self._files[path]), limits=self._limits)
        except YamlSyntaxError as error:
            self._problems.add_yaml(f"{self._prefix}{path}", error)
            return _UNREADABLE

    def _texts(self, folder: str) -> dict[str, str]:
        texts = {}
        for path in sorted(self._files):
            if not path.startswith(folder):
                continue
            name = path.removeprefix(folder)
            is_partial = folder in _RENDERED and name.rpartition("/")[2].startswith("_")
            if not is_partial and not name.endswith((".yaml", ".yml")):
                partial = ", or start with _ to be included by others" if folder in _RENDERED else ""
                source = Source(f"{self._prefix}{path}", 0)
                self._problems.add(source, f"files in {folder} must end in .yaml{partial}")
                continue
            texts[name] = self._text(self._files[path])
        return texts

    def _text(self, file: BundleFile) -> str:
        try:
            text = file.content.decode().removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            line = file.content.count(b"\n", 0, error.start) + 1
            self._problems.add(Source(f"{self._prefix}{file.path}", line), "the file is not UTF-8 text")
            return ""
        return text.replace("\r\n", "\n") if "\r" in text else text


def _is_check(path: str, templates: Mapping[str, str]) -> bool:
    is_template = path.startswith(CHECKS_FOLDER) and BESIDE_TEMPLATES + path in templates
    return is_template and not path.rpartition("/")[2].startswith("_")
