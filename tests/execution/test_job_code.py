"""Code that is written against the SDK, in real child processes: what it records, and how it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from execution_builders import Workshop, a_python_step

from runner.execution.order import (
    Checkpointed,
    InfoSaved,
    Notified,
    PerformedLong,
    Progressed,
    Raised,
    StepReported,
)

COUNTER = """
from runner import Job, Status

class Counter(Job):
    def prepare(self, params, status):
        return status or Status({"n": 0})

    def perform(self, status):
        status.state["n"] += 1
        if status.state["n"] >= self.params.get("up_to", 3):
            return Status(status.state, complete=True, outputs={"counted": status.state["n"]})
        return status
"""


def a_job_step(workshop: Workshop, source: str, name: str = "run", **action: Any) -> dict[str, Any]:
    """A step of a file that holds this source; its class is `Counter` unless the action says otherwise."""
    path = workshop.state / f"{name}.py"
    path.write_text(source)
    step = {"name": name, "kind": "python", "action": {"file": f"{name}.py", **action}}
    if "function" not in action:
        step["action"] = {"class": "Counter", **step["action"]}
    return step


def files(workshop: Workshop, *names: str) -> dict[str, str]:
    return {f"{name}.py": str(workshop.state / f"{name}.py") for name in names or ("run",)}


def run(workshop: Workshop, source: str, *, saved: dict[str, Any] | None = None, **action: Any) -> Any:
    step = a_job_step(workshop, source, **action)
    return workshop.run(step, files=files(workshop), saved=saved or {})


def a_function(workshop: Workshop, body: str, **more: Any) -> Any:
    source = "def run(job):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    return run(workshop, source, function="run", **more)


def checkpoints(workshop: Workshop) -> list[Checkpointed]:
    return [report for report in workshop.reports if isinstance(report, Checkpointed)]


def states(workshop: Workshop) -> list[Any]:
    return [json.loads(c.record.state) if c.record.state else None for c in checkpoints(workshop)]


def said(workshop: Workshop, kind: type[Any]) -> list[Any]:
    return [report for report in workshop.reports if isinstance(report, kind)]


def completion(workshop: Workshop) -> StepReported:
    [report] = [r for r in workshop.reports if isinstance(r, StepReported) and r.event == "complete"]
    return report


def test_a_class_makes_a_checkpoint_after_each_call_and_its_last_state_comes_with_its_completion(
    workshop: Workshop,
) -> None:
    ended = run(workshop, COUNTER)

    assert ended.outcome == "succeeded"
    assert states(workshop) == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert [c.record.n for c in checkpoints(workshop)] == [1, 2, 3]
    assert ended.checkpoints == 3
    last = completion(workshop)
    assert last.outputs == {"counted": 3}
    assert last.record is not None
    assert (last.record.n, last.record.state) == (4, '{"n":3}')


def test_it_does_not_go_on_before_its_checkpoint_is_acknowledged(workshop: Workshop) -> None:
    workshop.acknowledges = False
    number = workshop.start(a_job_step(workshop, COUNTER), files=files(workshop))
    workshop.until(lambda: len(checkpoints(workshop)) == 1)
    workshop.supervisor.acknowledge(number, 1, checkpoints(workshop)[0].number)
    workshop.until(lambda: len(checkpoints(workshop)) == 2)

    assert states(workshop) == [{"n": 0}, {"n": 1}]


def test_another_process_goes_on_from_what_is_recorded(workshop: Workshop) -> None:
    saved = {"step": "run", "n": 7, "state": '{"n": 1}', "cursor": {}}
    ended = run(workshop, COUNTER, saved=saved)

    assert ended.outcome == "succeeded"
    assert [(c.record.n, c.record.state) for c in checkpoints(workshop)] == [(8, '{"n":2}')]


def test_what_another_step_recorded_is_not_taken_for_its_own(workshop: Workshop) -> None:
    saved = {"step": "before", "n": 7, "state": '{"n": 2}', "cursor": {}, "info": '{"seen": 1}'}
    run(workshop, COUNTER, saved=saved)

    assert states(workshop)[0] == {"n": 0}
    assert checkpoints(workshop)[0].record.n == 8


def test_two_steps_of_one_process_each_begin_fresh_and_share_info_and_persistent_state(
    workshop: Workshop,
) -> None:
    source = """
def run(job):
    job.persistent["seen"] = job.persistent.get("seen", 0) + 1
    job.info["seen"] = job.info.get("seen", 0) + 1
    job.state["by"] = job.metadata.step if not job.state else "not fresh"
    job.checkpoint()
"""
    steps = [a_job_step(workshop, source, name, function="run") for name in ("one", "two")]
    ended = workshop.run(*steps, files=files(workshop, "one", "two"))

    assert ended.outcome == "succeeded"
    first, second = checkpoints(workshop)
    assert [first.record.state, second.record.state] == ['{"by":"one"}', '{"by":"two"}']
    assert [first.record.changed, second.record.changed] == [{"seen": "1"}, {"seen": "2"}]
    assert [first.record.info, second.record.info] == ['{"seen":1}', '{"seen":2}']
    assert second.record.n > first.record.n


def test_a_step_that_is_tried_again_in_its_process_goes_on_from_its_checkpoint(workshop: Workshop) -> None:
    source = """
def run(job):
    job.state["tries"] = job.state.get("tries", 0) + 1
    job.checkpoint()
    if job.state["tries"] < 2:
        raise OSError("not yet")
    return {"tries": job.state["tries"]}
"""
    step = a_job_step(workshop, source, function="run")
    ended = workshop.run({**step, "onFailure": "retry"}, files=files(workshop))

    assert ended.outcome == "succeeded"
    assert completion(workshop).outputs == {"tries": 2}


def test_what_it_says_is_reported_with_its_grade_numbers_and_step(workshop: Workshop) -> None:
    ended = a_function(
        workshop,
        "job.error('no price', code='price', severity='critical', info={'row': 3})\n"
        "job.warn('late')\n"
        "job.progress(250, 1000, 'contacts')\n"
        "job.notify('success', 'import', 'all there')",
    )

    assert ended.outcome == "failed"
    assert ended.error.code == "errors-stored"
    error, warning = said(workshop, Raised)
    assert (error.severity, error.grade, error.code, error.info, error.step) == (
        "error",
        "critical",
        "price",
        {"row": 3},
        "run",
    )
    assert (warning.severity, warning.grade) == ("warning", None)
    [progress] = said(workshop, Progressed)
    assert (progress.done, progress.total, progress.text) == (250, 1000, "contacts")
    [told] = said(workshop, Notified)
    assert (told.level, told.topic, told.message, told.step) == ("success", "import", "all there", "run")


def test_a_thousand_notifications_are_stored_and_no_more(workshop: Workshop) -> None:
    ended = a_function(workshop, "for n in range(8000): job.notify('info', 'rows', f'row {n}')")

    assert ended.outcome == "succeeded"
    assert len(said(workshop, Notified)) == 1000
    assert said(workshop, Notified)[-1].message == "row 999 (the last that is stored)"


def test_secrets_are_masked_in_what_people_read_and_not_in_the_state(workshop: Workshop) -> None:
    body = (
        "job.notify('info', 't', 'it is s3cret-word')\n"
        "job.info['url'] = 'u:s3cret-word@h'\n"
        "job.state['token'] = 's3cret-word'\njob.checkpoint()"
    )
    source = "def run(job):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    step = a_job_step(workshop, source, function="run")
    workshop.run(step, files=files(workshop), masks=["s3cret-word"])

    assert said(workshop, Notified)[0].message == "it is ***"
    [checkpoint] = checkpoints(workshop)
    assert json.loads(checkpoint.record.info or "") == {"url": "u:***@h"}
    assert states(workshop) == [{"token": "s3cret-word"}]


def test_what_it_noted_is_reported_also_when_it_fails(workshop: Workshop) -> None:
    ended = a_function(workshop, "job.info['file'] = 'a.csv'\nraise ValueError('row 3 is empty')")

    assert (ended.outcome, ended.error.code) == ("failed", "ValueError")
    assert [saved.info for saved in said(workshop, InfoSaved)] == ['{"file":"a.csv"}']


def test_code_that_does_not_keep_to_the_agreements_fails_with_their_code_and_is_not_tried_again(
    workshop: Workshop,
) -> None:
    ended = a_function(workshop, "job.state['rows'] = [1, {2, 3}]\njob.checkpoint()")

    assert (ended.error.code, ended.error.retryable) == ("state-not-json", False)
    assert "state.rows[1]" in ended.error.description
    assert checkpoints(workshop) == []


def test_a_class_that_is_not_there_is_named_with_those_that_are(workshop: Workshop) -> None:
    step = a_job_step(workshop, COUNTER)
    step["action"]["class"] = "Conter"
    ended = workshop.run(step, files=files(workshop))

    assert ended.error is not None
    assert ended.error.code == "class-missing"
    assert ended.error.description == "run.py has no class 'Conter'; its jobs: Counter"


def test_a_stop_lets_it_reach_its_next_checkpoint_and_ends_it_there(workshop: Workshop) -> None:
    go = workshop.state / "go"
    body = (
        "import os, time\n"
        "for n in range(1000):\n"
        "    job.state['n'] = n\n"
        "    job.checkpoint()\n"
        "    while n == 1 and not job.should_stop: time.sleep(0.01)\n"
    )
    source = "def run(job):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    assert not go.exists()
    number = workshop.start(a_job_step(workshop, source, function="run"), files=files(workshop))
    workshop.until(lambda: len(checkpoints(workshop)) == 2)
    workshop.supervisor.stop(number, 1, grace_s=20, why="eviction")
    ended = workshop.end_of(number)

    assert (ended.outcome, ended.error and ended.error.description) == ("stopped", "eviction")
    assert states(workshop) == [{"n": 0}, {"n": 1}]


def test_a_stop_ends_an_interruptible_sleep_at_once(workshop: Workshop) -> None:
    source = "def run(job):\n    job.checkpoint()\n    job.sleep(50)\n"
    number = workshop.start(a_job_step(workshop, source, function="run"), files=files(workshop))
    workshop.until(lambda: len(checkpoints(workshop)) == 1)
    workshop.supervisor.stop(number, 1, grace_s=40, why="eviction")

    assert workshop.end_of(number).outcome == "stopped"


def test_code_that_does_not_listen_is_killed_after_the_grace(workshop: Workshop) -> None:
    source = "import time\ndef run(job):\n    job.checkpoint()\n    while True: time.sleep(1)\n"
    number = workshop.start(a_job_step(workshop, source, function="run"), files=files(workshop))
    workshop.until(lambda: len(checkpoints(workshop)) == 1)
    workshop.supervisor.stop(number, 1, grace_s=0.2, why="eviction")

    assert workshop.end_of(number).outcome == "stopped"


def test_a_pause_ends_it_at_the_checkpoint_that_it_is_at(workshop: Workshop) -> None:
    workshop.acknowledges = False
    number = workshop.start(a_job_step(workshop, COUNTER), files=files(workshop))
    workshop.until(lambda: len(checkpoints(workshop)) == 1)
    workshop.supervisor.pause(number, 1)
    workshop.supervisor.acknowledge(number, 1, checkpoints(workshop)[0].number)
    ended = workshop.end_of(number)

    assert (ended.outcome, ended.error and ended.error.description) == ("stopped", "pause")
    assert len(checkpoints(workshop)) == 1


def test_a_pause_ends_an_interruptible_sleep_at_once(workshop: Workshop) -> None:
    source = "def run(job):\n    job.checkpoint()\n    job.sleep(50)\n"
    number = workshop.start(a_job_step(workshop, source, function="run"), files=files(workshop))
    workshop.until(lambda: len(checkpoints(workshop)) == 1)
    workshop.supervisor.pause(number, 1)
    ended = workshop.end_of(number)

    assert (ended.outcome, ended.error and ended.error.description) == ("stopped", "pause")


def test_a_long_unit_of_work_is_reported_once_and_one_that_is_too_long_fails(workshop: Workshop) -> None:
    source = """
import time
from runner import Job, Status
class Counter(Job):
    def perform(self, status):
        while not self.should_stop:
            time.sleep(0.01)
        return status
"""
    step = a_job_step(workshop, source)
    workshop.supervisor._deadlines.long_perform_s = 0.05
    ended = workshop.run(step, files=files(workshop), perform_timeout_s=0.5)

    [long] = said(workshop, PerformedLong)
    assert (long.step, long.seconds >= 0.05) == ("run", True)
    assert (ended.outcome, ended.error and ended.error.code) == ("failed", "perform-timeout")
    assert ended.error is not None and ended.error.retryable


def test_a_long_sleep_is_recorded_and_ends_the_process(workshop: Workshop) -> None:
    body = "job.state['asked'] = True\njob.sleep(3600)\nreturn {'awake': True}"
    ended = a_function(workshop, body)

    assert ended.outcome == "sleeping"
    [asleep] = checkpoints(workshop)
    assert ended.wake_at is not None
    assert ended.wake_at.timestamp() == pytest.approx(asleep.record.until, abs=1e-5)
    assert states(workshop) == [{"asked": True}]
    workshop.reports.clear()
    record = asleep.record
    saved = {"step": "run", "n": record.n, "state": record.state, "cursor": json.loads(record.cursor)}
    ended = a_function(workshop, body, saved=saved)
    assert (ended.outcome, completion(workshop).outputs) == ("succeeded", {"awake": True})


def test_a_state_of_a_mebibyte_of_other_letters_is_recorded_and_one_more_is_refused(
    workshop: Workshop,
) -> None:
    ended = a_function(workshop, "job.state['text'] = 'é' * 500_000\njob.checkpoint()")
    assert ended.outcome == "succeeded", ended.error
    assert len(states(workshop)[0]["text"]) == 500_000

    ended = a_function(workshop, "job.state['text'] = 'é' * 600_000\njob.checkpoint()")
    assert ended.error.code == "state-too-large"


def test_a_large_state_comes_back_whole(workshop: Workshop) -> None:
    state = json.dumps({"text": "é" * 500_000, "more": '"\\' * 1000}, ensure_ascii=False)
    saved = {"step": "run", "n": 1, "state": state, "cursor": {}, "persistent": state, "info": '{"a": 1}'}
    body = "return {'same': job.state == job.persistent, 'size': len(job.state['text'])}"
    ended = a_function(workshop, body, saved=saved)

    assert ended.outcome == "succeeded", ended.error
    assert completion(workshop).outputs == {"same": True, "size": 500_000}


def test_thousands_of_acknowledged_checkpoints_are_no_flood(workshop: Workshop) -> None:
    ended = a_function(workshop, "for n in range(7000):\n    job.state['n'] = n\n    job.checkpoint()")

    assert ended.outcome == "succeeded", ended.error
    assert ended.checkpoints == 7000


def test_a_child_that_does_not_wait_for_its_checkpoint_breaks_the_protocol(workshop: Workshop) -> None:
    workshop.acknowledges = False
    source = """
import os
frame = __import__("sys")._getframe()
while "step" not in frame.f_locals: frame = frame.f_back
for n in (5, 6):
    record = b'{"m":"checkpoint","n":%d,"cursor":{}}' % n
    os.write(3, b'{"m":"checkpoint","n":%d,"step":"work","record":%s}\\n' % (n, record))
"""
    ended = workshop.run(a_python_step(source))

    assert ended.outcome == "failed"
    assert ended.error is not None
    assert ended.error.description == "broke the protocol: it made a checkpoint that cannot be"


def test_a_checkpoint_that_is_none_breaks_the_protocol(workshop: Workshop) -> None:
    source = """
import os
record = b'{"m":"checkpoint","n":1,"cursor":{},"state":"[]"}'
os.write(3, b'{"m":"checkpoint","n":5,"step":"work","record":%s}\\n' % record)
"""
    ended = workshop.run(a_python_step(source))

    assert ended.error is not None
    assert ended.error.description == "broke the protocol: it sent a checkpoint that cannot be one"


def test_inline_source_may_take_the_job_too(workshop: Workshop) -> None:
    ended = workshop.run(a_python_step("def run(job):\n    return {'n': job.metadata.instance}"))

    assert ended.outcome == "succeeded"
    assert completion(workshop).outputs == {"n": 1}


def test_a_value_of_the_name_job_is_given_as_before(workshop: Workshop) -> None:
    source = "def run(job):\n    return {'job': job}"
    step = {"name": "work", "kind": "python", "action": {"source": source, "with": {"job": "mine"}}}
    workshop.run(step)

    assert completion(workshop).outputs == {"job": "mine"}


def test_a_class_that_leaves_before_it_is_complete_has_failed(workshop: Workshop) -> None:
    begins = "def perform(self, status):"
    source = COUNTER.replace(begins, f"{begins}\n        raise SystemExit", 1)
    assert "raise SystemExit" in source
    ended = run(workshop, source)
    assert ended.error is not None
    assert (ended.outcome, ended.error.code, ended.error.retryable) == ("failed", "ended-early", False)
