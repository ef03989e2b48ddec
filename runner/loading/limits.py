"""What is too much: bounds that keep hostile input small, far above anything a person writes."""

from __future__ import annotations

FILE_BYTES = 2**20
"""A declaration, or a file that one names. Kubernetes refuses objects above 1.5 MiB."""

INVENTORY_BYTES = 8 * 2**20
"""The file of an Inventory: 50,000 targets with 160 bytes each."""

INVENTORY_NODES = 1_000_000
"""Scalars, maps and lists of an inventory in YAML."""

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

MAX_INTEGER = 2**53 - 1
"""What every JSON reader keeps exactly (RFC 8259, section 6)."""

MAX_FLOAT = 1e300

DIAGNOSTICS_PER_FILE = 100
"""What a person can read; the rest is counted."""

TREE_ENTRIES = 200_000
"""Files and folders below one root."""

TREE_DEPTH = 40
"""Folders inside each other."""
