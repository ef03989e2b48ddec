"""Which routes are there, and what becomes of an error in one?"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from runner.access.permission import Actor
from runner.operations.tokens import is_use_to_note, recognise
from runner.store.port import Store
from runner.vocabulary.errors import RunnerError
from runner.web.api import external, hooks, source_hints
from runner.web.gate import Gate
from runner.web.intake import Intake
from runner.web.known_hooks import KnownHooks
from runner.web.names import Names
from runner.web.openapi import PATH, openapi_of, text_of
from runner.web.patience import PATIENCE_S
from runner.web.problems import MEDIA_TYPE, encoded, problem, problem_of
from runner.web.refused import RefusedRequests


@dataclass(frozen=True, slots=True)
class House:
    """What handlers have at hand: the database, the time, and how the daemon is told."""

    store: Store
    now: Callable[[], datetime]
    base_url: str
    wake: Callable[[], Any]
    draw: Callable[[], float] = random.random
    project: Path = Path()


def make_app(
    house: House, names: Names, refused: RefusedRequests, known: KnownHooks, *, body_s: float = PATIENCE_S
) -> Gate:
    """The listener as an ASGI application, behind its gate."""
    app = _app()
    app.state.house = house
    app.state.intake = Intake(house.store, known, house.project, house.now, house.wake)
    app.add_exception_handler(RunnerError, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _broken)

    def whose(text: str) -> Actor:
        now = house.now()
        with house.store.read() as reader:
            actor, record = recognise(reader, text, now)
        if is_use_to_note(record, now):
            house.store.submit(lambda tx: tx.tokens.used(record.id, now), lambda result, problem: None)
        return actor

    return Gate(app, names, whose, refused.note, body_s=body_s)


def routes_of() -> Sequence[BaseRoute]:
    """All that there are."""
    return _app().routes


def _app() -> FastAPI:
    app = FastAPI(title="jobs-runner", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get(PATH, include_in_schema=False)  # before a router takes all that lies below its prefix
    def openapi() -> Response:
        return Response(text_of(openapi_of(app.routes)), media_type="application/json")

    app.include_router(external.router, prefix="/api/v1")
    app.include_router(source_hints.router, prefix=hooks.PREFIX + source_hints.BELOW)
    app.include_router(hooks.router, prefix=hooks.PREFIX)
    return app


def _answer(found: dict[str, Any]) -> Response:
    again = {"Retry-After": "1"} if found["status"] == 503 else None
    return Response(encoded(found), found["status"], again, MEDIA_TYPE)


async def _failed(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RunnerError)
    return _answer(problem_of(error))


async def _invalid(_request: Request, error: Exception) -> Response:
    """Where and what, never the value itself: it may be a token."""
    assert isinstance(error, RequestValidationError)
    found = [
        {"at": ".".join(map(str, each["loc"][1:]))[:200], "problem": str(each["msg"])[:300]}
        for each in error.errors()[:20]
    ]
    detail = "; ".join(f"{each['at'] or 'the body'}: {each['problem']}" for each in found)
    return _answer(problem("invalid", "Invalid request", 422, detail, errors=found))


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = _answer(problem("http", "Not possible", error.status_code, str(error.detail)))
    answer.headers.update(error.headers or {})
    return answer


async def _broken(_request: Request, _error: Exception) -> Response:
    return _answer(problem("failed", "Failed", 500, "the runner could not do that; its log says why"))
