"""Whoever watches a descriptor hears of that one, and not of an earlier one with its number."""

from __future__ import annotations

import asyncio
import os
import select

from runner.execution.watches import Watches


def test_a_number_that_is_used_again_does_not_hear_of_the_one_that_had_it_before() -> None:
    loop = asyncio.new_event_loop()
    watches = Watches(loop, loop.stop)
    heard: list[int] = []
    (first, end_of_first), (second, end_of_second) = os.pipe(), os.pipe()

    def replace_the_other(descriptor: int, _event: int) -> None:
        other = second if descriptor == first else first
        for each in (descriptor, other):
            watches.drop(each)
            os.close(each)
        new, end_of_new = os.pipe()
        if new != other:
            os.dup2(new, other)
            os.close(new)
        watches.add(other, lambda _, event: heard.append(event))
        os.write(end_of_new, b"x")

    watches.add(first, replace_the_other)
    watches.add(second, replace_the_other)
    os.close(end_of_first)
    os.close(end_of_second)
    loop.run_forever()
    assert heard == []
    loop.run_forever()
    assert heard == [select.EPOLLIN]
    watches.close()
    loop.close()
