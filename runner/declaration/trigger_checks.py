"""Which triggers of a tree cannot stand together: one path twice, or jobs that start each other for ever?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from runner.declaration.problem import Path, Problem

Facts = Mapping[str, Any]


class Used(NamedTuple):
    """A trigger as a job has it: the position of the document that holds it, and the place there."""

    job: str
    position: int
    what: str
    path: Path


def check_triggers(facts: Sequence[Facts], place_of: Callable[[int], str]) -> Iterator[tuple[int, Problem]]:
    """Positions and problems. A job has the triggers that it writes, and those of the Schedules it names."""
    held = {
        each["address"]: (index, each["triggers"]) for index, each in enumerate(facts) if "triggers" in each
    }
    shared = {address for address in held if address.startswith("Schedule/")}
    hooks: list[Used] = []
    after: list[Used] = []
    for index, each in enumerate(facts):
        address = each["address"]
        if not address.startswith("Job/"):
            continue
        own = [(index, each["triggers"])] if "triggers" in each else []
        own += [held[name] for name in each["folds"] if name in shared]
        for position, triggers in own:
            name = address.removeprefix("Job/")
            hooks += [Used(name, position, what, tuple(path)) for what, path in triggers["hooks"]]
            after += [Used(name, position, what, tuple(path)) for what, path in triggers["after"]]
    yield from _listener(hooks, facts)
    yield from _paths(hooks, place_of)
    yield from _cycles(after)


def check_inputs_brought(facts: Sequence[Facts]) -> Iterator[tuple[int, Problem]]:
    """Inputs without a value of jobs that a shared Schedule starts, which brings none."""
    silent = bring_nothing(facts)
    for index, each in enumerate(facts):
        schedule = next((name for name in each["folds"] if name in silent), None)
        for name in each.get("asksInputs", ()) if schedule is not None else ():
            detail = f"'{name}' is required and has no default, and {schedule} brings no values"
            hint = f"give it a value: with: {{{name}: …}}"
            yield index, Problem(("spec", "with", name), "missing-input", "Missing input", detail, hint)


def bring_nothing(facts: Sequence[Facts]) -> set[str]:
    """The addresses of the Schedules whose starts bring no values for inputs."""
    return {
        each["address"]
        for each in facts
        if each["address"].startswith("Schedule/") and not each.get("bringsInputs")
    }


def _listener(hooks: Sequence[Used], facts: Sequence[Facts]) -> Iterator[tuple[int, Problem]]:
    """Without a listener nobody hears a request; a tree without a Runner may be a part of a larger one."""
    runners = [each for each in facts if "listens" in each]
    if runners and not any(each["listens"] for each in runners):
        for used in hooks:
            detail = "the Runner has no HTTP listener, so no request arrives"
            hint = "declare web: {} in the Runner's spec"
            yield used.position, Problem(used.path, "no-listener", "No listener", detail, hint)


def _paths(hooks: Sequence[Used], place_of: Callable[[int], str]) -> Iterator[tuple[int, Problem]]:
    first: dict[str, Used] = {}
    for used in hooks:
        before = first.setdefault(used.what, used)
        if before is used:
            continue
        detail = (
            f"/hooks/{used.what} starts Job/{before.job} ({place_of(before.position)}) and Job/{used.job}; "
            "a request can be answered for one of them"
        )
        hint = "give each job a path of its own, or let one start after the other: trigger: {job: …}"
        yield used.position, Problem(used.path, "path-twice", "Path of a webhook used twice", detail, hint)


def _cycles(after: Sequence[Used]) -> Iterator[tuple[int, Problem]]:
    """Each cycle is told once, at the trigger that closes it."""
    edges: dict[str, list[Used]] = {}
    for used in after:
        edges.setdefault(used.job, []).append(used)
    done: set[str] = set()
    for start in sorted(edges):
        trail: list[str] = []
        stack: list[tuple[str, Iterator[Used]]] = []
        if start not in done:
            stack.append((start, iter(edges[start])))
            trail.append(start)
        while stack:
            next_one = next(stack[-1][1], None)
            if next_one is None:
                stack.pop()
                done.add(trail.pop())
            elif next_one.what in trail:
                cycle = [*trail[trail.index(next_one.what) :], next_one.what]
                detail = " starts after ".join(cycle) + ": once begun, they would start each other for ever"
                hint = "take one of these triggers out"
                yield next_one.position, Problem(next_one.path, "cycle", "Cycle", detail, hint)
            elif next_one.what in edges and next_one.what not in done:
                stack.append((next_one.what, iter(edges[next_one.what])))
                trail.append(next_one.what)
