"""Rules for git sources: what git is given can be nothing but an address and a name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from runner.declaration.problem import Path, Problem
from runner.declaration.rules.wording import exactly_one
from runner.declaration.written import mapping
from runner.sources.remote import parse_remote
from runner.sources.settings import checked_path
from runner.sources.wanted import KINDS, Kind, wanted


def sources(path: Path, given: Any) -> Iterator[Problem]:
    """Of `spec.sources` of the Runner."""
    for name, each in mapping(given).items():
        git = mapping(each).get("git")
        if isinstance(git, Mapping):
            yield from _git((*path, name, "git"), git)


def _git(path: Path, git: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _checked((*path, "url"), git.get("url"), parse_remote, "bad-url", "Bad URL")
    yield from _checked((*path, "path"), git.get("path"), checked_path, "bad-path", "Bad path")
    ref = git.get("ref")
    kind: Kind = "branch"
    if isinstance(ref, Mapping):
        yield from exactly_one((*path, "ref"), ref, KINDS, "ref")
        kind = next((each for each in KINDS if each in ref), kind)
        check = partial(wanted, kind)
        yield from _checked((*path, "ref", kind), ref.get(kind), check, "bad-ref", "Bad ref")
    url = git.get("url")
    if "caFile" in git and isinstance(url, str) and not url.startswith("https://"):
        detail = "certificates prove an https remote alone"
        yield Problem((*path, "caFile"), "bad-combination", "Does not fit", detail, "take caFile away")
    verify = git.get("verify")
    if isinstance(verify, Mapping):
        if "allowedSigners" not in verify and "pgpKeys" not in verify:
            detail = "verify needs allowedSigners, pgpKeys or both: nobody could have signed otherwise"
            yield Problem((*path, "verify"), "one-of", "One field is missing", detail)
        if verify.get("what") == "tag" and kind not in ("tag", "semver"):
            detail = "a branch and a commit have no tag that could be signed"
            hint = "follow a tag or semver, or verify what: commit"
            yield Problem((*path, "verify", "what"), "bad-combination", "Does not fit", detail, hint)
        if verify.get("what") == "each-commit" and kind == "commit":
            detail = "a commit that is named in full has none before it that was applied"
            hint = "follow a branch or a tag, or verify what: commit"
            yield Problem((*path, "verify", "what"), "bad-combination", "Does not fit", detail, hint)
    elif isinstance(git.get("url"), str):
        yield from _certain((*path, "url"), git["url"])


def _checked(
    path: Path, value: Any, check: Callable[[str], Any], rule: str, summary: str
) -> Iterator[Problem]:
    if not isinstance(value, str):
        return
    try:
        check(value)
    except ValueError as problem:
        yield Problem(path, rule, summary, str(problem))


def _certain(path: Path, url: str) -> Iterator[Problem]:
    try:
        remote = parse_remote(url)
    except ValueError:
        return
    if not remote.proves_itself:
        detail = f"over {remote.scheme}:// anybody on the way may answer"
        yield Problem(path, "bad-url", "Bad URL", detail, "use https or ssh, or declare verify")
