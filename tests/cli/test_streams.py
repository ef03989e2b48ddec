"""What is printed where: nothing steers the terminal, and no stream makes a command fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from installations import NOW, Installation, a_job

from runner.cli import exits
from runner.store.holds import HoldRecord
from runner.vocabulary.errors import Refused, RunnerError
from runner.vocabulary.printable import printable, printable_json, printable_lines, visible


def runner(here: Installation, shell: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`runner jobs list` with what the shell does to its streams."""
    program = f"{sys.executable} -P -c 'from runner.cli.main import main; main()'"
    command = f"{program} jobs list --project {here.path.parent.parent} {shell}"
    return subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("problem", [RunnerError("x\x1b[31m\ny\x07"), Refused("x\x1b[31m\ny\x07")])
def test_an_error_message_does_not_steer_the_terminal(
    problem: RunnerError, capsys: pytest.CaptureFixture[str]
) -> None:
    exits.code_for(problem)
    assert capsys.readouterr().err.endswith(": x\\x1b[31m\ny\\x07\n")


def test_a_file_name_in_an_error_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    exits.code_for(OSError(13, "Permission denied", "a\x1bb"))
    assert capsys.readouterr().err == "Error: a\\x1bb: Permission denied\n"


def test_a_terminal_that_lacks_a_character_gets_its_escape(here: Installation) -> None:
    here.install(a_job("sums", enabled=None))
    hold = HoldRecord(here.uid("sums"), "operator", "ana", "was → is", NOW)
    here.store.transact(lambda tx: tx.holds.add(hold.object_uid, hold))
    done = runner(here, "", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "was \\u2192 is" in done.stdout


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_are_no_error(here: Installation, closed: str) -> None:
    here.install(a_job("sums"))
    done = runner(here, closed)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("closed", "streams"),
    [
        ("<&-", "null zero zero"),
        (">&-", "zero null zero"),
        ("2>&-", "zero zero null"),
        ("<&- >&- 2>&-", "null null null"),
    ],
)
def test_no_other_file_gets_the_number_of_a_closed_stream(tmp_path: Path, closed: str, streams: str) -> None:
    """With `2>&-` a socket of the daemon had the number 2, and each child took it for its stderr."""
    found = tmp_path / "found"
    (tmp_path / "look.py").write_text(
        "import os\n"
        "from runner.cli.main import _prepare_streams\n"
        "_prepare_streams()\n"
        "child = os.posix_spawn('/bin/sleep', ['sleep', '60'], {})\n"
        "streams = [os.readlink(f'/proc/{child}/fd/{number}') for number in range(3)]\n"
        "os.kill(child, 9)\n"
        f"open({str(found)!r}, 'w').write(' '.join(streams))\n"
    )
    script = f"{sys.executable} -P {tmp_path}/look.py </dev/zero >/dev/zero 2>/dev/zero {closed}"
    subprocess.run(["bash", "-c", script], timeout=60, check=True)
    assert found.read_text().split() == [f"/dev/{each}" for each in streams.split()]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_behind_the_output_is_an_error(here: Installation) -> None:
    here.install(a_job("sums"))
    done = runner(here, "> /dev/full")
    assert (done.returncode, done.stderr) == (1, "Error: standard output: No space left on device\n")


def test_a_reader_that_has_left_is_no_error(here: Installation) -> None:
    here.install(a_job("sums"))
    done = runner(here, "| true; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("sign", ["\x1b", "\n", "\r", "\x7f", "\x9b", "\u2028", "\u202e", "\udc9b"])
def test_what_steers_is_escaped(sign: str) -> None:
    assert printable(f"a{sign}b").isascii() and sign not in printable(f"a{sign}b")
    assert sign == "\n" or sign not in printable_lines(f"a{sign}b")
    assert sign not in visible(f"a{sign}b")


def test_text_stays_as_it_is() -> None:
    text = "Zürich\t100 % → 日本 👨‍👩‍👧"
    assert printable(text) == printable_json(text) == text
    assert visible("a\u00a0b") == "a\\xa0b"
