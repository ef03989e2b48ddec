"""What does a tree declare now, given what was known of it before? Judges only what changed."""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from runner.loading.between_files import findings_between
from runner.loading.changes import Changes, find_changes, only_removed, without_removed
from runner.loading.findings import Finding, is_error
from runner.loading.memory import Memory
from runner.loading.named_files import names_in, read_named
from runner.loading.resolving import Resolver
from runner.loading.snapshot import ABSENT, Held, Named, Record, Snapshot, pack_record, unpack_record
from runner.loading.walk import Scan, fingerprint_of

# Facts that are nobody else's business: a change of these alone cannot make another object wrong.
_OWN_FACTS = frozenset(("enabled", "labels", "annotations", "pruneDisabled", "reconcileDisabled"))


def build_snapshot(
    scan: Scan, before: Snapshot | None, memory: Memory, *, read_at_ns: int, known: Collection[str] = ()
) -> Snapshot:
    """The snapshot of what `scan` saw. `known` are addresses that exist elsewhere."""
    build = _Build(scan, before, memory, find_changes(scan, before, memory))
    if not build.is_small():
        return build.rebuilt(read_at_ns, known)
    snapshot = build.patched(read_at_ns)
    snapshot.is_worth_saving = not snapshot.is_racy
    return snapshot


class _Build:
    def __init__(self, scan: Scan, before: Snapshot | None, memory: Memory, changes: Changes) -> None:
        self.scan = scan
        self.before = before
        self.memory = memory
        self.changes = changes
        self.named: dict[str, Named] = {}
        self.findings: list[tuple[str, Finding]] = []
        self.altered: set[int] = set()

    def is_small(self) -> bool:
        """Whether every change concerns the changed objects alone: the common case, kept cheap."""
        before, changes, scan = self.before, self.changes, self.scan
        if before is None or not before["summary"][0] or len(changes.now) > 200:
            return False
        if not changes.same_paths and not only_removed(scan, changes):
            return False
        for path, each in before["named"].items():
            if (fingerprint_of(f"{self.memory.root}/{path}") or ABSENT) != tuple(each[0]):
                return False
        return all(_same_to_others(changes.was.get(at), record) for at, record in changes.now.items())

    def patched(self, read_at_ns: int) -> Snapshot:
        """The snapshot from before, with the changed files in it and without those that were removed."""
        before, changes = self.before, self.changes
        assert before is not None
        self.named = self._named_before()
        paths = {self.scan.paths[position] for position in changes.now}
        if changes.removed:
            paths.update(path for path, at in zip(before.paths(), changes.places, strict=True) if at < 0)
        self.findings = [each for each in before["findings"] if each[0] not in paths]
        for position, record in changes.now.items():
            self.findings += [(self.scan.paths[position], finding) for finding in record.findings]
        addresses, owners, digests = before.addresses(), before.owners(), before.digests()
        if changes.places:  # of files that went, or are listed in another order
            addresses, owners, digests = without_removed(changes, addresses, owners, digests)
        if changes.now:
            resolver = Resolver(self.scan.paths, self.memory, self.named, self._special_records())
            resolved = resolver.resolve_all(changes.now)
            for position, record in resolved.items():
                changes.packed[position] = pack_record(record)
                for held in record.held:
                    digests[bisect_left(addresses, held.address)] = held.digest
        return self._snapshot(read_at_ns, addresses, owners, digests, valid=True)

    def rebuilt(self, read_at_ns: int, known: Collection[str]) -> Snapshot:
        """The snapshot made anew from all records."""
        changes = self.changes
        records = {at: unpack_record(packed) for at, packed in enumerate(changes.packed) if packed}
        records.update(changes.now)
        records = {at: records[at] for at in sorted(records, key=lambda at: self.scan.paths[at])}
        inventories = {path for path, _, held, _ in self._names(records) if held.kind == "Inventory"}
        for at, record in records.items():
            if record.held or self.scan.paths[at] not in inventories:  # one in YAML is no declaration
                self.findings += [(self.scan.paths[at], finding) for finding in record.findings]
        files = read_named(self.scan.paths, records, self._named_before(), self.memory)
        self.named = files.named
        self._blank(records, files.changed)
        self.findings += findings_between(self.scan.paths, records, files, self.memory, known)
        errors = [f for _, f in self.findings if is_error(f)]
        valid = not errors and not any(c.severity == "error" for c in self.scan.complaints)
        if valid:
            self._resolve(records)
        for at in self.altered | set(changes.now):
            changes.packed[at] = pack_record(records[at])
        owned = sorted(
            (held.address, at, held.digest) for at, record in records.items() for held in record.held
        )
        return self._snapshot(
            read_at_ns,
            [address for address, _, _ in owned],
            array("q", [at for _, at, _ in owned]),
            [digest for _, _, digest in owned],
            valid=valid,
        )

    def _resolve(self, records: dict[int, Record]) -> None:
        """Fill in the digests that are empty; half of many in the second process, if there is one."""
        special = {at: each for at, each in records.items() if any(h.kind != "Job" for h in each.held)}
        wanted = {at: each for at, each in records.items() if any(not h.digest for h in each.held)}
        self.altered.update(wanted)
        resolver = Resolver(self.scan.paths, self.memory, self.named, special)
        second, theirs = self.memory.second_process(), dict[int, bytes]()
        if second is not None:
            theirs = {at: wanted[at].sha256 for at in sorted(wanted)[len(wanted) // 2 :]}
            fresh = self.memory.fresh
            second.ask(
                "resolve",
                {at: self.scan.paths[at] for at in (*special, *theirs)},
                {path: each.sha256 for path, each in self.named.items() if each.sha256},
                {
                    at: (each.sha256, fresh[each.sha256])
                    for at, each in special.items()
                    if each.sha256 in fresh
                },
                theirs,
            )
        records.update(resolver.resolve_all({at: each for at, each in wanted.items() if at not in theirs}))
        answer = second.answer() if second is not None else None
        if answer is None:
            records.update(resolver.resolve_all({at: wanted[at] for at in theirs}))
        else:
            records.update((at, unpack_record(packed)) for at, packed in answer.items())

    def _special_records(self) -> dict[int, Record]:
        """The records that hold anything but jobs, from the snapshot before."""
        assert self.before is not None
        positions: Iterable[int] = special_owners(self.before)
        if self.changes.places:
            positions = (self.changes.places[at] for at in positions)
        return {at: unpack_record(self.changes.packed[at]) for at in positions if self.changes.packed[at]}

    def _named_before(self) -> dict[str, Named]:
        return {path: Named(*each) for path, each in self.before["named"].items()} if self.before else {}

    def _names(self, records: dict[int, Record]) -> Iterator[tuple[str, int, Held, Any]]:
        return names_in(self.scan.paths, records)

    def _blank(self, records: dict[int, Record], changed_files: set[str]) -> None:
        """Forget the digests of everything that a change may concern."""
        changes = self.changes
        touched = {held.address for at in changes.now for held in changes.now[at].held}
        touched |= {
            held.address for record in (*changes.was.values(), *changes.removed) for held in record.held
        }
        if changed_files:
            touched |= {held.address for path, _, held, _ in self._names(records) if path in changed_files}
        if any(address.startswith("Runner/") for address in touched):
            touched = {held.address for record in records.values() for held in record.held}
        special = [h for record in records.values() for h in record.held if h.kind != "Job"]
        grew = True
        while grew:
            more = {h.address for h in special if not touched.isdisjoint(h.facts["folds"])} - touched
            touched |= more
            grew = bool(more)
        for at, record in records.items():
            for index, held in enumerate(record.held):
                if held.digest and (held.address in touched or not touched.isdisjoint(held.facts["folds"])):
                    record.held[index] = held._replace(digest="", execution_digest="")
                    self.altered.add(at)

    def _snapshot(
        self, read_at_ns: int, addresses: list[str], owners: array[int], digests: list[str], *, valid: bool
    ) -> Snapshot:
        return Snapshot.make(
            scan=self.scan,
            read=self.changes.read,
            racy_after_ns=read_at_ns,
            named=self.named,
            valid=valid,
            digest=digest_of_all(addresses, digests) if valid else "",
            findings=self.findings,
            records=self.changes.packed,
            addresses=addresses,
            owners=owners,
            digests=digests,
        )


def digest_of_all(addresses: Sequence[str], digests: Sequence[str]) -> str:
    """The digest of a whole tree, from its sorted addresses and the digests of its objects."""
    both = "\n".join((*addresses, "", *digests))
    return "sha256:" + hashlib.sha256(both.encode()).hexdigest()


def special_owners(snapshot: Snapshot) -> list[int]:
    """The positions of the files that hold anything but jobs."""
    addresses, owners = snapshot.addresses(), snapshot.owners()
    jobs = slice(bisect_left(addresses, "Job/"), bisect_left(addresses, "Job0"))  # "0" comes after "/"
    return sorted({*owners[: jobs.start], *owners[jobs.stop :]})


def _same_to_others(was: Record | None, now: Record) -> bool:
    """Whether nobody but the file's own jobs can notice the change."""
    if was is None or any(map(is_error, now.findings)) or len(was.held) != len(now.held):
        return False
    return all(
        a.kind == b.kind == "Job" and a.name == b.name and _shared(a.facts) == _shared(b.facts)
        for a, b in zip(was.held, now.held, strict=True)
    )


def _shared(facts: dict[str, Any]) -> dict[str, Any]:
    shared = {key: value for key, value in facts.items() if key not in _OWN_FACTS}
    shared["references"] = sorted(name for name, _ in facts["references"])
    shared["files"] = sorted(name for name, _ in facts["files"])
    return shared
