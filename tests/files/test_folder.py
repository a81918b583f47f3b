"""The wall around the folder: every way out of it is refused, in both ways in which a system may find a file."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from arize_mcp.api.problems import ProblemError
from arize_mcp.files import folder as folders
from arize_mcp.files.beneath import OutsideError, Place, by_descriptor, by_path
from arize_mcp.files.folder import Folder

WINDOWS = sys.platform == "win32"
FINDERS = [by_path] if WINDOWS else [by_descriptor, by_path]


@pytest.fixture(params=FINDERS, ids=lambda find: find.__name__)
def find(request: pytest.FixtureRequest) -> folders.FindPlace:
    return request.param


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with files, beside one that is none of the server's business."""
    root = tmp_path / "in"
    (root / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "secret.jsonl").write_text("secret")
    for name in ("results.jsonl", "sub/other.csv", "sub/deep/x.json", ".env.jsonl", "notes.txt"):
        (root / name).write_text(f"in {name}")
    return root


@pytest.fixture
def folder(root: Path, find: folders.FindPlace) -> Folder:
    return Folder(str(root), 1000, find)


def read(folder: Folder, path: str) -> str:
    with folder.reading(path) as file:
        return file.read().decode()


def refused(attempt: Callable[[], object], type_: str = "bad-path") -> dict[str, Any]:
    with pytest.raises(ProblemError) as caught:
        attempt()
    problem = dict(caught.value.problem)
    assert problem["type"] == f"urn:arize-mcp:problem:{type_}"
    assert problem["hint"]
    return problem


def test_a_file_is_read_by_its_relative_or_absolute_path(folder: Folder, root: Path):
    for path in ("results.jsonl", "./results.jsonl", str(root / "results.jsonl")):
        assert read(folder, path) == "in results.jsonl"
    for path in ("sub/other.csv", "sub//other.csv", str(root / "sub" / "other.csv")):
        assert read(folder, path) == "in sub/other.csv"


def test_a_folder_that_is_itself_reached_by_a_link_takes_both_its_paths(root: Path, find: folders.FindPlace):
    link = root.parent / "link"
    link.symlink_to(root)
    folder = Folder(str(link), 1000, find)
    for path in (link / "sub" / "other.csv", root / "sub" / "other.csv", Path("sub/other.csv")):
        assert read(folder, str(path)) == "in sub/other.csv"


NAMES = [
    "", ".", "..", "/", "sub", "sub/", "../out/secret.jsonl", "sub/../results.jsonl", "sub/../../out/secret.jsonl",
    "{out}/secret.jsonl", "/etc/passwd", "{root}/../out/secret.jsonl", "{root}x/secret.jsonl",
    ".env.jsonl", ".hidden/x.jsonl", "sub/.x.csv", ".arize-mcp-1.jsonl",
    "notes.txt", "results", "results.jsonl.gz", "results.jsonl/x.jsonl",
    "results.jsonl:stream", "a:b.jsonl", "C:\\x.jsonl", "\\\\host\\share\\x.jsonl", "sub\\other.csv",
    "..\\out\\secret.jsonl",
    "NUL", "nul.jsonl", "sub/CON.csv", "com1.jsonl", "LPT9.json", "COM\u00b9.csv", "aux.x.jsonl", "prn .jsonl",
    "CONOUT$.csv", "results.jsonl.", "results.jsonl ", "sub./x.csv", "sub /x.csv",
    "a\x00b.jsonl", "results.jsonl\x00", "a\nb.jsonl", "a\x1b[31m.jsonl", "*.jsonl", "?.jsonl", "a|b.csv",
    "<a>.csv", '"a".csv',
    "\udcff.jsonl", "x" * 300 + ".jsonl", "a/" * 3000 + "x.jsonl", "~/x.jsonl",
]  # fmt: skip


@pytest.mark.parametrize("path", NAMES)
def test_a_path_that_is_none_is_refused_to_read_and_to_write(folder: Folder, root: Path, path: str):
    path = path.format(root=root, out=root.parent / "out") if "{" in path else path
    before = sorted(root.parent.rglob("*"))
    problem = refused(lambda: read(folder, path))
    assert problem["files"][0] in ("results.jsonl", "sub/other.csv", "sub/deep/x.json")
    assert "secret" not in problem["detail"].replace(path, "")

    def write() -> None:
        with folder.writing(path, None) as file:
            file.write(b"x")

    refused(write)
    assert sorted(root.parent.rglob("*")) == before


def test_a_problem_lists_the_nearest_files_first_and_at_most_twenty(folder: Folder, root: Path):
    for n in range(30):
        (root / f"eval_{n:02}.jsonl").touch()
    problem = refused(lambda: read(folder, "result.jsonl"))
    assert problem["files"][0] == "results.jsonl"
    assert len(problem["files"]) == 20
    assert not {".env.jsonl", "notes.txt"} & set(problem["files"])
    assert refused(lambda: read(folder, "other.csv"))["files"][0] == "sub/other.csv"


@pytest.mark.posix(reason="Windows has no such names, FIFOs or, for most users, links")
def test_a_problem_lists_no_file_that_cannot_be_used(folder: Folder, root: Path):
    (root / "in.jsonl").symlink_to("results.jsonl")
    (root / "gone.jsonl").symlink_to("nothing.jsonl")
    (root / "out.jsonl").symlink_to("../out/secret.jsonl")
    (root / "loop.jsonl").symlink_to("loop.jsonl")
    (root / "NUL.jsonl").touch()
    (root / "a:b").mkdir()
    (root / "a:b" / "x.jsonl").touch()
    os.mkfifo(root / "pipe.jsonl")
    listed = refused(lambda: read(folder, "out.jsonl"))["files"]
    assert sorted(listed) == ["in.jsonl", "results.jsonl", "sub/deep/x.json", "sub/other.csv"]
    assert all(read(folder, name) for name in listed)


def test_an_empty_folder_says_so(tmp_path: Path, find: folders.FindPlace):
    problem = refused(lambda: read(Folder(str(tmp_path), 1, find), "x.jsonl"))
    assert problem["files"] == []
    assert "no such file" in problem["hint"]


def test_links_that_stay_inside_are_followed(folder: Folder, root: Path):
    (root / "a.csv").symlink_to("sub/other.csv")
    (root / "sub" / "up.jsonl").symlink_to("../results.jsonl")
    (root / "absolute.jsonl").symlink_to(root / "results.jsonl")
    (root / "folder").symlink_to("sub/deep")
    (root / "chain.csv").symlink_to("a.csv")
    (root / "sub" / "deep" / "round").symlink_to("../../sub")
    assert read(folder, "a.csv") == read(folder, "chain.csv") == read(folder, "sub/deep/round/other.csv")
    assert read(folder, "sub/up.jsonl") == read(folder, "absolute.jsonl") == "in results.jsonl"
    assert read(folder, "folder/x.json") == "in sub/deep/x.json"
    with folder.writing("folder/new.csv", None) as file:
        file.write(b"new")
    assert (root / "sub" / "deep" / "new.csv").read_text() == "new"


@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("a.jsonl", "../out/secret.jsonl", "a.jsonl"),
        ("a.jsonl", "{out}/secret.jsonl", "a.jsonl"),
        ("a.jsonl", "sub/../../out/secret.jsonl", "a.jsonl"),
        ("a.jsonl", "{root}/../out/secret.jsonl", "a.jsonl"),
        ("a.jsonl", "a.jsonl", "a.jsonl"),
        ("parent", "../out", "parent/secret.jsonl"),
        ("parent", "{out}", "parent/secret.jsonl"),
        ("sub/parent", "../..", "sub/parent/out/secret.jsonl"),
        ("a.jsonl", "/dev/zero", "a.jsonl"),
        ("a.jsonl", "/dev/stdin", "a.jsonl"),
        ("a.jsonl", "sub", "a.jsonl"),
        ("a.jsonl", ".", "a.jsonl"),
    ],
)
def test_links_that_lead_out_are_refused(folder: Folder, root: Path, link: str, target: str, path: str):
    (root / link).symlink_to(target.format(root=root, out=root.parent / "out"))
    refused(lambda: read(folder, path))
    before = sorted(root.parent.rglob("*"))

    def write() -> None:
        with folder.writing(path, None) as file:
            file.write(b"x")

    with pytest.raises(ProblemError):
        write()
    assert sorted(root.parent.rglob("*")) == before
    assert (root.parent / "out" / "secret.jsonl").read_text() == "secret"


@pytest.mark.posix(reason="pipes and sockets with a path")
def test_what_is_no_regular_file_is_refused_without_waiting(folder: Folder, root: Path):
    os.mkfifo(root / "fifo.jsonl")
    with socket.socket(socket.AF_UNIX) as unix:
        here = Path.cwd()
        os.chdir(root)  # a socket's path may have no more than some hundred characters
        try:
            unix.bind("socket.jsonl")
        finally:
            os.chdir(here)
        for name in ("fifo.jsonl", "socket.jsonl"):
            assert "no regular file" in refused(lambda name=name: read(folder, name))["detail"]
    (root / "folder.jsonl").mkdir()
    assert "is a folder" in refused(lambda: read(folder, "folder.jsonl"))["detail"]


@pytest.mark.posix(reason="opening relative to a descriptor")
@pytest.mark.parametrize("swapped", ["file", "parent"])
def test_what_is_swapped_meanwhile_never_leads_out(root: Path, swapped: str):
    """While one thread swaps a file or its folder for a link that leads out, whatever is read is from inside."""
    folder = Folder(str(root), 1000)
    victim, path = (root / "v.jsonl", "v.jsonl") if swapped == "file" else (root / "v", "v/secret.jsonl")
    inside, outside, spare = root / "inside", root / "outside", root / "spare"
    if swapped == "file":
        inside.write_text("inside")
        outside.symlink_to(root.parent / "out" / "secret.jsonl")
    else:
        inside.mkdir()
        (inside / "secret.jsonl").write_text("inside")
        outside.symlink_to(root.parent / "out")
    inside.rename(victim)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            victim.rename(spare)
            outside.rename(victim)
            victim.rename(outside)
            spare.rename(victim)

    thread = threading.Thread(target=swap)
    thread.start()
    seen: set[str] = set()
    try:
        for _ in range(2000):
            try:
                seen.add(read(folder, path))
            except ProblemError:
                seen.add("refused")
    finally:
        stop.set()
        thread.join()
    assert seen <= {"inside", "refused"}


def test_a_file_that_becomes_a_link_before_it_is_opened_is_not_followed(root: Path, find: folders.FindPlace):
    with find(str(root), ["results.jsonl"]) as place:
        (root / "results.jsonl").unlink()
        (root / "results.jsonl").symlink_to(root.parent / "out" / "secret.jsonl")
        with pytest.raises((OSError, OutsideError)):
            place.open(os.O_RDONLY)


def test_a_file_over_the_limit_is_not_read_and_not_written(folder: Folder, root: Path):
    (root / "large.csv").write_bytes(b"x" * 1001)
    assert "ARIZE_MCP_MAX_FILE_BYTES" in refused(lambda: read(folder, "large.csv"))["detail"]

    def write() -> None:
        with folder.writing("new.csv", None) as file:
            file.write(b"x" * 1000)
            file.write(b"x")

    assert "ARIZE_MCP_MAX_FILE_BYTES" in refused(write)["detail"]
    assert not [path for path in root.iterdir() if "new" in path.name or path.name.startswith(".arize")]


def test_a_file_is_moved_into_place_when_it_is_finished(folder: Folder, root: Path):
    with folder.writing("sub/new.csv", None) as file:
        file.write(b"ab")
        file.write(b"c")
        assert not (root / "sub" / "new.csv").exists()
        (unfinished,) = [path.name for path in (root / "sub").iterdir() if path.name.startswith(".")]
        assert unfinished.startswith(".arize-mcp-")
    assert (root / "sub" / "new.csv").read_text() == "abc"
    assert file.written() == (3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    assert not [path for path in (root / "sub").iterdir() if path.name.startswith(".")]


def test_what_breaks_leaves_nothing(folder: Folder, root: Path):
    before = sorted(root.rglob("*"))

    def write() -> None:
        with folder.writing("new.csv", None) as file:
            file.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        write()
    assert sorted(root.rglob("*")) == before


def test_an_existing_file_is_replaced_only_if_it_is_the_one_that_was_meant(folder: Folder, root: Path):
    path = root / "results.jsonl"
    meant = folder.existing("results.jsonl")
    assert meant is not None

    def write(replaced: folders.Identity | None) -> None:
        with folder.writing("results.jsonl", replaced) as file:
            file.write(b"new")

    refused(lambda: write(None), "file-exists")
    assert path.read_text() == "in results.jsonl"
    path.write_text("changed")
    refused(lambda: write(meant), "file-exists")
    assert path.read_text() == "changed"
    write(folder.existing("results.jsonl"))
    assert path.read_text() == "new"
    path.unlink()
    refused(lambda: write(meant), "file-exists")
    assert not path.exists()
    assert folder.existing("results.jsonl") is None


def test_a_name_that_is_taken_while_the_file_is_written_stays_the_others(folder: Folder, root: Path):
    def write() -> None:
        with folder.writing("new.csv", None) as file:
            file.write(b"ours")
            (root / "new.csv").write_text("theirs")

    refused(write, "file-exists")
    assert (root / "new.csv").read_text() == "theirs"
    assert not [path for path in root.iterdir() if path.name.startswith(".arize")]


@pytest.mark.posix(reason="opening relative to a descriptor")
def test_a_way_that_leaves_the_folder_and_comes_back_is_refused(root: Path):
    (root / "parent").symlink_to("..")
    refused(lambda: read(Folder(str(root), 1000), "parent/in/results.jsonl"))


def test_folders_are_not_made(folder: Folder, root: Path):
    def write() -> None:
        with folder.writing("none/new.csv", None) as file:
            file.write(b"x")

    assert "folder that doesn't exist" in refused(write)["detail"]
    assert not (root / "none").exists()


@pytest.mark.posix(reason="rights by chmod")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="the superuser may do anything")
def test_what_may_not_be_read_is_said(folder: Folder, root: Path):
    (root / "results.jsonl").chmod(0)
    assert "ermission" in refused(lambda: read(folder, "results.jsonl"))["detail"]


def test_links_may_be_written_in_any_way_and_lead_anywhere_inside(folder: Folder, root: Path):
    for name, target in (
        ("dotted.jsonl", ".//sub/./other.csv"),
        ("sub/deep/absolute.jsonl", str(root / "results.jsonl")),
        ("sub/deep/up.jsonl", "../../results.jsonl"),
    ):
        (root / name).symlink_to(target)
        assert read(folder, name) == read(folder, "results.jsonl" if "deep" in name else "sub/other.csv")
    (root / "itself.jsonl").symlink_to(".")
    assert "can't be used: is a directory" in refused(lambda: read(folder, "itself.jsonl"))["detail"]


@pytest.mark.posix(reason="Windows doesn't show a process its descriptors")
def test_no_descriptor_stays_open(folder: Folder, root: Path):
    (root / "sub" / "deep" / "absolute.jsonl").symlink_to(root / "results.jsonl")
    (root / "sub" / "deep" / "out.jsonl").symlink_to("/etc/passwd")
    (root / "link").symlink_to("sub")
    before = len(os.listdir("/dev/fd"))
    for path in ("sub/deep/x.json", "sub/deep/absolute.jsonl"):
        assert read(folder, path)
    for path in ("sub/deep/out.jsonl", "sub/none.jsonl", "none/x.jsonl", "sub/deep/x.json/y.json"):
        refused(lambda path=path: read(folder, path))
    with pytest.raises(OutsideError):
        Place(None, str(root / "link"), "other.csv").open(os.O_RDONLY)
    with folder.writing("sub/new.jsonl", None) as file:
        file.write(b"new")
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.posix(reason="Windows has no file modes")
@pytest.mark.parametrize(("umask", "mode"), [(0o000, 0o666), (0o027, 0o640)])
def test_a_new_file_has_the_mode_that_the_umask_leaves(folder: Folder, root: Path, umask: int, mode: int):
    before = os.umask(umask)
    try:
        with folder.writing("new.jsonl", None) as file:
            file.write(b"new")
    finally:
        os.umask(before)
    assert (root / "new.jsonl").stat().st_mode & 0o777 == mode


def test_a_place_whose_folder_became_a_link_is_not_opened(root: Path):
    (root / "link").symlink_to("sub")
    place = Place(None, str(root / "link"), "other.csv")
    with pytest.raises(OutsideError):
        place.open(os.O_RDONLY)


def test_exactly_as_many_bytes_as_may_be_are_read_and_written(folder: Folder, root: Path):
    (root / "full.jsonl").write_bytes(b"x" * 1000)
    assert len(read(folder, "full.jsonl")) == 1000
    with folder.writing("new.jsonl", None) as file:
        file.write(b"x" * 999)
        file.write(b"x")
    assert (root / "new.jsonl").stat().st_size == 1000


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../in/results.jsonl", "goes up with .."),
        ("sub/../results.jsonl", "goes up with .."),
        (".env.jsonl", "begins with a dot"),
        ("sub./x.jsonl", "not every system"),
        ("sub /x.jsonl", "not every system"),
        ("aux.jsonl", "not every system"),
        pytest.param(
            "results.jsonl/x.jsonl",
            "can't be used: not a directory",
            marks=pytest.mark.posix(reason="Windows says of it that it isn't there"),
        ),
        ("none/x.jsonl", "is in a folder that doesn't exist"),
        ("none.jsonl", "'none.jsonl' doesn't exist"),
        ("sub", "doesn't end in one of .jsonl, .ndjson, .json, .csv, .parquet"),
    ],
)
def test_what_is_wrong_with_a_path_is_said(folder: Folder, path: str, said: str):
    problem = refused(lambda: read(folder, path))
    assert said in problem["detail"]
    assert "the nearest names first" in problem["hint"]


def test_a_link_that_leads_out_is_said_to(folder: Folder, root: Path):
    (root / "away.jsonl").symlink_to(root.parent / "out" / "secret.jsonl")
    assert "leads out of the folder" in refused(lambda: read(folder, "away.jsonl"))["detail"]


def test_a_long_path_is_quoted_in_part(folder: Folder):
    detail = refused(lambda: read(folder, "x" * 5_000))["detail"]
    assert "x" * 250 in detail
    assert "x" * 301 not in detail


@pytest.mark.parametrize("name", ["console.jsonl", "auxiliary.csv", "com10.json", "r.ndjson", "R.PARQUET"])
def test_a_name_that_every_system_has_may_be_written(folder: Folder, name: str):
    assert folder.existing(name) is None


def test_a_folder_that_has_a_files_name_is_never_written_over(folder: Folder, root: Path):
    (root / "folder.jsonl").mkdir()
    assert "is a folder" in refused(lambda: folder.existing("folder.jsonl"))["detail"]


def test_a_name_that_is_taken_after_the_last_look_stays_the_others(root: Path, find: folders.FindPlace):
    class Taken(Place):
        """Somebody else takes the name as soon as it was found free."""

        def status(self) -> os.stat_result | None:
            status = super().status()
            (root / "new.jsonl").write_text("another's")
            return status

    @contextmanager
    def taken(path: str, parts: Sequence[str]) -> Generator[Place]:
        with find(path, parts) as place:
            yield Taken(place.dir_fd, place.folder, place.name)

    def write() -> None:
        with Folder(str(root), 1000, taken).writing("new.jsonl", None) as file:
            file.write(b"ours")

    refused(write, "file-exists")
    assert (root / "new.jsonl").read_text() == "another's"
    assert not list(root.glob(".arize-mcp-*"))
