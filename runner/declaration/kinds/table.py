"""Kind → model, in the order of the documentation."""

from __future__ import annotations

from runner.declaration.kinds.authorization import Authorization
from runner.declaration.kinds.calendar import Calendar
from runner.declaration.kinds.connection import Connection
from runner.declaration.kinds.envelope import Envelope
from runner.declaration.kinds.group import Group
from runner.declaration.kinds.inventory import Inventory
from runner.declaration.kinds.job import Job
from runner.declaration.kinds.job_type import JobType
from runner.declaration.kinds.library import Library
from runner.declaration.kinds.runner import Runner
from runner.declaration.kinds.schedule import Schedule

MODELS: dict[str, type[Envelope]] = {
    "Job": Job,
    "Schedule": Schedule,
    "JobType": JobType,
    "Library": Library,
    "Group": Group,
    "Inventory": Inventory,
    "Calendar": Calendar,
    "Connection": Connection,
    "Authorization": Authorization,
    "Runner": Runner,
}
