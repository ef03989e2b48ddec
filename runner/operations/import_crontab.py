"""Declare what a crontab starts: one job per line, and a report of everything that is not as cron does it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from runner.crontab.comparison import Comparison, Line, compare
from runner.crontab.days import calendar_name, calendar_text, resolved
from runner.crontab.job import Wish, group_text, job_text, zone_of
from runner.crontab.lines import (
    Crontab,
    Entry,
    Form,
    Remark,
    begins_with_a_user,
    guess_form,
    read_crontab,
)
from runner.crontab.naming import name_from_command, name_from_comment, unique
from runner.crontab.times import NotCron, Ours, as_ours
from runner.loading.tree import load_tree
from runner.reconcile.masking import masked
from runner.schedules.kinds import schedule_from
from runner.schedules.zones import check_zone, zone_named
from runner.vocabulary.errors import Refused, RunnerError
from runner.vocabulary.identity import Address

LARGEST = 4 * 1024 * 1024
"""Bytes; Debian's cron reads at most 10,000 lines."""

_SPOOLS = ("/var/spool/cron/crontabs", "/var/spool/cron", "/var/cron/tabs")


@dataclass(frozen=True, slots=True)
class Asked:
    """What whoever imports has decided."""

    enabled: bool = True
    named_by: Literal["command", "comment"] = "command"
    group: str | None = None
    form: Form | None = None
    user: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class ImportedJob:
    """One line that became a job; `cron` is None for `@reboot`. The calendar leaves days of the month out."""

    line: int
    name: str
    file: Path
    cron: str | None
    calendar: str | None
    timezone: str
    user: str | None


@dataclass(frozen=True, slots=True)
class Imported:
    """What was written, and what a reader must know. `lines` counts the lines that start something."""

    origin: str
    form: Form
    zone: str
    lines: int
    jobs: tuple[ImportedJob, ...]
    files: tuple[Path, ...]
    remarks: tuple[Remark, ...]
    compared: tuple[Line, ...]

    def compared_with_cron(self, after: datetime, until: datetime, parallel: int) -> Comparison:
        """Our starts beside cron's in `(after, until]`; `@reboot` has none to compare."""
        return compare(self.compared, after, until, parallel)


@dataclass(frozen=True, slots=True)
class _Draft:
    entry: Entry
    name: str
    ours: Ours | None
    text: str


def import_crontab(raw: bytes, origin: str, out: Path, asked: Asked) -> Imported:
    """Write a declaration for each line into `out`.

    Everything is validated first: what would be invalid is not written, and said. Refused, with nothing
    written, when a file or a job of that name is there already: a second import would start everything twice.
    RunnerError when it is no text.
    """
    text = _text(raw, origin)
    form = asked.form or form_of(origin, text)
    crontab = read_crontab(text, form)
    zone = asked.zone or machine_zone()
    if wrong := check_zone(zone):
        raise RunnerError(wrong)
    user = (asked.user or _spool_user(origin)) if form == "user" else None
    wish = Wish(asked.enabled, asked.group, zone, user, origin)
    drafts, remarks = _drafts(crontab, wish, asked.named_by)
    drafts, lost = _valid(drafts, asked.group, origin)
    remarks += [*lost, *_about_lines(drafts, wish), *_about_all(drafts, form, wish)]
    files = _write(out, drafts, asked.group, origin)
    return Imported(
        origin,
        form,
        zone,
        len(crontab.entries) + sum(remark.severity == "lost" for remark in crontab.remarks),
        tuple(_job(draft, out, wish) for draft in drafts),
        files,
        tuple(sorted((*crontab.remarks, *remarks), key=lambda remark: remark.line)),
        tuple(_compared(drafts, wish)),
    )


def form_of(origin: str, text: str) -> Form:
    """Whether the lines name a user: by where the file is, else by how it reads."""
    path = os.path.abspath(origin)  # noqa: PTH100 -- a link is where somebody says it is
    if path == "/etc/crontab" or path.startswith("/etc/cron.d/"):
        return "system"
    return "user" if _spool_user(origin) else guess_form(text)


def machine_zone() -> str:
    """The zone that cron uses here: TZ, /etc/localtime or /etc/timezone; UTC when none of them tells."""
    found = [os.environ.get("TZ", "").lstrip(":")]
    try:
        found.append(str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")[2])
        found.append(Path("/etc/timezone").read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        pass
    return next((name for name in found if name and check_zone(name) is None), "UTC")


def _text(raw: bytes, origin: str) -> str:
    if len(raw) > LARGEST:
        raise RunnerError(f"{origin} has more than {LARGEST} bytes: that is no crontab")
    if b"\0" in raw:
        raise RunnerError(f"{origin} has NUL bytes: that is no crontab")
    return raw.decode("utf-8", "surrogateescape")  # such a line is told as one that cannot be held


def _spool_user(origin: str) -> str | None:
    path = Path(os.path.abspath(origin))  # noqa: PTH100
    return path.name if str(path.parent) in _SPOOLS else None


def _drafts(crontab: Crontab, wish: Wish, named_by: str) -> tuple[list[_Draft], list[Remark]]:
    drafts: list[_Draft] = []
    remarks: list[Remark] = []
    taken: set[str] = set()
    for entry in crontab.entries:
        ours = None
        try:
            if entry.time is not None:
                ours = as_ours(entry.time, entry.when)
            if wrong := check_zone(zone_of(entry, wish)):
                raise NotCron(f"CRON_TZ: {wrong}")
        except NotCron as problem:
            remarks.append(Remark(entry.line, "lost", f"not imported: {problem}"))
            continue
        name = name_from_comment(entry.comments) if named_by == "comment" else ""
        name = unique(name or name_from_command(entry.command) or f"line-{entry.line}", taken)
        taken.add(name)
        drafts.append(_Draft(entry, name, ours, job_text(entry, name, ours, wish)))
    return drafts, remarks


def _valid(drafts: Sequence[_Draft], group: str | None, origin: str) -> tuple[list[_Draft], list[Remark]]:
    """The drafts that validate, and a remark for each that does not, by the loader itself."""
    kept, lost = list(drafts), []
    while kept:
        with tempfile.TemporaryDirectory(prefix="runner-import-") as folder:
            for draft in kept:
                Path(folder, f"{draft.name}.yaml").write_text(draft.text, encoding="utf-8")
            for number, text in enumerate(_beside(kept, group, origin).values()):
                Path(folder, f"beside-{number}.yml").write_text(text, encoding="utf-8")
            tree = load_tree(Path(folder), project=Path(folder))
            wrong: dict[str, str] = {}
            for each in tree.diagnostics:
                if each.severity == "error":
                    wrong.setdefault(Path(each.file).name, f"{each.summary}: {each.detail}".strip(": "))
        if not wrong:
            break
        lost += [
            Remark(draft.entry.line, "lost", f"not imported: {wrong[f'{draft.name}.yaml']}")
            for draft in kept
            if f"{draft.name}.yaml" in wrong
        ]
        left = [draft for draft in kept if f"{draft.name}.yaml" not in wrong]
        if len(left) == len(kept):
            raise RunnerError(f"nothing was imported: {next(iter(wrong.values()))}")
        kept = left
    return kept, lost


def _write(out: Path, drafts: Sequence[_Draft], group: str | None, origin: str) -> tuple[Path, ...]:
    """The files, each new; Refused before the first one when anything is there already."""
    there = load_tree(out, project=out).objects if out.is_dir() else {}
    contents = {f"{draft.name}.yaml": draft.text for draft in drafts}
    for address, text in _beside(drafts, group, origin).items() if drafts else ():
        if address not in there:
            file = f"{address.name}.yaml"
            contents[file if file not in contents else f"{address.kind.lower()}-{file}"] = text
    known = [file for file in contents if (out / file).exists() or (out / file).is_symlink()]
    jobs = (Address("Job", draft.name) for draft in drafts if f"{draft.name}.yaml" not in known)
    known += [str(address) for address in jobs if address in there]
    if known:
        raise Refused(
            f"{out} has {', '.join(known[:5])}{', …' if len(known) > 5 else ''} already, and nothing was "
            "written: a second import would start everything twice. Remove them, or choose another --out"
        )
    if contents:
        out.mkdir(parents=True, exist_ok=True)
    for file, text in contents.items():
        with (out / file).open("x", encoding="utf-8") as written:
            written.write(text)
    return tuple(out / file for file in contents)


def _beside(drafts: Iterable[_Draft], group: str | None, origin: str) -> dict[Address, str]:
    """What the jobs refer to."""
    found = {Address("Group", group): group_text(group, origin)} if group else {}
    for draft in drafts:
        if draft.ours is not None and (days := draft.ours.only_days):
            name = calendar_name(days)
            found[Address("Calendar", name)] = calendar_text(name, days, origin)
    return found


def _job(draft: _Draft, out: Path, wish: Wish) -> ImportedJob:
    entry, ours = draft.entry, draft.ours
    return ImportedJob(
        entry.line,
        draft.name,
        out / f"{draft.name}.yaml",
        None if ours is None else ours.cron,
        None if ours is None or not ours.only_days else calendar_name(ours.only_days),
        zone_of(entry, wish),
        entry.user or wish.user,
    )


def _about_lines(drafts: Iterable[_Draft], wish: Wish) -> Iterator[Remark]:
    """What is not as cron does it, line by line."""
    told: set[str] = set()
    for draft in drafts:
        entry = draft.entry
        if draft.ours is None:
            message = (
                "@reboot: here it starts with each start of `runner up`, not only when the machine starts"
            )
            yield Remark(entry.line, "differs", message)
        elif draft.ours.only_days:
            message = (
                f"cron wants both days of {entry.when!r}, because one begins with a star; here that is "
                f"{draft.ours.cron!r} without what calendar {calendar_name(draft.ours.only_days)} leaves out"
            )
            yield Remark(entry.line, "note", message)
        elif draft.ours.cron != entry.when and not entry.when.startswith("@"):
            yield Remark(entry.line, "note", f"{entry.when!r} means the same as {draft.ours.cron!r} here")
        if "RANDOM_DELAY" in entry.settings and "RANDOM_DELAY" not in told:
            told.add("RANDOM_DELAY")
            message = "RANDOM_DELAY: as jitter, which is the same for every start of a job"
            yield Remark(entry.line, "differs", message)
        for key, value in entry.settings.items():
            if key not in told and value and masked(("env", key), value) != value:
                told.add(key)
                message = (
                    f"{key} looks like a secret and stands in the files as text: before you commit them, "
                    f"write env: {{{key}: {{authorization: NAME, key: …}}}} with an Authorization"
                )
                yield Remark(entry.line, "differs", message)


def _about_all(drafts: Sequence[_Draft], form: Form, wish: Wish) -> Iterator[Remark]:
    """What holds for the whole file, at line 0."""
    if not drafts:
        return
    mailed: dict[str, list[int]] = {}
    for draft in drafts:
        to = draft.entry.settings.get("MAILTO", draft.entry.user or wish.user or "its user")
        mailed.setdefault(to, []).append(draft.entry.line)
    for to, lines in mailed.items():
        where = f"line{'s' if len(lines) > 1 else ''} {_listed(lines)}"
        if to:
            message = f"cron mails what {where} print{'s' if len(lines) == 1 else ''} to {to}"
            yield Remark(0, "differs", f"{message}; here it is in each run's log (`runner logs NAME`)")
    users = [
        draft.entry.line for draft in drafts if form == "user" and begins_with_a_user(draft.entry.command)
    ]
    if users:
        where = f"line{'s' if len(users) > 1 else ''} {_listed(users)}"
        message = (
            f"the command of {where} begins with the name of a user: if this is a system's crontab, remove "
            "what was written and import it with --form system"
        )
        yield Remark(0, "differs", message)
    if form == "user" and wish.user is None:
        message = "no user is known, so there is no runAs: the commands run as the daemon does (--user NAME)"
        yield Remark(0, "differs", message)
    message = (
        "a command that ends with another exit code than 0 makes its run FAILED; cron does not look at it"
    )
    yield Remark(0, "note", message)


def _listed(lines: Sequence[int]) -> str:
    shown = ", ".join(map(str, lines[:8]))
    return shown if len(lines) <= 8 else f"{shown} and {len(lines) - 8} more"


def _compared(drafts: Iterable[_Draft], wish: Wish) -> Iterator[Line]:
    for draft in drafts:
        if draft.entry.time is not None and draft.ours is not None:
            zone = zone_of(draft.entry, wish)
            ours = schedule_from(resolved(draft.ours, zone))
            yield Line(draft.entry.line, draft.name, draft.entry.time, zone_named(zone), ours)
