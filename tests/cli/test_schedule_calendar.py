"""`runner schedule calendar` as text, JSON, iCalendar and picture."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from icalendar import Calendar
from installations import Installation, a_job, an_object

PAGE = Path(__file__).parents[2] / "docs" / "schedules.md"
NIGHTLY = ("import", "ledger", "report")
WEEKEND = ("schedule", "calendar", "--from", "2027-03-27", "--days", "2")


@pytest.fixture
def calendar(here: Installation, say: Callable) -> Callable:
    """The weekend on which clocks are put forward, with more jobs than places."""
    here.install(an_object("Runner", "runner", {"parallel": 2, "timezone": "Europe/Berlin"}))
    here.install(
        *(a_job(name, schedule={"cron": "30 2 * * sun", "timezone": "Europe/Berlin"}) for name in NIGHTLY)
    )
    here.install(a_job("tokyo", schedule={"cron": "0 9 * * sat", "timezone": "Asia/Tokyo"}))
    here.install(a_job("heartbeat", schedule={"every": "5m"}), a_job("cleanup"))
    here.hold("cleanup", "operator")
    return lambda output="text": say(*WEEKEND, "-o", output)


def test_people_read_days_local_times_and_what_is_special(calendar: Callable) -> None:
    _, _, rest = PAGE.read_text("utf-8").partition(f"```text\nrunner {' '.join(WEEKEND)}\n\n")
    shown, _, _ = rest.partition("```")
    assert shown
    printed = calendar().out
    assert printed == shown


def test_a_long_list_is_cut_and_the_rest_counted(here: Installation, say: Callable) -> None:
    here.install(*(a_job(f"beat-{n:02}", schedule={"every": "5m"}) for n in range(33)))
    assert (
        "and 3 more jobs that start often (-o json has all)" in say("schedule", "calendar").out.splitlines()
    )


def test_scripts_read_the_same(calendar: Callable) -> None:
    found = calendar("json").json
    assert list(found) == [
        "from", "to", "zone", "parallel", "pile_ups_until", "starts", "often", "held", "changes", "pile_ups",
    ]  # fmt: skip
    assert [found["from"], found["to"]] == ["2027-03-26T23:00:00.000Z", "2027-03-28T23:00:00.000Z"]
    assert [start["job"] for start in found["starts"]] == ["tokyo", *NIGHTLY]
    assert found["starts"][1]["slots"] == ["2027-03-28T02:30[Europe/Berlin]"]
    assert found["changes"][0]["kind"] == "gap"
    assert found["held"] == [{"job": "cleanup", "hold": "operator", "owner": "bob", "until": None}]


def test_calendars_of_people_can_read_it(calendar: Callable) -> None:
    text = calendar("ics").out
    read = Calendar.from_ical(text)
    events = list(read.walk("VEVENT"))
    summaries = [str(event["SUMMARY"]) for event in events]
    assert summaries == ["tokyo", *NIGHTLY, "heartbeat (often)", "pile-up"]
    first = next(event for event in events if event["SUMMARY"] == "import")
    assert first.decoded("DTSTART") == datetime(2027, 3, 28, 1, tzinfo=UTC)
    assert len({str(event["UID"]) for event in events}) == len(events)
    assert all(event.errors == [] for event in events)
    assert all(len(line.encode()) <= 75 for line in text.splitlines())
    again = Calendar.from_ical(calendar("ics").out)
    assert {str(e["UID"]) for e in again.walk("VEVENT")} == {str(e["UID"]) for e in events}


def test_a_skipped_start_is_an_event_that_is_cancelled(here: Installation, say: Callable) -> None:
    here.install(a_job("report", schedule="0 2 * * *"))
    assert say("jobs", "skip", "report").code == 0
    first, second, *_ = Calendar.from_ical(say("schedule", "calendar", "-o", "ics").out).walk("VEVENT")
    assert (first.get("STATUS"), second.get("STATUS")) == ("CANCELLED", None)


def test_the_picture_has_a_mark_for_each_start(calendar: Callable) -> None:
    root = ElementTree.fromstring(calendar("svg").out)
    name = "{http://www.w3.org/2000/svg}"
    titles = [title.text for circle in root.iter(f"{name}circle") for title in circle.iter(f"{name}title")]
    assert titles[1] == "import 2027-03-28T03:00:00+02:00 Europe/Berlin gap"
    assert len(titles) == 4
    days = [each.text for each in root.iter(f"{name}text") if each.attrib["x"] == "8"]
    assert days == ["Sat 27 Mar", "Sun 28 Mar", "clocks change", "Mon 29 Mar"]  # 48 hours of a short day
    assert len(list(root.iter(f"{name}rect"))) == 1


def test_all_of_the_picture_is_in_it(here: Installation, say: Callable) -> None:
    """Jobs that start often stood beside each other, the fifth and all after it outside of the picture."""
    for number in range(25):
        here.install(a_job(f"often-{number:02d}", schedule={"every": "10m"}))
    root = ElementTree.fromstring(say("schedule", "calendar", "--days", "1", "-o", "svg").out)
    width, height = (float(root.attrib[each]) for each in ("width", "height"))
    texts = {each.text: each for each in root.iter("{http://www.w3.org/2000/svg}text")}
    assert [text for text in texts if text and text.startswith("often: ")][-2:] == [
        "often: often-19, 144 starts",
        "often: 5 more",
    ]
    for each in texts.values():
        assert float(each.attrib["x"]) < width - 150 or each.attrib.get("text-anchor") == "middle"
        assert float(each.attrib["y"]) < height
    places = [(each.attrib["x"], each.attrib["y"]) for each in texts.values()]
    assert len(places) == len(set(places))


def test_a_time_that_is_none_is_wrong_usage(here: Installation, say: Callable) -> None:
    wrong = say("schedule", "calendar", "--from", "soon")
    assert wrong.code == 64
    assert "'soon' is no time" in wrong.err


def test_nothing_to_start_is_said(here: Installation, say: Callable) -> None:
    said = say("schedule", "calendar")
    assert (said.code, said.out, said.err) == (0, "", "No start is to be expected in that time.\n")
