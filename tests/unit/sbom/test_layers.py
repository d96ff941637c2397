from __future__ import annotations

import gzip
import io
import random
import sys
import tarfile

import pytest

from bundler.model.image_build import EntryKind, Placed
from bundler.sbom.image import installed, placed
from bundler.sbom.layer import Found, LayerContent, decode_layer, decode_question, encode_layer, encode_question
from bundler.sbom.layer_scan import LayerScans
from bundler.sbom.packages import Package, UnreadableError, read_database
from bundler.sbom.scan import read_layer
from bundler.syntax.unpack import unpack
from tests.lib.layers import APK, DPKG, layer_of, rpm_berkeley, rpm_header, rpm_ndb, rpm_sqlite, tar_of

LIBC = Package("deb", "libc6", "2.36-9+deb12u8", "amd64")
MUSL, ZLIB = Package("apk", "musl", "1.2.5-r0", "x86_64", "MIT"), Package("apk", "zlib", "1.3.1-r1", "x86_64", "Zlib")
BASH = Package("rpm", "bash", "5.2.15-3.el9", "x86_64", "GPLv3+")
DIFF = Package("rpm", "diffutils", "2:3.7-12", "noarch", "GPLv3+")
BASH_HEADER = rpm_header("bash", "5.2.15", "3.el9", licence="GPLv3+")
DIFF_HEADER = rpm_header("diffutils", "3.7", "12", licence="GPLv3+", arch="noarch", epoch=2)
KEY_HEADER = rpm_header("gpg-pubkey", "1", "2")
STATUS = "var/lib/dpkg/status"


def scanned(layer: bytes, *, step: int = 1000) -> LayerContent:
    return read_layer(layer[at : at + step] for at in range(0, len(layer), step))


@pytest.mark.parametrize("places", [frozenset(), frozenset({"tmp", "opt/é"})])
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_a_question_comes_before_the_layer_in_pieces_of_any_size(places, step: int) -> None:
    sent = encode_question(places) + b"the layer"
    asked, layer = decode_question(iter([sent[at : at + step] for at in range(0, len(sent), step)]))
    assert (asked, b"".join(layer)) == (places, b"the layer")


def test_a_question_that_is_cut_short_is_an_error() -> None:
    with pytest.raises(ValueError, match="cut short"):
        decode_question(iter([encode_question(frozenset({"tmp"}))[:-1]]))


def test_what_is_at_a_place_is_said_as_the_topmost_layer_leaves_it() -> None:
    def entry(name: str, **about) -> tarfile.TarInfo:
        made = tarfile.TarInfo(name)
        made.type = tarfile.DIRTYPE
        for key, value in about.items():
            setattr(made, key, value)
        return made

    def layer(*entries: tarfile.TarInfo) -> LayerContent:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for one in entries:
                tar.addfile(one)
        content = read_layer([out.getvalue()], places=frozenset({"a", "b", "c", "d"}))
        return decode_layer(encode_layer(content))

    lowest = layer(
        entry("./a/", mode=0o1777, uid=70_000, gid=5), entry("b", uid=3_000_000), entry("c"), entry("d", uid=1 << 40)
    )
    middle = layer(entry("a", mode=0o700), entry(".wh.c", type=tarfile.REGTYPE))
    top = layer(entry("b", type=tarfile.SYMTYPE, linkname="usr/b"))
    assert placed([lowest])["a"] == Placed(kind=EntryKind.FOLDER, mode=0o1777, uid=70_000, gid=5)
    assert placed([lowest])["b"].uid == 3_000_000
    assert placed([lowest])["d"].uid == 0
    found = placed([lowest, middle, top])
    assert (found["a"].mode, found["b"], "c" in found) == (
        0o700,
        Placed(kind=EntryKind.LINK, target="usr/b"),
        False,
    )


@pytest.mark.parametrize(
    ("files", "packages"),
    [
        ({STATUS: DPKG}, (LIBC,)),
        ({"./var/lib/dpkg/status": DPKG}, (LIBC,)),
        ({"var/lib/dpkg/status.d/libc6": "Package: libc6\nVersion: 2.36-9+deb12u8\nArchitecture: amd64\n"}, (LIBC,)),
        ({"lib/apk/db/installed": APK}, (MUSL, ZLIB)),
        ({"usr/lib/apk/db/installed": APK}, (MUSL, ZLIB)),
        ({"var/lib/rpm/rpmdb.sqlite": rpm_sqlite(BASH_HEADER, KEY_HEADER, DIFF_HEADER)}, (BASH, DIFF)),
        ({"usr/lib/sysimage/rpm/Packages.db": rpm_ndb(DIFF_HEADER, BASH_HEADER)}, (BASH, DIFF)),
        ({"var/lib/rpm/Packages": rpm_berkeley(DIFF_HEADER, BASH_HEADER)}, (BASH, DIFF)),
        ({"home/var/lib/dpkg/status": DPKG, "var/lib/dpkg/status-old": DPKG}, ()),
        ({}, ()),
    ],
)
def test_packages_are_found_in_each_database(files, packages) -> None:
    assert installed([scanned(layer_of(files))]) == (packages, "", ())


def test_the_distribution_is_read() -> None:
    layer = layer_of({"usr/lib/os-release": 'NAME="x"\nID=debian\nVERSION_ID="12"\n', STATUS: DPKG})
    assert installed([scanned(layer)])[1] == "debian-12"


def test_a_database_that_is_damaged_is_said() -> None:
    layer = layer_of({"var/lib/rpm/Packages": b"berkeley", "usr/share/rpm/rpmdb.sqlite": b"garbage" * 100})
    packages, _, problems = installed([scanned(layer)])
    assert packages == ()
    assert problems[0].startswith("usr/share/rpm/rpmdb.sqlite: damaged")
    assert problems[1] == "var/lib/rpm/Packages: damaged: it is cut short"


@pytest.mark.medium
@pytest.mark.parametrize("make", [rpm_sqlite, rpm_ndb, rpm_berkeley])
def test_a_lying_rpm_header_is_an_error_and_nothing_else(make) -> None:
    chance = random.Random(3)
    path = {rpm_sqlite: "rpmdb.sqlite", rpm_ndb: "Packages.db", rpm_berkeley: "Packages"}[make]
    for _ in range(50 if make is rpm_sqlite else 200):  # a database in a file of its own takes longest
        header = bytearray(BASH_HEADER)
        for _ in range(3):
            header[chance.randrange(len(header))] = chance.randrange(256)
        try:
            read_database(path, io.BytesIO(make(bytes(header))))
        except UnreadableError:
            continue


@pytest.mark.parametrize(
    ("layers", "packages"),
    [
        ([{STATUS: DPKG}, {STATUS: ""}], ()),
        ([{STATUS: DPKG}, {"other": "x"}], (LIBC,)),
        ([{STATUS: DPKG}, {"var/lib/dpkg/.wh.status": ""}], ()),
        ([{STATUS: DPKG}, {"var/lib/.wh.dpkg": ""}], ()),
        ([{STATUS: DPKG}, {".wh.var": ""}], ()),
        ([{STATUS: DPKG}, {"var/lib/dpkg/.wh..wh..opq": ""}], ()),
        ([{STATUS: DPKG}, {".wh..wh..opq": ""}], ()),
        ([{STATUS: DPKG}, {"var/lib/dpkg/.wh.stat": ""}], (LIBC,)),
        ([{STATUS: DPKG}, {"var/lib/.wh.dpkg": "", "lib/apk/db/installed": APK}], (MUSL, ZLIB)),
        ([{STATUS: DPKG}, {"var/.wh..wh..opq": "", STATUS: DPKG}], (LIBC,)),
    ],
)
def test_upper_layers_hide_and_replace_what_lies_below(layers, packages) -> None:
    assert installed([scanned(layer_of(layer)) for layer in layers])[0] == packages


# --- how layers are packed ---------------------------------------------------------------------------------------

FILES = {f"usr/share/{'deep/' * 30}{number}": bytes(number * 37) for number in range(40)} | {STATUS: DPKG}


@pytest.mark.parametrize("step", [1, 7, 511, 512, 513, 100_000])
@pytest.mark.parametrize("tar_format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_pieces_of_any_size_give_the_same(step: int, tar_format: int) -> None:
    plain = tar_of(FILES, kind=tar_format)
    for layer in (plain, gzip.compress(plain)):
        assert installed([scanned(layer, step=step)])[0] == (LIBC,)


def test_long_names_are_read_in_both_formats() -> None:
    folder = "x" * 120
    for tar_format in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        scan = scanned(tar_of({f"{folder}/.wh.gone": "", STATUS: DPKG}, kind=tar_format))
        assert scan.hidden == {f"{folder}/gone"}
        assert installed([scan])[0] == (LIBC,)


def test_gzip_of_several_members_is_read_to_its_end() -> None:
    plain = tar_of({"a": b"x" * 5000, STATUS: DPKG})
    layer = b"".join(gzip.compress(plain[at : at + 1500]) for at in range(0, len(plain), 1500))
    assert installed([scanned(layer)])[0] == (LIBC,)


@pytest.mark.parametrize(
    "layer",
    [
        gzip.compress(b"no tar at all" * 100),
        gzip.compress(tar_of(FILES))[:300] + b"garbage" * 100,
        b"neither packed nor tar" * 100,
        tar_of({STATUS: DPKG})[:156] + b"L" + b"\xff" * 3000,
    ],
    ids=["no tar", "cut", "neither", "lying"],
)
def test_a_layer_that_cannot_be_read_says_so_and_travels_on(layer: bytes) -> None:
    scan = scanned(layer)
    assert scan.problem
    assert installed([scan])[2][0].startswith("a layer is not read: ")


zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
ZSTD_LAYER = zstd.compress(tar_of(FILES))
SKIPPABLE = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"other"


@pytest.mark.parametrize("step", [1, 7, 1000, 100_000])
def test_zstd_is_read_in_pieces_of_any_size(step: int) -> None:
    assert installed([scanned(ZSTD_LAYER, step=step)])[0] == (LIBC,)


def test_zstd_of_several_frames_is_read_to_its_end() -> None:
    plain = tar_of({"a": bytes(5000), STATUS: DPKG})
    frames = [zstd.compress(plain[at : at + 1500]) for at in range(0, len(plain), 1500)]
    assert installed([scanned(SKIPPABLE.join(frames) + SKIPPABLE)])[0] == (LIBC,)


@pytest.mark.parametrize("damaged", [ZSTD_LAYER[:200] + b"garbage" * 100, ZSTD_LAYER + b"garbage" * 100])
def test_damaged_zstd_says_so(damaged: bytes) -> None:
    assert "Zstandard" in scanned(damaged).problem


def test_a_zstd_window_that_nobody_should_have_to_hold_is_refused() -> None:
    options = {zstd.CompressionParameter.window_log: 28, zstd.CompressionParameter.enable_long_distance_matching: 1}
    compressor = zstd.ZstdCompressor(options=options)
    # Its size is not told before, so that the window is what was asked for.
    layer = compressor.compress(tar_of(FILES)) + compressor.flush()
    assert "Zstandard" in scanned(layer).problem


def test_zstd_unpacks_in_pieces_that_fit_into_memory() -> None:
    sizes = [len(piece) for piece in unpack([zstd.compress(bytes(30_000_000))])]
    assert (sum(sizes), max(sizes)) == (30_000_000, 1 << 20)


def test_zstd_without_a_library_is_said_to_be_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bundler.syntax.unpack._ZSTD_MODULES", ("no.such.library",))
    assert scanned(ZSTD_LAYER).problem == "it is packed by zstd, and this Python has no zstd library"


def test_a_bomb_is_passed_over_without_being_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bundler.sbom.scan._MAX_UNPACKED_BYTES", 10_000_000)
    scan = scanned(gzip.compress(tar_of({"big": bytes(30_000_000), STATUS: DPKG})), step=1 << 20)
    assert scan.problem == "it unpacks to more than 9.5 MiB"


def test_a_layer_that_holds_too_much_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bundler.sbom.scan._MAX_HIDDEN", 5)
    assert scanned(layer_of({f".wh.{number}": "" for number in range(9)})).problem == "it removes more than 5 paths"
    monkeypatch.setattr("bundler.sbom.scan._MAX_FILES", 5)
    many = {f"var/lib/dpkg/status.d/{number}": "" for number in range(9)}
    assert scanned(layer_of(many)).problem == "it holds more than 5 package databases"


def test_a_database_with_too_many_packages_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("packages", "scan"):
        monkeypatch.setattr(f"bundler.sbom.{module}.MAX_PACKAGES", 1)
    _, _, problems = installed([scanned(layer_of({"lib/apk/db/installed": APK}))])
    assert problems == ("lib/apk/db/installed: its layer lists more than 1 packages",)


def test_a_long_line_does_not_hide_what_follows() -> None:
    long = f"Package: a\nVersion: 1\nDepends: {'x' * 200_000}: y\n\n{DPKG}"
    names = [package.name for package in installed([scanned(layer_of({STATUS: long}))])[0]]
    assert names == ["a", "libc6"]


# --- what is not read is said --------------------------------------------------------------------------------------


def linked(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, target
        archive.addfile(entry)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "target"),
    [
        (STATUS, "../../../opt/hidden"),
        ("var/lib/dpkg", "/opt/hidden"),
        ("var", "opt"),
        ("lib/apk/db/installed", "/opt/hidden"),
        ("etc/os-release", "/opt/hidden"),
        ("./usr/./share/rpm", "/opt/hidden"),
    ],
)
def test_a_link_in_place_of_a_database_is_said_to_be_unread(name: str, target: str) -> None:
    _, _, problems = installed([scanned(layer_of({STATUS: DPKG})), scanned(linked(name, target))])
    assert [problem.partition(": it is a link to ")[2] for problem in problems] == [f"{target}, which is not followed"]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("etc/os-release", "../usr/lib/os-release"),
        ("lib", "usr/lib"),
        ("var/lib/rpm", "../../usr/lib/sysimage/rpm"),
        ("bin", "usr/bin"),
    ],
)
def test_a_link_to_where_databases_are_read_anyway_is_no_problem(name: str, target: str) -> None:
    assert installed([scanned(linked(name, target))]) == ((), "", ())


def test_a_folder_that_became_a_link_or_a_file_hides_what_was_below_it() -> None:
    below = scanned(layer_of({"lib/apk/db/installed": APK}))
    assert installed([below, scanned(linked("lib", "usr/lib"))]) == ((), "", ())
    assert installed([below, scanned(layer_of({"lib/apk": "file"}))])[0] == ()


@pytest.mark.parametrize(
    "name", ["var/lib/./dpkg/status", "./var//lib/dpkg/status", "var/x/../lib/dpkg/status", "/var/lib/dpkg/status"]
)
def test_odd_spellings_of_a_name_are_read_as_runtimes_unpack_them(name: str) -> None:
    assert installed([scanned(tar_of({name: DPKG}))])[0] == (LIBC,)


def test_a_decoy_too_large_to_be_read_is_said_to_be_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bundler.sbom.scan._MAX_BYTES", 1024)
    layer = layer_of({"var/lib/dpkg/status.d/decoy": bytes(2000), "lib/apk/db/installed": APK})
    packages, _, problems = installed([scanned(layer)])
    assert packages == (MUSL, ZLIB)
    assert problems == ("var/lib/dpkg/status.d/decoy: the databases of its layer have more than 1.0 KiB",)


def test_a_device_in_place_of_a_database_is_said_to_be_unread() -> None:
    assert installed([scanned(linked(STATUS, "", tarfile.FIFOTYPE))])[2] == (f"{STATUS}: it is not a file",)


def test_1200_files_of_status_d_are_read_with_few_descriptors() -> None:
    files = {f"var/lib/dpkg/status.d/p{number}": f"Package: p{number}\nVersion: 1\n" for number in range(1200)}
    assert len(installed([looked_into(layer_of(files))])[0]) == 1200


# --- a process of its own ------------------------------------------------------------------------------------------


def looked_into(layer: bytes) -> LayerContent:
    with LayerScans(are_wanted=True) as scans:
        scan = scans.begin(len(layer), is_stopped=lambda: False)
        try:
            for at in range(0, len(layer), 100_000):
                scan.feed(layer[at : at + 100_000])
            return scan.content()
        finally:
            scan.close()


def test_a_child_process_finds_what_is_found_here() -> None:
    layer = layer_of({STATUS: DPKG, "lib/apk/db/.wh.installed": "", "etc/os-release": "ID=x\n"})
    assert looked_into(layer) == scanned(layer)
    assert looked_into(b"no tar at all" * 100).problem == "this is not a tar"


def test_a_layer_is_unread_where_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/no/such/python")
    problem = "no process can be started to read it: No such file or directory"
    assert looked_into(layer_of({STATUS: DPKG})) == LayerContent(problem=problem)


def test_what_is_handed_over_comes_back() -> None:
    content = LayerContent(
        found={"a": Found(packages=(LIBC, MUSL), problem="é"), "b": Found(distribution="debian-12")},
        hidden=frozenset({"", "x/y"}),
        problem="why",
    )
    assert decode_layer(encode_layer(content)) == content


@pytest.mark.medium
def test_upper_layers_of_100000_whiteouts_over_20000_paths_are_put_together_at_once() -> None:
    below = LayerContent(found={f"var/lib/dpkg/status.d/{number}": Found() for number in range(20_000)})
    above = LayerContent(hidden=frozenset(f"var/x/{number}" for number in range(100_000)))
    assert installed([below, *[above] * 5]) == ((), "", ())
