"""How is a line of a crontab declared, so that it runs as cron ran it?"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from runner.crontab.days import calendar_name
from runner.crontab.lines import ENV_NAME, MAIL, Entry, comments_as_text
from runner.crontab.times import Ours
from runner.declaration.declared import API_VERSION
from runner.vocabulary.printable import printable

CRON_PATH = "/usr/bin:/bin"
"""What cron sets when the crontab does not (crontab(5))."""

_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash"})
_PLAIN = re.compile(r"[A-Za-z/_][A-Za-z0-9/_.@+ -]*[A-Za-z0-9/_.@+-]|[A-Za-z/_]")
_WORDS_OF_YAML = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What an importer decides for all lines: is the job enabled, in which group, as whom, in which zone."""

    enabled: bool
    group: str | None
    zone: str
    user: str | None
    """Of a user's crontab, when it is known."""
    origin: str
    """Where the crontab is, as its reader would name it."""


def job_text(entry: Entry, name: str, ours: Ours | None, wish: Wish) -> str:
    """The YAML of one job; `ours` is when it starts, None for `@reboot`."""
    return "".join(
        f"{line}\n" for line in (*_head(entry, wish), *_metadata(entry, name), *_spec(entry, ours, wish))
    )


def group_text(name: str, origin: str) -> str:
    """The YAML of the group that imported jobs are in."""
    lines = [
        f"apiVersion: {API_VERSION}",
        "kind: Group",
        "metadata:",
        f"  name: {scalar(name)}",
        "spec:",
        f"  description: {scalar(f'Imported from {origin}')}",
        "  enabled: true",
    ]
    return "".join(f"{line}\n" for line in lines)


def _head(entry: Entry, wish: Wish) -> list[str]:
    return [f"# Imported from {printable(wish.origin)}, line {entry.line}:", f"#   {printable(entry.text)}"]


def _metadata(entry: Entry, name: str) -> list[str]:
    lines = [f"apiVersion: {API_VERSION}", "kind: Job", "metadata:", f"  name: {scalar(name)}"]
    mail = [key for key in MAIL if key in entry.settings]
    if mail:
        lines.append("  annotations:")
        lines += [f"    cron/{key.lower().replace('_', '-')}: {scalar(entry.settings[key])}" for key in mail]
    return lines


def _spec(entry: Entry, ours: Ours | None, wish: Wish) -> list[str]:
    description = comments_as_text(entry.comments) or f"From {wish.origin}, line {entry.line}"
    lines = [
        "spec:",
        *_block("description", description, "  "),
        f"  enabled: {str(wish.enabled).lower()}",
        *_schedule(entry, ours, wish),
    ]
    if wish.group:
        lines.append(f"  groups: [{scalar(wish.group)}]")
    lines += [
        "  # As cron does it: every start runs; nothing is caught up, tried again or ended.",
        "  concurrency: {policy: allow}",
        "  missed: {policy: none}",
        "  retry: none",
        "  failAfter: never",
        "  onCrash: fail",
        "  timeout: null",
        "  deadline: null",
    ]
    user = entry.user or wish.user
    if user:
        lines.append(f"  runAs: {scalar(user)}")
    lines += ["  env:", *(f"    {key}: {scalar(value)}" for key, value in env_of(entry, user).items())]
    lines += ["  steps:", "    - name: command", *_block("shell", _script(entry), "      ")]
    return lines


def _schedule(entry: Entry, ours: Ours | None, wish: Wish) -> list[str]:
    if ours is None:
        return ["  schedule:", "    trigger: {startup: {}}"]
    zone = scalar(zone_of(entry, wish))
    lines = ["  schedule:", f"    cron: {json.dumps(ours.cron)}", f"    timezone: {zone}"]
    if ours.only_days:
        lines.append(f"    calendars: [{calendar_name(ours.only_days)}]")
    delay = entry.settings.get("RANDOM_DELAY", "")
    if delay.isascii() and delay.isdigit() and int(delay[:6]) > 0:
        lines.append(f"    jitter: {int(delay[:6])}m")
    return lines


def zone_of(entry: Entry, wish: Wish) -> str:
    """The zone of its schedule: cronie's CRON_TZ, else cron's own."""
    return entry.settings.get("CRON_TZ") or wish.zone


def env_of(entry: Entry, user: str | None) -> Mapping[str, str]:
    """What cron puts into the command's environment, but for HOME, which `runAs` and the daemon set."""
    env = {"SHELL": _shell(entry), "PATH": CRON_PATH}
    if user:
        env["LOGNAME"] = user
    for key, value in entry.settings.items():
        if key not in MAIL and not (key == "LOGNAME" and user) and ENV_NAME.fullmatch(key):
            env[key] = value
    return env


def _shell(entry: Entry) -> str:
    return entry.settings.get("SHELL") or "/bin/sh"


def _script(entry: Entry) -> str:
    """The command as cron runs it: in the home directory, without `-e`, its input from the line.

    A first line that names the shell keeps the step from adding `-e`.
    """
    shell = _shell(entry)
    known = shell.rpartition("/")[2] in _SHELLS and re.fullmatch(r"/[A-Za-z0-9/_.-]+", shell)
    home = 'cd "$HOME"'
    if known and entry.stdin is None:
        return f"#!{shell}\n{home}\n{entry.command.strip()}\n"
    ran = f"exec {shlex.quote(shell)} -c {shlex.quote(entry.command.strip())}"
    if entry.stdin is None:
        return f"#!/bin/sh\n{home}\n{ran}\n"
    end = "END_OF_INPUT"
    while end in entry.stdin.split("\n"):
        end += "_"
    return f"#!/bin/sh\n{home}\n{ran} <<'{end}'\n{entry.stdin}{end}\n"


def _block(key: str, text: str, indent: str) -> list[str]:
    """`key: text` on one line, or as a literal block."""
    if "\n" not in text.rstrip("\n") or any(not (c.isprintable() or c in "\n\t") for c in text):
        return [f"{indent}{key}: {scalar(text.rstrip(chr(10)) if key == 'description' else text)}"]
    kept = "|" if text.endswith("\n") else "|-"
    body = [f"{indent}  {line}" if line else "" for line in text.rstrip("\n").split("\n")]
    return [f"{indent}{key}: {kept}", *body]


def scalar(text: str) -> str:
    """A text as YAML reads it back: plain where nothing can be meant by it, else quoted as JSON does."""
    if (
        _PLAIN.fullmatch(text)
        and text.lower() not in _WORDS_OF_YAML
        and ": " not in text
        and " #" not in text
    ):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) < 0x10000 else c for c in quoted)
