"""A declarative, GitOps-style job runner: YAML in git becomes recorded, isolated runs.

Jobs in Python say `from runner import Job, Status`. They are loaded when somebody asks for them, and
typed in `__init__.pyi`, so that importing a room of this package imports nothing else.
"""

__all__ = ["Job", "Status"]


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(__import__(f"runner.sdk.{name.lower()}", fromlist=[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
