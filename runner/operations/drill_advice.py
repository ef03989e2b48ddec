"""What is to be changed in a job that ended otherwise after a kill?"""

from __future__ import annotations

from runner.operations.drill_ends import Difference
from runner.operations.drill_kills import Kill

_LOST = (
    "What the code remembered was lost with its process. Keep in the state what it needs to go on: "
    "status.state of a class, job.state of a function; attributes of self and variables die with the process."
)
_REPEATED = (
    "The work since the last checkpoint was done again, and that changed what is left. Let the second time "
    "do no harm: count from the state and not from what is there, write files whole and rename them, "
    "INSERT … ON CONFLICT."
)
_FILE = (
    "The work since the last checkpoint was done again and wrote to the file again. Write it whole under "
    "another name and rename it at the end; or keep its length in the state, and cut it to that at the start."
)
_STEP = (
    "The step was done again from its beginning, because it had not completed. Let the second time do no "
    "harm, or split the step: each completed step is a checkpoint."
)
_CANNOT_GO_ON = (
    "It could not go on from what is recorded. Look at what prepare (or the beginning of the function) does "
    "when there is a state already; the end of its log is above."
)


def advice(difference: Difference, kill: Kill, *, in_code: bool) -> str:
    """One paragraph. `in_code`: whether the killed step makes checkpoints of its own."""
    if difference.path == "result":
        return _CANNOT_GO_ON
    if not kill.late:
        return _LOST
    if not in_code:
        return _STEP
    return _FILE if difference.path.startswith("files.") else _REPEATED


def unsteady_advice(path: str) -> str:
    """For what differs although nothing was killed: a time, a random number, the order of a set."""
    return (
        f"It differs from run to run without any kill (a time, a random number, an order?), so a drill can "
        f"tell nothing from it. Make it steady, or leave it out: --ignore '{path}'"
    )
