"""Expressions: what they are worth, and which names they may read."""

from __future__ import annotations

import pytest

from runner.declaration.expressions import ExpressionError, check, evaluate, is_true, render

SCOPE = {
    "inputs": {"region": None, "n": None},
    "slot": {"time": None, "date": None},
    "steps": {"load": {"outputs": {"rows": None}}, "shell": {"outputs": None}},
}
VARIABLES = {
    "inputs": {"region": "south", "n": 3},
    "slot": {"time": "2026-11-21T01:00:00.000Z", "date": "2026-11-21"},
    "steps": {"load": {"outputs": {"rows": 2}}},
}


@pytest.mark.parametrize(
    "expression",
    [
        "inputs.region == 'south' && inputs.n > 2",
        "inputs['region'].startsWith('s')",
        "steps.shell.outputs.anything != null",
        "[1, 2].all(x, x < inputs.n)",
        "has(inputs.region) ? 1 : 2",
        "addDays(slot.date, -1)",
        "{'a': inputs.n}.a",
        "type(inputs.n) == int",
        "inputs.n in [1, 2, 3,]",
        "timestamp(slot.time).getHours('Europe/Zurich') == 2",
    ],
)
def test_an_expression_over_known_names_is_fine(expression):
    assert check(expression, SCOPE) == []


@pytest.mark.parametrize(
    ("expression", "detail", "hint"),
    [
        (
            "inputs.regoin == 'x'",
            "there is no inputs.regoin; known: n, region",
            "did you mean 'inputs.region'?",
        ),
        ("inputs['regoin']", "there is no inputs.regoin; known: n, region", "did you mean 'inputs.region'?"),
        ("input.region", "there is no input; known: inputs, slot, steps", "did you mean 'inputs'?"),
        (
            "steps.load.outputs.row > 0",
            "there is no steps.load.outputs.row; known: rows",
            "did you mean 'steps.load.outputs.rows'?",
        ),
        ("steps.lod.outputs.rows", "there is no steps.lod; known: load, shell", "did you mean 'steps.load'?"),
        ("[1].all(x, y > 0)", "there is no y; known: inputs, slot, steps", ""),
        ("addDay(slot.date, 1)", "there is no function addDay()", "did you mean 'addDays'?"),
    ],
)
def test_an_unknown_name_is_told_with_what_was_probably_meant(expression, detail, hint):
    (complaint,) = check(expression, SCOPE)

    assert (complaint.detail, complaint.hint) == (detail, hint)


@pytest.mark.parametrize(
    ("expression", "detail"),
    [
        ("", "the expression is empty"),
        ("inputs.n = 3", "'inputs.n = 3': '=' is not an operator; did you mean '=='?"),
        ("inputs.n & 3", "'inputs.n & 3': '&' is not an operator; did you mean '&&'?"),
        ("1 +", "'1 +': it ends too early: a value is expected"),
        ("'abc", "''abc': a text is not closed"),
        ("1 2", "'1 2': it should have ended at '2'"),
        ("a ? b", "'a ? b': it ends too early: ':' is expected"),
        ("(1", "'(1': it ends too early: ')' is expected"),
    ],
)
def test_what_is_no_expression_says_where_reading_stopped(expression, detail):
    assert [c.detail for c in check(expression, SCOPE)] == [detail]


@pytest.mark.parametrize("part", ["(", "[", "{'a':", "!(", "-(", "[1].all(x,"])
def test_deep_nesting_and_length_end_in_a_complaint(part):
    assert [c.rule for c in check(part * 1000 + "1", SCOPE)] == ["bad-expression"]
    assert [c.rule for c in check(part * 100 + "1", SCOPE)] == ["bad-expression"]
    assert [c.rule for c in check("1+" * 5000 + "1", SCOPE)] == ["bad-expression"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7),
        ("-7 / 2", -3),
        ("inputs.region + '-x'", "south-x"),
        ("1 == 1.0", True),
        ("null == 1", False),
        ("false && 1 / 0 > 0", False),
        ("1 / 0 > 0 || true", True),
        ("[1, 2, 3].filter(x, x > 1).map(x, x * 2)", [4, 6]),
        ("addDays(slot.date, -21)", "2026-10-31"),
        ("addDays(slot.time, 1)", "2026-11-22T01:00:00.000Z"),
        ("formatDate(slot.date, '%Y/%m')", "2026/11"),
        ("string(true) + string(5)", "true5"),
        ("bool('true')", True),
        ("timestamp(slot.time).getHours('Europe/Zurich')", 2),
        ("size([1, 2])", 2),
        ("'a' in {'a': 1}", True),
    ],
)
def test_the_value_of_an_expression(expression, value):
    assert evaluate(expression, VARIABLES) == value


def test_outputs_of_a_skipped_step_are_null():
    assert evaluate("steps.gone.outputs.rows == null", VARIABLES) is True
    assert evaluate("steps.gone.outputs.rows == null", {"steps": {"gone": {"outputs": None}}}) is True
    assert evaluate("steps.load.outputs.rows == null", VARIABLES) is False


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("1 / 0", "'1 / 0': division by zero"),
        ("nope", "'nope': Undefined variable"),
        ("steps.gone.outputs.rows > 0", "what a skipped step hands on is null"),
        ("addDays('x', 1)", "Invalid isoformat string"),
    ],
)
def test_an_expression_without_a_value_says_why(expression, said, capfd):
    with pytest.raises(ExpressionError) as error:
        evaluate(expression, VARIABLES)

    assert said in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_a_condition_is_true_or_false_and_nothing_else():
    assert is_true("inputs.n > 2", VARIABLES)
    assert is_true(True, VARIABLES)
    with pytest.raises(ExpressionError, match=r"'inputs\.n' is 3, not true or false"):
        is_true("inputs.n", VARIABLES)


def test_a_text_that_is_one_template_has_the_type_of_its_expression():
    assert render("${{ inputs.n }}", VARIABLES) == 3
    assert render("${{ [inputs.n, 4] }}", VARIABLES) == [3, 4]
    assert render("${{ {'a': {'b': '}}'}} }}", VARIABLES) == {"a": {"b": "}}"}}


def test_a_template_in_a_longer_text_becomes_text():
    assert render("n=${{ inputs.n }} ${{ true }}${{ null }}.csv", VARIABLES) == "n=3 true.csv"


def test_rendering_goes_into_lists_and_mappings_and_leaves_the_rest():
    written = {"a": ["${{ inputs.n }}", 5, None], "b": {"c": "x-${{ inputs.n }}"}, "d": "$NAME {{ x }}"}

    assert render(written, VARIABLES) == {"a": [3, 5, None], "b": {"c": "x-3"}, "d": "$NAME {{ x }}"}


def test_a_template_that_is_not_closed_is_an_error():
    with pytest.raises(ExpressionError, match=r"'}}' is missing"):
        render("a ${{ inputs.n", VARIABLES)
