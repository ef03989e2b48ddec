"""Follow a git source: ask the remote, fetch, verify, check out, apply, and record what came of it.

Whatever fails, what is installed stays as it is: only a whole, checked tree of a known commit is applied.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from runner.credentials.authorization import CredentialMissing, resolve_authorization
from runner.git.access import Access, access_to, trusted
from runner.git.local_copy import LocalCopy
from runner.git.program import GitFailed, Program
from runner.git.repository import Commit
from runner.git.signatures import verify
from runner.operations.checked_out import CheckedOut
from runner.sources.conditions import conditions_of, merged, progressing
from runner.sources.hosts import hint_for
from runner.sources.outcome import APPLIED, WAITING, Before, Outcome, is_to_be_tried
from runner.sources.polling import until_next
from runner.sources.settings import SourceSettings
from runner.sources.target import NoTarget, Target, decide_target, patterns_of
from runner.store.port import Store, Transaction
from runner.store.sources import SourceRecord
from runner.vocabulary.errors import RunnerError
from runner.vocabulary.identity import Address
from runner.vocabulary.instants import to_text
from runner.vocabulary.printable import printable

AGENT = "system:git"

Apply = Callable[[CheckedOut], Outcome]
"""Plan and apply what was checked out; the outcome says in which words that went well or not."""


@dataclass(slots=True)
class Following:
    """Follows one source; `look` is called by one thread at a time, `stop` by any.

    `marks` are names of the environment by which a later daemon knows what this one has left running.
    """

    source: SourceSettings
    store: Store
    project: Path
    state: Path
    apply: Apply
    now: Callable[[], datetime]
    draw: Callable[[], float]
    marks: Mapping[str, str] = field(default_factory=dict)
    _program: Program | None = None
    _stopped: bool = False

    def stop(self) -> None:
        """End what runs now, and begin nothing more."""
        self._stopped = True
        program = self._program
        if program is not None:
            program.stop()

    def look(self, *, asked: bool = False) -> Outcome | None:
        """What came of an attempt; None when there is nothing new, or it was stopped.

        `asked`: attempt it even if nothing is new.
        """
        before = self._record()
        found: list[Target] = []
        try:
            with _locked(self._folder()) as lock, self._access(lock) as program:
                outcome = self._look(program, before, found, asked=asked)
        except GitFailed as problem:
            outcome = Outcome(problem.reason, self._told(problem), found[-1] if found else None)
        except CredentialMissing as problem:
            outcome = Outcome("CredentialMissing", str(problem))
        except (RunnerError, OSError) as problem:
            full = getattr(problem, "errno", None) in (28, 122)  # ENOSPC, EDQUOT
            reason = "DiskFull" if full else "Trouble"
            outcome = Outcome(reason, str(problem), found[-1] if found else None)
        finally:
            self._program = None
        if outcome is not None and outcome.reason == "Stopped":
            return None
        if outcome is not None:  # names of files may hold anything
            told, verified = printable(outcome.message), printable(outcome.verified)
            outcome = replace(outcome, message=told, verified=verified)
        self._keep(before, outcome)
        return outcome

    def _look(
        self, program: Program, before: SourceRecord, found: list[Target], *, asked: bool
    ) -> Outcome | None:
        copy = LocalCopy(self._folder() / "repo", program, self.source.remote.url)
        patterns = patterns_of(self.source.wanted)
        target = decide_target(self.source.wanted, copy.listed(patterns) if patterns else {})
        if isinstance(target, NoTarget):
            return Outcome("RefMissing", target.message)
        found.append(target)
        reason = str(before.conditions.get("Ready", {}).get("reason", WAITING))
        last = Before(before.attempted, reason, before.attempted_at)
        if not is_to_be_tried(target, last, asked=asked, now=self.now()):
            copy.tidy()
            return None
        self._note_progress(before, target)
        for again in (False, True):
            try:
                return self._attempt(copy, before, found)
            except GitFailed as problem:
                copy.sweep()
                damaged = problem.reason == "LocalCopyDamaged"
                if again or not (damaged or problem.reason == reason == "Trouble"):
                    raise
                copy.discard()
        raise AssertionError("unreachable")

    def _attempt(self, copy: LocalCopy, before: SourceRecord, found: list[Target]) -> Outcome:
        path = self.source.path
        copy.prepare(path, found[-1].commit)
        target = copy.fetch(found[-1])
        found.append(target)
        wanted = self.source.verify
        verified = verify(copy, target, wanted, self.project, before.applied) if wanted else ""
        copy.check(target.commit, path)
        root = copy.check_out(target.commit, path)
        is_branch = self.source.wanted.kind == "branch"
        forced = is_branch and bool(before.applied) and before.applied != target.commit
        forced = forced and not copy.is_ancestor(before.applied, target.commit)
        commit = Commit(target.commit, None if self.source.wanted.kind == "commit" else target.name, False)
        outcome = self.apply(CheckedOut(root, self.source.source, path, commit, verified))
        outcome = replace(outcome, target=target, forced=forced, verified=verified)
        if outcome.ok:
            rewritten = "; the branch was rewritten" if forced else ""
            outcome = replace(outcome, message=f"applied {name_of(target)}{rewritten}")
        return outcome

    # -- the local side

    def _folder(self) -> Path:
        """Private; what git takes for the user's home is in it."""
        folder = self.state / "sources" / self.source.name
        (folder / "home").mkdir(mode=0o700, parents=True, exist_ok=True)
        for private in (folder.parent, folder, folder / "home"):
            private.chmod(0o700)
        return folder

    @contextmanager
    def _access(self, lock: int) -> Iterator[Program]:
        remote, folder = self.source.remote, self._folder()
        certificates = trusted(self.source.ca_file, self.project, folder)
        with access_to(remote, self._credentials(), folder) as access:
            access.given.update(certificates)
            self._program = program = self._made(access, lock, folder)
            if self._stopped:
                program.stop()
            yield program

    def _made(self, access: Access, lock: int, folder: Path) -> Program:
        return Program(
            folder / "home",
            self.source.remote.scheme,
            self.source.timeout.total_seconds(),
            dict(access.given),
            (lock, *access.descriptors),
            access.secrets,
            self.marks,
        )

    def _told(self, problem: GitFailed) -> str:
        """What the program said, and where it was refused what the host takes."""
        hidden = problem.reason == "RemoteUnreachable" and "not found" in str(problem)
        if problem.reason != "AuthenticationFailed" and not (hidden and self.source.remote.host):
            return str(problem)
        authorized = self.source.authorization is not None
        also = "hosts say so of what may not be read, too: " if hidden else ""
        return f"{problem}; {also}{hint_for(self.source.remote, authorized=authorized)}"

    def _credentials(self) -> Mapping[str, str]:
        name = self.source.authorization
        if name is None:
            return {}
        with self.store.read() as reader:
            record = reader.objects.get(Address("Authorization", name))
        if record is None:
            raise GitFailed(
                "CredentialMissing",
                f"Authorization/{name} is not installed; declare it in a file of its own beside the "
                "repository, and `runner reconcile FILE --create`",
            )
        return resolve_authorization(record.resolved, name=name, base=self.project)

    # -- what is recorded

    def _record(self) -> SourceRecord:
        with self.store.read() as reader:
            record = reader.sources.get(self.source.name)
        record = record or SourceRecord(name=self.source.name, url="", ref="", path="")
        return replace(record, url=self.source.remote.url, ref=str(self.source.wanted), path=self.source.path)

    def _note_progress(self, before: SourceRecord, target: Target) -> None:
        now = self.now()
        conditions = progressing(before.conditions, f"attempting {name_of(target)}", to_text(now))
        record = replace(before, conditions=conditions, checked_at=now)
        self.store.transact(lambda tx: tx.sources.put(record))

    def _keep(self, before: SourceRecord, outcome: Outcome | None) -> None:
        now = self.now()
        failures = 0 if outcome is None or not outcome.is_transient else before.failures + 1
        record = replace(
            before,
            failures=failures,
            next_at=now + until_next(self.source.interval, failures, self.draw()),
        )
        if outcome is None:
            record = replace(record, checked_at=now)
        else:
            found = conditions_of(outcome, verifies=self.source.verify is not None)
            record = replace(record, conditions=merged(before.conditions, found, to_text(now)))
            record = _with_target(record, outcome, now)
        self.store.transact(lambda tx: self._write(tx, before, record, outcome, now))

    def _write(
        self,
        tx: Transaction,
        before: SourceRecord,
        record: SourceRecord,
        outcome: Outcome | None,
        now: datetime,
    ) -> None:
        tx.sources.put(record)
        if outcome is None:
            return
        was = before.conditions.get("Ready", {}).get("reason", WAITING)
        if (was, before.attempted) == (outcome.reason, record.attempted) and not outcome.forced:
            return
        tx.events.append(
            "source",
            self.source.source,
            "source.synced" if outcome.ok else "source.failed",
            at=now,
            who=AGENT,
            why=outcome.message[:500],
            before=before.applied,
            after=record.applied,
            details={
                "reason": outcome.reason,
                "attempted": record.attempted,
                "ref": record.attempted_ref,
                "forced": outcome.forced,
                "verified": outcome.verified,
            },
        )


def name_of(target: Target) -> str:
    """`main@4f2c9e1`, or a commit alone."""
    short = target.commit[:7]
    return short if target.name == target.commit else f"{target.name}@{short}"


def _with_target(record: SourceRecord, outcome: Outcome, now: datetime) -> SourceRecord:
    target = outcome.target
    if target is None:
        return replace(record, checked_at=now if outcome.reason == "RefMissing" else record.checked_at)
    record = replace(
        record, checked_at=now, attempted=target.commit, attempted_ref=target.name, attempted_at=now
    )
    if outcome.reason == APPLIED:
        record = replace(record, applied=target.commit, applied_ref=target.name, applied_at=now)
    return record


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """One process at a time; git and its helpers hold the lock too, so that none works on unseen."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    except BlockingIOError:
        raise GitFailed("Trouble", "another process follows this source at this moment") from None
    finally:
        os.close(descriptor)
