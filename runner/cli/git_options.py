"""The options that name a git source on a command line, checked before anything is done."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from runner.sources.settings import INTERVAL, MAIN, PATH, TIMEOUT, SourceSettings, settings_of
from runner.sources.wanted import wanted_from
from runner.vocabulary.duration import parse_duration

R = TypeVar("R")


def git_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add `--git` and what goes with it; the command gets them as `git: SourceSettings | None`."""

    @click.option("--git", "url", metavar="URL", default=None, help="Follow this repository instead of PATH.")
    @click.option(
        "--ref", default=None, metavar="REF", help="Branch, tag:NAME, semver:RANGE or commit. [default: main]"
    )
    @click.option(
        "--path", "folder", default=None, metavar="DIR", help=f"In the repository. [default: {PATH}]"
    )
    @click.option(
        "--interval", default=None, metavar="DURATION", help=f"Between looks. [default: {INTERVAL}]"
    )
    @click.option("--authorization", default=None, metavar="NAME", help="An installed Authorization.")
    @click.option(
        "--allowed-signers", default=None, metavar="FILE", help="Apply only what these ssh keys signed."
    )
    @click.option(
        "--pgp-keys", default=None, metavar="FILE", help="Apply only what these OpenPGP keys signed."
    )
    @click.option(
        "--verify",
        type=click.Choice(["commit", "each-commit", "tag"]),
        default=None,
        help="What must be signed.",
    )
    @click.option(
        "--ca-file", default=None, metavar="FILE", help="Certificates (PEM) that the remote may have."
    )
    @functools.wraps(command)
    def with_git(*args: Any, **options: Any) -> R:
        url = options.pop("url")
        given = {
            name: options.pop(name)
            for name in (
                "ref",
                "folder",
                "interval",
                "authorization",
                "allowed_signers",
                "pgp_keys",
                "verify",
                "ca_file",
            )
        }
        if url is None:
            alone = [name for name, value in given.items() if value is not None]
            if alone:
                name = "path" if alone[0] == "folder" else alone[0].replace("_", "-")
                raise click.UsageError(f"--{name} goes with --git URL")
            return command(*args, git=None, **options)
        return command(*args, git=_source(url, given), **options)

    return with_git


def _source(url: str, given: dict[str, Any]) -> SourceSettings:
    wanted = _checked("--ref", lambda: wanted_from(given["ref"] or "main"))
    interval = given["interval"] or INTERVAL
    _checked("--interval", lambda: parse_duration(interval))
    signers, keys, ca_file = (
        str(Path(name).absolute()) if name else None
        for name in (given["allowed_signers"], given["pgp_keys"], given["ca_file"])
    )
    if given["verify"] and not (signers or keys):
        raise click.UsageError("--verify goes with --allowed-signers, --pgp-keys or both")
    verify = {"what": given["verify"] or "commit", "allowedSigners": signers, "pgpKeys": keys}
    declared = {
        "url": url,
        "ref": {wanted.kind: wanted.name},
        "path": given["folder"] or PATH,
        "interval": interval,
        "timeout": TIMEOUT,
        "authorization": given["authorization"],
        "caFile": ca_file,
        "verify": verify if signers or keys else None,
        "webhook": None,
    }
    found: SourceSettings = _checked("--git", lambda: settings_of(MAIN, declared))
    return found


def _checked(option: str, check: Callable[[], Any]) -> Any:
    try:
        return check()
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint=option) from None
