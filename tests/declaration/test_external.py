"""Declaring jobs that another system executes, and the listener over which it reports."""

from __future__ import annotations

from typing import Any

import pytest
from builders import a_job, a_job_type, a_runner

from runner.declaration.cross_checks import cross_check
from runner.declaration.decode import problems_of
from runner.declaration.facts import facts_of
from runner.declaration.resolve import resolve
from runner.declaration.surroundings import Surroundings

SECRET = {"authorization": "billing", "key": "secret"}
HOOK = {"url": "https://billing.example/jobs", "secret": SECRET}


def told(document: Any) -> list[tuple[str, str]]:
    return [(p.rule, ".".join(map(str, p.path))) for p in problems_of(document)]


def an_external_job(**spec: Any) -> Any:
    return a_job(without="steps", type="external", **spec)


def a_hook(**more: Any) -> Any:
    return an_external_job(external={"webhook": {**HOOK, **more}})


def test_a_job_of_type_external_needs_nothing_to_run() -> None:
    assert told(an_external_job()) == []
    assert (
        told(an_external_job(schedule="0 2 * * *", external={"webhook": HOOK, "silenceTimeout": "5m"})) == []
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", [{"name": "a", "shell": "true"}]),
        ("env", {"A": "b"}),
        ("libraries", ["dates"]),
        ("limits", {"memory": "1MiB"}),
        ("outputs", {"rows": "1"}),
        ("keepWorkdir", True),
    ],
)
def test_what_speaks_of_a_process_cannot_stand_beside_it(field: str, value: Any) -> None:
    without = None if field == "steps" else "steps"
    job = a_job(**{"without": without, "type": "external", field: value})
    assert ("both-given", f"spec.{field}") in told(job)


def test_a_process_is_not_waited_for_as_another_system_is() -> None:
    assert told(a_job(external={"silenceTimeout": "5m"})) == [("no-effect", "spec.external")]
    defaults = {"external": {"silenceTimeout": "5m"}}
    assert told(a_job_type(defaults=defaults)) == [("no-effect", "spec.defaults.external")]
    assert told(a_job_type(executor="external", defaults=defaults)) == []


def test_a_type_that_another_system_executes_has_no_steps() -> None:
    steps = [{"name": "a", "shell": "true"}]
    assert ("both-given", "spec.steps") in told(a_job_type(executor="external", steps=steps))


@pytest.mark.parametrize(
    ("hook", "found"),
    [
        ({"connection": "billing"}, ("both-given", "spec.external.webhook.url")),
        ({"path": "/x"}, ("both-given", "spec.external.webhook.path")),
        ({"url": "http://billing.example/jobs"}, ("bad-url", "spec.external.webhook.url")),
        ({"url": "ftp://billing.example"}, ("bad-url", "spec.external.webhook.url")),
        ({"url": "https://[::1"}, ("bad-url", "spec.external.webhook.url")),
        ({"url": "https://a:b@billing.example"}, ("literal-secret", "spec.external.webhook.url")),
        ({"url": "https://x/${{ job.name }}"}, ("expression-not-here", "spec.external.webhook.url")),
    ],
)
def test_a_webhook_has_one_fixed_address_with_tls(hook: Any, found: tuple[str, str]) -> None:
    assert found in told(a_hook(**hook))


def test_a_system_beside_this_one_may_be_called_without_tls() -> None:
    assert told(a_hook(url="http://127.0.0.1:9000/jobs", privateAddresses=True)) == []


def test_a_webhook_is_always_signed() -> None:
    unsigned = {"url": HOOK["url"]}
    [problem] = problems_of(an_external_job(external={"webhook": unsigned}))
    assert "secret" in problem.detail


def test_timeouts_are_longer_than_nothing() -> None:
    wrong = an_external_job(external={"silenceTimeout": "0s", "unknownTimeout": "0s"})
    assert told(wrong) == [
        ("out-of-range", "spec.external.silenceTimeout"),
        ("out-of-range", "spec.external.unknownTimeout"),
    ]


def facts(document: Any) -> Any:
    return facts_of(document, document["kind"])


def across(*documents: Any) -> list[tuple[str, str]]:
    found = cross_check([facts(each) for each in documents], lambda index: "a.yaml:1")
    return [(each.problem.rule, ".".join(map(str, each.problem.path))) for each in found]


def test_what_a_webhook_names_must_be_there() -> None:
    job = an_external_job(external={"webhook": {"connection": "billing", "secret": SECRET}})
    assert across(job) == [
        ("unknown-reference", "spec.external.webhook.connection"),
        ("unknown-reference", "spec.external.webhook.secret.authorization"),
    ]


def test_jobs_of_an_own_external_type_need_no_steps_and_may_have_none() -> None:
    partner = a_job_type(name="partner", executor="external")
    assert across(partner, a_job(without="steps", type="partner", external={"silenceTimeout": "5m"})) == []
    assert across(partner, a_job(type="partner")) == [("two-bodies", "spec.steps")]


def test_jobs_of_an_own_type_with_processes_wait_for_no_other_system() -> None:
    imports = a_job_type(name="import")
    assert across(imports, a_job(type="import", external={"silenceTimeout": "5m"})) == [
        ("no-effect", "spec.external")
    ]


def test_an_external_job_resolves_to_its_numbers_and_others_do_not_change() -> None:
    resolved = resolve(an_external_job(external={"webhook": HOOK}), "Job", Surroundings())
    assert resolved["executor"] == "external"
    assert resolved["steps"] == []
    assert resolved["external"] == {
        "webhook": {
            "connection": None,
            "url": "https://billing.example/jobs",
            "path": None,
            "privateAddresses": False,
            "secret": SECRET,
        },
        "silenceTimeout": "10m",
        "unknownTimeout": "1h",
    }
    assert "external" not in resolve(a_job(), "Job", Surroundings())


def test_the_numbers_of_the_type_count_below_the_jobs() -> None:
    partner = a_job_type(
        name="partner",
        executor="external",
        defaults={"external": {"webhook": HOOK, "silenceTimeout": "5m"}},
    )
    job = a_job(without="steps", type="partner", external={"silenceTimeout": "1m"})
    resolved = resolve(job, "Job", Surroundings(job_types={"partner": partner}))
    assert resolved["external"]["silenceTimeout"] == "1m"
    assert resolved["external"]["webhook"]["url"] == HOOK["url"]


def test_without_web_there_is_no_listener_and_an_empty_one_is_on_loopback() -> None:
    assert "web" not in resolve(a_runner(), "Runner", Surroundings())
    assert resolve(a_runner(web={}), "Runner", Surroundings())["web"] == {
        "bind": "127.0.0.1",
        "port": 8470,
        "hosts": [],
        "origins": [],
        "baseUrl": None,
    }


@pytest.mark.parametrize(
    ("web", "found"),
    [
        ({"bind": "0.0.0.0"}, ("missing-field", "spec.web.bind")),
        ({"bind": "here"}, ("bad-address", "spec.web.bind")),
        ({"origins": ["runner.example"]}, ("bad-url", "spec.web.origins.0")),
        ({"origins": ["https://a/path"]}, ("bad-url", "spec.web.origins.0")),
        ({"origins": ["null"]}, ("bad-url", "spec.web.origins.0")),
        ({"baseUrl": "https://a:b@runner.example"}, ("bad-url", "spec.web.baseUrl")),
    ],
)
def test_a_listener_that_others_reach_knows_its_names(web: Any, found: tuple[str, str]) -> None:
    assert told(a_runner(web=web)) == [found]


def test_a_listener_behind_a_proxy_is_declared_with_its_names() -> None:
    web = {
        "bind": "0.0.0.0",
        "hosts": ["runner.example"],
        "origins": ["https://pages.example:8443"],
        "baseUrl": "https://runner.example",
    }
    assert told(a_runner(web=web)) == []


def test_a_port_is_one() -> None:
    for port in (-1, 65536, True, "80"):
        assert [p.path for p in problems_of(a_runner(web={"port": port}))] == [("spec", "web", "port")]
