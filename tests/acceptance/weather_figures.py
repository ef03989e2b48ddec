"""The monthly figures of Seattle's weather, computed without the runner, SQL or floating-point sums.

Run as a program it writes the expected figures, which are committed beside it:
python tests/acceptance/weather_figures.py > tests/acceptance/weather_by_month.csv
"""

from __future__ import annotations

import csv
import sys
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[2]
SOURCE = PROJECT / "jobs.d" / "data" / "seattle-weather.csv"
EXPECTED = Path(__file__).with_name("weather_by_month.csv")


class Month(NamedTuple):
    """One row of `weather_by_month`."""

    month: str
    days: int
    precipitation: Decimal
    warmest: Decimal
    coldest: Decimal
    mean_max: Decimal
    mean_wind: Decimal
    wet_days: int


def months_of(source: Path = SOURCE) -> list[Month]:
    """The figures of each month, in order."""
    days: dict[str, list[dict[str, str]]] = {}
    with source.open(newline="") as file:
        for row in csv.DictReader(file):
            year, month, _ = row["date"].split("/")
            days.setdefault(f"{year}-{month}", []).append(row)
    return [_month(name, days[name]) for name in sorted(days)]


def read_months(path: Path) -> list[Month]:
    """The figures in a CSV file with a heading: the committed ones, or an export."""
    with path.open(newline="") as file:
        return [month_from(row) for row in csv.DictReader(file)]


def month_from(row: dict[str, object]) -> Month:
    """One row, by column, as exact figures."""
    return Month(
        str(row["month"]),
        int(str(row["days"])),
        *(Decimal(str(row[column])).normalize() for column in Month._fields[2:7]),
        int(str(row["wet_days"])),
    )


def _month(name: str, days: list[dict[str, str]]) -> Month:
    rain, high, low, wind = (
        [Decimal(day[column]) for day in days] for column in ("precipitation", "temp_max", "temp_min", "wind")
    )
    return Month(
        month=name,
        days=len(days),
        precipitation=sum(rain, Decimal(0)).normalize(),
        warmest=max(high).normalize(),
        coldest=min(low).normalize(),
        mean_max=_mean(high),
        mean_wind=_mean(wind),
        wet_days=sum(amount > 0 for amount in rain),
    )


def _mean(values: list[Decimal]) -> Decimal:
    exact = sum(values, Decimal(0)) / len(values)
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP).normalize()


def main() -> None:
    """Write the figures as CSV."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(Month._fields)
    for month in months_of():
        writer.writerow([format(value, "f") if isinstance(value, Decimal) else value for value in month])


if __name__ == "__main__":
    main()
