"""The business year begins in October."""

from datetime import date


def business_year(day: date) -> int:
    """The year in which the business year of `day` ends."""
    return day.year + (day.month >= 10)


def quarter(day: date) -> int:
    """1 to 4, counted from October."""
    return (day.month - 10) % 12 // 3 + 1
