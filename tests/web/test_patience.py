"""Clients that take their time on purpose: connections that say nothing, or one letter after the other."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from installations import Installation
from listening import Answer, Listening

CLAIMS = "/api/v1/external/claims"


@pytest.fixture(scope="module")
def hasty(here: Installation) -> Iterator[Listening]:
    """A listener that waits for a second; what is to be answered comes within it on a busy machine too."""
    started = Listening(here, patience_s=1.0)
    yield started
    started.end()


def test_a_connection_that_says_nothing_is_closed(hasty: Listening) -> None:
    with hasty.raw() as wire:
        assert wire.recv(1) == b""


def test_one_that_never_comes_to_an_end_of_its_headers_is_closed(hasty: Listening) -> None:
    with hasty.raw() as wire:
        wire.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nX-")
        assert wire.recv(1) == b""


def test_the_second_request_of_a_connection_has_no_more_time(hasty: Listening) -> None:
    with hasty.raw() as wire:
        wire.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while not answer.endswith(b"}"):
            piece = wire.recv(65536)
            assert piece, "it was closed before it answered"
            answer += piece
        assert b" 401 " in answer.split(b"\r\n")[0]
        wire.sendall(b"GET / HT")
        assert wire.recv(1) == b""


def test_a_body_that_does_not_arrive_is_told_so(hasty: Listening) -> None:
    token = hasty.a_token()
    with hasty.raw() as wire:
        wire.sendall(
            f"POST {CLAIMS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{".encode()
        )
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"did not arrive" in answer


def test_many_that_say_nothing_do_not_keep_others_out(hasty: Listening) -> None:
    held = [hasty.raw() for _ in range(60)]
    try:
        assert hasty.ask(CLAIMS, {"job": "invoices"}, token=hasty.a_token()).status == 204
        assert [wire.recv(1) for wire in held] == [b""] * 60
    finally:
        for wire in held:
            wire.close()


def test_beyond_its_connections_it_says_so_and_lives(hasty: Listening) -> None:
    held = [hasty.raw() for _ in range(130)]
    try:
        with hasty.raw() as wire:
            wire.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert wire.recv(65536).split(b"\r\n")[0].split()[1:2] in ([b"503"], [b"401"], [])
    finally:
        for wire in held:
            wire.close()
    assert hasty.ask(CLAIMS, {"job": "invoices"}, token=hasty.a_token()).status == 204


def test_it_ends_with_stdin_although_connections_are_open(here: Installation) -> None:
    started = Listening(here)
    with started.raw() as wire:
        wire.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\n")
        assert started.end() == 0


def test_connections_that_say_nothing_make_room_for_one_that_does(here: Installation) -> None:
    started = Listening(here, patience_s=300.0)  # which waits long for each of them
    held = [started.raw() for _ in range(520)]
    try:
        assert started.ask(CLAIMS, {"job": "invoices"}, token=started.a_token()).status == 204
        held[0].settimeout(0.05)
        while not is_closed(held[0]):  # the one that waited longest, once it had time to speak
            held.append(started.raw())
    finally:
        for wire in held:
            wire.close()
        started.end()


def is_closed(wire: socket.socket) -> bool:
    try:
        return wire.recv(1) == b""
    except TimeoutError:
        return False


def test_more_requests_than_it_takes_at_once_are_told_to_come_again(here: Installation) -> None:
    started = Listening(here)
    token = started.a_token()
    begun = (
        f"POST {CLAIMS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 50\r\n\r\n"
    ).encode()
    held = [started.raw() for _ in range(100)]
    try:
        for wire in held:
            wire.sendall(begun)
        answer = busy_answer(started, token)
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.kind, answer.headers["retry-after"]) == ("busy", "1")
        assert answer.json["detail"] == "100 requests are under way; send it again in a moment"
        for wire in held:
            wire.close()
        until_free(started, token)
    finally:
        for wire in held:
            wire.close()
        started.end()


def test_nobody_without_a_token_keeps_out_those_who_have_one(here: Installation) -> None:
    """A request that is signed is read before its signature can be checked, so anybody can begin one."""
    started = Listening(here)
    token = started.a_token()
    begun = b"POST /hooks/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n"
    held = [started.raw() for _ in range(120)]
    try:
        for wire in held:
            wire.sendall(begun)
        for _ in range(2000):
            if started.ask("/hooks/x", b"").status == 503:
                break
        else:
            raise AssertionError("it takes any number of them")
        assert started.ask(CLAIMS, {"job": "invoices"}, token=token).status == 204
    finally:
        for wire in held:
            wire.close()
        started.end()


def busy_answer(started: Listening, token: str) -> Answer:
    """All hundred have begun when this comes."""
    for _ in range(2000):
        answer = started.ask(CLAIMS, {"job": "invoices"}, token=token)
        if answer.status == 503:
            return answer
    raise AssertionError("it is never busy")


def until_free(started: Listening, token: str) -> None:
    for _ in range(2000):
        if started.ask(CLAIMS, {"job": "invoices"}, token=token).status == 204:
            return
    raise AssertionError("it stays busy")
