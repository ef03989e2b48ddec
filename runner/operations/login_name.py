"""Who is asking, as the operating system knows it: not what the environment claims."""

from __future__ import annotations

import os
import pwd


def login_name() -> str:
    """The name of the user that this process runs as, or `uid:1234` when that has none."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid:{os.getuid()}"
