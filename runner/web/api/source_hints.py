"""A repository has changed, says its host: the git agent is told to look."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from runner.operations.hint_source import check_hint
from runner.operations.request_refused import NoSecret, RequestRefused
from runner.operations.wake import SOURCES, knock
from runner.web.api.hooks import refusal
from runner.web.problems import encoded

BELOW = "/_sources"
"""Below the prefix of all that is signed; no hook of a job begins with an underscore."""

router = APIRouter(tags=["hooks"])


@router.post("/{name}")
def hint(name: str, request: Request) -> Response:
    """202: the remote is asked at once."""
    house, body = request.app.state.house, request.state.body
    headers = {key.lower(): value for key, value in request.headers.items()}
    try:
        with house.store.read() as reader:
            check_hint(reader, name, headers, body, project=house.project, now=house.now())
    except RequestRefused as refused:
        if isinstance(refused, NoSecret):
            request.state.why = refused.missing  # for the house alone
        return refusal(refused)
    knock(house.store.path.parent, SOURCES)
    return Response(encoded({"outcome": "asked"}), 202, media_type="application/json")
