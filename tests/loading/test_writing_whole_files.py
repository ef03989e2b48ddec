"""A file gets all of its new content or keeps what it had."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.loading.write_whole import write_whole


def test_the_new_content_takes_the_place_of_the_other_with_the_asked_mode(tmp_path: Path) -> None:
    file = tmp_path / "plan"
    write_whole(file, b"one", durable=True)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"one", 0o600)
    write_whole(file, (b"t", b"wo"), mode=0o644)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"two", 0o644)
    assert [*tmp_path.iterdir()] == [file]


def test_what_is_no_regular_file_stays_what_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="it is no regular file"):
        write_whole(pipe, b"one")
    assert (pipe.is_fifo(), [*tmp_path.iterdir()]) == (True, [pipe])


def test_whatever_breaks_on_the_way_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    def breaks() -> Iterator[bytes]:
        yield b"half of"
        raise KeyboardInterrupt

    file = tmp_path / "plan"
    file.write_bytes(b"one")
    with pytest.raises(KeyboardInterrupt):
        write_whole(file, breaks())
    assert (file.read_bytes(), [*tmp_path.iterdir()]) == (b"one", [file])
