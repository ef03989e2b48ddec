"""A crash drill as text and JSON: how it goes on stderr, what it found on stdout."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner.cli.views.values import instant, short, show_json, show_line, warn

if TYPE_CHECKING:
    from runner.daemon.drill import Drilled
    from runner.daemon.drilled_run import Run
    from runner.operations.drill_ends import Difference
    from runner.operations.drill_kills import Checkpoint, Kill
    from runner.operations.prepare_trial import Trial
    from runner.store.drills import DrillRecord

_WIDTH = 22
"""Of the first column of the progress."""

_SHOWN = 3
"""Differences that are shown with their values; the others are named."""


class Progress:
    """Tells on stderr, one line for each checkpoint."""

    def __init__(self, trial: Trial) -> None:
        self._checkpoints: Sequence[Checkpoint] = ()
        self._alike: list[str] = []
        declared = trial.declared
        place = f"{declared.place.file}:{declared.place.line}"
        warn(f"{declared.address}  {short_digest(declared.execution_digest)}  {place}")

    def undisturbed(self, run: Run) -> None:
        """The first run."""
        count = len(run.checkpoints)
        _tell("undisturbed", f"{run.end.result} in {run.seconds:.1f} s, {_counted(count, 'checkpoint')}")

    def once_more(self, found: Sequence[Difference]) -> None:
        """Another run that nobody killed."""
        _tell("undisturbed again", f"DIFFERS at {found[0].path}" if found else "alike")

    def chosen(self, kills: Sequence[Kill], checkpoints: Sequence[Checkpoint]) -> None:
        """What is to come."""
        from runner.operations.drill_kills import numbers

        self._checkpoints = checkpoints
        _tell(
            "kill -9",
            f"{_counted(len(kills), 'time')}: at once after a checkpoint, and late, when all work up to the "
            "next one is done and not recorded",
        )
        after = numbers(kills)
        if len(after) <= len(checkpoints):
            _tell("chosen evenly", f"{', '.join(map(str, after))} of {len(checkpoints)} checkpoints")

    def killed(self, kill: Kill, run: Run, found: Sequence[Difference]) -> None:
        """One more run, and how it ended."""
        moment = "late" if kill.late else "at once"
        end = "never came to it" if run.killed_in is None else "alike"
        self._alike.append(f"{moment}: {f'DIFFERS at {found[0].path}' if found else end}")
        if kill.late or found:
            _tell(self._place(kill), ", ".join(self._alike))
            self._alike.clear()

    def _place(self, kill: Kill) -> str:
        if kill.after == 0:
            return "before any"
        checkpoint = self._checkpoints[kill.after - 1]
        kind = "" if checkpoint.kind == "step" else f" ({checkpoint.kind})"
        return f"{kill.after}/{len(self._checkpoints)} {checkpoint.step}{kind}"


def show_drill(
    trial: Trial, drilled: Drilled, output: str, *, ignored: Sequence[str], notes: Sequence[str]
) -> None:
    """What was found."""
    if output == "json":
        show_json(_as_json(trial, drilled, ignored, notes))
        return
    for note in notes:
        warn(f"note: {note}")
    for line in _told(trial, drilled, ignored):
        show_line(line)


def verdict_of(drill: DrillRecord | None, digest: str, on_crash: str = "resume") -> str:
    """For `jobs show`: what is known of the job as it is installed, whose execution digest is `digest`."""
    if drill is None:
        return ""
    is_current = drill.digest == digest
    age = f"digest {short_digest(drill.digest)}" if is_current else "an older digest"
    if drill.verdict == "proven":
        how = f"{_counted(drill.kills, 'kill')} after {_counted(drill.checkpoints, 'checkpoint')}"
        ignored = f", without {', '.join(drill.ignored)}" if drill.ignored else ""
        text = f"proven at {age} ({how}{ignored}, {short(drill.at)})"
    else:
        text = (
            f"REFUTED at {age}: {drill.difference.get('path', 'it')} differs after a kill ({short(drill.at)})"
        )
    if on_crash == "fail" and drill.verdict == "proven":
        text = f"{text}; after a crash it still fails (onCrash: fail), after a pause or a bounce it goes on"
    return text if is_current else f"{text}; runner jobs drill {drill.job}"


def drill_as_json(drill: DrillRecord | None, digest: str) -> dict[str, Any] | None:
    """The same for scripts; `current`: whether it is of what is installed."""
    if drill is None:
        return None
    return {
        "verdict": drill.verdict,
        "digest": drill.digest,
        "current": drill.digest == digest,
        "at": instant(drill.at),
        "who": drill.who,
        "checkpoints": drill.checkpoints,
        "kills": drill.kills,
        "ignored": list(drill.ignored),
        "difference": dict(drill.difference) or None,
    }


def short_digest(digest: str) -> str:
    """As git shortens its own: enough to tell two apart."""
    algorithm, _, number = digest.partition(":")
    return f"{algorithm}:{number[:12]}"


def _told(trial: Trial, drilled: Drilled, ignored: Sequence[str]) -> list[str]:
    job, digest = trial.declared.address, short_digest(trial.declared.execution_digest)
    count = _counted(len(drilled.checkpoints), "checkpoint")
    match drilled.verdict:
        case "proven":
            after = len({kill.after for kill in drilled.kills if kill.after})
            killed = f"killed {_counted(len(drilled.kills), 'time')}, after {after} of {count}"
            lines = [f"{job} is resumable: proven at digest {digest} ({killed}, {drilled.seconds:.1f} s)"]
            if ignored:
                lines.append(f"  not compared: {', '.join(ignored)}")
            if drilled.missed:
                never = _counted(len(drilled.missed), "moment")
                lines.append(f"  {never} never came: those runs made fewer checkpoints")
            return lines
        case "refuted":
            return [
                f"{job} is NOT resumable at digest {digest}: it ended otherwise when it was killed",
                f"  {_moment(drilled.kills[-1], drilled)}",
                *_shown(drilled.differences, "undisturbed", "killed and resumed"),
                *_log(drilled.log),
                *_wrapped(drilled.advice),
            ]
        case "unsteady":
            return [
                f"{job} cannot be drilled: two undisturbed runs ended differently",
                *_shown(drilled.differences, "first run", "second run"),
                *_wrapped(drilled.advice),
            ]
        case "failed":
            return [
                f"{job} cannot be drilled: undisturbed it ended as {drilled.result}",
                *_log(drilled.log),
                f"  Let it succeed first: runner run {job.name}",
            ]
        case "nothing":
            return [
                f"{job} has nothing to resume: it makes no checkpoint",
                *_wrapped(
                    "After a crash it begins anew (onCrash: resume) or fails. More steps, or Python code "
                    "with checkpoints (docs/crash-drill.md), let it go on where it was."
                ),
            ]
    done, wanted = len(drilled.kills), len(drilled.chosen)
    return [
        f"{job} is not proven: the time was over after {done} of {wanted or 'all'} kills, all of which ended "
        "alike" if done else f"{job} is not proven: the time was over before the first kill",
        "  Give it more time (--within 1h), or fewer kills (--kills 20)",
    ]  # fmt: skip


def _moment(kill: Kill, drilled: Drilled) -> str:
    total = len(drilled.checkpoints)
    following = f"checkpoint {kill.after + 1}" if kill.after < total else "its end"
    if kill.late:
        return f"just before {following} was recorded"
    return f"at once after checkpoint {kill.after} of {total} ({drilled.checkpoints[kill.after - 1].step})"


def _shown(found: Sequence[Difference], was: str, now: str) -> list[str]:
    lines: list[str] = []
    if found[0].path == "result":
        found = found[:1]  # everything else follows from it
    for difference in found[:_SHOWN]:
        lines.append(f"  {difference.path}")
        if difference.diff:
            lines += [f"      {line}" for line in difference.diff]
        else:
            width = max(len(difference.was), len(difference.now))
            lines.append(f"    - {difference.was:<{width}}  {was}")
            lines.append(f"    + {difference.now:<{width}}  {now}")
    if len(found) > _SHOWN:
        lines.append(f"  also: {', '.join(each.path for each in found[_SHOWN:])}")
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 98, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _log(lines: Sequence[str]) -> list[str]:
    return [f"    | {line}" for line in lines]


def _as_json(
    trial: Trial, drilled: Drilled, ignored: Sequence[str], notes: Sequence[str]
) -> Mapping[str, Any]:
    last = drilled.kills[-1] if drilled.verdict == "refuted" and drilled.kills else None
    return {
        "job": trial.declared.address.name,
        "digest": trial.declared.execution_digest,
        "verdict": drilled.verdict,
        "result": drilled.result,
        "seconds": round(drilled.seconds, 3),
        "checkpoints": [checkpoint._asdict() for checkpoint in drilled.checkpoints],
        "kills_chosen": len(drilled.chosen),
        "kills": [kill._asdict() for kill in drilled.kills],
        "missed": [kill._asdict() for kill in drilled.missed],
        "killed_at": last and last._asdict(),
        "differences": [
            {"path": each.path, "undisturbed": each.was, "other": each.now, "diff": list(each.diff)}
            for each in drilled.differences
        ],
        "advice": drilled.advice,
        "log": list(drilled.log),
        "ignored": list(ignored),
        "notes": list(notes),
    }


def _tell(what: str, text: str) -> None:
    warn(f"  {what:<{_WIDTH}}  {text}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
