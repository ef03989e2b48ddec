"""The crash drill: is a job that was killed after a checkpoint resumed as if nothing had happened?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from runner.daemon.clock import Clock
from runner.daemon.drilled_run import Run, run_drilled
from runner.operations.drill_advice import advice, unsteady_advice
from runner.operations.drill_ends import Difference, End, differences
from runner.operations.drill_kills import Checkpoint, Kill, choose_kills, that_can_be_done
from runner.operations.drill_left import last_lines
from runner.operations.drill_scene import Scene

Verdict = Literal["proven", "refuted", "unsteady", "failed", "nothing", "unfinished"]
"""`unsteady`: two runs differ without a kill. `failed`: an undisturbed run does. `nothing`: it makes no
checkpoint. `unfinished`: the time was over before the last kill.
"""

_SLOWER = 1.5
"""A killed run starts a second process and does some work twice."""

_MUCH_SLOWER = 10

LONGEST_S = 60.0
"""For a killed run, or ten times as long as an undisturbed one: then it waits for what never comes. A busy
machine has been seen to stand still for half a minute, and that is not the fault of the job."""


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill found. `kills` are those that were done; with `refuted` the last one is the culprit.
    `missed` are moments that never came, because that run made fewer checkpoints.
    """

    verdict: Verdict
    result: str
    checkpoints: tuple[Checkpoint, ...]
    chosen: tuple[Kill, ...]
    kills: tuple[Kill, ...]
    seconds: float
    differences: tuple[Difference, ...] = ()
    missed: tuple[Kill, ...] = ()
    advice: str = ""
    log: tuple[str, ...] = ()


class Tell(Protocol):
    """Who wants to see how it goes."""

    def undisturbed(self, run: Run) -> None: ...
    def chosen(self, kills: Sequence[Kill], checkpoints: Sequence[Checkpoint]) -> None: ...
    def killed(self, kill: Kill, run: Run, found: Sequence[Difference]) -> None: ...
    def once_more(self, found: Sequence[Difference]) -> None:
        """Whether two undisturbed runs ended alike."""


class Drill:
    """One drill of the job in the scene: at most `most` kills, and no run that begins after `within_s`."""

    def __init__(
        self,
        scene: Scene,
        project: Path,
        clock: Clock,
        tell: Tell,
        *,
        most: int,
        within_s: float,
        ignored: Sequence[str],
    ) -> None:
        self._scene = scene
        self._project = project
        self._clock = clock
        self._tell = tell
        self._most = most
        self._ends_s = clock.boot_s() + within_s
        self._began_s = clock.boot_s()
        self._ignored = ignored
        self._first: Run | None = None
        self._chosen: tuple[Kill, ...] = ()
        self._kills: list[Kill] = []
        self._missed: list[Kill] = []

    def carry_out(self) -> Drilled:
        """Run it undisturbed, twice, and once for each kill, until one ends otherwise.

        KeyboardInterrupt when somebody wants it to end; nothing of the job runs any more then.
        """
        try:
            return self._carry_out()
        except TimeoutError:
            return self._found("unfinished")

    def _carry_out(self) -> Drilled:
        first = self._first = self._run(None)
        self._tell.undisturbed(first)
        if first.end.result not in ("SUCCEEDED", "PARTIALLY_SUCCEEDED"):
            return self._found("failed", log=first.log)
        if not first.checkpoints:
            return self._found("nothing")
        again = self._compared(self._run(None))
        self._tell.once_more(again)
        if again:
            return self._found("unsteady", again, unsteady_advice(again[0].path))
        kills = choose_kills(len(first.checkpoints), self._affordable(first))
        self._chosen = that_can_be_done(kills, first.checkpoints)
        self._tell.chosen(self._chosen, first.checkpoints)
        for kill in self._chosen:
            run = self._killed(kill, first)
            found = self._compared(run)
            self._tell.killed(kill, run, found)
            if run.killed_in is None:
                self._missed.append(kill)
                if found:  # and nothing was done to it
                    return self._found("unsteady", found, unsteady_advice(found[0].path))
                continue
            self._kills.append(kill)
            if found:
                return self._refuted(kill, run, found)
        return self._found("proven" if self._kills else "unfinished")

    def _refuted(self, kill: Kill, run: Run, found: tuple[Difference, ...]) -> Drilled:
        """Unless it is the time of day: then an undisturbed run differs as well by now."""
        steady = self._compared(self._run(None))
        if steady:
            self._tell.once_more(steady)
            return self._found("unsteady", steady, unsteady_advice(steady[0].path))
        in_code = self._is_in_code(kill, run)
        return self._found("refuted", found, advice(found[0], kill, in_code=in_code), run.log)

    def _is_in_code(self, kill: Kill, run: Run) -> bool:
        """Whether it died in a step that makes checkpoints of its own."""
        assert self._first is not None
        return any(
            c.step == run.killed_in and c.kind in ("checkpoint", "sleep") for c in self._first.checkpoints
        )

    def _affordable(self, first: Run) -> int:
        """How many kills there is time for, as far as one run tells."""
        left_s = self._ends_s - self._clock.boot_s()
        return max(1, min(self._most, int(left_s / max(first.seconds * _SLOWER, 0.01))))

    def _killed(self, kill: Kill, first: Run) -> Run:
        """A killed run; one that never comes to its end is no reason to wait for all of the time."""
        limit_s = max(LONGEST_S, first.seconds * _MUCH_SLOWER)
        if limit_s >= self._ends_s - self._clock.boot_s():
            return self._run(kill)
        try:
            return self._run(kill, limit_s)
        except TimeoutError:
            told = f"after {limit_s:.0f} s (undisturbed it takes {first.seconds:.1f} s)"
            return Run(End("STILL RUNNING", told), (), "", last_lines(self._scene), limit_s)

    def _run(self, kill: Kill | None, limit_s: float | None = None) -> Run:
        left_s = self._ends_s - self._clock.boot_s()
        if left_s <= 0:
            raise TimeoutError
        within_s = left_s if limit_s is None else limit_s
        return run_drilled(self._scene, self._project, self._clock, kill, within_s=within_s)

    def _compared(self, run: Run) -> tuple[Difference, ...]:
        assert self._first is not None
        return differences(self._first.end, run.end, self._ignored)

    def _found(
        self,
        verdict: Verdict,
        found: tuple[Difference, ...] = (),
        what_to_change: str = "",
        log: tuple[str, ...] = (),
    ) -> Drilled:
        first = self._first
        return Drilled(
            verdict,
            "" if first is None else (f"{first.end.result}: {first.end.error}".rstrip(": ")),
            () if first is None else first.checkpoints,
            self._chosen,
            tuple(self._kills),
            self._clock.boot_s() - self._began_s,
            found,
            tuple(self._missed),
            what_to_change,
            log,
        )
