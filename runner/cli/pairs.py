"""KEY=VALUE words of a command line."""

from __future__ import annotations

from collections.abc import Iterable

import click


def pairs(given: Iterable[str]) -> dict[str, str]:
    """By key; wrong usage for a word without a key, and for a key that comes twice."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{text!r} is not K=V", param_hint="-p")
        if name in found:
            raise click.BadParameter(f"{name!r} is given twice", param_hint="-p")
        found[name] = value
    return found
