"""In what order do an instance's steps run, and what is reported of each?"""

from __future__ import annotations

from collections.abc import Mapping
from os import _exit as leave_at_once
from time import sleep, time
from typing import Any

from runner.execution.actions.failure import ActionFailed
from runner.execution.child.context import StepContext
from runner.execution.child.environment import set_environment
from runner.execution.child.interruption import INTERRUPTION
from runner.execution.child.perform import perform_action
from runner.execution.child.stream import Stream
from runner.execution.protocol import MAX_OUTPUTS

NO_SUPERVISOR = 70
"""Exit status: EX_SOFTWARE, sysexits.h."""

MOST_RAISED = 1000
"""Errors, warnings and notifications of one attempt."""

_PROGRAM = "shell"
"""The kind whose work is done by a program, which is given its environment. Code in this process looks its
own up, and leaves something to finish."""

_STORED = {"raised": "description", "notify": "message"}


class Steps:
    """One attempt of an instance: its order, and what has come out of it so far."""

    __slots__ = ("env", "failed_with", "has_templates", "number", "order", "outputs", "raised", "ran_code",
                 "record", "saved", "stream", "variables")  # fmt: skip

    def __init__(self, order: Mapping[str, Any], env: dict[str, str], stream: Stream) -> None:
        self.order = order
        self.env = env
        self.stream = stream
        self.number = 0
        self.raised = 0
        self.ran_code = False
        self.record: dict[str, Any] | None = None
        self.saved: dict[str, Any] = order.get("saved") or {}
        self.failed_with: dict[str, Any] | None = None
        done: Mapping[str, Any] = order.get("done") or {}
        results: dict[str, Any] = {}
        for name in done:
            results[name] = {"outputs": done[name]}
        for step in order["steps"]:
            results.setdefault(step["name"], {"outputs": None})
        self.outputs = results
        self.variables: dict[str, Any] = {**order["context"], "steps": results}
        self.has_templates = order["has_templates"]

    def run(self) -> bytes:
        """Run what is still to do; the last lines for the supervisor, to be sent when all is cleaned up."""
        done, skipped = self.order.get("done") or (), self.order.get("skipped") or ()
        completion = b""
        for step in self.order["steps"]:
            if step["name"] in done or step["name"] in skipped:
                continue
            if completion:
                self.stream.send_line(completion)
                self.stream.wait_for(self.number)
            completion = self._run(step)
            if self.failed_with is not None:
                break
        return completion

    def _run(self, step: Mapping[str, Any]) -> bytes:
        """Run one step, with its retries; its completion is returned, everything before it is sent."""
        failures, first = 0, 0.0
        while True:
            INTERRUPTION.check()
            try:
                if not failures and step.get("if") is not None and not self._wanted(step):
                    self._say("skip", step, reason="condition")
                    return b""
                if step.get("interruptible") is False:
                    INTERRUPTION.shield()
                timeout_s = _seconds(step["timeout"]) if step.get("timeout") else None
                self._say("start", step, timeout=timeout_s, again=failures > 0)
                outputs = self._perform(step, failures + 1)
                completion = self._completion(step, outputs)
                INTERRUPTION.unshield()
            except ActionFailed as failure:
                INTERRUPTION.unshield()
                failures += 1
                first = first or time()
                self._fail(step, failure)
                delay_s = _delay(step, failure, failures, first)
            else:
                self.outputs[step["name"]]["outputs"] = outputs
                self.number += 1
                return completion
            if delay_s is None:
                self._settle(step)
                return b""
            self.stream.wait_for(self.number)
            with INTERRUPTION.listening():
                sleep(delay_s)
            self.failed_with = None

    def _wanted(self, step: Mapping[str, Any]) -> bool:
        from runner.execution.child.expressions import condition_holds

        try:
            return condition_holds(step["if"], self.variables)
        except ActionFailed:
            self._say("start", step, timeout=None)
            raise

    def _completion(self, step: Mapping[str, Any], outputs: dict[str, Any]) -> bytes:
        message = {
            "m": "complete",
            "n": self.number + 1,
            "step": step["name"],
            "at": time(),
            "outputs": outputs,
        }
        line = self.stream.line(message)
        if len(line) > MAX_OUTPUTS:
            raise ActionFailed("outputs-too-large", f"the step's outputs exceed {MAX_OUTPUTS} bytes of JSON")
        return line if self.record is None else self.stream.line({**message, "record": self.record})

    def _settle(self, step: Mapping[str, Any]) -> None:
        """After a final failure: go on when the step's failure is declared not to matter."""
        if step.get("onFailure") != "continue" or self.failed_with is None:
            return
        self.stream.send(
            {
                "m": "raised",
                "severity": "warning",
                "code": self.failed_with["code"],
                "description": f"step {step['name']} failed: {self.failed_with['description']}",
                "info": {"step": step["name"]},
            }
        )
        self.failed_with = None
        self.stream.wait_for(self.number)

    def _perform(self, step: Mapping[str, Any], attempt: int) -> dict[str, Any]:
        name, kind = step["name"], step["kind"]
        order = self.order
        output_path = f"{order['workdir']}/.{name}.output"
        names = {"RUNNER_STEP": name, "RUNNER_OUTPUT": output_path}
        self.env.update(names)
        if kind != _PROGRAM:
            set_environment(names if self.ran_code else self.env)
            self.ran_code = True
        timeout_s = _seconds(step["timeout"]) if step.get("timeout") else None
        context = StepContext(
            name=name,
            job=order["job"],
            instance=order["instance"],
            attempt=attempt,
            env=self.env,
            workdir=order["workdir"],
            files=order.get("files") or {},
            libraries=order.get("libraries") or {},
            connections=order.get("connections") or {},
            roots=order.get("roots") or {},
            variables=self.variables,
            timeout_s=timeout_s,
            output_path=output_path,
            say=self._pass_on,
            commit=self._commit,
            take=self._take,
            saved=self.saved,
        )
        action = step["action"]
        if self.has_templates:
            from runner.execution.child.expressions import evaluated_action

            action = evaluated_action(action, self.variables)
        outputs = perform_action(kind, action, context)
        self.record = context.record
        return outputs

    def _commit(self, step: str, record: dict[str, Any]) -> None:
        """Send a checkpoint and wait until it is durable; without a supervisor, end at once."""
        self.number += 1
        with INTERRUPTION.undisturbed():
            try:
                self.stream.send({"m": "checkpoint", "n": self.number, "step": step, "record": record})
                self.stream.wait_until_durable(self.number)
            except (EOFError, OSError):
                leave_at_once(NO_SUPERVISOR)

    def _take(self, step: str, most: int) -> list[dict[str, Any]]:
        """Ask for items to work on; without a supervisor, end at once."""
        self.number += 1
        with INTERRUPTION.undisturbed():
            try:
                self.stream.send({"m": "take", "n": self.number, "step": step, "most": most})
                return list(self.stream.answer_to(self.number).get("items") or ())
            except (EOFError, OSError):
                leave_at_once(NO_SUPERVISOR)

    def results(self) -> dict[str, Any]:
        """The instance's own outputs; ActionFailed when an expression of theirs fails."""
        declared = self.order.get("outputs")
        if not declared:
            return {}
        from runner.execution.child.expressions import evaluated_outputs

        return evaluated_outputs(declared, self.variables)

    def _pass_on(self, message: dict[str, Any]) -> None:
        """Send what the job's code says; of what is stored for people as much as a person would read."""
        text = _STORED.get(message["m"])
        if text is not None:
            self.raised += 1
            if self.raised > MOST_RAISED:
                return
            if self.raised == MOST_RAISED:
                message = {**message, text: f"{message[text]} (the last that is stored)"}
        self.stream.send(message)

    def warn(self, code: str, description: str) -> None:
        """Keep a warning with the instance."""
        message = {"m": "raised", "severity": "warning", "code": code, "description": description, "info": {}}
        self._pass_on(message)

    def _say(self, message: str, step: Mapping[str, Any], **more: Any) -> None:
        self.number += 1
        self.stream.send({"m": message, "n": self.number, "step": step["name"], "at": time(), **more})

    def _fail(self, step: Mapping[str, Any], failure: ActionFailed) -> None:
        self.failed_with = {"step": step["name"], **as_error(failure)}
        self._say("fail", step, error=self.failed_with)


def as_error(failure: ActionFailed) -> dict[str, Any]:
    """The failure as it travels."""
    return {
        "code": str(failure.code)[:100],
        "description": str(failure.description)[:4000],
        "retryable": bool(failure.retryable),
        "exit_code": failure.exit_code,
        "sqlstate": failure.sqlstate,
        "info": failure.info,
    }


def _delay(step: Mapping[str, Any], failure: ActionFailed, failures: int, first: float) -> float | None:
    """Seconds until the step is tried again in this process, or None when the failure is final."""
    if step.get("onFailure") != "retry":
        return None
    import random
    from datetime import UTC, datetime

    from runner.retries import Failure, Retry, RetryPolicy, decide_retry, may_be_retried

    classes = tuple(failure.info.get("classes") or ())
    if not may_be_retried(
        Failure(failure.code, failure.retryable, classes, failure.exit_code, failure.sqlstate), step
    ):
        return None

    policy = RetryPolicy.from_resolved(step.get("retry") or {"policy": "once"})
    now = datetime.now(UTC)
    decided = decide_retry(policy, failures, datetime.fromtimestamp(first, UTC), now, random.random())  # noqa: S311
    return max(0.0, (decided.at - now).total_seconds()) if isinstance(decided, Retry) else None


def _seconds(duration: Any) -> float:
    if isinstance(duration, int | float):
        return duration
    from runner.vocabulary.duration import parse_duration

    return parse_duration(duration).total_seconds()
