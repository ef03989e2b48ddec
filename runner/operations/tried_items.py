"""What has arrived for a trial? Items of what a person gives: payloads, files, or items as JSON."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.execution.actions.prune import files_beneath
from runner.execution.actions.roots import Root
from runner.loading.limits import STREAM_BYTES
from runner.operations.arrive import arrive
from runner.operations.feed import start_with
from runner.operations.files_arrived import FoundFile, item_of_file
from runner.operations.hook_payload import inputs_of, payload_of, validator_of
from runner.operations.request_refused import RequestRefused
from runner.operations.settings import settings
from runner.operations.trigger import BadInputs
from runner.operations.trigger_of import Triggered, trigger_of
from runner.schedules.trigger import AfterSource, FileSource, HookSource, StartupSource
from runner.store.arrivals import NewItem
from runner.store.objects import ObjectRecord
from runner.store.port import Reader, Transaction
from runner.vocabulary.duration import format_size

_HAS = {HookSource: "payload", FileSource: "file", AfterSource: "job", StartupSource: "startup"}
_SAID = {
    HookSource: "--payload FILE is what a request brings (- for standard input)",
    FileSource: "--file PATH is a file below its root",
    AfterSource: '--items FILE has lines like {"job": {"name": "load", "state": "SUCCEEDED", "outputs": {}}}',
}
_KINDS = {HookSource: "webhook", FileSource: "file", AfterSource: "after", StartupSource: "startup"}


@dataclass(frozen=True, slots=True)
class Given:
    """What is to be taken for arrived: JSON of requests, paths of files, and items as JSON."""

    payloads: tuple[bytes, ...] = ()
    files: tuple[str, ...] = ()
    items: tuple[Mapping[str, Any], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.payloads or self.files or self.items)


def items_in(text: str) -> tuple[Mapping[str, Any], ...]:
    """Lines of JSON, or one array, as `runner jobs items NAME -o json` prints it; BadInputs otherwise."""
    try:
        lines = (
            json.loads(text)
            if text.lstrip().startswith("[")
            else [json.loads(line) for line in text.splitlines() if line.strip()]
        )
    except ValueError as problem:
        raise BadInputs(f"--items is lines of JSON, or an array of them: {problem}") from None
    if not all(isinstance(line, dict) for line in lines):
        raise BadInputs("--items is lines of JSON objects")
    return tuple(line["data"] if isinstance(line.get("data"), dict) else line for line in lines)


def start_tried(
    tx: Transaction,
    record: ObjectRecord,
    given: Given,
    params: Mapping[str, str],
    project: Path,
    now: datetime,
) -> int:
    """Let it arrive, and record the one run that it starts; BadInputs says what would fit instead."""
    found = _trigger_for(tx, record, given)
    flow, source = found.trigger.flow, found.trigger.source
    news = [*_payloads(found, given), *_files(tx, found, given, project), *_items(found, given)]
    together = flow.size > 1 or flow.quiet is not None or flow.linger is not None
    together |= isinstance(source, AfterSource) and len(source.jobs) > 1
    if len(news) > 1 and not together:
        raise BadInputs(
            f"each item starts a run of Job/{record.name} of its own; give one, and not {len(news)}"
        )
    ids = [arrived.item for new in news if (arrived := arrive(tx, new, flow, now)).item is not None]
    return start_with(tx, found, [id for id in ids if id is not None], params, now)


def told_what_instead(record: ObjectRecord, reader: Reader) -> str:
    """For a trial of a job that something starts, when nothing was given: what can be."""
    sources = [found.trigger.source for found in _triggers(reader, record)]
    ways = [_SAID[type(source)] for source in sources if type(source) in _SAID]
    return f"nothing has arrived for this trial: {'; '.join(ways)}" if ways else ""


def _triggers(reader: Reader, record: ObjectRecord) -> list[Triggered]:
    found = [trigger_of(reader, record.uid, name) for name in sorted(record.resolved["schedules"])]
    return [each for each in found if isinstance(each, Triggered)]


def _trigger_for(reader: Reader, record: ObjectRecord, given: Given) -> Triggered:
    """The trigger that they are for: the first that takes what is given."""
    triggers = _triggers(reader, record)
    if not triggers:
        raise BadInputs(
            f"Job/{record.name} has no trigger, so nothing arrives for it; its inputs are given with -p"
        )
    keys = ["payload"] * bool(given.payloads) + ["file"] * bool(given.files)
    keys += [key for item in given.items for key in ("payload", "file", "job") if key in item][:1]
    fitting = [each for each in triggers if not keys or _HAS[type(each.trigger.source)] in keys]
    if len(set(keys)) > 1 or not fitting:
        kinds = " or ".join(each.trigger.source.in_words for each in triggers)
        raise BadInputs(f"Job/{record.name} is started by {kinds}: {told_what_instead(record, reader)}")
    return fitting[0]


def _payloads(found: Triggered, given: Given) -> list[NewItem]:
    source = found.trigger.source
    return (
        [_request(found, source, body, n) for n, body in enumerate(given.payloads, 1)]
        if isinstance(source, HookSource)
        else []
    )


def _request(found: Triggered, source: HookSource, body: bytes, n: int) -> NewItem:
    try:
        payload = payload_of(body)
        validator = None if source.payload_schema is None else validator_of(source.payload_schema)
        inputs = inputs_of(found.record.resolved, validator, payload)
    except RequestRefused as refused:
        raise BadInputs(
            f"a request with that payload would be answered with {refused.status}: {refused}"
        ) from None
    told = {"id": f"trial-{n}", "path": source.path, "signed_by": "trial"}
    return _new(found, f"webhook:trial-{n}", {"payload": payload, "webhook": told}, inputs)


def _files(reader: Reader, found: Triggered, given: Given, project: Path) -> list[NewItem]:
    source = found.trigger.source
    if not isinstance(source, FileSource) or not given.files:
        return []
    declared = (settings(reader).get("roots") or {}).get(source.root)
    if declared is None:
        raise BadInputs(f"there is no root {source.root}")
    root = (project / declared["path"]).resolve()
    there = {
        file.path: FoundFile(file.path, file.size, file.changed_ns, file.inode)
        for file in (files_beneath(Root(source.root, str(root)), source.match) if root.is_dir() else ())
    }
    return [item_of_file(found, source, str(root), _meant(path, root, source, there)) for path in given.files]


def _meant(path: str, root: Path, source: FileSource, there: Mapping[str, FoundFile]) -> FoundFile:
    for meant in (
        path,
        *(str(real.relative_to(root)) for real in [Path(path).resolve()] if real.is_relative_to(root)),
    ):
        if meant in there:
            return there[meant]
    raise BadInputs(f"{path} is no file that fits {source.match} below root {source.root} ({root})")


def _items(found: Triggered, given: Given) -> list[NewItem]:
    declared = found.record.resolved["inputs"]
    made = []
    for n, data in enumerate(given.items, 1):
        payload = data.get("payload")
        outputs = (data.get("job") or {}).get("outputs") if isinstance(data.get("job"), dict) else None
        named = payload if isinstance(payload, dict) else outputs if isinstance(outputs, dict) else {}
        inputs = {name: value for name, value in named.items() if name in declared}
        made.append(_new(found, f"trial:{n}", dict(data), inputs))
    return made


def _new(found: Triggered, key: str, data: Mapping[str, Any], inputs: Mapping[str, Any]) -> NewItem:
    return NewItem(
        job_uid=found.record.uid,
        schedule=found.name,
        kind=_KINDS[type(found.trigger.source)],
        key=key,
        source="a trial",
        data=data,
        inputs=inputs,
    )


def opened(places: Sequence[str], stdin: Any) -> tuple[bytes, ...]:
    """What is in these files; `-` is standard input. BadInputs when one cannot be read."""
    found = []
    for place in places:
        try:
            with contextlib.nullcontext(stdin) if place == "-" else Path(place).open("rb") as file:
                found.append(file.read(STREAM_BYTES + 1))
        except OSError as problem:
            raise BadInputs(f"{place}: {problem.strerror or problem}") from None
        if len(found[-1]) > STREAM_BYTES:
            raise BadInputs(f"{place}: more than {format_size(STREAM_BYTES)} have arrived; that is too much")
    return tuple(found)
