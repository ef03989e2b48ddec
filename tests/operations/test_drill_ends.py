"""Whether two runs of one job left the same."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from runner.operations.drill_ends import Difference, End, FileLeft, differences


def an_end(result: str = "SUCCEEDED", error: str = "", **values: Any) -> End:
    return End(result, error, values)


def a_file(text: str) -> FileLeft:
    return FileLeft(len(text), hashlib.sha256(text.encode()).hexdigest(), text)


def test_equal_ends_have_no_difference() -> None:
    end = replace(an_end(outputs={"rows": [1, {"a": None}]}), files={"out/a.csv": a_file("1\n")})
    assert differences(end, end) == ()


def test_a_difference_names_its_path_and_both_values() -> None:
    was, now = an_end(outputs={"rows": [{"n": 1}, {"n": 2}]}), an_end(outputs={"rows": [{"n": 1}, {"n": 3}]})
    assert differences(was, now) == (Difference("outputs.rows[1].n", "2", "3"),)


def test_what_is_there_in_one_run_only_is_a_difference() -> None:
    was, now = an_end(info={"a": 1}), an_end(info={"b": 1})
    assert differences(was, now) == (
        Difference("info.a", "1", "nothing"),
        Difference("info.b", "nothing", "1"),
    )


def test_a_number_is_not_a_truth_value() -> None:
    assert differences(an_end(state={"a": 1}), an_end(state={"a": True})) == (
        Difference("state.a", "1", "true"),
    )


def test_the_result_comes_first_and_says_why() -> None:
    was, now = an_end(outputs={"rows": 1}), an_end("FAILED", "no such table", outputs={})
    assert differences(was, now)[0] == Difference("result", "SUCCEEDED", "FAILED: no such table")


def test_files_that_are_text_are_told_line_by_line() -> None:
    was, now = (replace(an_end(), files={"out/log.txt": a_file(text)}) for text in ("a\nb\n", "a\nb\nb\n"))
    assert differences(was, now)[0].path == "files.out/log.txt"
    assert differences(was, now)[0].diff == ("@@ -2 +2,2 @@", " b", "+b")


def test_a_missing_file_is_a_difference() -> None:
    with_file = replace(an_end(), files={"out/a": a_file("x")})
    assert differences(with_file, an_end())[0].now == "no file"


def test_ignored_paths_are_left_out_with_what_is_beneath_them_and_by_pattern() -> None:
    was = replace(an_end(outputs={"at": {"day": 1}, "atom": 1}), files={"out/1.log": a_file("1")})
    now = replace(an_end(outputs={"at": {"day": 2}, "atom": 2}), files={"out/1.log": a_file("2")})
    left = differences(was, now, ["outputs.at", "files.out/*.log"])
    assert [difference.path for difference in left] == ["outputs.atom"]


def test_long_values_are_cut() -> None:
    [difference] = differences(an_end(info={"text": "a" * 5000}), an_end(info={"text": "b"}))
    assert difference.was.endswith("… (5002 characters)")
    assert len(difference.was) < 300
