"""The kustomize of this machine: the program itself, or the one in kubectl."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess

OLDEST = (4, 5)
"""`openapi` in a component, and fields that are made for a prefix."""
NONE = "there is no kustomize of 4.5 or newer, alone or in kubectl"


@functools.cache
def kustomize() -> tuple[str, ...]:
    """The words that build a folder; none when there is no program that is new enough."""
    for words, asking in (
        (("kustomize", "build"), ("kustomize", "version")),
        (("kubectl", "kustomize"), ("kubectl", "version", "--client")),
    ):
        if shutil.which(words[0]):
            said = subprocess.run(asking, capture_output=True, text=True, timeout=100, check=False).stdout
            version = re.search(r"v(\d+)\.(\d+)\.\d+", said.partition("Kustomize Version:")[2] or said)
            if version and (int(version[1]), int(version[2])) >= OLDEST:
                return words
    return ()
