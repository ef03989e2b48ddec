"""Which commit is meant, of what the remote has now?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runner.sources.versions import newest_of
from runner.sources.wanted import Wanted

HEADS, TAGS = "refs/heads/", "refs/tags/"
PEELED = "^{}"
"""After the name of an annotated tag: the commit that it names."""


@dataclass(frozen=True, slots=True)
class Target:
    """`commit` in full. `name` says what named it: `main`, `v1.2.3`, or the commit. `fetch` is what git is
    asked for; `tag` is the name of the tag, when one was followed.
    """

    commit: str
    name: str
    fetch: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class NoTarget:
    """The remote has no such thing; nothing follows from that but that a person should know."""

    message: str


def patterns_of(wanted: Wanted) -> tuple[str, ...]:
    """What the remote is asked to list; empty when nothing need be asked."""
    match wanted.kind:
        case "branch":
            return (HEADS + wanted.name,)
        case "tag":
            return (TAGS + wanted.name, TAGS + wanted.name + PEELED)
        case "semver":
            return (TAGS + "*",)
    return ()


def decide_target(wanted: Wanted, advertised: Mapping[str, str]) -> Target | NoTarget:
    """`advertised`: the names that the remote lists, and the object of each."""
    if wanted.kind == "commit":
        return Target(wanted.name, wanted.name, wanted.name)
    if wanted.kind == "branch":
        ref = HEADS + wanted.name
        if ref not in advertised:
            return NoTarget(f"the remote has no branch {wanted.name}; what is installed stays")
        return Target(advertised[ref], wanted.name, ref)
    tag = wanted.name
    if wanted.kind == "semver":
        tags = {ref.removeprefix(TAGS).removesuffix(PEELED) for ref in advertised if ref.startswith(TAGS)}
        newest = newest_of(tags, wanted.name)
        if newest is None:
            return NoTarget(f"no tag of the remote is a version in {wanted.name!r}; what is installed stays")
        tag = newest
    ref = TAGS + tag
    if ref not in advertised:
        return NoTarget(f"the remote has no tag {tag}; what is installed stays")
    return Target(advertised.get(ref + PEELED, advertised[ref]), tag, ref, tag)
