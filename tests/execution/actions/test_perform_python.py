"""A python step: functions, inline source, libraries, outputs, and whose traceback is shown."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from runner.execution.actions.failure import ActionFailed
from runner.execution.actions.python import perform
from runner.execution.child.context import StepContext

Builder = Callable[..., StepContext]


def test_a_function_gets_what_its_parameters_name(a_step: Builder) -> None:
    step = a_step(
        files={
            "load.py": "def load(day, region, limit=5, *, context):\n"
            "    return {'got': [day, region, limit, context['job']['name']]}"
        },
        variables={"inputs": {"region": "north", "day": "from inputs", "unused": 1}},
    )
    action = {"file": "load.py", "function": "load", "with": {"day": "2026-11-21"}}
    assert perform(action, step) == {"got": ["2026-11-21", "north", 5, "sales"]}


def test_a_function_with_keywords_gets_all_values(a_step: Builder) -> None:
    step = a_step(files={"a.py": "def run(**values):\n    return values"}, variables={"inputs": {"a": 1}})
    assert perform({"file": "a.py", "with": {"b": 2}}, step) == {"a": 1, "b": 2}


def test_a_missing_argument_is_named_with_what_there_is(a_step: Builder) -> None:
    step = a_step(files={"a.py": "def run(day): ..."}, variables={"inputs": {"region": 1}})
    with pytest.raises(ActionFailed) as raised:
        perform({"file": "a.py"}, step)
    assert raised.value.description == (
        "a.py: run() needs day, which neither the step's with nor the job's inputs have; "
        "available by name: context, region"
    )


def test_a_missing_function_is_named_with_those_there_are(a_step: Builder) -> None:
    step = a_step(files={"a.py": "def load(): ...\ndef _own(): ..."})
    with pytest.raises(ActionFailed) as raised:
        perform({"file": "a.py", "function": "laod"}, step)
    assert raised.value.description == "a.py has no function 'laod'; it has load"


def test_inline_source_returns_its_outputs(a_step: Builder) -> None:
    step = a_step(variables={"inputs": {"n": 3}})
    assert perform({"source": "total = inputs['n'] * 2\nif total:\n    return {'total': total}"}, step) == {
        "total": 6
    }


def test_inline_source_may_set_outputs_or_define_run(a_step: Builder) -> None:
    step = a_step(variables={"inputs": {"n": 3}})
    assert perform({"source": "outputs = {'n': inputs['n']}"}, step) == {"n": 3}
    assert perform({"source": "def run(n):\n    return {'n': n + 1}"}, step) == {"n": 4}


def test_inline_source_gets_its_values_by_name(a_step: Builder) -> None:
    assert perform({"source": "return {'day': values['day']}", "with": {"day": "x"}}, a_step()) == {
        "day": "x"
    }


def test_a_coroutine_is_run(a_step: Builder) -> None:
    step = a_step(files={"a.py": "async def run():\n    return {'n': 1}"})
    assert perform({"file": "a.py"}, step) == {"n": 1}


def test_a_library_is_imported_by_its_name(a_step: Builder) -> None:
    step = a_step(
        files={"a.py": "import date_tools\ndef run():\n    return {'n': date_tools.double(2)}"},
        libraries={"date-tools": {"lib/dates.py": "def double(n):\n    return 2 * n"}},
    )
    assert perform({"file": "a.py"}, step) == {"n": 4}
    assert "date_tools" not in sys.modules


def test_a_library_of_several_files_is_a_package(a_step: Builder) -> None:
    step = a_step(
        files={"a.py": "from sums import one, more\ndef run():\n    return {'n': one.N + more.twice()}"},
        libraries={
            "sums": {
                "sums/one.py": "N = 1",
                "sums/more.py": "from . import one\ndef twice():\n    return 2 * one.N",
            }
        },
    )
    assert perform({"file": "a.py"}, step) == {"n": 3}


def test_a_library_may_not_hide_a_module_of_python(a_step: Builder) -> None:
    step = a_step(files={"a.py": "def run(): ..."}, libraries={"json": {"json.py": ""}})
    with pytest.raises(ActionFailed) as raised:
        perform({"file": "a.py"}, step)
    assert raised.value.description == "library json has the name of a module of Python itself; rename it"


def test_an_exception_is_the_failure_and_the_traceback_begins_in_the_users_code(
    a_step: Builder, capfd: pytest.CaptureFixture[str]
) -> None:
    step = a_step(
        files={"a.py": "import lib\ndef run():\n    lib.check(-1)"},
        libraries={"lib": {"lib.py": "def check(n):\n    raise ValueError(f'{n} is negative')"}},
    )
    with pytest.raises(ActionFailed) as raised:
        perform({"file": "a.py"}, step)
    assert (raised.value.code, raised.value.description) == ("ValueError", "-1 is negative")
    shown = capfd.readouterr().err
    assert shown.splitlines()[:3] == [
        "Traceback (most recent call last):",
        '  File "a.py", line 3, in run',
        "    lib.check(-1)",
    ]
    assert "raise ValueError" in shown and "runner/execution" not in shown


def test_a_syntax_error_shows_its_line_and_is_not_tried_again(
    a_step: Builder, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ActionFailed) as raised:
        perform({"file": "a.py"}, a_step(files={"a.py": "def run(:\n    pass"}))
    assert (raised.value.code, raised.value.retryable) == ("SyntaxError", False)
    assert 'File "a.py", line 1' in capfd.readouterr().err


def test_leaving_with_zero_is_success_and_with_another_code_is_not(a_step: Builder) -> None:
    assert perform({"source": "import sys\nsys.exit()"}, a_step()) == {}
    with pytest.raises(ActionFailed) as raised:
        perform({"source": "import sys\nsys.exit(3)"}, a_step())
    assert (raised.value.code, raised.value.exit_code) == ("exit-code", 3)


@pytest.mark.parametrize(
    ("expression", "description"),
    [
        ("5", "a.py returned an int; return a map of outputs, or nothing"),
        (
            "{'Total': 1}",
            "a.py returned the output 'Total'; a name has lower-case letters, digits and _ only",
        ),
        (
            "{'rows': [{'when': object()}]}",
            "a.py: outputs.rows[0].when is an object, which is not JSON; "
            "return text, a number, a list or a map",
        ),
        ("{'n': float('nan')}", "a.py: outputs.n is nan, which JSON cannot hold"),
        ("{'n': {1: 2}}", "a.py: outputs.n has the key 1; keys are texts"),
        (
            "{'n': 'x' * 300_000}",
            "a.py returned more than 256 KiB of outputs; write data to a file or a table",
        ),
    ],
)
def test_outputs_that_are_no_json_are_named_by_their_path(
    a_step: Builder, expression: str, description: str
) -> None:
    with pytest.raises(ActionFailed) as raised:
        perform({"file": "a.py"}, a_step(files={"a.py": f"def run():\n    return {expression}"}))
    assert (raised.value.code, raised.value.description) == ("bad-output", description)


def test_a_map_that_holds_itself_is_an_error_not_a_hang(a_step: Builder) -> None:
    with pytest.raises(ActionFailed, match="nested too deeply, or holds itself"):
        perform({"source": "a = {}\na['a'] = a\nreturn {'a': a}"}, a_step())
