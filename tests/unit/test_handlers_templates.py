"""Command lines of event handlers, and what their templates stand for."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.flow.engine.effects import TaskEvent
from tidemill.flow.engine.events import JobKey
from tidemill.flow.engine.proxy import JobTimes, TaskProxy
from tidemill.flow.handlers.activity import report
from tidemill.flow.handlers.exceptions import TemplateError
from tidemill.flow.handlers.facts import RunFacts, TaskFacts, facts_of, run_values, task_values
from tidemill.flow.handlers.mail import TaskNote, addresses, run_mail, task_mail
from tidemill.flow.handlers.templates import command_line, handlers_for, quoted
from tidemill.flow.language.definition import TaskDefinition

RUN = RunFacts(
    workflow="tides/run1",
    run_directory=Path("/nowhere/tides/run1"),
    uuid="8d1f3e70-0000-4000-8000-000000000000",
    host="sea",
    port=43001,
    owner="someone",
    meta={"title": "a test workflow", "size": "large", "URL": "http://x/%(workflow)s"},
)
KEY = JobKey("1", "foo", 2)


def proxy(**times: Any) -> TaskProxy:
    """An instance whose second job has these times."""
    definition = TaskDefinition("foo", ("foo", "root"), "root", {}, (), {}, "succeeded")
    found = TaskProxy(1, definition, 1, "1", frozenset({1}), submit_number=2, try_number=2)
    found.job = JobTimes(2, 2, job_id="4711", runner="background", **times)
    return found


def test_an_events_own_handlers_come_before_the_general_ones() -> None:
    """`<event> handlers` replace `handlers`, which run for the events of `handler events` alone."""
    events = {"handlers": ["general"], "handler events": ["failed", "retry"], "failed handlers": ["own"]}
    assert handlers_for(events, "failed") == ["own"]
    assert handlers_for(events, "retry") == ["general"]
    assert handlers_for(events, "succeeded") == []


def test_a_handler_without_templates_gets_the_standard_arguments() -> None:
    """A plain handler is called with its event's facts, each in single quotes."""
    assert command_line("tell", {}, ("failed", "tides", "1/foo", "it's over")) == (
        "tell 'failed' 'tides' '1/foo' 'it'\"'\"'s over'"
    )
    assert command_line("date +%F", {}, ("failed",)) == "date +%F 'failed'"


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")))
def test_the_shell_gives_back_what_was_quoted(text: str) -> None:
    """A quoted text is one word to the shell, and means itself."""
    assert shlex.split(quoted(text)) == [text]


def test_a_template_is_filled_in() -> None:
    """`%(key)s` becomes a value, `%%` a per cent sign."""
    assert command_line("tell %(event)s 100%%", {"event": "failed"}, ("unused",)) == "tell failed 100%"


@pytest.mark.parametrize("handler", ["echo %(rubbish)s", "echo %(event)", "echo %(event)s 100%", "echo %(event)d"])
def test_a_bad_template_is_told_of_as_such(handler: str) -> None:
    """A template that cannot be filled in raises an error that says what may be written."""
    with pytest.raises(TemplateError, match=r"event|%%"):
        command_line(handler, {"event": "failed"}, ())


def test_task_templates_have_every_key_of_cylc() -> None:
    """The keys of task events stand for what Cylc 8.5 makes of them."""
    event = TaskEvent("custom", KEY, "cheesy 'peas")
    facts = facts_of(
        event,
        proxy(submitted=0.0, started=1.0, finished=2.0),
        {"meta": {"title": "a task called foo", "URL": "http://y/%(task)s", "fish": "trout"}},
    )
    values = {
        name: shlex.split(value)[0] if value != "''" else "" for name, value in task_values(RUN, event, facts).items()
    }
    assert values == {
        "event": "custom",
        "message": "cheesy 'peas",
        "workflow": "tides/run1",
        "uuid": RUN.uuid,
        "point": "1",
        "name": "foo",
        "id": "1/foo",
        "submit_num": "2",
        "try_num": "2",
        "job_id": "4711",
        "job_runner_name": "background",
        "platform_name": "localhost",
        "user@host": "localhost",
        "submit_time": "1970-01-01T00:00:00Z",
        "start_time": "1970-01-01T00:00:01Z",
        "finish_time": "None",
        "title": "a task called foo",
        "description": "",
        "URL": "http://y/foo",
        "fish": "trout",
        "workflow_title": "a test workflow",
        "workflow_description": "",
        "workflow_size": "large",
        "workflow_URL": "http://x/tides/run1",
        "suite": "tides/run1",
        "suite_uuid": RUN.uuid,
        "suite_title": "a test workflow",
        "suite_description": "",
        "suite_size": "large",
        "suite_URL": "http://x/tides/run1",
        "batch_sys_name": "background",
        "batch_sys_job_id": "4711",
    }


def test_workflow_templates_have_every_key_of_cylc() -> None:
    """The keys of workflow events stand for what Cylc 8.5 makes of them; values are quoted for the shell."""
    values = run_values(RUN, "stall", "workflow stalled")
    assert values["message"] == "'workflow stalled'"
    assert values["title"] == "'a test workflow'"
    wanted = "event workflow host port owner uuid workflow_url size suite_url"
    assert [values[name] for name in wanted.split()] == [
        "stall",
        "tides/run1",
        "sea",
        "43001",
        "someone",
        RUN.uuid,
        "http://x/tides/run1",
        "large",
        "http://x/tides/run1",
    ]


@pytest.mark.parametrize(
    ("event", "known"),
    [
        (TaskEvent("submitted", KEY), (True, False, False)),
        (TaskEvent("started", KEY), (True, True, False)),
        (TaskEvent("submission failed", KEY), (False, False, False)),
        (TaskEvent("warning", KEY, "careful"), (True, True, False)),
        (TaskEvent("critical", KEY, "failed/ERR"), (True, True, True)),
        (TaskEvent("succeeded", KEY), (True, True, True)),
    ],
)
def test_handlers_are_told_what_was_known_at_the_event(event: TaskEvent, known: tuple[bool, bool, bool]) -> None:
    """What a job did later in the same turn does not reach the handlers of an earlier event."""
    facts = facts_of(event, proxy(submitted=5.0, started=6.0, finished=7.0), {})
    assert (facts.submitted is not None, facts.started is not None, facts.finished is not None) == known


def test_another_jobs_facts_are_not_passed_off_as_these() -> None:
    """If the instance has gone on to another job, the times of the one the event was about are unknown."""
    facts = facts_of(TaskEvent("retry", JobKey("1", "foo", 1)), proxy(submitted=5.0), {})
    assert facts == TaskFacts(key=JobKey("1", "foo", 1), runtime={}, try_number=2)


def test_a_report_is_one_line_per_thing_and_starts_anew_for_many_lines() -> None:
    """The record of a run has the form of Cylc's activity logs."""
    assert report("(('event-handler-00', 'failed'), 1)", command="tell", return_code=3, output="a\nb", error="c") == (
        "[(('event-handler-00', 'failed'), 1) cmd] tell\n"
        "[(('event-handler-00', 'failed'), 1) ret_code] 3\n"
        "[(('event-handler-00', 'failed'), 1) out]\na\nb\n"
        "[(('event-handler-00', 'failed'), 1) err] c"
    )


def test_mail_goes_to_the_owner_unless_somebody_is_named() -> None:
    """The task's addresses come first, then the workflow's, then the owner of the run."""
    assert addresses(RUN, {}, {}) == ("notifications@sea", "someone")
    assert addresses(RUN, {"to": "a@b"}, {"to": "c@d", "from": "e@f"}) == ("e@f", "a@b")


def test_task_mail_tells_of_each_event_in_order() -> None:
    """Several task events share one mail, with a footer in which the run's facts are filled in."""
    notes = [TaskNote(KEY, "started", "started", "job started"), TaskNote(KEY, "failed", "failed", "job failed")]
    mail = task_mail(RUN, "x", "y", notes, "see http://z/%(workflow)s")
    assert mail.subject == "[2 task events] tides/run1"
    assert mail.body == (
        "job: 1/foo/02\nevent: started\nmessage: job started\n\n"
        "job: 1/foo/02\nevent: failed\nmessage: job failed\n\n\n"
        "workflow: tides/run1\nhost: sea\nport: 43001\nowner: someone\nsee http://z/tides/run1\n"
    )
    assert task_mail(RUN, "x", "y", notes[:1], "").subject == "[1/foo/02 started] tides/run1"


def test_mail_of_a_workflow_event_leaves_out_an_empty_message() -> None:
    """A timeout has no message; a stall has one."""
    assert run_mail(RUN, "x", "y", "stall timeout", "", "").body.startswith("event: stall timeout\nworkflow: ")
    mail = run_mail(RUN, "x", "y", "stall", "workflow stalled", "")
    assert (mail.subject, mail.body.splitlines()[1]) == ("[workflow stall] tides/run1", "message: workflow stalled")
