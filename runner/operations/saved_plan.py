"""A plan as a file: all that apply needs, readable by its owner alone, and recognisably unedited."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runner.declaration.declared import Declared, Document
from runner.loading.write_whole import write_whole
from runner.operations.ownership import Ownership
from runner.operations.plan import Planned
from runner.reconcile.agreed import Agreed
from runner.reconcile.guards import Budget
from runner.reconcile.plan import COUNTED, FORMAT_VERSION, Plan, digest_of
from runner.vocabulary.errors import RunnerError, StalePlan
from runner.vocabulary.identity import Address, Place

KIND = "runner-plan"
MAX_BYTES = 1 << 30


def save_plan(planned: Planned, path: Path) -> None:
    """Write the plan, what it installs and the files that those name to `path` (mode 0600, atomically)."""
    written = [change.address for change in planned.plan.changes if change.writes]
    objects = {str(address): _object(planned, address) for address in written}
    files = sorted({sha256 for each in objects.values() for sha256 in each["files"].values()})
    values = {
        "kind": KIND,
        "plan": planned.plan.as_json(),
        "ownership": planned.ownership.as_json(),
        "budget": {"few": planned.budget.few, "share": planned.budget.share},
        "objects": objects,
        "blobs": {sha256: base64.b64encode(planned.blob(sha256)).decode("ascii") for sha256 in files},
    }
    text = json.dumps({**values, "digest": digest_of(values)}, indent=1, ensure_ascii=False)
    try:
        write_whole(path, text.encode("utf-8", "surrogatepass"), durable=True)
    except OSError as problem:
        raise RunnerError(f"{path} cannot be written: {problem.strerror}") from problem


def read_plan(path: Path) -> Planned:
    """What `save_plan` wrote.

    RunnerError when there is no such file or it is not a plan; StalePlan when it was edited, or written by
    another release.
    """
    values = _json_in(path)
    if not isinstance(values, dict) or values.get("kind") != KIND:
        raise RunnerError(f"{path} is not a plan; `runner plan --out FILE` writes one")
    digest = values.pop("digest", None)
    if digest_of(values) != digest:
        raise StalePlan(f"{path} was edited after it was written; make a new plan")
    try:
        plan = Plan.from_json(values["plan"])
        objects = {Address.parse(text): each for text, each in values["objects"].items()}
        return Planned(
            plan=plan,
            declared={address: _declared(address, each) for address, each in objects.items()},
            documents={address: _document(each) for address, each in objects.items()},
            blob=_Blobs(values["blobs"]),
            budget=Budget(**values["budget"]),
            ownership=Ownership.from_json(values["ownership"]),
        )
    except ValueError as problem:
        raise StalePlan(f"{path}: {problem}; make a new plan") from problem
    except (KeyError, TypeError, AttributeError) as problem:
        raise StalePlan(f"{path} is damaged; make a new plan") from problem


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """While what a file holds is used: its digest says that nobody edited it, and not that it makes sense.

    StalePlan when it does not; what was begun with it was one transaction, which is not committed then.
    """
    try:
        yield
    except (
        TypeError,
        AttributeError,
        LookupError,
        ValueError,
        OverflowError,
        sqlite3.DatabaseError,
    ) as problem:
        if isinstance(problem, sqlite3.OperationalError):
            raise
        raise StalePlan(f"{path} is damaged ({problem}); nothing was changed; make a new plan") from problem


def agreed_in(path: Path) -> Agreed:
    """The changes of the plan in a file that `plan --out` or `plan -o json` wrote."""
    try:
        values = _json_in(path)
        plan = values["plan"] if values.get("kind") == KIND else values
        if plan["format_version"] != FORMAT_VERSION:
            raise StalePlan(f"{path} was written by another release; review a new plan")
        changes = [each for each in plan["changes"] if each["action"] in COUNTED]
        return Agreed(
            {str(each["digest"]): (each["action"], str(each["address"])) for each in changes},
            reviewed=path.name,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise RunnerError(f"{path} is not a plan; `runner plan -o json` or --out writes one") from problem


def _json_in(path: Path) -> Any:
    """What the file holds; None when that is too large, or no JSON."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        return json.loads(raw.decode("utf-8", "surrogatepass")) if len(raw) <= MAX_BYTES else None
    except OSError as problem:
        raise RunnerError(f"{path} cannot be read: {problem.strerror}") from problem
    except (ValueError, RecursionError):
        return None


def _object(planned: Planned, address: Address) -> dict[str, Any]:
    declared, document = planned.declared[address], planned.documents[address]
    return {
        "place": list(declared.place),
        "digest": declared.digest,
        "execution_digest": declared.execution_digest,
        "enabled": declared.enabled,
        "labels": dict(declared.labels),
        "protected": declared.protected,
        "prune_disabled": declared.prune_disabled,
        "declared": document.declared,
        "resolved": document.resolved,
        "files": dict(document.files),
    }


def _declared(address: Address, values: Mapping[str, Any]) -> Declared:
    return Declared(
        address=address,
        place=Place(*values["place"]),
        digest=values["digest"],
        execution_digest=values["execution_digest"],
        enabled=values["enabled"],
        labels=values["labels"],
        protected=values["protected"],
        prune_disabled=values["prune_disabled"],
        reconcile_disabled=False,
        moved_from=None,
        references=(),
    )


def _document(values: Mapping[str, Any]) -> Document:
    return Document(values["declared"], values["resolved"], values["files"])


class _Blobs:
    """Contents by sha256, decoded when they are asked for."""

    def __init__(self, encoded: Mapping[str, str]) -> None:
        self._encoded = encoded

    def __call__(self, sha256: str) -> bytes:
        return base64.b64decode(self._encoded[sha256], validate=True)
