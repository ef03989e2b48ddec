"""A reload while somebody else applies: it plans again instead of blaming the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.cli import reloading
from runner.cli.options import Where
from runner.operations import reconcile
from runner.vocabulary.errors import StalePlan

JOB = """\
apiVersion: jobs.runner/v1
kind: Job
metadata: {name: hello}
spec: {enabled: true, steps: [{name: say, shell: echo}]}
"""


def test_an_apply_in_between_makes_it_plan_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "hello.yaml").write_text(JOB)
    where = Where(tmp_path, tmp_path / ".runner" / "runner.db")
    real = reconcile.carry_out
    tries: list[int] = []

    def carry_out(*given: Any, **more: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise StalePlan("The plan was made against serial 0, and the database is at serial 1 now")
        return real(*given, **more)

    monkeypatch.setattr(reconcile, "carry_out", carry_out)
    outcome = reloading._reload(tmp_path / "jobs.d", where, colour=False, allow_delete=None)
    assert (outcome.ok, outcome.changed, len(tries)) == (True, True, 2)
    assert not reloading._reload(tmp_path / "jobs.d", where, colour=False, allow_delete=None).changed
