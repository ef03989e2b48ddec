from runner.sdk.job import Job as Job
from runner.sdk.status import Status as Status

__all__ = ["Job", "Status"]
