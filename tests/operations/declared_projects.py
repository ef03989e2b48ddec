"""A project folder with real YAML files and a real database."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from pathlib import Path

from runner.access.permission import Actor
from runner.operations.apply import Applied, carry_out
from runner.operations.plan import Planned, make_plan_for
from runner.store.instances import NewInstance
from tests.new_databases import open_new_store

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ANA = Actor("ana")

JOB = """
    apiVersion: jobs.runner/v1
    kind: Job
    metadata:
      name: {name}
    spec:
      {enabled}
      {more}
      steps:
        - name: greet
          shell: {shell}
    """


class Project:
    """`write` files, `plan`, `apply`; `store` is open until the test ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / ".runner"
        (folder / "jobs.d").mkdir(parents=True, exist_ok=True)
        self.store = open_new_store(self.state / "runner.db")

    def write(self, path: str, text: str) -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text).lstrip())
        return target

    def job(
        self, name: str, *, enabled: bool | None = True, more: str = "", shell: str = "echo hello"
    ) -> Path:
        written = "" if enabled is None else f"enabled: {str(enabled).lower()}"
        return self.write(
            f"jobs.d/{name}.yaml", JOB.format(name=name, enabled=written, more=more, shell=shell)
        )

    def remove(self, name: str) -> None:
        (self.folder / "jobs.d" / f"{name}.yaml").unlink()

    def plan(self, path: str | None = None, now: datetime = NOW) -> Planned:
        target = None if path is None else self.folder / path
        return make_plan_for(target, self.folder, self.store, now)

    def apply(self, now: datetime = NOW, **allowed: object) -> Applied:
        return carry_out(self.plan(now=now), self.store, ANA, now, **allowed)  # type: ignore[arg-type]

    def record(self, name: str, kind: str = "Job"):
        from runner.vocabulary.identity import Address

        with self.store.read() as reader:
            return reader.objects.get(Address(kind, name))

    def holds(self, name: str) -> list[tuple[str, str]]:
        with self.store.read() as reader:
            return [(hold.kind, hold.owner) for hold in reader.holds.of(self.record(name).uid)]

    def starts(self, name: str, *, running: bool = True) -> int:
        """An instance of the job that waits, or runs."""
        from runner.lifecycle.instance import INSTANCE

        record = self.record(name)

        def work(tx):
            id_ = tx.instances.create(
                NewInstance(
                    job_uid=record.uid,
                    job=name,
                    origin="slot",
                    slot_key="2026-11-23T11:00:00Z",
                    slot_at=NOW,
                    schedule="default",
                    due_at=NOW,
                    reason="slot",
                    digest=record.digest,
                    revision=record.revision,
                ),
                who="system",
                at=NOW,
            )
            if running:
                move = INSTANCE.move("SCHEDULED", "claim")
                tx.instances.claim(id_, move, epoch=0, at=NOW, who="system")
            return id_

        return self.store.transact(work)


def lines(planned: Planned) -> list[str]:
    return [f"{change.action} {change.address}" for change in planned.plan.changes]
