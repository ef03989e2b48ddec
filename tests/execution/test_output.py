"""What an instance prints: one line per line, capped, masked, readable while it grows."""

from __future__ import annotations

import re
import resource
from pathlib import Path

from execution_builders import Workshop, a_python_step, a_shell_step

from runner.execution.logs import read_log
from runner.execution.masks import Masks
from runner.execution.order import Raised
from runner.execution.output import Log


def test_a_line_has_its_time_step_and_stream(workshop: Workshop) -> None:
    workshop.run(a_shell_step("echo hello world"), a_shell_step("echo oh >&2", "next"))

    first, second = workshop.log_path(1).read_text().splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z work out hello world", first)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z next err oh", second)


def test_an_instance_that_prints_nothing_has_no_log(workshop: Workshop) -> None:
    workshop.run(a_shell_step("true"))

    assert not workshop.log_path(1).exists()
    assert list(read_log(workshop.log_path(1))) == []


def test_a_gibibyte_is_capped_without_memory(workshop: Workshop) -> None:
    workshop.run(a_shell_step("true"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ended = workshop.run(
        a_shell_step("head -c 1073741824 /dev/zero | tr '\\0' 'y'; echo end"), output_limit=1 << 20
    )

    assert ended.outcome == "succeeded"
    assert ended.output_bytes == 2**30 + 4
    assert workshop.log_path(2).stat().st_size < (1 << 20) + 500
    marks = [text for text in workshop.lines(2) if text.startswith("[runner]")]
    assert marks[0] == "[runner] the output limit of 1MiB is reached; what follows is not kept"
    assert re.fullmatch(
        r"\[runner\] 1023\.\d\w+ of output were not kept|\[runner\] 1023MiB of output were not kept", marks[1]
    )
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000  # KiB


def test_secrets_are_masked_wherever_reads_cut_them(tmp_path: Path) -> None:
    text = b"the word is geheim-1234, twice: geheim-1234geheim-1234\nlast geheim-1234"
    for cut in range(1, len(text)):
        log = Log(str(tmp_path / f"{cut}.log"), 1 << 20, Masks(["geheim-1234"]))
        log.write("a", "out", text[:cut])
        log.write("a", "out", text[cut:])
        log.close()
        assert [line.text for line in read_log(tmp_path / f"{cut}.log")] == [
            "the word is ***, twice: ******",
            "last ***",
        ]


def test_secrets_are_masked_in_lines_longer_than_any_buffer(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"), 1 << 22, Masks(["geheim-1234"]))
    piece = b"x" * 997 + b"geheim-1234"
    for _ in range(1000):
        for at in range(0, len(piece), 500):
            log.write("a", "out", piece[at : at + 500])
    log.close()

    kept = "".join(line.text for line in read_log(tmp_path / "log"))
    assert kept == ("x" * 997 + "***") * 1000


def test_secrets_are_masked_in_errors_and_outputs_too(workshop: Workshop) -> None:
    ended = workshop.run(
        a_python_step("raise ValueError('cannot log in with geheim-1234')"), masks=["geheim-1234"]
    )

    assert "geheim-1234" not in repr(workshop.reports)
    assert ended.error is not None
    assert "cannot log in with ***" in ended.error.description
    assert "geheim-1234" not in workshop.log_path(1).read_text()


def test_invalid_utf8_is_replaced(workshop: Workshop) -> None:
    workshop.run(a_shell_step("printf 'a\\377b\\303\\244\\n'"))

    assert workshop.lines() == ["a\ufffdbä"]


def test_a_character_cut_by_two_reads_stays_whole(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"), 1 << 20)
    for byte in "ä€𝄞\n".encode():
        log.write("a", "out", bytes([byte]))
    log.close()

    assert [line.text for line in read_log(tmp_path / "log")] == ["ä€𝄞"]


def test_lines_end_only_at_line_ends(workshop: Workshop) -> None:
    workshop.run(a_python_step("print('a\\x0bb\\u2028c\\rd'); print('e\\r')"))

    assert workshop.lines() == ["a\x0bb\u2028c\rd", "e"]


def test_a_second_attempt_goes_on_in_the_same_file(workshop: Workshop) -> None:
    workshop.run(a_shell_step("echo one"))
    workshop.run(a_shell_step("echo two"), log_path=str(workshop.log_path(1)))

    assert workshop.lines() == ["one", "two"]


def test_a_log_that_cannot_be_written_is_a_warning_and_no_failure(workshop: Workshop) -> None:
    (workshop.state / "logs").write_text("in the way")
    ended = workshop.run(a_shell_step("echo x"))

    assert ended.outcome == "succeeded"
    (warning,) = [r for r in workshop.reports if isinstance(r, Raised)]
    assert warning.code == "log-not-written"


def test_a_log_is_never_written_through_a_link(workshop: Workshop) -> None:
    target = workshop.state / "target"
    target.write_text("untouched")
    workshop.log_path(1).parent.mkdir(parents=True)
    workshop.log_path(1).symlink_to(target)
    workshop.run(a_shell_step("echo x"))

    assert target.read_text() == "untouched"


def test_a_closed_standard_output_harms_nobody(workshop: Workshop) -> None:
    ended = workshop.run(
        a_python_step("import sys, os; sys.stdout.close(); sys.stderr.close(); os.closerange(0, 3)")
    )

    assert ended.outcome in ("succeeded", "failed")
    assert workshop.run(a_shell_step("true")).outcome == "succeeded"


def test_a_folder_that_is_a_link_gets_no_log(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "logs").symlink_to(elsewhere)
    log = Log(str(tmp_path / "logs" / "1.log"), 1 << 20)

    log.write("a", "out", b"hello\n")
    log.close()

    assert list(elsewhere.iterdir()) == []
    assert log.problem and "cannot be written" in log.problem
