"""Loads each of the trees 0, 1, … in a folder, and says what that took: run as a process of its own."""

from __future__ import annotations

import json
import sys
import time
from itertools import count
from pathlib import Path

from runner.loading.tree import load_tree


def peak_kib() -> int:
    """Not ru_maxrss: that survives exec, so it also counts the process that started this one."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def main(folder: Path) -> None:
    load_tree(folder / "warm", project=folder)  # imports are not what is measured
    for number in count():
        if not (folder / str(number)).is_dir():
            return
        began = time.process_time()
        tree = load_tree(folder / str(number), project=folder)
        took = time.process_time() - began
        errors = [d for d in tree.diagnostics if d.severity == "error"]
        report = {
            "cpu_s": took,
            "peak_mib": peak_kib() // 1024,
            "rules": sorted({d.rule for d in errors}),
            "count": len(tree.diagnostics),
            "longest": max((len(d.detail) + len(d.source) for d in tree.diagnostics), default=0),
            "objects": len(tree.objects),
        }
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
