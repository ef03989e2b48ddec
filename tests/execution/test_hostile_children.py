"""A child that misuses its control stream fails its own instance, and no other."""

from __future__ import annotations

import os

import pytest
from execution_builders import Workshop, a_python_step, a_shell_step

from runner.execution.protocol import Lines, ProtocolError, encode

HOLD = "\nimport time; time.sleep(1000)"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("os.write(3, b'garbage\\n')", "it sent something that is no message on its control stream"),
        ("os.write(3, b'\\x00\\xff\\n')", "it sent something that is no message on its control stream"),
        ("os.write(3, b'[' * 50000 + b'\\n')", "it sent something that is no message on its control stream"),
        ('os.write(3, b\'{"m": "end"}\\n\')', "it sent something that is no message on its control stream"),
        ('os.write(3, b\'{"m": "began", "pid": 1}\\n\')', "it began twice"),
        (
            'os.write(3, b\'{"m":"complete","n":1,"step":"work","at":1.0,"outputs":{}}\\n\')',
            "it reported a step that cannot be",
        ),
        ("while True: os.write(3, b'x' * 65536)", "a message is longer than 1048576 bytes"),
        (
            'while True: os.write(3, b\'{"m":"progress","text":""}\\n\' * 1000)',
            "it floods its control stream",
        ),
        ("os.close(3)", "it closed its control stream"),
    ],
)
def test_misuse_of_the_control_stream_fails_that_instance_only(
    workshop: Workshop, source: str, said: str
) -> None:
    gate = workshop.state / "gate"
    os.mkfifo(gate)
    other = workshop.start(a_shell_step(f"read line < {gate}"))
    ended = workshop.run(a_python_step("import os\n" + source + HOLD))

    assert ended.outcome == "failed"
    assert ended.error is not None
    assert (ended.error.code, ended.error.description) == ("protocol", f"broke the protocol: {said}")
    gate.write_text("go\n")
    assert workshop.end_of(other).outcome == "succeeded"


def test_a_child_that_never_reads_does_not_hold_up_the_supervisor(workshop: Workshop) -> None:
    number = workshop.start(a_python_step("import time; time.sleep(1000)"))
    workshop.pid_of(number)
    for report in range(100_000):
        workshop.supervisor.acknowledge(number, 1, report)
    workshop.supervisor.stop(number, 1, grace_s=0, why="cancelled")

    assert workshop.end_of(number).outcome == "stopped"


def test_a_slow_stream_of_messages_is_no_flood() -> None:
    lines = Lines()
    message = encode({"m": "progress", "text": "x" * 100})
    for second in range(1000):
        assert len(lines.feed(message * 100, float(second))) == 100


def test_messages_are_put_together_across_reads() -> None:
    lines = Lines()
    whole = encode({"m": "progress", "text": "ä"}) * 3
    seen = [message for i in range(len(whole)) for message in lines.feed(whole[i : i + 1], 0.0)]

    assert seen == [{"m": "progress", "text": "ä"}] * 3


def test_a_message_with_fields_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(ProtocolError, match="it sent something that is no message on its control stream"):
        Lines().feed(b'{"m":"raised","severity":1,"code":"a","description":"b","info":{}}\n', 0.0)


def test_a_time_that_cannot_be_is_refused() -> None:
    with pytest.raises(ProtocolError, match="it sent a time that cannot be"):
        Lines().feed(b'{"m":"start","n":1,"step":"a","at":1e300}\n', 0.0)
