"""Files are reached beneath their declared root only, whatever links and names there are."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from runner.execution.actions import roots
from runner.execution.actions.failure import ActionFailed
from runner.execution.actions.roots import Root, reading, replacing, root_named


@pytest.fixture
def root(tmp_path: Path) -> Root:
    (tmp_path / "root").mkdir()
    (tmp_path / "secret").write_text("secret")
    return root_named({"data": {"path": str(tmp_path / "root"), "access": "write"}}, "data", write=True)


def read(root: Root, path: str) -> bytes:
    with reading(root, path) as found:
        return found.file.read()


def write(root: Root, path: str, content: bytes = b"x") -> None:
    with replacing(root, path) as file:
        file.write(content)


@pytest.mark.parametrize("path", ["../secret", "a/../../secret", "/etc/passwd", "link", "folder/secret"])
def test_nothing_outside_is_read_or_written(root: Root, tmp_path: Path, path: str) -> None:
    (tmp_path / "root" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "root" / "folder").symlink_to(tmp_path)
    for use in (read, write):
        with pytest.raises(ActionFailed) as raised:
            use(root, path)
        assert (raised.value.code, raised.value.retryable) == ("outside-root", False)
    assert (tmp_path / "secret").read_text() == "secret"


@pytest.mark.parametrize("path", ["a\nb.csv", "\x1b[2Ja.csv", "a\tb.csv", "a\u202eb.csv", "new\r/a.csv"])
def test_no_file_is_made_whose_name_steers_a_terminal(root: Root, tmp_path: Path, path: str) -> None:
    with pytest.raises(ActionFailed, match="holds control characters, so no file is made in root data") as no:
        write(root, path)
    assert (no.value.code, no.value.retryable) == ("bad-path", False)
    assert list((tmp_path / "root").iterdir()) == []
    (tmp_path / "root" / "a\nb.csv").write_text("found")
    assert read(root, "a\nb.csv") == b"found"


def test_a_name_that_begins_like_the_root_is_outside(root: Root, tmp_path: Path) -> None:
    (tmp_path / "root2").mkdir()
    (tmp_path / "root2" / "a").write_text("x")
    with pytest.raises(ActionFailed, match="leads out of root data"):
        read(root, "../root2/a")


def test_a_link_that_stays_inside_is_followed(root: Root, tmp_path: Path) -> None:
    (tmp_path / "root" / "2026").mkdir()
    (tmp_path / "root" / "2026" / "a").write_text("x")
    (tmp_path / "root" / "latest").symlink_to("2026")
    assert read(root, "latest/a") == b"x"
    write(root, "latest/b", b"y")
    assert (tmp_path / "root" / "2026" / "b").read_bytes() == b"y"


def test_a_link_that_is_swapped_in_after_the_check_is_not_followed(
    root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "root" / "folder"
    folder.mkdir()
    (folder / "secret").write_text("harmless")

    def resolve_then_swap(_root: Root, path: str) -> tuple[str, ...]:
        (folder / "secret").unlink()
        folder.rmdir()
        folder.symlink_to(tmp_path)
        return tuple(path.split("/"))

    monkeypatch.setattr(roots, "resolve", resolve_then_swap)
    with pytest.raises(ActionFailed) as raised:
        read(root, "folder/secret")
    assert raised.value.code == "outside-root"


@pytest.mark.parametrize("path", ["", ".", "a\0b", "folder"])
def test_what_is_no_file_is_named(root: Root, tmp_path: Path, path: str) -> None:
    (tmp_path / "root" / "folder").mkdir()
    for use in (read, write):
        with pytest.raises(ActionFailed) as raised:
            use(root, path)
        assert raised.value.code in ("bad-path", "input-unreadable", "output-unwritable")


def test_a_fifo_is_no_input_and_does_not_block(root: Root, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "root" / "pipe")
    with pytest.raises(ActionFailed, match="is not a regular file"):
        read(root, "pipe")


def test_a_file_appears_whole_with_its_folders_and_keeps_its_mode(root: Root, tmp_path: Path) -> None:
    write(root, "a/b/c.csv", b"first")
    file = tmp_path / "root" / "a" / "b" / "c.csv"
    file.chmod(0o640)
    write(root, "a/b/c.csv", b"second")
    assert file.read_bytes() == b"second"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [p.name for p in file.parent.iterdir()] == ["c.csv"]


@pytest.mark.parametrize("nameless", [True, False])
def test_a_failure_leaves_nothing_behind(
    root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nameless: bool
) -> None:
    if not nameless:  # as on file systems without O_TMPFILE
        monkeypatch.setattr(os, "O_TMPFILE", os.O_DIRECTORY | os.O_RDONLY | 0)
    with pytest.raises(RuntimeError), replacing(root, "a.csv") as file:
        file.write(b"half")
        raise RuntimeError
    assert list((tmp_path / "root").iterdir()) == []
    write(root, "a.csv", b"whole")
    assert [p.name for p in (tmp_path / "root").iterdir()] == ["a.csv"]


def test_a_root_for_writing_is_made_unless_it_must_be_there(tmp_path: Path) -> None:
    declared = {"path": str(tmp_path / "new" / "root"), "access": "write"}
    with pytest.raises(ActionFailed) as raised:
        root_named({"r": {**declared, "create": False}}, "r", write=True)
    assert raised.value.description == (
        f"root r: {tmp_path}/new/root is not an existing folder; create or mount it"
    )
    assert Path(root_named({"r": declared}, "r", write=True).path).is_dir()


def test_a_read_only_root_refuses_writers(tmp_path: Path) -> None:
    with pytest.raises(ActionFailed) as raised:
        root_named({"r": {"path": str(tmp_path), "access": "read"}}, "r", write=True)
    assert (raised.value.code, raised.value.retryable) == ("read-only-root", False)


def test_an_unknown_root_offers_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ActionFailed, match="there is no root 'exprots'; did you mean 'exports'"):
        root_named({"exports": {"path": str(tmp_path)}}, "exprots")
