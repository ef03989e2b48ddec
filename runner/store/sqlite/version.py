"""What the header of our files says; kept apart so that opening imports no table and no migration."""

from __future__ import annotations

APPLICATION_ID = 0x4A524E52
"""`JRNR`, as `application_id` (see file(1)): tells our database from any other."""

SCHEMA_VERSION = 19
"""The number of the newest migration, kept in the header of the file as `user_version`."""

OLDEST_SQLITE = (3, 37, 0)
"""STRICT tables came with it."""
