"""What an expression costs is known before it is evaluated."""

from __future__ import annotations

from typing import Any

import pytest

from runner.declaration.expression_cost import MOST_STEPS, steps_of
from runner.declaration.expression_parser import parse
from runner.declaration.expressions import ExpressionError, evaluate, is_true, render

MANY = list(range(10_000))


def steps(expression: str, **variables: Any) -> float:
    return steps_of(parse(expression), variables)


@pytest.mark.parametrize(
    "expression",
    [
        "inputs.region == 'south' && inputs.n > 2",
        "payload.items.map(item, item.name)",
        "payload.items.filter(item, item.tags.exists(tag, tag == 'a')).size() > 0",
        "payload.items.all(item, item.name in inputs.names)",
        "payload.large.exists(number, number == 7)",
        "[1, 2, 3].map(number, number * inputs.n)",
    ],
)
def test_what_people_write_is_cheap_beside_a_large_list_that_it_does_not_go_through(expression: str) -> None:
    items = [{"name": str(number), "tags": ["a", "b"]} for number in range(1000)]
    found = steps(
        expression, payload={"items": items, "large": MANY}, inputs={"region": "x", "n": 1, "names": ["a"]}
    )
    assert found < MOST_STEPS / 2


@pytest.mark.parametrize(
    "expression",
    [
        "payload.map(each, each)",
        "payload.filter(each, true)",
        "payload.all(one, payload.exists(another, one == another))",
        "[payload].map(all, all.map(each, each))",
        "[payload].map(a, a + a).map(b, b + b)[0].map(c, c)",
        "(true ? payload : []).map(each, each)",
        "payload.all(each, each in payload)",
        "[0,1,2,3,4,5,6,7,8,9].map(a, [0,1,2,3,4,5,6,7,8,9].map(b, [0,1,2,3,4,5,6,7,8,9].map(c, "
        "[0,1,2,3,4,5,6,7,8,9].map(d, [0,1,2,3,4,5,6,7,8,9].map(e, [0,1,2,3,4,5,6,7,8,9].map(f, 1))))))",
    ],
)
def test_what_grows_beyond_all_bounds_is_known_before(expression: str) -> None:
    assert steps(expression, payload=MANY) > MOST_STEPS


def test_what_would_take_long_is_not_evaluated_where_others_wait() -> None:
    variables = {"trigger": {"payload": MANY}}
    expression = "trigger.payload.map(each, each).size()"
    refused = "it would go through the values that it is given more than 10,000,000 times"
    for asked in (
        lambda: evaluate(expression, variables, most_steps=MOST_STEPS),
        lambda: is_true(f"{expression} > 1", variables, most_steps=MOST_STEPS),
        lambda: render({"N": ["of ${{ " + expression + " }}"]}, variables, most_steps=MOST_STEPS),
    ):
        with pytest.raises(ExpressionError, match=refused):
            asked()
    assert evaluate("trigger.payload.size()", variables, most_steps=MOST_STEPS) == 10_000
