"""Why is a request not taken? One answer for HTTP, and what only the log may know."""

from __future__ import annotations

from runner.vocabulary.errors import RunnerError

RETRY_AFTER_S = 30


class RequestRefused(RunnerError):
    """The request is not taken; `rule` names why, `status` is that of HTTP."""

    def __init__(
        self,
        rule: str,
        status: int,
        message: str,
        *,
        problems: tuple[dict[str, str], ...] = (),
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.status = status
        self.problems = problems
        self.retry_after_s = retry_after_s


class NoSecret(RequestRefused):
    """The secret is not to be found here; what is missing is for the log, and not for who asked."""

    def __init__(self, missing: str) -> None:
        text = "the signature cannot be checked now; the runner's log says why"
        super().__init__("no-secret", 503, text, retry_after_s=RETRY_AFTER_S)
        self.missing = missing
