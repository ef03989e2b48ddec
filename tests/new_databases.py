"""A new database, as the store makes one, without making it anew for every test.

Making one applies every migration that there ever was. That is what tests/store is about; everywhere else
it would be done more than a thousand times in every run of the tests.
"""

from __future__ import annotations

import functools
import tempfile
import uuid
from pathlib import Path

from runner.store.open import open_store
from runner.store.port import Store
from runner.store.sqlite.migrate import create_file


def open_new_store(path: Path, *, busy_timeout_s: float = 30.0) -> Store:
    """The store at `path`, which is made when it is not there; its lineage is its own."""
    if not path.exists():
        made, lineage = _a_new_one()
        create_file(path)
        path.write_bytes(made.replace(lineage, str(uuid.uuid4()).encode()))
    return open_store(path, create=True, busy_timeout_s=busy_timeout_s)


@functools.cache
def _a_new_one() -> tuple[bytes, bytes]:
    """What the file of a new database holds, and the lineage that is in it once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runner.db"
        store = open_store(path, create=True)
        lineage = store.lineage.encode()
        store.close()
        made = path.read_bytes()
        assert not path.with_name("runner.db-wal").exists()
        assert made.count(lineage) == 1
        return made, lineage
