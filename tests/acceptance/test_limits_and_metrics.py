"""Limits, another user and figures of runs, with a real daemon."""

from __future__ import annotations

import json
import os

import pytest

from tests.acceptance.running_daemon import Project


def test_a_limit_that_was_exceeded_is_named_and_the_run_is_not_tried_again(project: Project) -> None:
    more = "limits: {cpuTime: 1s}\nretry: backoff"
    project.job("busy", "while :; do :; done", more=more)
    with project.up() as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "busy")
        up.sees(r"busy #1")
        project.until("SELECT 1 FROM job_instances WHERE state = 'FAILED'")
    shown = json.loads(project.run("instances", "show", "1", "-o", "json").stdout)
    assert shown["error"]["code"] == "cpu-time"
    assert "limits.cpuTime is 1s" in shown["error"]["description"]
    assert 0.5 < shown["metrics"]["cpu_s"] < 3  # the kernel counts in ticks, and not before the fork


def test_a_run_keeps_what_it_has_used(project: Project) -> None:
    project.job("hello", "echo hello")
    with project.up() as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "hello")
        up.sees(r"ok +hello #1")
    shown = json.loads(project.run("instances", "show", "1", "-o", "json").stdout)
    assert set(shown["metrics"]) == {"running_s", "cpu_s", "peak_memory", "log_bytes", "checkpoints"}
    assert shown["metrics"]["log_bytes"] == len("hello\n")
    assert shown["metrics"]["peak_memory"] > 1 << 20
    assert shown["tasks"][0]["metrics"] == shown["metrics"]
    assert "6B of log" in project.run("instances", "show", "1").stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_job_runs_as_the_user_that_it_names(project: Project) -> None:
    script = 'test "$(id -un)" = nobody && touch mine && test -w mine && ! ls ../../jobs.d'
    project.job("theirs", script, more="runAs: nobody")
    with project.up() as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "theirs")
        up.sees(r"ok +theirs #1")


def test_a_user_that_is_not_there_is_told_and_nothing_is_tried_again(project: Project) -> None:
    project.job("theirs", "true", more="runAs: nobody-of-that-name\nretry: backoff")
    with project.up() as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "theirs")
        project.until("SELECT 1 FROM job_instances WHERE state = 'FAILED'")
    shown = json.loads(project.run("instances", "show", "1", "-o", "json").stdout)
    assert shown["error"]["code"] == "run-as"
    assert "this machine has no user nobody-of-that-name" in shown["error"]["description"]
