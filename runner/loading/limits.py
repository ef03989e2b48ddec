"""What is too much: bounds that keep hostile input small, far above anything a person writes."""

from __future__ import annotations

FILE_BYTES = 2**20
"""A declaration, or a file that one names. Kubernetes refuses objects above 1.5 MiB."""

STREAM_BYTES = 16 * 2**20
"""What is read from standard input: `kustomize build` writes a whole tree as one stream."""

NODES = 50_000
"""Scalars, maps and lists of one document, aliases expanded."""

DEPTH = 64
"""Maps and lists inside each other."""

DOCUMENTS = 20_000
"""Documents in one file or stream."""

ALIASES = 1_000
"""Uses of an anchor in one document."""

INTEGER_DIGITS = 19
"""Digits of the largest 64-bit integer; longer ones are not numbers that any field takes."""

DIAGNOSTICS_PER_FILE = 100
"""What a person can read; the rest is counted."""

TREE_ENTRIES = 200_000
"""Files and folders below one root."""

TREE_DEPTH = 40
"""Folders inside each other."""
