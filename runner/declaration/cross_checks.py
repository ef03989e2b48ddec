"""What is wrong between documents that are each fine alone?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from runner.declaration.declared import SHIPPED_JOB_TYPES
from runner.declaration.problem import Path, Problem, listed
from runner.declaration.rules.wording import beside
from runner.declaration.trigger_checks import bring_nothing, check_inputs_brought, check_triggers
from runner.vocabulary.names import nearest

Facts = Mapping[str, Any]


class Found(NamedTuple):
    """A problem, and the position of the facts (so of the document) in which it stands."""

    position: int
    problem: Problem


def cross_check(
    facts: Sequence[Facts], place_of: Callable[[int], str], known: Collection[str] = ()
) -> list[Found]:
    """Everything that is wrong in the tree as a whole.

    `place_of` tells `file:line` of the document with that index; it is asked only for a message. `known` are
    addresses that exist elsewhere: for a partial tree, those that are installed. A plan runs this over every
    object, so the way without problems is a few passes over sets and lists.
    """
    addresses = [each["address"] for each in facts]
    exists = set(addresses)
    exists.update(known)
    exists.update(f"JobType/{name}" for name in SHIPPED_JOB_TYPES)
    found: list[Found] = []
    if len(set(addresses)) != len(addresses):
        found.extend(_duplicates(addresses, place_of))
    special = [(i, each) for i, each in enumerate(facts) if not each["address"].startswith("Job/")]
    for _, each in special:
        exists.update(each.get("offers", ()))
    # One set of all names first: that nothing is missing is the ordinary case, and the quick one to show.
    missing = {reference[0] for each in facts for reference in each["references"]} - exists
    if missing:
        found.extend(_unknown_references(facts, missing, exists))
    found.extend(_only_one_runner(special, place_of))
    found.extend(_shipped_names(special))
    found.extend(_cycles(special))
    if any("triggers" in each for each in facts):
        found.extend(Found(*each) for each in check_triggers(facts, place_of))
    if any("asksInputs" in each for each in facts):
        found.extend(Found(*each) for each in check_inputs_brought(facts))
    moves = [(i, each) for i, each in enumerate(facts) if "movedFrom" in each]
    if moves:
        found.extend(_moves(moves, exists, place_of))
    retrying = {each["address"]: each["retriesItself"] for _, each in special if "retriesItself" in each}
    if retrying:
        found.extend(_two_retries(facts, retrying))
    own = [(i, each) for i, each in enumerate(facts) if "ofType" in each]
    if own:
        types = {each["address"]: each for _, each in special if each["address"].startswith("JobType/")}
        silent = bring_nothing(facts)
        for index, each in own:
            if (job_type := types.get(f"JobType/{each['type']}")) is not None:
                found.extend(Found(index, problem) for problem in _job_of_type(each, job_type, silent))
    return found


def _duplicates(addresses: Sequence[str], place_of: Callable[[int], str]) -> Iterator[Found]:
    first: dict[str, int] = {}
    for index, address in enumerate(addresses):
        if address not in first:
            first[address] = index
            continue
        yield Found(
            index,
            Problem(
                ("metadata", "name"),
                "duplicate-name",
                "Duplicate name",
                f"{address} is declared at {place_of(first[address])} and again at {place_of(index)}; "
                "names are unique per kind",
                "rename one of them, or remove it",
            ),
        )


HINTS = 20
"""Missing names for which the nearest is looked up: among 10,000 names each takes a tenth of a second."""


def _unknown_references(
    facts: Sequence[Facts], missing: Collection[str], exists: Collection[str]
) -> Iterator[Found]:
    told: dict[str, Problem] = {}
    for index, each in enumerate(facts):
        for name, path in each["references"]:
            if name not in missing:
                continue
            if name not in told:
                told[name] = _unknown(name, exists if len(told) < HINTS else ())
            yield Found(index, told[name].below(*path))


def _unknown(reference: str, exists: Collection[str]) -> Problem:
    """The problem with a reference; its path is below the reference's own."""
    address, _, part = reference.partition("#")
    kind, _, name = address.partition("/")
    if part and address in exists:
        if kind == "Root":
            return Problem(
                (),
                "read-only-root",
                "Root is not writable",
                f"'{name}' is declared with access: read, and this step writes there",
                f"declare access: write at spec.roots.{name} of the Runner",
            )
        prefix = address + "#"
        parts = sorted(each.removeprefix(prefix) for each in exists if each.startswith(prefix))
        return _no_such(("key",), "unknown-key", f"{address} has no key '{part}'", part, parts)
    names = sorted(
        each.removeprefix(kind + "/") for each in exists if each.startswith(kind + "/") and "#" not in each
    )
    what = f"There is no {address}"
    if kind == "Root":
        what = f"There is no root '{name}' in the Runner's spec.roots"
    path: Path = ("authorization",) if kind == "Authorization" and part else ()
    return _no_such(path, "unknown-reference", what, name, names)


def _no_such(path: Path, rule: str, what: str, name: str, names: Sequence[str]) -> Problem:
    close = nearest(name, names)
    hint = f"did you mean '{close}'?" if close else ""
    summary = rule.replace("-", " ").capitalize()
    detail = f"{what}; known: {listed(names)}" if names else what
    return Problem(path, rule, summary, detail, hint)


def _only_one_runner(special: list[tuple[int, Facts]], place_of: Callable[[int], str]) -> Iterator[Found]:
    runners = [index for index, each in special if each["address"].startswith("Runner/")]
    for index in runners[1:]:
        yield Found(
            index,
            Problem(
                ("kind",),
                "second-runner",
                "More than one Runner",
                f"an installation has one Runner object; the first is at {place_of(runners[0])}",
                "merge the two",
            ),
        )


def _shipped_names(special: list[tuple[int, Facts]]) -> Iterator[Found]:
    shipped = {f"JobType/{name}" for name in SHIPPED_JOB_TYPES}
    for index, each in special:
        if each["address"] in shipped:
            yield Found(
                index,
                Problem(
                    ("metadata", "name"),
                    "shipped-name",
                    "Name of a shipped JobType",
                    f"{each['address']} comes with the program; shipped: {', '.join(SHIPPED_JOB_TYPES)}",
                    "give your JobType another name",
                ),
            )


def _cycles(special: list[tuple[int, Facts]]) -> Iterator[Found]:
    """Objects that need themselves, through whichever others; each cycle is told once.

    Only triggers refer to a Job; `check_triggers` looks at those.
    """
    edges = {each["address"]: [r[0].partition("#")[0] for r in each["references"]] for _, each in special}
    index_of = {each["address"]: index for index, each in special}
    done: set[str] = set()
    for start, targets in edges.items():
        trail: list[str] = []
        stack: list[tuple[str, Iterator[str]]] = []
        if start not in done:
            stack.append((start, iter(targets)))
            trail.append(start)
        while stack:
            node, rest = stack[-1]
            target = next(rest, None)
            if target is None:
                stack.pop()
                trail.pop()
                done.add(node)
            elif target in trail:
                cycle = [*trail[trail.index(target) :], target]
                yield Found(
                    index_of[node],
                    Problem(
                        _path_of(special, index_of[node], target),
                        "cycle",
                        "Cycle",
                        " needs ".join(cycle),
                        "take one of these references out",
                    ),
                )
            elif target in edges and target not in done:
                stack.append((target, iter(edges[target])))
                trail.append(target)


def _path_of(special: list[tuple[int, Facts]], index: int, target: str) -> Path:
    references = next(each["references"] for i, each in special if i == index)
    return next((tuple(path) for name, path in references if name.partition("#")[0] == target), ("spec",))


def _moves(
    moves: list[tuple[int, Facts]], exists: Collection[str], place_of: Callable[[int], str]
) -> Iterator[Found]:
    path = ("metadata", "annotations", "jobs.runner/moved-from")
    first: dict[str, int] = {}
    for index, each in moves:
        kind = each["address"].partition("/")[0]
        source = f"{kind}/{each['movedFrom']}"
        if source == each["address"]:
            detail, hint = f"{source} cannot move to its own name", "name the old name, or take it out"
        elif source in exists:
            detail = f"{source} is still declared, so its history cannot move to {each['address']}"
            hint = "remove the old declaration, or take the annotation out"
        elif source in first:
            detail = f"{source} already moves to the object at {place_of(first[source])}"
            hint = "only one object can take over its history"
        else:
            first[source] = index
            continue
        yield Found(index, Problem(path, "moved-from", "Impossible move", detail, hint))


def _two_retries(facts: Sequence[Facts], retrying: Mapping[str, str]) -> Iterator[Found]:
    """Jobs that declare `retry` and share a Schedule whose window or fire-and-forget has its own."""
    for index, each in enumerate(facts):
        for name, _ in each.get("retries", ()):
            if name in retrying:
                own = f"{retrying[name]} of {name}"
                yield Found(
                    index,
                    beside(("spec", "retry"), "retry", own, "its retryEvery is the only retry setting"),
                )


def _job_of_type(job: Facts, job_type: Facts, silent: Collection[str]) -> Iterator[Problem]:
    """What a job of the user's own type lacks or has too much, now that the type is known."""
    of_type = job["ofType"]
    body, name = of_type["body"], job_type["address"].removeprefix("JobType/")
    if job_type["external"] or of_type["external"]:
        yield from _executor(of_type, job_type["external"], name)
    elif body and job_type["template"]:
        yield Problem(
            ("spec", body),
            "two-bodies",
            "More than one thing to run",
            f"the type '{name}' brings its own steps, so {body} cannot stand here",
            "remove one of them",
            at="key",
        )
    elif not body and not job_type["template"]:
        yield Problem(
            ("spec", "type"),
            "nothing-to-run",
            "Nothing to run",
            f"the type '{name}' has no steps of its own, and the job has neither steps nor code",
            "add steps",
        )
    is_scheduled = of_type["scheduled"] or any(name in silent for name in job["folds"])
    yield from _inputs(of_type, job_type, is_scheduled)


def _executor(of_type: Facts, is_external: bool, name: str) -> Iterator[Problem]:
    path: Path
    if not is_external:
        detail = f"jobs of the type '{name}' are executed by a process of the runner"
        path = ("spec", "external")
        yield Problem(path, "no-effect", "Field without effect", detail, "remove it", at="key")
    elif of_type["body"]:
        body = of_type["body"]
        detail = f"jobs of the type '{name}' are executed by another system, so {body} cannot stand here"
        path = ("spec", body)
        yield Problem(path, "two-bodies", "More than one thing to run", detail, "remove it", at="key")


def _inputs(of_type: Facts, job_type: Facts, is_scheduled: bool) -> Iterator[Problem]:
    from runner.declaration.inputs import check_inputs

    inputs = {**job_type["inputs"], **of_type["inputs"]}
    for problem in check_inputs(inputs, {**job_type["with"], **of_type["with"]})[1]:
        if problem.rule == "missing-input" and not is_scheduled:
            continue  # whoever starts it by hand gives it, or what a trigger brings
        if problem.path[0] in of_type["with"] or problem.rule == "missing-input":
            yield problem.below("spec", "with")
    for used, path in of_type["uses"]:
        if used not in inputs:
            known = sorted(inputs)
            yield _no_such(tuple(path), "unknown-name", f"There is no inputs.{used}", used, known)
