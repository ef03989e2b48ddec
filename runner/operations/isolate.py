"""Which part of a tree with errors can be applied? What is invalid stays as installed, with what needs it.

The tree is loaded once more from a copy in which each invalid document has given way to the last good version
of its object, until nothing is wrong any more. So references are checked by the same rules as always, and
what refers to something that is invalid and was never installed is left out, too.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runner.declaration.built import NOT_BUILT
from runner.declaration.declared import API_VERSION
from runner.loading.location import Location
from runner.loading.reader import read_documents
from runner.loading.tree import Tree, load_tree
from runner.loading.walk import is_declaration
from runner.operations.blobs import blob_path
from runner.operations.reconcile_parts import InstalledNow
from runner.reconcile.agreed import closed
from runner.reconcile.plan import Change, Plan, in_plan_order
from runner.store.objects import ObjectRecord
from runner.store.port import Reader
from runner.vocabulary.diagnostic import Diagnostic
from runner.vocabulary.errors import InvalidDeclarations
from runner.vocabulary.identity import Address, Place

ROUNDS = 50
"""Each leaves out at least one document more; a chain of references is rarely longer than three."""

LEFT_OVER_S = 3600.0
"""No plan takes so long."""

_KEPT_FILE = "zz-runner-last-good.yaml"


@dataclass(slots=True)
class Isolation:
    """The valid part as a tree of its own, and why each other object stays as it is.

    `folder` has the copy; it must live as long as the tree is used.
    """

    tree: Tree
    folder: tempfile.TemporaryDirectory[str]
    kept: Mapping[Address, str]
    """Installed objects that stay as they are installed."""
    absent: Mapping[Address, tuple[str, Place]]
    """Objects that are declared, invalid, and not installed."""

    def in_plan(self, plan: Plan, reader: Reader) -> Plan:
        """The plan without a change of what is kept, without removals, and with a note for each."""
        out = {}
        for position, change in enumerate(plan.changes):
            if not change.counts:
                continue
            if change.address in self.kept:
                out[position] = self.kept[change.address]
            elif change.action == "uninstall":
                out[position] = "nothing is removed while something is invalid"
        part = closed(plan, out, self.tree.objects, InstalledNow(reader)).plan
        told = {change.address for change in part.changes if "left_out" in change.impact}
        notes = [_note(address, why, None) for address, why in self.kept.items() if address not in told]
        notes += [_note(address, why, place) for address, (why, place) in self.absent.items()]
        relocations = tuple(each for each in plan.relocations if each.address not in self.kept)
        changes = in_plan_order([*part.changes, *notes])
        return replace(part, changes=changes, relocations=relocations, tree_digest="")


@dataclass(slots=True)
class _Copy:
    """The tree as it is being made valid."""

    original: Tree
    root: Path
    installed: Mapping[Address, ObjectRecord]
    state: Path
    reasons: dict[Address, str] = field(default_factory=dict)
    places: dict[Address, Place] = field(default_factory=dict)
    substituted: dict[Address, ObjectRecord] = field(default_factory=dict)
    given_up: set[Address] = field(default_factory=set)


def isolate(tree: Tree, reader: Reader, state: Path) -> Isolation:
    """The valid part of a whole source; InvalidDeclarations when there is none to be found."""
    if tree.partial or any(each.rule == NOT_BUILT for each in tree.diagnostics):
        raise InvalidDeclarations(tree.diagnostics)
    _tidy(state)
    records = {record.address: record for record in reader.objects.all() if record.source == tree.source}
    folder = tempfile.TemporaryDirectory(prefix="isolated-", dir=state)
    try:
        copy = _Copy(tree, Path(folder.name, "tree"), records, state)
        _copy_files(tree.root, copy.root)
        found: Tree | None = None
        errors = _errors(tree)
        for _ in range(ROUNDS):
            if not _leave_out(copy, errors):
                break
            _write_last_good(copy)
            found = load_tree(project=tree.root, location=_location(copy))
            errors = _errors(found)
            if not errors:
                break
        if found is None or errors:
            raise InvalidDeclarations(tree.diagnostics)
    except BaseException:
        folder.cleanup()
        raise
    kept = {address: why for address, why in copy.reasons.items() if address in records}
    absent = {
        address: (why, copy.places[address])
        for address, why in copy.reasons.items()
        if address not in records
    }
    return Isolation(found, folder, kept, absent)


def _tidy(state: Path) -> None:
    """Take away what a process that was killed has left."""
    for left in state.glob("isolated-*"):
        if time.time() - left.stat().st_mtime > LEFT_OVER_S:
            shutil.rmtree(left, ignore_errors=True)


def _errors(tree: Tree) -> list[Diagnostic]:
    return [each for each in tree.diagnostics if each.severity == "error"]


def _location(copy: _Copy) -> Location:
    """The copy, as people know the original."""
    return Location(os.path.realpath(copy.root), copy.original.source, copy.original.prefix)


def _copy_files(root: Path, to: Path) -> None:
    """Hard links where the file system has them: nothing is written into a file, only in its place."""
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        target = to / Path(folder).relative_to(root)
        target.mkdir(parents=True, exist_ok=True)
        for name in files:
            source = Path(folder, name)
            if source.is_symlink():
                (target / name).symlink_to(source.readlink())
            elif source.is_file():
                try:
                    (target / name).hardlink_to(source)
                except OSError:
                    shutil.copy2(source, target / name)


def _leave_out(copy: _Copy, errors: Sequence[Diagnostic]) -> bool:
    """Blank each document that has an error; False when there is one that is in no document."""
    by_file: dict[str, list[Diagnostic]] = {}
    for each in errors:
        by_file.setdefault(each.file, []).append(each)
    prefix = _location(copy).prefix
    for shown, wrong in by_file.items():
        name = shown.removeprefix(prefix)
        path = copy.root / name
        if not path.is_file() or not is_declaration(path.name):
            return False
        if path.name == _KEPT_FILE:
            _give_up(copy, path, wrong)
            continue
        _blank(copy, path, shown, wrong)
    return True


def _blank(copy: _Copy, path: Path, shown: str, wrong: Sequence[Diagnostic]) -> None:
    raw = path.read_bytes()
    documents = list(_spans(raw))
    lines = raw.decode("utf-8", "surrogateescape").split("\n")
    whole = not documents or any(not each.line for each in wrong)
    hit = documents if whole else [d for d in documents if any(d[0] <= each.line < d[1] for each in wrong)]
    if not hit:
        hit = documents
    for first, end, content in hit:
        said = next((each for each in wrong if first <= each.line < end), wrong[0])
        address = _address(content)
        if address is not None:
            _keep(copy, address, said, Place(shown, first))
        for number in range(first - 1, min(end - 1, len(lines))):
            lines[number] = lines[number] if lines[number].startswith("---") else ""
    # Whatever this file had installed and does not declare any more may be what cannot be read.
    left = {_address(content) for span in documents if span not in hit for content in (span[2],)}
    for address, record in copy.installed.items():
        if record.file == shown and address not in left and address not in copy.reasons:
            _keep(copy, address, wrong[0], record.place)
    text = "" if whole else "\n".join(lines)
    path.unlink()
    if text.strip("-\n\r\t "):
        path.write_bytes(text.encode("utf-8", "surrogateescape"))


def _keep(copy: _Copy, address: Address, said: Diagnostic, place: Place) -> None:
    if address not in copy.reasons:
        copy.reasons[address] = f"invalid: {said.place}: {said.summary}"
        copy.places[address] = place
    record = copy.installed.get(address)
    if record is not None and address not in copy.given_up:
        copy.substituted[address] = record


def _give_up(copy: _Copy, path: Path, wrong: Sequence[Diagnostic]) -> None:
    """A last good version that is no longer valid beside the rest stays installed, and is not declared."""
    for first, end, content in _spans(path.read_bytes()):
        address = _address(content)
        if address is not None and any(not each.line or first <= each.line < end for each in wrong):
            copy.substituted.pop(address, None)
            copy.given_up.add(address)


def _spans(raw: bytes) -> Iterator[tuple[int, int, Any]]:
    """(first line, line after the last, content) of each document; none when the file cannot be parsed."""
    documents = read_documents(raw, "").documents
    for position, each in enumerate(documents):
        following = documents[position + 1].line if position + 1 < len(documents) else raw.count(b"\n") + 2
        yield each.line, following, each.content


def _address(content: Any) -> Address | None:
    if not isinstance(content, dict) or not isinstance(content.get("metadata"), dict):
        return None
    kind, name = content.get("kind"), content["metadata"].get("name")
    return Address(kind, name) if isinstance(kind, str) and isinstance(name, str) else None


def _write_last_good(copy: _Copy) -> None:
    """The last good versions, each in the folder of its file, with the contents that it names."""
    for path in copy.root.rglob(_KEPT_FILE):
        path.unlink()
    prefix = _location(copy).prefix
    by_folder: dict[Path, list[ObjectRecord]] = {}
    for record in copy.substituted.values():
        folder = (copy.root / record.file.removeprefix(prefix)).parent
        by_folder.setdefault(folder, []).append(record)
        for name, sha256 in record.files.items():
            _put_back(copy, copy.root / name, sha256)
    for folder, records in by_folder.items():
        folder.mkdir(parents=True, exist_ok=True)
        documents = [
            json.dumps({"apiVersion": API_VERSION, "kind": record.kind, **record.declared})
            for record in sorted(records, key=lambda record: record.address)
        ]
        (folder / _KEPT_FILE).write_text("\n---\n".join(documents) + "\n", encoding="utf-8")


def _put_back(copy: _Copy, path: Path, sha256: str) -> None:
    content = blob_path(copy.state, sha256)
    if content.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        shutil.copyfile(content, path)


def _note(address: Address, why: str, place: Place | None) -> Change:
    told = "not installed" if place is not None else "stays as it is installed"
    return Change(
        "note",
        address,
        f"{told}: {why}",
        place,
        impact={"left_alone": True, "left_out": {"action": "keep", "digest": "", "why": why}},
    )
