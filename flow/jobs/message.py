"""``tidemill message``: what a job says to its scheduler, written to ``job.status`` first, then sent.

Jobs start this thousands of times, so it imports nothing heavier than zmq, and that only after the writing.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

USAGE = """\
Usage: tidemill message [OPTIONS] -- WORKFLOW JOB [SEVERITY:]TEXT...
       tidemill message [OPTIONS] -- [SEVERITY:]TEXT [TEXT]

Record messages of a job in its job.status and send them to its scheduler.

WORKFLOW and JOB (CYCLE/TASK/NN) come from $CYLC_WORKFLOW_ID and $CYLC_TASK_JOB
where fewer than three arguments are given. A TEXT of '-' reads messages from
standard input, separated by empty lines. A message with the text of one of the
task's [outputs] completes that output.

Options:
  -s, --severity, -p, --priority SEVERITY
          Severity of messages without one: CRITICAL, ERROR, WARNING, INFO
          (default), DEBUG, CUSTOM, or any word. WARNING, CRITICAL and CUSTOM
          also raise the task event of that name.
  --comms-timeout SECONDS
          How long to wait for the scheduler, each time.
  -h, --help
          Show this text.

Exit code: 0 if recorded, even where the scheduler cannot be reached: it finds
the message in job.status; 1 if it could be neither recorded nor sent; 2 for
wrong usage.
"""

SEVERITIES = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG", "CUSTOM")
WITH_VALUE = ("-s", "--severity", "-p", "--priority", "--comms-timeout", "--color", "--colour")
TO_STDERR = ("CRITICAL", "ERROR", "WARNING")
TRIES = 3
RETRY_SECONDS = 1.0
TIMEOUT_SECONDS = 10.0
LONGEST_DETAIL_BYTES = 400


class UsageError(Exception):
    """The command line is not understood."""


class BadMessage(Exception):
    """The text cannot be a message."""


def main(arguments: Sequence[str]) -> int:
    """Run the command with these arguments, and return its exit code."""
    try:
        severity, timeout_seconds, rest = _options(list(arguments))
        if rest is None:
            sys.stdout.write(USAGE)
            return 0
        workflow, job, texts = _operands(rest)
        messages = [split_severity(text, severity) for text in _with_stdin(texts, sys.stdin)]
    except UsageError as error:
        sys.stderr.write(f"tidemill message: {error}\nTry 'tidemill message --help'.\n")
        return 2
    except BadMessage as error:
        sys.stderr.write(f"tidemill message: {error}\n")
        return 1
    if not workflow or not job:
        sys.stderr.write(
            "tidemill message: which job is this? Give WORKFLOW and JOB, or set CYLC_WORKFLOW_ID and"
            " CYLC_TASK_JOB as in a job.\n"
        )
        return 1
    return send(workflow, job, messages, timeout_seconds=timeout_seconds)


def send(
    workflow: str,
    job: str,
    messages: Sequence[tuple[str, str]],
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> int:
    """Record messages of a job, then tell the scheduler.

    Arguments:
        workflow: workflow ID.
        job: ``CYCLE/TASK/NN``.
        messages: (severity, text) pairs, in the order they are to be seen.
        timeout_seconds: how long to wait for an answer, for each of a few tries.

    Returns:
        0 if they were recorded or sent, else 1. Messages that could not be sent are found by the next poll.
    """
    if not messages:
        return 0
    event_time = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for severity, text in messages:
        out = sys.stderr if severity in TO_STDERR else sys.stdout
        out.write(f"{event_time} {severity} - {text}\n")
        out.flush()
    is_recorded = _record(workflow, job, event_time, messages)
    if os.environ.get("CYLC_TASK_COMMS_METHOD") == "poll" and is_recorded:
        return 0
    problem = _tell(workflow, job, event_time, messages, timeout_seconds)
    if problem is None:
        return 0
    if is_recorded:
        _leave(workflow, job, event_time, messages)
        sys.stderr.write(f"WARNING - message recorded, but not sent to {workflow}: {problem}\n")
        return 0
    sys.stderr.write(f"tidemill message: not sent to {workflow}: {problem}\n")
    return 1


def split_severity(text: str, default: str) -> tuple[str, str]:
    """A message's severity and text: ``WARNING: hot`` is (``WARNING``, ``hot``).

    Any word may be a severity (Cylc 8.5 behaviour); those the scheduler knows are written in capitals.

    Raises:
        BadMessage: there is a colon further on, where no output's message can have one.
    """
    head, separator, rest = text.strip().partition(":")
    if not separator:
        return default, head
    if len(head.split()) != 1:
        raise BadMessage(f"{text!r} cannot be a message: a colon may follow its first word only, as a severity")
    return _known(head), rest.strip()


def _known(severity: str) -> str:
    return severity.upper() if severity.upper() in SEVERITIES else severity


def _options(arguments: list[str]) -> tuple[str, float, list[str] | None]:
    """Severity, timeout and operands; None for operands means that help is wanted."""
    severity, timeout_seconds = "INFO", TIMEOUT_SECONDS
    operands: list[str] = []
    while arguments:
        argument = arguments.pop(0)
        if argument == "--":
            operands += arguments
            break
        if argument in ("-h", "--help"):
            return severity, timeout_seconds, None
        if argument == "-" or not argument.startswith("-"):
            operands.append(argument)
            continue
        name, separator, value = argument.partition("=")
        if not name.startswith("--") and len(name) > 2:
            name, separator, value = argument[:2], "=", argument[2:]
        if name in (
            "-v",
            "--verbose",
            "-q",
            "--quiet",
            "--debug",
            "--timestamp",
            "--no-timestamp",
        ):
            continue
        if name.startswith("--") and name not in WITH_VALUE:
            fitting = [option for option in WITH_VALUE if option.startswith(name)]
            name = fitting[0] if len(fitting) == 1 else name
        if name not in WITH_VALUE:
            raise UsageError(f"there is no option {name}")
        if not separator:
            if not arguments:
                raise UsageError(f"{name} needs a value")
            value = arguments.pop(0)
        if name in ("--color", "--colour"):
            continue
        if name == "--comms-timeout":
            try:
                timeout_seconds = float(value)
            except ValueError:
                raise UsageError(f"--comms-timeout needs a number of seconds, not {value}") from None
        else:
            severity = _known(value)
    return severity, timeout_seconds, operands


def _operands(operands: list[str]) -> tuple[str, str, list[str]]:
    """Workflow, job and texts. With one or two operands all are texts (the old form of Cylc's command)."""
    if not operands:
        raise UsageError("no message")
    if len(operands) > 2:
        return operands[0], operands[1], operands[2:]
    return os.environ.get("CYLC_WORKFLOW_ID", ""), os.environ.get("CYLC_TASK_JOB", ""), operands


def _with_stdin(texts: list[str], stdin: TextIO) -> list[str]:
    found: list[str] = []
    for text in texts:
        if text != "-":
            found.append(text)
            continue
        paragraph: list[str] = []
        for line in [*stdin.read().splitlines(), ""]:
            if line.strip():
                paragraph.append(line)
            elif paragraph:
                found.append("\n".join(paragraph))
                paragraph = []
    return found


def _record(workflow: str, job: str, event_time: str, messages: Sequence[tuple[str, str]]) -> bool:
    """Write messages to the job's ``job.status``, if that is on this host."""
    environment = os.environ
    own = (environment.get("CYLC_WORKFLOW_ID"), environment.get("CYLC_TASK_JOB"))
    if own == (workflow, job) and "CYLC_TASK_LOG_ROOT" in environment:
        status = Path(environment["CYLC_TASK_LOG_ROOT"] + ".status")
    else:
        from ...contact.paths import run_directory

        status = run_directory(workflow) / "log" / "job" / job / "job.status"
        if not status.parent.is_dir():
            return False
    lines = "".join(f"CYLC_MESSAGE={event_time}|{severity}|{text}\n" for severity, text in messages)
    try:
        descriptor = os.open(status, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            os.write(descriptor, lines.encode(errors="surrogateescape"))
        finally:
            os.close(descriptor)
    except OSError as error:
        sys.stderr.write(f"WARNING - cannot write {status}: {error.strerror}\n")
        return False
    return True


def _leave(workflow: str, job: str, event_time: str, messages: Sequence[tuple[str, str]]) -> None:
    """Leave messages that could not be sent in the FIFO of a scheduler that runs but did not take them.

    A line must be short to arrive whole; a longer message only makes the scheduler look into job.status.
    """
    from ...contact.paths import service_directory

    lines = b""
    for severity, text in messages:
        detail = f"{severity}:{text}"
        fits = len(detail.encode(errors="replace")) < LONGEST_DETAIL_BYTES and "\n" not in detail
        lines += f"message|{job}||{event_time}|{detail if fits else ''}\n".encode(errors="replace")
    try:
        descriptor = os.open(service_directory(workflow) / "jobs.fifo", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return  # Nobody listens: the scheduler that restarts finds the message in job.status.
    try:
        os.write(descriptor, lines)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def _tell(
    workflow: str, job: str, event_time: str, messages: Sequence[tuple[str, str]], timeout_seconds: float
) -> str | None:
    """Send messages, trying again where that can help; returns what is wrong, None if nothing is."""
    from ...network.client import WorkflowRuntimeClient
    from ...network.exceptions import ClientTimeout, WorkflowStopped

    arguments = {
        "task_job": job,
        "event_time": event_time,
        "messages": [[severity, text] for severity, text in messages],
    }
    problem = ""
    # One request id for all tries: the scheduler takes the messages once, however often they arrive.
    request = {"id": os.urandom(16).hex()}
    for attempt in range(TRIES):
        if attempt:
            time.sleep(RETRY_SECONDS)
        try:
            with WorkflowRuntimeClient(workflow, timeout=timeout_seconds) as client:
                client("put_messages", arguments, req_meta=request)
            return None
        except WorkflowStopped as error:
            return str(error)
        except ClientTimeout as error:
            problem = str(error)
        except Exception as error:
            return str(error) or type(error).__name__
    return problem
