"""How do the SDK and a job's code tell each other that it cannot go on?"""

from __future__ import annotations


class JobCodeError(Exception):
    """The job's code did not keep to what was agreed; the step fails with `code`, and is not tried again.

    `code` is kebab case and stable (`state-not-json`, `state-too-large`, `unflushed-batch`, `bad-status`);
    `description` names the place and what would be accepted, never a value that may be secret.
    """

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


class JobInterrupted(BaseException):
    """This process is to end here, and the job goes on in another one: clean up and let it pass.

    No `Exception`, so that a job that catches every error of its work does not catch this one.
    `why` is `sleep`, `stop` or `pause`.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def is_interruption(error: BaseException) -> bool:
    """Whether `error` is an interruption; also when tasks of asyncio raised it, as a group, together."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_interruption(inner) or _is_cancelled(inner) for inner in error.exceptions)
    return isinstance(error, JobInterrupted)


def _is_cancelled(error: BaseException) -> bool:
    return type(error).__name__ == "CancelledError"
