"""The parts of bundler as one file that can be inspected without building it."""

from __future__ import annotations

import importlib.util
import json
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / "tool"
PRIVATE = TOOL.parent / "bundler" / "files"
sys.path.append(str(PRIVATE))


def load(name: str):
    spec = importlib.util.spec_from_file_location(f"tool_{name}", TOOL / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_zip(path: Path, build: str = "abc") -> Path:
    own, _ = load("start").here()
    sets = {own: {"folders": [f"native/{own}", "shared/all", "plain"], "least": [1, 0]}} if own else {}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__main__.py", (TOOL / "start.py").read_text())
        archive.writestr("private_folder.py", (PRIVATE / "private_folder.py").read_text())
        archive.writestr("app/bundler/__init__.py", "")
        archive.writestr(
            "app/bundler/__main__.py", "def main():\n    import sys, part\n    print(part.WHICH)\n    return 7\n"
        )
        archive.writestr("pure/dependency.py", "")
        archive.writestr("plain/part.py", "WHICH = 'plain'\n")
        archive.writestr("missing/gone.py", "")
        archive.writestr(f"native/{own}/part.py", "WHICH = 'compiled'\n")
        archive.writestr("shared/all/other.py", "")
        archive.writestr("manifest.json", json.dumps({"id": build, "sets": sets}))
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
    assert sorted(p.name for p in folder.iterdir()) == ["app", "compiled", "missing", "pure"]
    assert sorted(p.name for p in (folder / "compiled").glob("*.py")) == ["other.py", "part.py"]


def test_another_build_is_unpacked_beside_it(tmp_path: Path) -> None:
    for build in ("one", "two"):
        assert run(make_zip(tmp_path / "b.pyz", build), tmp_path / "cache").returncode == 7
    assert len(list((tmp_path / "cache" / "tool").iterdir())) == 2


def test_a_cache_that_cannot_be_written_to_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    assert run(make_zip(tmp_path / "b.pyz"), tmp_path / "cache").stdout == "compiled\n"


def plant(folder: Path) -> None:
    (folder / "app" / "bundler" / "__main__.py").write_text("def main():\n    print('planted')\n    return 66\n")


def open_the_unpacked_folder(cache: Path) -> None:
    next((cache / "tool").iterdir()).chmod(0o777)


def open_the_cache(cache: Path) -> None:
    (cache / "tool").chmod(0o777)


def open_a_folder_above(cache: Path) -> None:
    cache.chmod(0o777)


def link_to_an_open_folder(cache: Path) -> None:
    (cache / "tool").rename(cache.parent / "elsewhere")
    (cache.parent / "elsewhere").chmod(0o775)
    os.chown(cache.parent / "elsewhere", -1, 12345)
    (cache / "tool").symlink_to(cache.parent / "elsewhere")


def give_it_away(cache: Path) -> None:
    os.chown(next((cache / "tool").iterdir()), 12345, -1)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.mark.parametrize(
    "spoil",
    [
        open_the_unpacked_folder,
        open_the_cache,
        open_a_folder_above,
        pytest.param(link_to_an_open_folder, marks=needs_root),
        pytest.param(give_it_away, marks=needs_root),
    ],
)
def test_what_someone_else_can_have_written_is_not_run(tmp_path: Path, spoil) -> None:
    path, cache = make_zip(tmp_path / "b.pyz"), tmp_path / "cache"
    run(path, cache)
    plant(next((cache / "tool").iterdir()))
    assert run(path, cache).stdout == "planted\n"
    spoil(cache)
    assert run(path, cache).stdout == "compiled\n"


def test_a_cache_is_made_for_this_user_alone(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        assert run(make_zip(tmp_path / "b.pyz"), tmp_path / "new" / "cache").returncode == 7
    finally:
        os.umask(mask)
    made = [tmp_path / "new", tmp_path / "new" / "cache", tmp_path / "new" / "cache" / "tool"]
    assert [path.stat().st_mode & 0o777 for path in made] == [0o700] * 3


GNU, MUSL, MAC = "cp312-linux-gnu-x86_64", "cp311-linux-musl-aarch64", "cp313-darwin-arm64"
SETS = {
    GNU: {"least": [2, 17]},
    MUSL: {"least": [1, 2]},
    MAC: {"least": [11, 0]},
    "cp313-darwin-x86_64": {"least": [10, 15]},
}


@pytest.mark.parametrize(
    ("suffix", "machine", "version", "taken"),
    [
        (".cpython-312-x86_64-linux-gnu.so", "x86_64", (2, 36), GNU),
        (".cpython-312-x86_64-linux-gnu.so", "x86_64", (2, 17), GNU),
        # Alpine; the machine's name says nothing about the library of C.
        (".cpython-311-aarch64-linux-musl.so", "aarch64", None, MUSL),
        (".cpython-313-darwin.so", "arm64", (14, 5), MAC),
        # Under emulation the machine is what is emulated.
        (".cpython-313-darwin.so", "x86_64", (10, 16), "cp313-darwin-x86_64"),
        # A system that is too old.
        (".cpython-312-x86_64-linux-gnu.so", "x86_64", (2, 12), None),
        (".cpython-313-darwin.so", "x86_64", (10, 13), None),
        # Built for glibc, and run without it.
        (".cpython-312-x86_64-linux-gnu.so", "x86_64", None, None),
        # Not carried: another Python, another machine, another library of C.
        (".cpython-315-x86_64-linux-gnu.so", "x86_64", (2, 36), None),
        (".cpython-312-riscv64-linux-gnu.so", "riscv64", (2, 36), None),
        (".cpython-312-x86_64-linux-musl.so", "x86_64", None, None),
        (".cpython-313-darwin.so", "ppc", (10, 5), None),
        # Of 32 bits on a kernel of 64, x32, without the lock, for debugging, PyPy, Windows, nothing.
        (".cpython-312-i386-linux-gnu.so", "x86_64", (2, 36), None),
        (".cpython-312-x86_64-linux-gnux32.so", "x86_64", (2, 36), None),
        (".cpython-312t-x86_64-linux-gnu.so", "x86_64", (2, 36), None),
        (".cpython-312d-x86_64-linux-gnu.so", "x86_64", (2, 36), None),
        (".cpython-313t-darwin.so", "arm64", (14, 5), None),
        (".pypy311-pp73-x86_64-linux-gnu.so", "x86_64", (2, 36), None),
        (".cp312-win_amd64.pyd", "AMD64", None, None),
        (".so", "x86_64", (2, 36), None),
    ],
)
def test_an_interpreter_gets_the_set_that_was_compiled_for_it(suffix, machine, version, taken) -> None:
    start = load("start")
    assert start.fitting(SETS, start.tag_of(suffix, machine), version) == taken


def test_of_two_files_with_one_name_the_first_folder_has_it() -> None:
    names = ["app/a.py", "pure/b.py", "plain/yaml/c.py", "native/x/yaml/c.py", "missing/m.py", "manifest.json"]
    assert load("start").chosen(names, ["native/x", "shared/y", "plain"]) == {
        "app/a.py": "app/a.py",
        "pure/b.py": "pure/b.py",
        "compiled/yaml/c.py": "native/x/yaml/c.py",
        "missing/m.py": "missing/m.py",
    }
    assert load("start").chosen(names, load("start").PLAIN)["compiled/yaml/c.py"] == "plain/yaml/c.py"


def test_where_nothing_fits_plain_python_runs(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "b.pyz")
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist() if name != "manifest.json"}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**kept, "manifest.json": b'{"id": "abc", "sets": {}}'}.items():
            archive.writestr(name, content)
    assert run(path, tmp_path / "cache").stdout == "plain\n"
    (folder,) = (tmp_path / "cache" / "tool").iterdir()
    assert [p.name for p in (folder / "compiled").glob("*.py")] == ["part.py"]


def test_signing_where_it_cannot_be_done_says_what_to_do(tmp_path: Path) -> None:
    # Before the installed one, which start.py lets win.
    (tmp_path / "cryptography").mkdir()
    text = (TOOL / "cryptography_missing.py").read_text().replace("@OFFERED@", "CPython on the moon")
    (tmp_path / "cryptography" / "__init__.py").write_text(text)
    code = "from bundler.signing.library import load_public\nload_public(bytes(32))"
    env = {"PYTHONPATH": f"{tmp_path}:{TOOL.parent}"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=env)
    assert "SignatureError" in done.stderr
    shown = "from bundler.errors import BundlerError\ntry:\n    " + code.replace("\n", "\n    ")
    shown += "\nexcept BundlerError as error:\n    print(error, *error.context, error.hint, sep='\\n')"
    told = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True, env=env).stdout
    message, found, hint = told.splitlines()
    assert message == "signing or checking a signature"
    assert "bundler.pyz carries it for CPython on the moon; this is CPython 3." in found
    assert "pip install" in hint


# --- how it is built ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wheels", "oldest"),
    [
        (["a-1-cp311-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"], [2, 17]),
        (["a-1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl"], [2, 17]),
        (["a-1-cp311-abi3-manylinux_2_28_aarch64.whl", "b-1-cp311-cp311-manylinux2014_aarch64.whl"], [2, 28]),
        (["a-1-cp311-abi3-musllinux_1_2_x86_64.whl"], [1, 2]),
        (["a-1-cp311-abi3-macosx_10_9_universal2.whl", "b-1-cp311-cp311-macosx_10_15_x86_64.whl"], [10, 15]),
        (["a-1-cp311-abi3-macosx_11_0_arm64.whl"], [11, 0]),
    ],
)
def test_a_set_needs_the_newest_system_that_one_of_its_wheels_needs(wheels, oldest) -> None:
    assert load("build").least(wheels) == oldest


def test_of_a_universal_file_one_machine_is_taken() -> None:
    parts = {0x0100_0007: b"intel" * 9, 0x0100_000C: b"arm" * 9}
    head = struct.pack(">II", 0xCAFEBABE, 2)
    at, body = 48, b""
    for kind, content in parts.items():
        head += struct.pack(">IIIII", kind, 3, at + len(body), len(content), 14)
        body += content
    thin = load("build").thin
    assert thin(head + body, "x86_64") == b"intel" * 9
    assert thin(head + body, "arm64") == b"arm" * 9
    assert thin(b"\x7fELF", "x86_64") == b"\x7fELF"
    with pytest.raises(ValueError, match="nothing in it is for x86_64"):
        thin(struct.pack(">II", 0xCAFEBABE, 0), "x86_64")


def test_what_is_plain_or_shared_is_stored_once() -> None:
    sets = {
        "cp311-t": {"a.so": b"1", "s.so": b"s", "p.py": b"p", "q.py": b"other"},
        "cp312-t": {"a.so": b"2", "s.so": b"s", "p.py": b"p", "q.py": b"q"},
    }
    assert load("build").laid_out(sets, "t", {"p.py": b"p", "q.py": b"q"}) == {
        "native/cp311-t/a.so": b"1",
        "native/cp312-t/a.so": b"2",
        "shared/t/s.so": b"s",
        "native/cp311-t/q.py": b"other",
    }


def test_every_set_of_a_build_is_one_that_an_interpreter_asks_for() -> None:
    start, build = load("start"), load("build")
    suffixes = {"gnu": ".cpython-{}-{}-linux-gnu.so", "musl": ".cpython-{}-{}-linux-musl.so"}
    asked = {
        start.tag_of(suffix.format(python, machine), machine)
        for suffix in suffixes.values()
        for python in (311, 312, 313, 314)
        for machine in ("x86_64", "aarch64")
    }
    asked |= {
        start.tag_of(f".cpython-{py}-darwin.so", machine)
        for py in (311, 312, 313, 314)
        for machine in ("arm64", "x86_64")
    }
    assert asked == {f"cp{python.replace('.', '')}-{target}" for python in build.PYTHONS for target in build.TARGETS}


def test_what_is_carried_is_said_in_words() -> None:
    offer = load("build").offer
    sets = {
        f"cp3{minor}-linux-musl-{machine}": {"least": [1, 2]} for minor in (11, 14) for machine in ("x86_64", "aarch64")
    }
    sets["cp311-darwin-arm64"] = {"least": [11, 0]}
    assert offer(sets) == (
        "CPython 3.11, 3.14 on Linux with musl 1.2 or newer (x86_64, aarch64); CPython 3.11 on macOS 11.0 or newer (arm64)"
    )
    assert offer({}) == "no interpreter at all"


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


@pytest.mark.medium
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


# --- what it is built from -----------------------------------------------------------------------------------------


def test_the_lock_has_a_hash_for_everything_that_is_needed() -> None:
    build = load("build")
    lock = build.Lock.read(build.LOCK)
    assert set(build.needed()) - set(build.REPLACED) == set(lock.versions)
    assert all(hashes for hashes in lock.hashes.values())
    assert all(f"{name}=={version}" in lock.hashes for (name, _), version in build.LAST.items())


def test_a_lock_is_read_as_it_was_written(tmp_path: Path) -> None:
    build = load("build")
    hashes = {"a==1": {"0" * 64, "1" * 64}, "b==2": {"2" * 64}}
    build.Lock(hashes).write(tmp_path / "lock")
    assert build.Lock.read(tmp_path / "lock").hashes == hashes


def test_a_wheel_with_another_hash_is_not_built_in(tmp_path: Path) -> None:
    build = load("build")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of b"abc"
    place = tmp_path / "a-1-any-any"
    place.mkdir()
    for content in (b"abc", b"planted"):
        (place / "a-1-py3-none-any.whl").write_bytes(content)
        if content == b"abc":
            assert build.wheel_for(tmp_path, build.Lock({"a==1": {known}}), "a", "1")
            continue
        with pytest.raises(SystemExit, match=r"its hash .* is not in wheels\.lock"):
            build.wheel_for(tmp_path, build.Lock({"a==1": {known}}), "a", "1")


def test_the_oldest_versions_that_are_allowed_have_no_vulnerability_known_today() -> None:
    """Held against the advisories of these; `make audit` asks for all there are, where there is a network."""
    least = {"cryptography": (46, 0, 7), "urllib3": (2, 7), "jinja2": (3, 1, 6), "pyyaml": (5, 4)}
    allowed = dict(pin.split("==") for pin in load("audit").floors())
    for name, version in least.items():
        assert tuple(map(int, allowed[name].split("."))) >= version
