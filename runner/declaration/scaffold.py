"""What does a new declaration look like? Valid as it is, with the fields that people change first."""

from __future__ import annotations

from runner.declaration.declared import API_VERSION

_SPECS = {
    "Job": """\
spec:
  description: What this job does
  enabled: true            # leave it out, and an operator decides
  schedule: "0 2 * * *"    # minute hour day month weekday; or every: 15m as a mapping
  timeout: 10m
  steps:
    - name: hello
      shell: echo "Hello from {name}"
""",
    "Schedule": """\
spec:
  cron: "0 2 * * *"        # minute hour day month weekday
  timezone: UTC
""",
    "JobType": """\
spec:
  description: What jobs of this type have in common
  defaults:
    timeout: 30m
    retry: once
""",
    "Library": """\
spec:
  description: Functions that jobs share
  file: {module}.py        # beside this file; jobs import it as {module}
""",
    "Group": """\
spec:
  description: Which jobs are switched together
  enabled: true            # leave it out, and an operator decides
""",
    "Inventory": """\
spec:
  description: What jobs fan out over
  targets:                 # or file: {name}.csv, beside this file, with a column name
    {name}-1: {{host: 192.0.2.1}}
""",
    "Calendar": """\
spec:
  description: "Dates that schedules leave out with calendars: [{name}]"
  dates:
    new-year: "01-01"      # every year; or "2027-01-01", or {{from: "2026-12-24", to: "2026-12-26"}}
""",
    "Connection": """\
spec:
  description: What is there
  url: sqlite:///{name}.db # without a password: that comes from an Authorization
""",
    "Authorization": """\
spec:
  config:
    user: {name}
    password: {{from: {{env: {variable}}}}}   # or file, or systemdCredential
""",
    "Runner": """\
spec:
  timezone: UTC
  parallel: 5              # instances at the same time
  roots:
    data: {{path: data, access: write}}
""",
}


LIBRARY_CODE = '''\
"""Functions that jobs share."""


def greeting(name: str) -> str:
    """A line for the log."""
    return f"Hello {name}"
'''


def library_file(name: str) -> str:
    """The file that a new Library names, beside its declaration."""
    return name.replace("-", "_") + ".py"


def scaffold(kind: str, name: str) -> str:
    """The YAML of a new object; KeyError for an unknown kind. `name` must be an object name."""
    head = f"apiVersion: {API_VERSION}\nkind: {kind}\nmetadata:\n  name: {_scalar(name)}\n"
    values = {
        "name": name,
        "module": library_file(name).removesuffix(".py"),
        "variable": _variable(name),
    }
    spec = _SPECS[kind].format(**values)
    if kind == "Authorization" and _scalar(name) != name:
        spec = spec.replace(f"user: {name}", f"user: {_scalar(name)}")
    return head + spec


def _variable(name: str) -> str:
    """The environment variable for a password: like every such name, it does not begin with a digit."""
    variable = name.replace("-", "_").upper() + "_PASSWORD"
    return variable if variable[0].isalpha() else f"_{variable}"


def _scalar(name: str) -> str:
    """The name as YAML text: `7`, `0x1f`, `1e3` and `null` would be read as something else."""
    plain = name[0].isalpha() and name not in ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
    return name if plain else f'"{name}"'
