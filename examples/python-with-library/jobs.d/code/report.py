"""The code of the job quarter-report."""

from datetime import date

import fiscal


def run(day: str, title: str) -> dict:
    """Print the heading of the report; what is returned are the step's outputs."""
    then = date.fromisoformat(day)
    heading = f"{title} {fiscal.business_year(then)}, quarter {fiscal.quarter(then)}"
    print(heading)
    return {"heading": heading, "quarter": fiscal.quarter(then)}
