"""Which installed jobs are meant: by name, by label selector, by group."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from runner.operations.installed_jobs import readable_jobs, whole
from runner.store.objects import ObjectRecord
from runner.store.port import Reader
from runner.vocabulary.errors import DamagedRow, NotUnderstood, UnknownName
from runner.vocabulary.identity import Address
from runner.vocabulary.names import nearest

_TERM = re.compile(r"(?P<not>!)?(?P<key>[^\s=!,]+)\s*(?:(?P<sign>==?|!=)\s*(?P<value>[^\s=!,]*))?")


class BadSelector(NotUnderstood):
    """A label selector that says nothing."""


def installed(reader: Reader, kind: str, name: str) -> ObjectRecord:
    """The installed object of that name; UnknownName, with the nearest known one, when there is none.

    DamagedRow when it is a job that means nothing any more.
    """
    record = reader.objects.get(Address(kind, name))
    if record is None or record.removed_at is not None:
        raise unknown(kind, name, (summary.name for summary in reader.objects.summaries(kind)))
    return whole(record) if kind == "Job" else record


def object_ever(reader: Reader, address: Address) -> ObjectRecord:
    """The object of that address, installed or uninstalled; UnknownName when there never was one."""
    record = reader.objects.get(address)
    buried = [] if record else [each for each in reader.objects.tombstones() if each.address == address]
    if record is None and not buried:
        known = {each.name for each in reader.objects.summaries(address.kind)}
        known |= {each.name for each in reader.objects.tombstones() if each.kind == address.kind}
        raise unknown(address.kind, address.name, known)
    return record or buried[-1]


def unknown(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """The sentence for a name that nobody knows."""
    names = sorted(known)
    close = nearest(name, names)
    if close:
        hint = f"did you mean '{close}'?"
    elif names:
        hint = f"installed: {', '.join(names[:10])}{', …' if len(names) > 10 else ''}"
    else:
        hint = "nothing of that kind is installed"
    return UnknownName(f"no {kind} is called '{name[:100]}'; {hint}")


def select_jobs(
    reader: Reader,
    names: Sequence[str] = (),
    *,
    selector: str | None = None,
    group: str | None = None,
) -> tuple[tuple[ObjectRecord, ...], tuple[DamagedRow, ...]]:
    """The jobs named, each once and in order; with `selector` or `group` those that match as well. And what
    is wrong with those that might match and cannot be read: no other is to be kept from being meant by them.

    A group that is not installed is unknown. DamagedRow when a job that is named cannot be read.
    """
    damaged: dict[str, DamagedRow] = {}
    chosen = {name: installed(reader, "Job", name.removeprefix("Job/")) for name in names}
    if selector is not None or group is not None:
        matches = labels_match(selector) if selector is not None else None
        if group is not None and reader.objects.get(Address("Group", group)) is None:
            raise unknown("Group", group, (summary.name for summary in reader.objects.summaries("Group")))
        jobs, damaged = readable_jobs(reader)
        for record in jobs:
            if (matches is None or matches(record.labels)) and (
                group is None or group in record.resolved["groups"]
            ):
                chosen.setdefault(record.name, record)
    return tuple({record.uid: record for record in chosen.values()}.values()), tuple(damaged.values())


def labels_match(selector: str) -> Callable[[Mapping[str, str]], bool]:
    """Whether labels fit: `team=bi`, `team!=bi`, `team`, `!team`, joined by commas (all must fit)."""
    terms: list[tuple[str, str | None, bool]] = []
    for text in selector.split(","):
        term = _TERM.fullmatch(text.strip())
        if term is None or (term["not"] and term["sign"]):
            raise BadSelector(f"{text!r} selects nothing; write it like team=bi, team!=bi, team or !team")
        terms.append((term["key"], term["value"], not term["not"] and term["sign"] != "!="))

    def fits(labels: Mapping[str, str]) -> bool:
        return all(
            ((key in labels) if value is None else (labels.get(key) == value)) is wanted
            for key, value, wanted in terms
        )

    return fits
