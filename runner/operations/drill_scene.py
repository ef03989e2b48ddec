"""Where does a drilled job run? In a scratch database and directory that begin alike for every run of it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.access.permission import Actor
from runner.declaration.templates import has_template
from runner.loading.tree import load_tree
from runner.operations.drill_targets import freeze_some, one_after_the_other
from runner.operations.prepare_trial import Trial, install_trial
from runner.store.open import open_store
from runner.vocabulary.duration import format_size
from runner.vocabulary.errors import Refused
from runner.vocabulary.identity import Address

LARGEST_ROOT = 64 * 2**20
"""Bytes of a root that is copied for every run."""

MOST_FILES = 5_000
"""Files and folders of a root that is copied for every run."""

MOST_TARGETS = 3
"""Of an inventory, unless more are asked for."""

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class CannotBeDrilled(Refused):
    """A drill of this job would do harm, or could not tell anything."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The scratch directory. `state` is where the job runs; `begin` makes it what it was in the beginning.

    `compared` are the folders in it whose files are compared afterwards, by the name that they are given.
    """

    folder: Path
    job: str
    instance_id: int
    compared: Mapping[str, Path]
    notes: tuple[str, ...]
    left_out: str = ""
    """The targets that are not drilled: `497 of 500 targets`."""

    @property
    def state(self) -> Path:
        """Database, logs, copies of files and roots of the present run; the same path for each."""
        return self.folder / "scene"

    def begin(self) -> None:
        """Put everything back. Every run has the same database, the same paths and the same number."""
        if self.state.exists():
            shutil.rmtree(self.state)
        shutil.copytree(self.folder / "beginning", self.state, symlinks=True)


def check_drillable(trial: Trial, *, with_side_effects: bool) -> None:
    """CannotBeDrilled, with what to do, unless a drill of the job does no harm or is wanted all the same."""
    spec, name = trial.document.resolved, trial.declared.address.name
    outside = side_effects(spec)
    if outside and not with_side_effects:
        raise CannotBeDrilled(
            f"Job/{name} uses {', '.join(outside)}; a drill runs it for real, again and again, and kills it "
            "in the middle. Point it at something that may be broken and say --with-side-effects"
        )


def side_effects(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """What the job reaches outside of its scratch directory, in words."""
    found: list[str] = []
    for variable, value in spec["env"].items():
        if isinstance(value, Mapping):
            found.append(f"Authorization/{value.get('authorization')} (env.{variable})")
    for step in spec["steps"]:
        action = step["action"]
        found += [f"Connection/{name} (step {step['name']})" for name in _named("connection", action)]
        found += [f"Authorization/{name} (step {step['name']})" for name in _named("authorization", action)]
        if step["kind"] == "http" and not action.get("connection"):
            method = str(action.get("method") or "GET")
            if method not in _SAFE_METHODS:
                found.append(f"{method} of step {step['name']}")
    return tuple(dict.fromkeys(found))


def set_scene(
    folder: Path,
    trial: Trial,
    *,
    project: Path,
    given: Mapping[str, str],
    slot: str | None,
    with_side_effects: bool,
    actor: Actor,
    now: datetime,
    most_targets: int = MOST_TARGETS,
) -> Scene:
    """Install the job in a new database in `folder`, with copies of the roots that it names.

    It is resumed after a crash there, whatever it declares, and no date ends it: its time is skipped. Of a
    job over an inventory `most_targets` targets are drilled.
    """
    spec = trial.document.resolved
    scene, notes = folder / "scene", []
    scene.mkdir(mode=0o700)
    runner_at, declared = _runner_of(trial, project, now)
    roots, compared = dict(declared), {}
    for name in _roots_named(spec, declared):
        copy, note = _copy_root(name, declared[name], scene, project, with_side_effects)
        notes += [note] if note else []
        if copy is not None:
            roots[name] = {**declared[name], "path": str(copy)}
            if declared[name].get("access") == "write":
                compared[name] = copy
    address = trial.declared.address
    job: dict[str, Any] = {"onCrash": "resume", "deadline": None, "validUntil": None}
    if spec.get("tasks"):
        job["tasks"] = one_after_the_other(spec["tasks"])
    instead: dict[Address, Mapping[str, Any]] = {address: {k: v for k, v in job.items() if k in spec}}
    if runner_at is not None:
        instead[runner_at] = {"roots": roots}
    store = open_store(scene / "runner.db", create=True)
    try:
        start = install_trial(
            store,
            scene,
            trial,
            project=project,
            step=None,
            given=given,
            slot=slot,
            actor=actor,
            now=now,
            instead=instead,
        )
        left_out = ""
        if spec.get("tasks"):
            has, count, note = freeze_some(
                store, start.id, {**spec, "tasks": job["tasks"]}, scene,
                most=most_targets, zone=_zone_of(trial, runner_at), who=str(actor), now=now,
            )  # fmt: skip
            notes += [note] if note else []
            left_out = f"{count - has} of {count} targets" if has < count else ""
    finally:
        store.close()
    if spec.get("keepWorkdir"):
        compared["workdir"] = scene / "work" / str(start.id)
    if spec["onCrash"] != "resume":
        notes.append(
            "the job declares `onCrash: fail`, so after a crash it fails and does not go on. What is drilled "
            "is how it goes on after a bounce or a pause that was forced, and what it would do with "
            "`onCrash: resume`"
        )
    scene.rename(folder / "beginning")
    return Scene(folder, start.job, start.id, compared, tuple(notes), left_out)


def _runner_of(
    trial: Trial, project: Path, now: datetime
) -> tuple[Address | None, Mapping[str, Mapping[str, Any]]]:
    """The Runner that is declared, and its roots; also when only the file of the job was loaded."""
    tree = trial.tree
    if tree.partial:
        tree = load_tree(tree.root, project=project, now=now)
    address = next((each for each in tree.objects if each.kind == "Runner"), None)
    if address is None:
        return None, {}
    return address, tree.document(address).resolved.get("roots") or {}


def _zone_of(trial: Trial, runner_at: Address | None) -> str:
    if runner_at is None or runner_at not in trial.tree.objects:
        return "UTC"
    return str(trial.tree.document(runner_at).resolved.get("timezone") or "UTC")


def _roots_named(spec: Mapping[str, Any], declared: Mapping[str, Any]) -> Sequence[str]:
    """Those that the steps name; all, when an expression says which."""
    names = [name for step in spec["steps"] for name in _named("root", step["action"])]
    if any(has_template(name) for name in names):
        return tuple(declared)
    return tuple(dict.fromkeys(name for name in names if name in declared))


def _copy_root(
    name: str, root: Mapping[str, Any], scene: Path, project: Path, with_side_effects: bool
) -> tuple[Path | None, str]:
    """The copy, and what is to be told; None when the root itself is used."""
    real = (project / root["path"]).resolve()
    copy = scene / "roots" / name
    if not real.is_dir():
        if Path(root["path"]).is_absolute():
            return None, f"root {name} ({real}) does not exist"
        copy.mkdir(parents=True)
        return copy, ""
    size, count = _measured(real)
    if size <= LARGEST_ROOT and count <= MOST_FILES:
        shutil.copytree(real, copy, symlinks=True, ignore=_special)
        return copy, ""
    large = f"root {name} ({real}) is too large to be copied for every run ({_told(size, count)})"
    if root.get("access") != "write":
        return None, f"{large}; it is only read, so the real one is used"
    if not with_side_effects:
        raise CannotBeDrilled(
            f"{large}, and the job may write there; give it a smaller folder for the drill, or let it write "
            "to the real one with --with-side-effects"
        )
    return None, f"{large}; the real one is used, and what is in it is not compared"


def _measured(folder: Path) -> tuple[int, int]:
    """Bytes and number of files and folders, as far as it is not too large anyway."""
    size = count = 0
    for path in _beneath(folder):
        count += 1
        found = path.lstat()
        size += found.st_size if stat.S_ISREG(found.st_mode) else 0
        if size > LARGEST_ROOT or count > MOST_FILES:
            break
    return size, count


def _told(size: int, count: int) -> str:
    return (
        f"more than {format_size(LARGEST_ROOT)}" if size > LARGEST_ROOT else f"more than {MOST_FILES} files"
    )


def _beneath(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(place, name)


def _special(place: str, names: list[str]) -> list[str]:
    """Pipes, sockets and devices: nobody copies them."""
    kinds = {name: Path(place, name).lstat().st_mode for name in names}
    return [n for n, m in kinds.items() if not (stat.S_ISREG(m) or stat.S_ISDIR(m) or stat.S_ISLNK(m))]


def _named(key: str, part: Any) -> list[str]:
    """The texts that stand at this key, anywhere in an action."""
    if isinstance(part, Mapping):
        own = [part[key]] if isinstance(part.get(key), str) else []
        return [*own, *(name for each in part.values() for name in _named(key, each))]
    if isinstance(part, list | tuple):
        return [name for each in part for name in _named(key, each)]
    return []
