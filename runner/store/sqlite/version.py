"""Which tables this program knows; kept apart so that opening imports no migration."""

from __future__ import annotations

SCHEMA_VERSION = 15
"""The number of the newest migration, kept in the header of the file as `user_version`."""

OLDEST_SQLITE = (3, 37, 0)
"""STRICT tables came with it."""
