"""What lies in the place of an applied file runs only when it is that file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from runner.operations import whole_copies as room
from runner.operations.blobs import blob_path, store_blob
from runner.operations.whole_copies import DamagedCopy, WholeCopies
from runner.vocabulary.errors import UnknownName

CONTENT = b"select 1;\n"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    store_blob(tmp_path, sha256, CONTENT)
    return blob_path(tmp_path, sha256)


def test_a_whole_copy_is_read_once(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = WholeCopies()
    copies.require("sum.sql", str(copy))
    monkeypatch.setattr(room, "_problem_of", lambda *_: pytest.fail("it was read again"))
    copies.require("sum.sql", str(copy))


def test_a_copy_that_was_written_to_is_refused_even_when_it_was_whole_before(copy: Path) -> None:
    copies = WholeCopies()
    copies.require("sum.sql", str(copy))
    was = copy.stat()
    copy.write_bytes(b"drop it;  ")
    os.utime(copy, ns=(was.st_atime_ns, was.st_mtime_ns))  # same size, same time of change
    with pytest.raises(DamagedCopy) as refused:
        copies.require("sum.sql", str(copy))
    assert str(refused.value) == (
        f"the copy of sum.sql as it was applied has been changed since, so it is not run: {copy}; find out "
        "who wrote there, delete it, then run `runner reconcile`, which keeps it again"
    )


def test_a_copy_that_comes_back_whole_is_accepted_again(copy: Path) -> None:
    copies = WholeCopies()
    copy.write_bytes(b"")
    with pytest.raises(DamagedCopy):
        copies.require("sum.sql", str(copy))
    copy.unlink()
    with pytest.raises(UnknownName, match="is gone from the state directory"):
        copies.require("sum.sql", str(copy))
    copy.write_bytes(CONTENT)
    copies.require("sum.sql", str(copy))


@pytest.mark.parametrize("what", ["link", "fifo", "folder"])
def test_only_a_regular_file_counts(copy: Path, what: str) -> None:
    copy.rename(copy.with_name("elsewhere"))
    if what == "link":
        copy.symlink_to(copy.with_name("elsewhere"))
    elif what == "fifo":
        os.mkfifo(copy)
    else:
        copy.mkdir()
    with pytest.raises(DamagedCopy, match="is no regular file any more"):
        WholeCopies().require("sum.sql", str(copy))


def test_what_is_remembered_has_an_end(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_KNOWN", 1)
    copies = WholeCopies()
    copies._known["another"] = (1, 2, 3, 4)
    copies.require("sum.sql", str(copy))
    assert set(copies._known) == {str(copy)}
