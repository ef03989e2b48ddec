"""The steps in docs/reference/steps.md do what the page says, from top to bottom."""

from __future__ import annotations

import gzip
import http.server
import importlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.declaration.expressions import render
from runner.declaration.kinds.step import Step
from runner.declaration.resolve_steps import resolved_steps
from runner.declaration.step_kinds import STEP_KINDS, kind_of
from runner.execution.child.context import StepContext

Builder = Callable[..., StepContext]
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "steps.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def documented_steps() -> list[dict[str, Any]]:
    from ruamel.yaml import YAML

    return [step for block in blocks("yaml") for step in YAML(typ="safe", pure=True).load(block)]


@pytest.fixture
def collector() -> Iterator[str]:
    """Answers 201 with what it was sent."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps({"path": self.path, "sent": json.loads(body)}).encode())

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def outputs(
    a_step: Builder, tmp_path: Path, database: dict[str, Any], collector: str
) -> dict[str, dict[str, Any]]:
    """What every step of the page put out, against each kind of database in turn."""
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    (incoming / "prices.csv").write_text("id,price\n1,2.50\n2,3\n")
    (incoming / "changes.jsonl").write_text('{"article": 7, "price": 1.5}\n{"article": 7, "price": 2.5}\n')
    named = {block.split("\n", 1)[0].split()[1]: block for block in blocks("python") + blocks("sql")}
    step = a_step(
        files=named,
        libraries={"numbers-of-ours": {"numbers.py": "def double(n):\n    return 2 * n\n"}},
        connections={"warehouse": database, "collector": {"url": collector, "token": "t0ken"}},
        roots={
            "incoming": {"path": str(incoming), "access": "read"},
            "exports": {"path": str(tmp_path / "exports"), "access": "write"},
        },
    )
    results: dict[str, Any] = {}
    step.variables = {"inputs": {"region": "north"}, "job": {"name": "sales"}, "steps": results}
    for resolved in resolved_steps({"steps": documented_steps()}, ""):
        perform = importlib.import_module(f"runner.execution.actions.{resolved['kind']}").perform
        Path(step.output_path).unlink(missing_ok=True)
        results[resolved["name"]] = {"outputs": perform(render(resolved["action"], step.variables), step)}
    return {name: result["outputs"] for name, result in results.items()}


def test_every_documented_step_is_a_valid_declaration() -> None:
    kinds = set()
    for step in documented_steps():
        kinds.add(kind_of(step))
        Step.model_validate(step)
    assert kinds == set(STEP_KINDS)


def test_the_documented_steps_do_what_the_page_says(
    outputs: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    assert outputs["prepare"] == {"day": "2026-11-21", "limit": 3}
    assert outputs["count"] == {"letters": 5}
    assert outputs["classify"] == {"is_long": True, "day": "2026-11-21"}
    assert outputs["double"] == {"twice": 42, "job": "sales"}
    assert outputs["fill"] == {"rows": 2, "first": None}
    assert outputs["sum"] == {"rows": 1, "first": {"sales": 2, "total": 19.5}}
    assert (outputs["import_prices"]["rows"], outputs["merge_prices"]["rows"]) == (2, 2)
    assert outputs["export"]["rows"] == 1
    assert (outputs["look"]["files"], outputs["look"]["deleted"]) == (1, 0)
    assert (outputs["clean"]["files"], outputs["put_away"]["names"]) == (0, ["prices.csv.gz"])
    packed = (tmp_path / "exports" / "archive" / "prices.csv.gz").read_bytes()
    assert gzip.decompress(packed) == b"id,price\n7,2.5\n"
    assert outputs["report"]["json"] == {"path": "/v1/reports", "sent": {"day": "2026-11-21", "sales": 2}}
