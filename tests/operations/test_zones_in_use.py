"""An update of the tz database: kept, and told with the starts that it moves."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime
from pathlib import Path

import pytest
from installations import NOW, Installation, a_job

from runner.operations import zones_in_use
from runner.operations.tz_database import tz_rules, tz_version, zone_by
from runner.operations.zones_in_use import note_zones, unknown_rules
from runner.store.zones import ZoneRecord

BERLIN = "Europe/Berlin"


def kept(here: Installation) -> dict[str, ZoneRecord]:
    with here.store.read() as reader:
        return reader.zones.all()


def note(here: Installation, *names: str) -> tuple[zones_in_use.ZoneChange, ...]:
    with here.store.read() as reader:
        rules = unknown_rules(reader, names)
    return here.store.transact(lambda tx: note_zones(tx, rules, NOW))


def rules_of(name: str) -> bytes:
    rules = tz_rules(name)
    assert rules is not None
    return rules


def before_the_update(here: Installation, zone: str, rules_from: str) -> None:
    """The last database said of `zone` what this one says of another."""
    record = ZoneRecord(zone, "2019z", NOW, rules_of(rules_from))
    here.store.transact(lambda tx: tx.zones.put(record))


def test_the_rules_of_zones_in_use_are_kept_with_the_version(here: Installation) -> None:
    assert note(here, BERLIN, "UTC") == ()
    assert {name: zone.version for name, zone in kept(here).items()} == {
        BERLIN: tz_version(),
        "UTC": tz_version(),
    }
    assert kept(here)[BERLIN].rules == rules_of(BERLIN)


def test_what_is_kept_already_is_not_written_again(here: Installation) -> None:
    note(here, BERLIN)
    with here.store.read() as reader:
        assert unknown_rules(reader, [BERLIN]) == {}


def test_starts_that_move_are_told_old_beside_new(here: Installation) -> None:
    here.install(a_job("night", schedule={"cron": "30 2 * * *", "timezone": BERLIN}))
    here.install(a_job("other", schedule={"cron": "30 2 * * *", "timezone": "UTC"}))
    before_the_update(here, BERLIN, "Africa/Lagos")  # which never changes its clocks
    [change] = note(here, BERLIN)
    assert (change.zone, change.version_before, change.version_now, change.jobs) == (
        BERLIN,
        "2019z",
        tz_version(),
        1,
    )
    first = change.moved[0]
    assert (first.slot, first.was, first.now) == (
        "2027-03-28T02:30[Europe/Berlin]",
        datetime(2027, 3, 28, 1, 30, tzinfo=UTC),
        datetime(2027, 3, 28, 1, 0, tzinfo=UTC),
    )
    assert change.text == (
        f"the tz database went from 2019z to {tz_version()}: Europe/Berlin changed, "
        "and starts of 1 job move; first night: 2027-03-28 01:30Z -> 2027-03-28 01:00Z"
    )
    with here.store.read() as reader:
        [event] = reader.events.of("tz-database", BERLIN)
    assert (event.event, event.before, event.details["jobs"]) == ("zone.changed", "2019z", 1)
    assert len(event.details["moved"]) == 100


def test_a_change_that_moves_nothing_is_told_too(here: Installation) -> None:
    here.install(a_job("often", schedule={"every": "1h"}))
    before_the_update(here, "UTC", "Africa/Abidjan")
    assert note(here, "UTC")[0].text.endswith("the rules of UTC changed, and no start of the next year moves")


def test_rules_that_cannot_be_read_any_more_are_replaced(here: Installation) -> None:
    here.store.transact(lambda tx: tx.zones.put(ZoneRecord(BERLIN, "?", NOW, b"no rules")))
    assert zone_by(b"no rules", BERLIN) is None
    assert note(here, BERLIN)[0].moved == ()
    assert kept(here)[BERLIN].rules == rules_of(BERLIN)


def test_without_a_database_of_the_machine_the_package_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoneinfo, "TZPATH", ())
    import tzdata

    assert tz_version() == tzdata.IANA_VERSION
    assert tz_rules(BERLIN)
    assert tz_rules("Europe/Nowhere") is None


def test_a_database_that_does_not_say_its_version_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "UTC").write_bytes(rules_of("UTC"))
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(tmp_path),))
    assert tz_version() == "unknown"
    (tmp_path / "tzdata.zi").write_text("# version 2026q\n# more\n")
    assert tz_version() == "2026q"


def test_a_forged_name_reads_no_file(here: Installation) -> None:
    here.store.transact(lambda tx: tx.zones.put(ZoneRecord("../../../etc/passwd", "?", NOW, b"")))
    with here.store.read() as reader:
        assert unknown_rules(reader, reader.zones.all()) == {}
