"""Which JobTypes come with the program?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from runner.declaration.declared import SHIPPED_JOB_TYPES


@cache
def shipped_type(name: str) -> Mapping[str, Any]:
    """The document of a shipped JobType; KeyError for any other name. Not to be changed by the caller."""
    if name not in SHIPPED_JOB_TYPES:
        raise KeyError(name)
    from ruamel.yaml import YAML

    text = files("runner.declaration.shipped").joinpath(f"{name}.yaml").read_text("utf-8")
    document: dict[str, Any] = YAML(typ="safe").load(text)
    return document
