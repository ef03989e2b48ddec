"""10,000 declarations: how long does loading them take, against floors measured in the same run?

    python benchmarks/plan_10k.py [FILES]

- unchanged: the whole load, against scandir and stat of the same tree (issue figure: plan within 3 x);
- one changed: what one changed file adds, the parser's import apart (figure: 20 ms);
- cold: the whole load in a process of its own, imports and both cores included, against ruamel's C loader
  alone in one process (figure: 1.4 x).
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

JOB = """\
apiVersion: jobs.runner/v1
kind: Job
metadata:
  name: job-{number}
  labels: {{team: bi}}
spec:
  version: "1.4"
  description: Sum yesterday's sales into the daily table
  type: standard
  enabled: true
  schedule:
    cron: "{minute} 2 * * *"
    timezone: Europe/Zurich
  inputs:
    region: {{type: string, default: north, choices: [north, south], description: Sales region}}
  with: {{region: south}}
  retry: backoff
  timeout: 30m
  steps:
    - name: aggregate
      shell: ["echo", "hello"]
    - name: export
      shell: |
        echo "$REGION"
        true
      onFailure: retry
"""
RUNS = 9
_C_LOADER = """
import sys, time
from pathlib import Path
from ruamel.yaml.cyaml import CSafeLoader
files = [path.read_bytes() for path in Path(sys.argv[1]).rglob("*.yaml")]
began = time.perf_counter()
for content in files:
    CSafeLoader(content).get_single_data()
print(time.perf_counter() - began)
"""
_LOAD = """
import sys, time
began = time.perf_counter()
from pathlib import Path
from runner.loading.tree import load_tree
project = Path(sys.argv[1])
tree = load_tree(project / "jobs.d", project=project, state=project / ".runner")
assert len(tree.objects) == int(sys.argv[2]), tree.diagnostics[:3]
print(time.perf_counter() - began)
"""


def make_tree(jobs: Path, files: int) -> None:
    """`files` jobs in folders of a hundred, last changed an hour ago."""
    an_hour_ago = time.time() - 3600
    for number in range(files):
        folder = jobs / f"team-{number // 100}"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"job-{number}.yaml"
        file.write_text(JOB.format(number=number, minute=number % 60))
        os.utime(file, (an_hour_ago, an_hour_ago))


def scan_and_stat(root: Path) -> None:
    """The floor: what the operating system needs to say what is there."""
    folders = [str(root)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def in_a_process(program: str, *arguments: str) -> float:
    command = [sys.executable, "-P", "-c", program, *arguments]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(files: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        project = Path(made)
        jobs, state = project / "jobs.d", project / ".runner"
        state.mkdir(mode=0o700)
        make_tree(jobs, files)

        cold, loader = [], []
        for _ in range(3):
            shutil.rmtree(state / "cache", ignore_errors=True)
            loader.append(in_a_process(_C_LOADER, str(jobs)))
            cold.append(in_a_process(_LOAD, str(project), str(files)))
        time.sleep(2.1)  # files and folders made within the last instants are looked at twice

        from runner.loading.tree import load_tree

        def load() -> object:
            return load_tree(jobs, project=project, state=state)

        load()
        took: dict[str, list[float]] = {name: [] for name in ("floor", "unchanged", "changed", "removed")}
        for run in range(RUNS):  # in turns, so that a busy moment of the machine meets all of them
            took["floor"].append(timed(lambda: scan_and_stat(jobs)))
            took["unchanged"].append(timed(load))
            file = jobs / "team-0" / f"job-{run}.yaml"
            file.write_text(file.read_text().replace("30m", "45m"))
            took["changed"].append(timed(load))
            (jobs / "team-1" / f"job-{100 + run}.yaml").unlink()
            took["removed"].append(timed(load))
            time.sleep(0.05)
            load()
        floor, unchanged, changed, removed = (statistics.median(each) * 1000 for each in took.values())

    print(f"{files} files, {os.cpu_count()} cores, medians of {RUNS}")
    print(f"scandir and stat          {floor:8.1f} ms")
    print(f"load, unchanged           {unchanged:8.1f} ms   {unchanged / floor:.2f} x scandir and stat")
    print(f"load, one file changed    {changed:8.1f} ms   {changed - unchanged:+.1f} ms")
    print(f"load, one file removed    {removed:8.1f} ms   {removed - unchanged:+.1f} ms")
    print(f"ruamel's C loader alone   {min(loader) * 1000:8.0f} ms")
    print(
        f"load, cold, all imports   {min(cold) * 1000:8.0f} ms   {min(cold) / min(loader):.2f} x the C loader"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
