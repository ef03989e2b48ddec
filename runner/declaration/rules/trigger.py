"""Rules for triggers: exactly one thing that happens, in bounds, and nothing beside it without effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.declaration.named_elsewhere import is_cron_text
from runner.declaration.problem import Path, Problem, quoted
from runner.declaration.rules.wording import beside, exactly_one
from runner.declaration.step_kinds import STEP_KINDS
from runner.declaration.triggers import KINDS, LARGEST_BODY, brings_inputs, kind_of
from runner.declaration.written import mapping
from runner.vocabulary.duration import parse_duration, parse_size

Found = Iterator[Problem]

LONGEST_STABLE_S = 24 * 3600.0


def of_trigger(path: Path, schedule: Mapping[str, Any]) -> Found:
    """The trigger of a schedule; `path` is the schedule's."""
    trigger = mapping(schedule.get("trigger"))
    if not trigger:
        if "trigger" in schedule:
            yield from exactly_one((*path, "trigger"), {}, KINDS, "a trigger")
        return
    for key in ("jitter", "calendars"):
        if schedule.get(key):
            detail = f"'{key}' moves or leaves out times, and a trigger has none"
            yield Problem((*path, key), "no-effect", "Field without effect", detail, "remove it", at="key")
    path = (*path, "trigger")
    yield from exactly_one(path, trigger, KINDS, "a trigger")
    yield from _file((*path, "file"), mapping(trigger.get("file")))
    yield from _webhook((*path, "webhook"), mapping(trigger.get("webhook")))
    yield from _durations(path, trigger)
    yield from _starts(path, trigger)


def of_job(path: Path, spec: Mapping[str, Any], schedule: Mapping[str, Any]) -> Found:
    """What a job with that schedule cannot be."""
    trigger = mapping(schedule.get("trigger"))
    if not trigger.get("consume") and trigger.get("consume") != {}:
        return
    for key, why in (
        ("tasks", "a run over an inventory has targets, and works through no items"),
        ("external", "another system executes the job, and gets no items"),
    ):
        if key in spec or spec.get("type") == key:
            yield beside((*path, "trigger", "consume"), "consume", key, why)
    yield from _consuming((*path, "trigger", "consume"), spec)


def _consuming(path: Path, spec: Mapping[str, Any]) -> Found:
    """One step works through the items, and it asks for them."""
    steps = spec["steps"] if isinstance(spec.get("steps"), list) else []
    kinds = [kind for step in steps for kind in mapping(step) if kind in STEP_KINDS]
    if len(steps) > 1 or any(kind not in ("shell", "python") for kind in kinds):
        detail = "items are worked through by one step, of shell or python, or by the job's code"
        hint = "write one step that calls the others, or leave consume out: each item is a run then"
        yield Problem(path, "not-one-step", "More than one step for items", detail, hint, at="key")
        return
    for step in steps:
        written = mapping(step).get("shell")
        script = written if isinstance(written, str) else mapping(written).get("script")
        if isinstance(script, str) and "RUNNER_ITEMS" not in script:
            detail = "the script never reads $RUNNER_ITEMS, so it would work through nothing"
            hint = "each line of the file $RUNNER_ITEMS is an item, as JSON"
            yield Problem(path, "items-not-read", "Items that nobody reads", detail, hint, at="key")


def lets_inputs_come(spec: Mapping[str, Any]) -> bool:
    """Whether every schedule of a job is a trigger that may bring values for its inputs.

    What a Schedule says that is only named is known when the whole tree is checked.
    """
    written = [spec["schedule"]] if "schedule" in spec else list(mapping(spec.get("schedules")).values())
    named = [each for each in written if isinstance(each, str) and not is_cron_text(each)]
    own = [each for each in written if each not in named]
    return bool(written) and all(brings_inputs(mapping(each).get("trigger")) for each in own)


def _file(path: Path, file: Mapping[str, Any]) -> Found:
    match = file.get("match")
    if isinstance(match, str):
        yield from _below_root((*path, "match"), match, "a pattern like orders/*.csv")
    for key in ("moveTo", "failedTo"):
        folder = file.get(key)
        if isinstance(folder, str):
            yield from _below_root((*path, key), folder, "a folder like done")
            if file.get("then") != "move":
                detail = f"'{key}' is where files go with then: move, and they stay"
                yield Problem((*path, key), "no-effect", "Field without effect", detail, at="key")
    stable = _seconds(file.get("stableFor"))
    if stable is not None and stable > LONGEST_STABLE_S:
        detail = f"{quoted(file['stableFor'])} is longer than a day"
        yield Problem((*path, "stableFor"), "out-of-range", "Out of range", detail)


def _below_root(path: Path, text: str, example: str) -> Found:
    if text.startswith("/") or ".." in text.split("/") or "\0" in text or "\\" in text:
        detail = f"{quoted(text)} may lead out of the root"
        yield Problem(
            path, "outside-root", "Path outside of its root", detail, f"write {example}, relative to the root"
        )
    elif "${{" in text:
        detail = "it is fixed; ${{ }} is not evaluated in it"
        yield Problem(path, "expression-not-here", "Expression where none is read", detail)


def _webhook(path: Path, webhook: Mapping[str, Any]) -> Found:
    try:
        size = parse_size(webhook.get("maxBody", "1KiB"))
    except (ValueError, TypeError, AttributeError):
        size = 1  # the schema has told it
    if not 0 < size <= LARGEST_BODY:
        given = quoted(webhook.get("maxBody"))
        detail = f"{given} is not from 1 byte to 1MiB: what arrives is kept in the database"
        yield Problem((*path, "maxBody"), "out-of-range", "Out of range", detail)
    if webhook.get("signature") == "github" and "tolerance" in webhook:
        detail = "GitHub's signature has no time in it"
        yield Problem((*path, "tolerance"), "no-effect", "Field without effect", detail, at="key")
    seconds = _seconds(webhook.get("tolerance"))
    if seconds is not None and not 1 <= seconds <= 3600:
        detail = f"{quoted(webhook['tolerance'])} is not from 1s to 1h: an older request may be a replay"
        yield Problem((*path, "tolerance"), "out-of-range", "Out of range", detail)
    if isinstance(webhook.get("schema"), Mapping):
        yield from _schema((*path, "schema"), webhook["schema"])


def _schema(path: Path, schema: Mapping[str, Any]) -> Found:
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import validator_for

    refs = [ref for ref in _refs(schema) if not ref.startswith("#")]
    if refs:
        detail = f"$ref {quoted(refs[0])} leads out of the schema, and nothing is fetched"
        yield Problem(path, "bad-schema", "Bad JSON Schema", detail, "write it under $defs, and #/$defs/NAME")
        return
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        place = "/".join(map(str, error.absolute_path)) or "the schema"
        yield Problem(path, "bad-schema", "Bad JSON Schema", f"{place}: {error.message[:300]}")


def _refs(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            if key in ("$ref", "$dynamicRef") and isinstance(each, str):
                yield each
            else:
                yield from _refs(each)
    elif isinstance(value, list):
        for each in value:
            yield from _refs(each)


def _durations(path: Path, trigger: Mapping[str, Any]) -> Found:
    for key, parts in (("debounce", ("quiet", "atMost")), ("batch", ("within",)), ("after", ("within",))):
        given = trigger.get(key)
        for where, text in (
            [((key,), given)]
            if isinstance(given, str)
            else [((key, part), mapping(given).get(part)) for part in parts]
        ):
            seconds = _seconds(text)
            if seconds is not None and seconds <= 0:
                yield Problem((*path, *where), "out-of-range", "Out of range", f"{quoted(text)} is no time")
    debounce = mapping(trigger.get("debounce"))
    quiet, most = _seconds(debounce.get("quiet")), _seconds(debounce.get("atMost"))
    if quiet is not None and most is not None and most < quiet:
        detail = f"{quoted(debounce['atMost'])} is shorter than quiet: {debounce['quiet']}"
        yield Problem((*path, "debounce", "atMost"), "out-of-range", "Out of range", detail)


def _starts(path: Path, trigger: Mapping[str, Any]) -> Found:
    if "debounce" in trigger and "batch" in trigger:
        why = "one waits for quiet, the other for a number"
        yield beside((*path, "batch"), "batch", "debounce", why)
    kind = kind_of(trigger)
    several = len(mapping(mapping(trigger.get("after")).get("all"))) > 1
    for key in ("debounce", "batch", "consume"):
        if (
            key in trigger
            and trigger[key] is not False
            and (kind == "startup" or (kind == "after" and several))
        ):
            what = "a start of the daemon" if kind == "startup" else "one end of each of these jobs"
            detail = f"{what} makes one start, so there is nothing to collect"
            yield Problem((*path, key), "no-effect", "Field without effect", detail, "remove it", at="key")
    overflow = mapping(trigger.get("queue")).get("overflow")
    if overflow == "refuse" and kind in ("job", "after", "startup"):
        detail = "nobody waits for an answer here, so what is beyond the limit can only be dropped"
        yield Problem(
            (*path, "queue", "overflow"),
            "no-effect",
            "Field without effect",
            detail,
            "drop-oldest or drop-newest",
        )


def _seconds(text: Any) -> float | None:
    if not isinstance(text, str):
        return None
    try:
        return parse_duration(text).total_seconds()
    except (ValueError, OverflowError):
        return None  # the schema has told it
