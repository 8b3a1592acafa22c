"""The texts of jobs: job files, job.status, lines of the FIFO, arguments of messages."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.flow.engine.effects import JobSpecification
from tidemill.flow.engine.events import JobKey
from tidemill.flow.jobs.context import WorkflowContext
from tidemill.flow.jobs.fifo import parse_line
from tidemill.flow.jobs.message import split_severity
from tidemill.flow.jobs.script import environment, expandable, quote, write_job_file
from tidemill.flow.jobs.status import append_status, format_time, parse_time, read_status
from tidemill.flow.language.definition import TaskDefinition


def context(**changes: Any) -> WorkflowContext:
    values: dict[str, Any] = {
        "workflow": "a/b/run3",
        "run_directory": Path("/home/some one/cylc-run/a/b/run3"),
        "uuid": "u",
        "host": "localhost",
        "owner": "someone",
        "initial_cycle_point": "20200101T0000Z",
        "final_cycle_point": None,
        "cycling_mode": "gregorian",
    }
    return WorkflowContext(**{**values, **changes})


def job(runtime: dict[str, Any] | None = None, **changes: Any) -> JobSpecification:
    values: dict[str, Any] = {
        "name": "foo",
        "namespaces": ("foo", "FAM", "root"),
        "first_parent": "FAM",
        "runtime": {},
        "sequences": (),
        "outputs": {},
        "completion": "succeeded",
    }
    definition = TaskDefinition(**{**values, **changes})
    return JobSpecification(JobKey("20200101T0000Z", "foo", 2), definition, runtime or {}, 1, (1, 2))


def bash(text: str, *arguments: str) -> str:
    return subprocess.run(
        ["bash", *arguments, "-c", text], capture_output=True, text=True, check=True, env={"HOME": "/home/me"}
    ).stdout


def test_the_environment_of_a_job() -> None:
    """A job is told of its workflow and task in the variables that Cylc's jobs have."""
    found = dict(environment(context(utc_mode=True), job(parameters={"m": 7})))
    assert found == {
        "CYLC_CYCLING_MODE": "gregorian",
        "CYLC_UTC": "True",
        "TZ": "UTC",
        "CYLC_WORKFLOW_NAME": "a/b",
        "CYLC_WORKFLOW_NAME_BASE": "b",
        "CYLC_WORKFLOW_INITIAL_CYCLE_POINT": "20200101T0000Z",
        "CYLC_WORKFLOW_FINAL_CYCLE_POINT": "None",
        "CYLC_WORKFLOW_RUN_DIR": "/home/some one/cylc-run/a/b/run3",
        "CYLC_WORKFLOW_UUID": "u",
        "CYLC_WORKFLOW_HOST": "localhost",
        "CYLC_WORKFLOW_OWNER": "someone",
        "ISODATETIMECALENDAR": "gregorian",
        "ISODATETIMEREF": "20200101T0000Z",
        "CYLC_TASK_COMMS_METHOD": "zmq",
        "CYLC_TASK_JOB": "20200101T0000Z/foo/02",
        "CYLC_TASK_ID": "20200101T0000Z/foo",
        "CYLC_TASK_NAME": "foo",
        "CYLC_TASK_CYCLE_POINT": "20200101T0000Z",
        "CYLC_TASK_NAMESPACE_HIERARCHY": "root FAM foo",
        "CYLC_TASK_TRY_NUMBER": "1",
        "CYLC_TASK_SUBMIT_NUMBER": "2",
        "CYLC_TASK_FLOW_NUMBERS": "1,2",
        "CYLC_TASK_PARAM_m": "7",
    }
    integer = dict(environment(context(cycling_mode="integer"), job()))
    assert not {"ISODATETIMECALENDAR", "ISODATETIMEREF", "TZ"} & set(integer)


@pytest.mark.parametrize(
    ("workflow", "name"), [("a", "a"), ("a/run1", "a"), ("run1", "run1"), ("a/b/runner", "a/b/runner")]
)
def test_the_name_of_a_workflow_is_its_id_without_the_run(workflow: str, name: str) -> None:
    """Only a trailing run number is left out."""
    assert context(workflow=workflow).workflow_name == name


def test_a_job_file_has_its_parts_in_order() -> None:
    """Header, environment and scripts stand in the documented order; empty scripts are left out."""
    runtime = {
        "script": "echo hi",
        "pre-script": "  ",
        "env-script": "# nothing",
        "environment": {"A": "1", "B": "$A", "GONE": None},
        "execution time limit": 90.0,
        "work sub-directory": "$CYLC_TASK_CYCLE_POINT/shared",
    }
    text = write_job_file(context(), job(runtime), "t0k3n").text
    parts = [
        "#!/bin/bash -l\n",
        "# Workflow: a/b/run3\n",
        "# Task: 20200101T0000Z/foo\n",
        "# Job log directory: 20200101T0000Z/foo/02\n",
        "# Job runner: background\n",
        "# Execution time limit: 90\n",
        "CYLC_FAIL_SIGNALS='EXIT ERR TERM XCPU'\n",
        "cylc__job__token='t0k3n'\n",
        "cylc__job__inst__cylc_env() {\n",
        '    cylc__job__work_sub_directory="$CYLC_TASK_CYCLE_POINT/shared"\n',
        "cylc__job__inst__user_env() {\n",
        "    export A B\n",
        '    A="1"\n',
        '    B="$A"\n',
        "cylc__job__inst__env_script() {\n",
        "cylc__job__inst__script() {\n",
        "echo hi\n",
        ". '/home/some one/cylc-run/a/b/run3/.service/etc/job.sh'\n",
        'cylc__job__main "$@"\n',
        "#EOF: 20200101T0000Z/foo/02\n",
    ]
    positions = [text.index(part) for part in parts]
    assert positions == sorted(positions)
    assert "pre_script" not in text
    assert "GONE" not in text
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
@settings(max_examples=30, deadline=None)
def test_quoted_text_means_itself(text: str) -> None:
    """Whatever a value holds, bash reads back the same."""
    result = subprocess.run(
        ["bash", "-c", f"printf %s {quote(text)}"], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    assert result.stdout == text.encode()


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("plain words", "plain words"),
        ("$HOME/x", "/home/me/x"),
        ("~/data/$USER_", "/home/me/data/"),
        ("~", "/home/me"),
        ("a~b", "a~b"),
        ("~$HOME/x", "~/home/me/x"),
        ("$(echo 'a b')", "a b"),
        ('$(echo "a  b")', "a  b"),
        ("it's", "it's"),
        ("~/my dir", "/home/me/my dir"),
    ],
)
def test_values_of_users_expand(value: str, meaning: str) -> None:
    """A value is double-quoted, with a leading tilde left for bash."""
    assert bash(f'X={expandable(value)}; printf %s "$X"') == meaning


def test_job_status_round_trip(tmp_path: Path) -> None:
    """What is appended is read back; a job begins and ends once; messages keep their bars and lines."""
    append_status(tmp_path, CYLC_JOB_RUNNER_NAME="background", CYLC_JOB_ID="12")
    append_status(tmp_path, CYLC_JOB_PID="13", CYLC_JOB_INIT_TIME="2020-01-01T00:00:00Z")
    append_status(tmp_path, CYLC_MESSAGE="2020-01-01T00:00:01Z|WARNING|hot|cold\nsecond = line")
    append_status(tmp_path, CYLC_JOB_EXIT='"no tide"', CYLC_JOB_EXIT_TIME="2020-01-01T01:00:00+01:00")
    append_status(tmp_path, CYLC_JOB_EXIT="SUCCEEDED", CYLC_UNKNOWN="x")
    status = read_status(tmp_path)
    assert (status.runner, status.job_id, status.process_id) == ("background", "12", 13)
    assert (status.start_time, status.exit_time) == (1577836800.0, 1577836800.0)
    assert (status.exit, status.abort_text) == ('"no tide"', "no tide")
    assert status.messages == [(1577836801.0, "WARNING", "hot|cold\nsecond = line")]


@given(st.binary())
def test_any_bytes_are_read_as_a_status_and_as_a_line(data: bytes) -> None:
    """Garbage in the files a job can write to never raises."""
    import tempfile

    parse_line(data)
    parse_line(b"started|1/foo/01|" + data)
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "job.status").write_bytes(b"CYLC_MESSAGE=" + data + b"\nCYLC_JOB_PID=" + data)
        read_status(Path(directory))


@given(st.integers(0, 4_000_000_000))
def test_times_round_trip(seconds: int) -> None:
    """A time written is the time read."""
    assert parse_time(format_time(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "yesterday", "2020-01-01T00:00:00+xx", "2020-13-01T00:00:00Z"])
def test_a_time_that_is_none_is_none(text: str) -> None:
    """What is not a time is not taken for one."""
    assert parse_time(text) is None


def test_a_line_of_a_job() -> None:
    """A line names its job by the last three parts, and keeps what follows."""
    line = parse_line(b"failed|20200101T00+01/t_1/12|abc|2020-01-01T00:00:00Z|XCPU")
    assert line is not None
    assert (line.kind, line.key, line.detail) == ("failed", JobKey("20200101T00+01", "t_1", 12), "XCPU")
    assert parse_line(b"") is None
    assert parse_line(b"started|1/foo/xx|t|z") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello", ("INFO", "hello")),
        ("WARNING: hot", ("WARNING", "hot")),
        ("custom:x y", ("CUSTOM", "x y")),
        ("file: done", ("file", "done")),
        ("12:30", ("12", "30")),
        ("CRITICAL:", ("CRITICAL", "")),
    ],
)
def test_severity_prefixes(text: str, expected: tuple[str, str]) -> None:
    """What stands before the colon is the severity, known or not (Cylc 8.5 behaviour)."""
    assert split_severity(text, "INFO") == expected
