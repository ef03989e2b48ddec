"""The second process of a cold load: `python -P -m runner.loading.worker`, asked over its standard input."""

from __future__ import annotations

import sys

from runner.loading.examination import serve

if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
