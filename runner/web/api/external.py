"""Is it time, and what became of it? The routes for systems that execute jobs of their own."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from runner.operations.external_work import claim_for_poll
from runner.operations.report_external import ExternalReport, report_external
from runner.vocabulary.names import FIELD_NAME, OBJECT_NAME

router = APIRouter(tags=["external"])

LARGEST_MAP = 64 * 1024
"""Bytes of JSON in `info` or `outputs`, which are kept in the database."""


def _storable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half of a character (a lone surrogate)") from None
    if "\0" in text:
        raise ValueError("it holds a NUL")
    return text


def _small(value: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())
    except (ValueError, RecursionError):
        raise ValueError("it holds what JSON has no word for, or is nested too deeply") from None
    if size > LARGEST_MAP:
        raise ValueError(f"it has {size} bytes as JSON; at most {LARGEST_MAP} are kept")
    return value


Text = Annotated[str, Field(max_length=4000), AfterValidator(_storable)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")]
Map = Annotated[dict[str, Any], AfterValidator(_small)]
Amount = Annotated[float, Field(ge=0, le=1e18, allow_inf_nan=False)]
Id = Annotated[int, Path(ge=1, le=2**63 - 1)]


class Asked(BaseModel):
    """A system asks whether it is time for a job."""

    model_config = ConfigDict(extra="forbid")

    job: Annotated[str, Field(pattern=OBJECT_NAME)]


class Report(BaseModel):
    """One report on a run; `token` is the one that came with the work."""

    model_config = ConfigDict(extra="forbid", strict=True, regex_engine="python-re")

    token: Annotated[str, Field(min_length=1, max_length=200)]
    event: Literal["started", "heartbeat", "progress", "step", "finished", "failed", "stopped"]
    number: Annotated[int, Field(ge=1, le=2**53)] | None = None
    step: Annotated[str, Field(pattern=FIELD_NAME)] | None = None
    state: Literal["started", "completed", "failed", "skipped"] | None = None
    done: Amount | None = None
    total: Amount | None = None
    text: Text | None = None
    info: Map = Field(default_factory=dict)
    outputs: Map = Field(default_factory=dict)
    code: Code | None = None
    description: Text | None = None
    retryable: bool = True

    @model_validator(mode="after")
    def _whole(self) -> Report:
        if self.event == "step" and (self.step is None or self.state is None):
            raise ValueError("a report of a step needs step and state")
        if self.done is not None and self.total is not None and self.done > self.total:
            raise ValueError(
                f"done is {self.done:g} of a total of {self.total:g}; report a larger total with it"
            )
        return self


class GivenReport(BaseModel):
    """Where and with which token the run is reported on, and within how many seconds."""

    url: str
    token: str
    within_s: float


class GivenSlot(BaseModel):
    """The slot that the run is for."""

    key: str
    at: str
    local: str | None


class Given(BaseModel):
    """Work that was given out: the run is this system's to do."""

    job: str
    instance: int
    epoch: int
    attempt: int
    origin: str
    slot: GivenSlot | None
    inputs: dict[str, Any]
    report: GivenReport


class Answered(BaseModel):
    """What became of a report; `stop: true` asks the system to end, and to report `stopped`."""

    outcome: Literal["recorded", "repeated", "late"]
    state: str
    stop: bool
    reason: str


@router.post(
    "/external/claims",
    operation_id="claim",
    responses={200: {"model": Given}, 204: {"description": "It is not time"}},
)
def claim(asked: Asked, request: Request) -> Any:
    """The oldest run of the job that is due: from now on that system executes it. 204: it is not time."""
    house, actor = request.app.state.house, request.state.actor
    work = house.store.transact(lambda tx: claim_for_poll(tx, asked.job, actor=actor, now=house.now()))
    if work is None:
        return Response(status_code=204)
    house.wake()
    return work.message(house.base_url)


@router.post("/instances/{id}/reports", operation_id="report", responses={200: {"model": Answered}})
def report(id: Id, body: Report, request: Request) -> Any:
    """Record a report; the answer says what became of it, and whether the other system is to stop."""
    house, actor = request.app.state.house, request.state.actor
    said = ExternalReport(**body.model_dump(exclude={"token"}))
    reported = house.store.transact(
        lambda tx: report_external(tx, id, body.token, said, actor=actor, now=house.now(), draw=house.draw())
    )
    if reported.outcome == "recorded":
        house.wake()
    return {
        "outcome": reported.outcome,
        "state": reported.state,
        "stop": reported.stop,
        "reason": reported.reason,
    }
