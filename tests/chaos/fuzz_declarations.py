"""Bytes of any kind as declarations: does the loader, or the plan, ever raise, hang or grow?

    python tests/chaos/fuzz_declarations.py [libFuzzer options] [CORPUS]

Needs `atheris`, which is no dependency of the project. Guided by coverage of what the loader and the plan
run. An input is a finding when anything but a diagnostic comes of it, when it takes more than one second of
CPU time, or (libFuzzer's `-rss_limit_mb`) when memory grows over the limit. Without a corpus the repository's
own declarations are the seeds. For ten minutes: `-max_total_time=600 -rss_limit_mb=600 -max_len=6000`.
"""

# ruff: noqa: E402 -- what is fuzzed is imported while it is instrumented
from __future__ import annotations

import importlib
import json
import pkgutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import atheris

import runner

ROOMS = ("vocabulary", "schedules", "declaration", "loading", "reconcile")

with atheris.instrument_imports(include=["runner"]):
    for room in ROOMS:  # also what is imported only where it is used
        for module in pkgutil.walk_packages([str(Path(runner.__path__[0]) / room)], f"runner.{room}."):
            importlib.import_module(module.name)

from runner.loading.tree import load_stream
from runner.reconcile.make_plan import make_plan
from runner.reconcile.plan import Plan
from runner.reconcile.sides import DeclaredSide, InstalledSide
from runner.vocabulary.diagnostic import has_errors
from runner.vocabulary.errors import InvalidDeclarations

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MOST_S = 1.0
ROOT = Path(__file__).parents[2]
BASE = ROOT / "jobs.d" / "weather"


class Documents(dict):  # type: ignore[type-arg]
    """The documents of a tree, as a plan asks for them."""

    def __init__(self, tree: object) -> None:
        self.tree = tree

    def __missing__(self, address: object) -> object:
        return self.tree.document(address)  # type: ignore[attr-defined]


def one_input(raw: bytes) -> None:
    """Load it as a stream, plan it against nothing, and read the plan back."""
    began = time.process_time()
    tree = load_stream(raw, base=BASE, project=ROOT)
    if not has_errors(tree.diagnostics):
        declared = DeclaredSide(tree.objects, Documents(tree), tree.source, tree.partial, tree.digest)
        try:
            plan = make_plan(declared, InstalledSide(), NOW)
        except InvalidDeclarations:
            return
        assert Plan.from_json(plan.as_json()).digest == plan.digest
    else:
        assert all(each.line >= 0 and each.summary for each in tree.diagnostics)
    took = time.process_time() - began
    if took > MOST_S:
        raise RuntimeError(f"it took {took:.1f} s")


def known_words(schema: object = None) -> set[str]:
    """What an author may write as a key or as one of several values."""
    if schema is None:
        schema = json.loads((ROOT / "schema" / "runner.schema.json").read_text())
    if isinstance(schema, list):
        return set().union(*map(known_words, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    keys = schema.get("properties")
    own = {f"{key}: " for key in keys} if isinstance(keys, dict) else set()
    own |= {str(each) for each in schema.get("enum") or ()}
    own = {word for word in own if word.isascii() and word.isprintable() and not set(word) & set('"\\')}
    return own.union(*map(known_words, schema.values()))


def main() -> None:
    """libFuzzer's loop."""
    arguments = sys.argv[1:]
    if not any(not each.startswith("-") for each in arguments):
        corpus = Path(tempfile.mkdtemp(prefix="corpus-"))
        for number, file in enumerate([*ROOT.glob("examples/**/*.yaml"), *ROOT.glob("jobs.d/**/*.yaml")]):
            (corpus / str(number)).write_bytes(file.read_bytes())
        whole = b"\n---\n".join(file.read_bytes() for file in sorted((ROOT / "jobs.d").glob("**/*.yaml")))
        (corpus / "whole").write_bytes(whole)
        arguments.append(str(corpus))
    if not any(each.startswith("-dict=") for each in arguments):
        words = Path(tempfile.mkdtemp(prefix="words-")) / "words"
        words.write_text("".join(f'"{word}"\n' for word in sorted(known_words())))
        arguments.append(f"-dict={words}")
    atheris.Setup([sys.argv[0], *arguments], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
