"""What `up` and `run` print: the plan, one line per start and end, and the next start while idle."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TextIO

from runner.cli.views import diagnostics
from runner.daemon.ending import WaitedFor
from runner.daemon.git_agents import Synced
from runner.daemon.reloader import Reloaded
from runner.execution.order import NO_TARGET, Ended
from runner.operations.outcome import Finished, NotStarted
from runner.sources.outcome import IN_PART, what_now
from runner.sources.settings import SourceSettings
from runner.store.instances import InstanceRecord
from runner.vocabulary.duration import format_duration
from runner.vocabulary.errors import RunnerError
from runner.vocabulary.printable import printable

_STYLES = {
    "SUCCEEDED": "32",
    "FAILED": "1;31",
    "SKIPPED": "33",
    "SCHEDULED": "33",
    "PAUSED": "33",
    "CANCELLED": "33",
}
_WORDS = {
    "SUCCEEDED": "ok",
    "FAILED": "FAILED",
    "SKIPPED": "skipped",
    "SCHEDULED": "again",
    "PAUSED": "paused",
    "CANCELLED": "cancelled",
}

_RELOADS = {
    "": ("INVALID", "mend the files, they are read again at once"),
    "partial": ("PARTIAL", "mend the files, they are read again at once"),
    "invalid": ("INVALID", "mend the files, they are read again at once"),
    "refused": (
        "REFUSED",
        "`runner plan` shows what was refused, `runner reconcile` carries it out when allowed",
    ),
    "trouble": (
        "TROUBLE",
        "the files are not to blame; they are read again in a while, unless with --no-watch",
    ),
}
"""Cause of a reload that changed nothing → the word for it, and what to do now."""


class Announcer:
    """Prints what the engine does, in this terminal's local time; colour is never the only sign."""

    def __init__(
        self,
        now: Callable[[], datetime],
        out: TextIO = sys.stdout,
        err: TextIO = sys.stderr,
        colour: bool = False,
    ) -> None:
        self._now = now
        self._out = out
        self._err = err
        self._colour = colour
        self.succeeded = self.failed = self.others = 0

    def line(self, word: str, text: str, style: str = "") -> None:
        """`10:42:00  word      text`"""
        clock = self._now().astimezone().strftime("%H:%M:%S")
        padded = f"{word:<9}"
        if self._colour and style:
            padded = f"\x1b[{style}m{padded}\x1b[0m"
        print(f"{clock}  {padded}  {printable(text)}", file=self._out, flush=True)

    def recovered(self, finished: Finished) -> None:
        what = "again" if finished.state == "SCHEDULED" else finished.state
        cause = {
            "crash": "its process died with the last daemon",
            "resumed": "was paused by the last stop",
            "window": "goes on when its window opens",
            "disable": "goes on when nothing disables its job any more: runner jobs show",
        }
        self.line(
            "recover", f"{_name(finished)}  {what}: {cause.get(finished.reason, finished.reason)}", "33"
        )

    def started(self, instance: InstanceRecord) -> None:
        attempt = f"  attempt {instance.attempt}" if instance.attempt > 1 else ""
        self.line("start", f"{instance.job} #{instance.id}  {self._slot(instance)}{attempt}", "36")

    def finished(self, instance: InstanceRecord, finished: Finished, ended: Ended | None) -> None:
        self.succeeded += finished.state == "SUCCEEDED"
        self.failed += finished.state == "FAILED"
        self.others += finished.state not in ("SUCCEEDED", "FAILED")
        parts = [f"{instance.job} #{instance.id}", self._slot(instance), self._took(instance)]
        if finished.error is not None:
            step = f"step {finished.error['step']}: " if finished.error.get("step") else ""
            parts.append(step + str(finished.error["description"]))
        elif finished.state == "SUCCEEDED" and ended is not None and ended.outputs:
            said = [f"{name}={value}" for name, value in ended.outputs.items() if value is not None]
            parts.append(" ".join(said[:4])[:100])
        elif finished.reason:
            parts.append("its window is closed" if finished.reason == "window" else finished.reason)
        if finished.due_at is not None:
            parts.append(f"next try {self._moment(finished.due_at)}")
        self.line(
            _WORDS.get(finished.state, finished.state),
            "  ".join(p for p in parts if p),
            _STYLES.get(finished.state, ""),
        )
        if finished.state == "FAILED":
            self.line("", f"see: runner logs {instance.id}; runner instances show {instance.id}")
        if finished.job_failed:
            self._held(instance.job)

    def not_started(self, result: NotStarted) -> None:
        self.failed += result.outcome == "FAILED"
        self.others += result.outcome != "FAILED"
        self.line(
            _WORDS.get(result.outcome, result.outcome),
            f"{result.job} #{result.instance_id}  {result.reason}",
            _STYLES.get(result.outcome, "33"),
        )
        if result.job_failed:
            self._held(result.job)

    def _held(self, job: str) -> None:
        self.line("HELD", f"{job} starts no more; after mending it: runner jobs reset {job}", "1;31")

    def removed(self, job: str) -> None:
        self.line("removed", f"Job/{job}  nothing of it runs any more; its history is kept")

    def trouble(self, doing: str, problem: BaseException) -> None:
        said = isinstance(problem, RunnerError) and str(problem)  # what is no sentence needs its class
        text = printable(said or f"{type(problem).__name__}: {problem}")
        print(f"error while {doing}: {text}", file=self._err, flush=True)

    def next_start(self, next_start: tuple[datetime, str] | None) -> None:
        """While idle: what comes next, and when."""
        if next_start is None:
            said = "no start has a time; triggers start jobs, and so do you: runner jobs list"
            self.line("idle", said, "2")
            return
        at, job = next_start
        wait = max((at - self._now()).total_seconds(), 0)
        self.line("next", f"{job} at {self._moment(at)} (in {_rounded(wait)})", "2")

    def reloaded(self, outcome: Reloaded, *, first: bool) -> None:
        """The plan that was carried out, or every problem of the tree."""
        if outcome.ok and (first or outcome.changed):
            print(outcome.text, file=self._out, flush=True)
        elif outcome.ok:
            self.line("reload", "the declarations are valid again; nothing has changed", "32")
        else:
            diagnostics.show_text(outcome.diagnostics, self._err)
            for line in outcome.trace.splitlines():
                print(f"  {printable(line)}", file=self._err, flush=True)
            word, what_now = _RELOADS[outcome.cause]
            self.line(word, f"{outcome.text}; going on with what is installed; {what_now}", "1;31")

    def noticed(self, word: str, text: str, *, bad: bool) -> None:
        """What happened to the clock, or what the watchdog says."""
        self.line(word.upper() if bad else word, text, "1;31" if bad else "33")

    def following(self, source: SourceSettings) -> None:
        """Which repository is asked from now on."""
        what = f"{source.wanted}, {source.path}" if source.path != "." else str(source.wanted)
        every = format_duration(source.interval)
        self.line("source", f"{source.name}: following {source.remote.url} ({what}), every {every}", "2")

    def synced(self, synced: Synced) -> None:
        """What came of an attempt of a git source: the plan that was carried out, or why there is none."""
        outcome, reloaded = synced.outcome, synced.reloaded
        if outcome.ok:
            if reloaded is not None and reloaded.changed:
                print(reloaded.text, file=self._out, flush=True)
            verified = f"; {outcome.verified}" if outcome.verified else ""
            self.line("source", f"{synced.name}: {outcome.message}{verified}", "32")
            return
        if reloaded is not None:
            diagnostics.show_text(reloaded.diagnostics, self._err)
            for line in reloaded.trace.splitlines():
                print(f"  {printable(line)}", file=self._err, flush=True)
        now = "it is tried again soon" if outcome.is_transient else what_now(outcome.reason, synced.name)
        says = outcome.reason == IN_PART or "what is installed stays" in outcome.message
        going_on = "" if says else "; what is installed stays"
        text = f"{synced.name}: {outcome.message} ({outcome.reason}){going_on}; {now}"
        self.line("SOURCE", text, "1;31")

    def listening(self, address: str) -> None:
        """Where the listener is."""
        self.line("listen", f"{address}  for those with a token: runner token create NAME --role R", "36")

    def stopping(self, how: str, running: int, grace_s: float) -> None:
        if running:
            again = "once more to stop at once what may be stopped"
            self.line("stopping", f"{how}: waiting up to {grace_s:.0f}s for {running} running; {again}", "33")

    def hurrying(self, how: str, running: int, forced: bool) -> None:
        """Asked once more."""
        what = "killing everything" if forced else "no more grace"
        self.line("stopping", f"{how}: {what}, {running} running", "1;31" if forced else "33")

    def waiting(self, waited_for: Sequence[WaitedFor]) -> None:
        """What no stop interrupts, and how it would end all the same."""
        for each in waited_for:
            target = f" of target {each.target}" if each.target != NO_TARGET else ""
            limit = "has no timeout" if each.limit_s is None else f"its timeout is {_rounded(each.limit_s)}"
            text = f"{each.job} #{each.instance}  step {each.step}{target} is not interruptible, and {limit}"
            self.line("waiting", text, "33")
        ids = " ".join(str(id) for id in dict.fromkeys(each.instance for each in waited_for))
        text = f"to end it all the same: runner instances kill {ids}, or SIGQUIT (Ctrl-\\) to this daemon"
        self.line("", text)

    def stopped(self, how: str, up: timedelta, stopped: int) -> None:
        self.line(
            "stopped",
            f"{how} after {_rounded(up.total_seconds())}: {self.succeeded} succeeded, {self.failed} failed, "
            f"{self.others} other, {stopped} stopped",
        )

    def _moment(self, at: datetime) -> str:
        """A time of today, or with its day."""
        local, today = at.astimezone(), self._now().astimezone()
        if local.date() == today.date():
            return f"{local:%H:%M:%S}"
        return f"{local:%a %d %b}{'' if local.year == today.year else f' {local.year}'} {local:%H:%M:%S}"

    def _slot(self, instance: InstanceRecord) -> str:
        """Why it runs. A start by hand has a slot too, for its job's expressions, and is not one for it."""
        if instance.rerun_of is not None:
            return f"{instance.origin} of #{instance.rerun_of}"
        at = f"slot {self._moment(instance.slot_at)}" if instance.slot_at is not None else ""
        if instance.origin == "slot":
            return at or instance.origin
        return f"{instance.origin} for {at}" if at and "for_slot" in instance.trigger else instance.origin

    def _took(self, instance: InstanceRecord) -> str:
        if instance.started_at is None:
            return ""
        seconds = max((self._now() - instance.started_at).total_seconds(), 0)
        return f"{seconds:.2f}s" if seconds < 60 else _rounded(seconds)


def _rounded(seconds: float) -> str:
    return format_duration(timedelta(seconds=round(seconds)))


def _name(finished: Finished) -> str:
    return f"{finished.job} #{finished.instance_id}"
