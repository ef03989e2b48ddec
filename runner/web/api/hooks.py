"""Something happened elsewhere: requests that are signed, and start jobs."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from runner.operations.receive_webhook import Received
from runner.operations.request_refused import NoSecret, RequestRefused
from runner.web.intake import Intake
from runner.web.problems import MEDIA_TYPE, encoded, problem

PREFIX = "/hooks"
"""Below it no token is asked for: the signature is what counts."""

router = APIRouter(tags=["hooks"])


@router.post("/{path:path}")
async def hook(path: str, request: Request) -> Response:
    """202: it is kept, and will start its job; with the item's id, and the instance's when that is there."""
    intake: Intake = request.app.state.intake
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        return _answer(await intake.take(path, headers, request.state.body))
    except RequestRefused as refused:
        if isinstance(refused, NoSecret):
            request.state.why = refused.missing  # for the house alone
        return refusal(refused)


def _answer(received: Received) -> Response:
    found = {
        "outcome": received.outcome,
        "item": received.item,
        "instance": received.instance,
        "reason": received.reason,
    }
    status = 200 if received.outcome == "pong" else 202
    return Response(encoded(found), status, media_type="application/json")


def refusal(refused: RequestRefused) -> Response:
    """The problem, as an answer."""
    more = {"errors": list(refused.problems)} if refused.problems else {}
    title = refused.rule.replace("-", " ").capitalize()
    answer = Response(
        encoded(problem(refused.rule, title, refused.status, str(refused), **more)),
        refused.status,
        media_type=MEDIA_TYPE,
    )
    if refused.retry_after_s is not None:
        answer.headers["Retry-After"] = str(refused.retry_after_s)
    return answer
