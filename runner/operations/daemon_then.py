"""Was a daemon there at a moment, and did its clock go as it should? Told by the stretches that it noted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from runner.store.port import Reader
from runner.store.presence import StretchRecord
from runner.vocabulary.duration import format_duration
from runner.vocabulary.instants import to_text

SLACK = timedelta(seconds=15)
"""A stretch goes on until the next beat, ten seconds after the last one."""


@dataclass(frozen=True, slots=True)
class Absence:
    """A time in which no daemon could start anything; `answer` is the word for why; `ended` None: not yet."""

    answer: str
    began: datetime | None
    ended: datetime | None
    text: str


def absent_then(reader: Reader, moment: datetime, now: datetime, *, lives: bool = True) -> Absence | None:
    """Why no daemon was there at `moment` (not after `now`); None when one was.

    Without `lives` it is known that none runs now, whatever the last one noted.
    """
    stretches = reader.presence.between(moment, moment)
    if any(each.began_at <= moment <= each.last_at for each in stretches):
        return None
    gaps = reader.presence.gaps(moment)
    if gaps:
        return _between(*gaps[-1])
    last = reader.presence.last()
    if last is None:
        return None  # nothing was ever noted: older than this
    return _since(last, moment, now, lives) if last.last_at < moment else _before_all(stretches, moment)


def absent_until(reader: Reader, moment: datetime, decided_at: datetime) -> Absence | None:
    """Why no daemon saw `moment`, of which somebody decided only at `decided_at`; None when one was there.

    A clock that is put back comes to the same moment again: what counts is the time before the decision.
    """
    gaps = [gap for gap in reader.presence.gaps(moment) if gap[1].began_at <= decided_at + SLACK]
    if gaps:
        return _between(*gaps[-1])
    return _before_all(reader.presence.between(moment, moment), moment)


def _before_all(stretches: Sequence[StretchRecord], moment: datetime) -> Absence | None:
    """No daemon was noted before; None when one was, or none ever."""
    if not stretches or any(each.began_at <= moment for each in stretches):
        return None
    first = stretches[0].began_at
    return Absence("daemon-down", None, first, f"no daemon ran before {_at(first)}")


def _since(last: StretchRecord, moment: datetime, now: datetime, lives: bool) -> Absence | None:
    if lives and not last.ended_by and moment - last.last_at <= SLACK and now - last.last_at <= SLACK:
        return None
    since = "has not been heard since" if lives and not last.ended_by else "none runs since"
    return Absence(
        "daemon-down", last.last_at, None, f"the daemon {_how(last)} {_at(last.last_at)}, and {since}"
    )


def _between(before: StretchRecord, after: StretchRecord) -> Absence | None:
    began, ended = before.last_at, after.began_at
    lasted = format_duration(timedelta(seconds=round(abs(after.moved_s))))
    from_to = f"from {_at(began)} to {_at(ended)}"
    match after.began_by:
        case "forward":
            text = f"the clock was put forward by {lasted}, over the time {from_to}"
            return Absence("clock-stepped", began, ended, text)
        case "suspend":
            return Absence("suspended", began, ended, f"the machine slept {from_to}")
        case "stall":
            return Absence("stalled", began, ended, f"the daemon stood still {from_to}")
        case "backward":
            return None
    stepped = f"; meanwhile the clock was put {'forward' if after.moved_s > 0 else 'back'} by {lasted}"
    text = f"the daemon was down {from_to} ({_cause(before)})"
    return Absence("daemon-down", began, ended, text + (stepped if after.moved_s else ""))


def _how(last: StretchRecord) -> str:
    return "was stopped at" if last.ended_by == "stop" else "was last there at"


def _cause(before: StretchRecord) -> str:
    return "it was stopped" if before.ended_by == "stop" else "it never said goodbye: killed, or a power cut"


def _at(moment: datetime) -> str:
    return to_text(moment)[:19].replace("T", " ") + "Z"
