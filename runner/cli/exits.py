"""Exit codes, and the one place where an exception becomes a sentence and a code."""

from __future__ import annotations

import sys

import click

from runner.vocabulary.errors import InvalidDeclarations, NotUnderstood, Refused, RunnerError
from runner.vocabulary.printable import printable_lines

SUCCESS = 0
ERROR = 1
CHANGES_PRESENT = 2
REFUSED = 3
PARTIAL = 4
WRONG_USAGE = 64  # EX_USAGE of sysexits.h; 2 would look like "changes present"
WAIT_TIMED_OUT = 124  # as timeout(1)
INTERRUPTED = 130  # 128 + SIGINT


def code_for(problem: BaseException) -> int:
    """The exit code for an exception that ended a command; says on stderr what happened."""
    match problem:
        case click.exceptions.Exit():
            return problem.exit_code
        case SystemExit():
            return problem.code if isinstance(problem.code, int) else ERROR
        case click.exceptions.Abort() | KeyboardInterrupt():
            print("Interrupted.", file=sys.stderr)
            return INTERRUPTED
        case click.MissingParameter() | click.BadParameter():  # click puts each choice on a line of its own
            click.UsageError(" ".join(problem.format_message().split()), problem.ctx).show()
            return WRONG_USAGE
        case click.UsageError():
            problem.show()
            return WRONG_USAGE
        case click.ClickException():
            problem.show()
            return ERROR
        case InvalidDeclarations():
            from runner.cli.views import diagnostics

            diagnostics.show_text(problem.diagnostics, sys.stderr)
            _say("Error", str(problem))
            return ERROR
        case NotUnderstood():
            _say("Error", str(problem))
            return WRONG_USAGE
        case RunnerError():
            _say("Refused" if isinstance(problem, Refused) else "Error", str(problem))
            return REFUSED if isinstance(problem, Refused) else ERROR
        case BrokenPipeError():
            return SUCCESS
        case OSError():
            _say("Error", sentence(problem))
            return ERROR
        case _:
            raise problem


def sentence(problem: BaseException) -> str:
    """What happened; of a file, with its name."""
    if not isinstance(problem, OSError):
        return str(problem)
    place = f"{problem.filename}: " if problem.filename else ""
    return f"{place}{problem.strerror or problem}"


def _say(word: str, message: str) -> None:
    """A message may name what a file or another process gave."""
    print(f"{word}: {printable_lines(message)}", file=sys.stderr)
