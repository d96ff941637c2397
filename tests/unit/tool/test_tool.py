"""The parts of bundler as one file that can be looked at without building it."""

from __future__ import annotations

import importlib.util
import json
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / "tool"


def load(name: str):
    spec = importlib.util.spec_from_file_location(f"tool_{name}", TOOL / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_zip(path: Path, build: str = "abc") -> Path:
    own = f"cp{sys.version_info[0]}{sys.version_info[1]}-{sys.platform}-{platform.machine()}"
    shared = own.partition("-")[2]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__main__.py", (TOOL / "start.py").read_text())
        archive.writestr("app/bundler/__init__.py", "")
        archive.writestr(
            "app/bundler/__main__.py", "def main():\n    import sys, part\n    print(part.WHICH)\n    return 7\n"
        )
        archive.writestr("pure/dependency.py", "")
        archive.writestr("plain/part.py", "WHICH = 'plain'\n")
        archive.writestr(f"native/{own}/part.py", "WHICH = 'compiled'\n")
        archive.writestr(f"shared/{shared}/other.py", "")
        archive.writestr("manifest.json", json.dumps({"id": build, "native": [own]}))
    return path


def run(path: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "BUNDLER_CACHE_DIR": str(cache), "HOME": str(cache)}
    return subprocess.run(
        [sys.executable, "-W", "error", str(path)], capture_output=True, text=True, check=False, env=env
    )


def test_it_unpacks_what_fits_once_and_hands_on_the_exit_code(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "b.pyz")
    for _ in range(2):
        done = run(path, tmp_path / "cache")
        assert (done.returncode, done.stdout, done.stderr) == (7, "compiled\n", "")
    (folder,) = (tmp_path / "cache" / "tool").iterdir()
    assert sorted(p.name for p in folder.iterdir()) == ["app", "compiled", "pure"]
    assert sorted(p.name for p in (folder / "compiled").glob("*.py")) == ["other.py", "part.py"]


def test_another_build_is_unpacked_beside_it(tmp_path: Path) -> None:
    for build in ("one", "two"):
        assert run(make_zip(tmp_path / "b.pyz", build), tmp_path / "cache").returncode == 7
    assert len(list((tmp_path / "cache" / "tool").iterdir())) == 2


def test_a_cache_that_cannot_be_written_to_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    assert run(make_zip(tmp_path / "b.pyz"), tmp_path / "cache").stdout == "compiled\n"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("platform.machine", lambda: "vax"), ("platform.libc_ver", lambda: ("musl", "1.2")), ("sys.platform", "plan9")],
)
def test_nothing_compiled_is_taken_where_it_does_not_fit(monkeypatch: pytest.MonkeyPatch, attribute, value) -> None:
    start = load("start")
    own = f"cp{sys.version_info[0]}{sys.version_info[1]}-{sys.platform}-{platform.machine()}"
    if platform.libc_ver()[0] == "glibc":
        assert start.fitting([own]) == own
    assert start.fitting([]) is None
    monkeypatch.setattr(attribute, value)
    assert start.fitting([own]) is None


SCHEMA = {
    "$id": "https://example.test/menu",
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/positive"}, "b": {"$dynamicRef": "#node"}},
    "$defs": {"positive": {"type": "integer", "minimum": 1}, "node": {"$dynamicAnchor": "node", "type": "string"}},
    "unevaluatedProperties": False,
}
CHECK = """
import json, sys
from jsonschema import Draft202012Validator
schema, values = json.loads(sys.stdin.read())
print(json.dumps(sorted(error.message for error in Draft202012Validator(schema).iter_errors(values))))
import rpds
print(rpds.__file__, file=sys.stderr)
"""


@pytest.mark.parametrize("values", [{"a": 1, "b": "x"}, {"a": 0, "b": 2, "c": 3}, [], {}])
def test_plain_python_judges_schemas_as_the_compiled_library_does(tmp_path: Path, values: object) -> None:
    (tmp_path / "rpds").mkdir()
    (tmp_path / "rpds" / "__init__.py").write_text((TOOL / "rpds_plain.py").read_text())

    def judged(path: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", CHECK],
            input=json.dumps([SCHEMA, values]),
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": path},
        )
        return done.stdout, done.stderr

    compiled, plain = judged(""), judged(str(tmp_path))
    assert str(tmp_path) in plain[1]
    assert compiled[0] == plain[0]
