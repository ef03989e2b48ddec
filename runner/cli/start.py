"""Where the program begins: what does a Ctrl-C mean while it is still being loaded?"""

from __future__ import annotations

import sys


def main() -> None:
    """Run one command; a Ctrl-C before it was loaded is told like any later one, and not as a traceback."""
    try:
        from runner.cli.main import main as run
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        sys.exit(130)  # exits.INTERRUPTED, which may not be loaded
    run()
