"""Which platform the settings of a task mean."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest

from tidemill.flow.jobs.exceptions import JobError, NoPlatform
from tidemill.flow.jobs.platforms import check_platform


@pytest.mark.parametrize(
    "runtime",
    [
        {},
        {"platform": "localhost"},
        {"platform": "$(echo local)host"},
        {"platform": "$(echo localhost; echo noise >&2)"},
        {"remote": {"host": "localhost"}, "job": {"batch system": "background"}},
        {"remote": {"host": "$(echo localhost)"}},
        {"remote": {"host": socket.gethostname()}},
        {"remote": {"owner": ""}, "job": {}},
    ],
)
def test_jobs_run_here(runtime: dict[str, Any]) -> None:
    """By name, by what a command prints, and by the host and batch system of older workflows."""
    check_platform(runtime, os.environ)


@pytest.mark.parametrize(
    ("runtime", "platform"),
    [
        ({"platform": "cluster"}, "cluster"),
        ({"platform": "$(echo cluster)"}, "cluster"),
        ({"platform": "$(true)"}, "$(true)"),
        ({"remote": {"host": "no.such.host.invalid"}}, "no.such.host.invalid"),
        ({"job": {"batch system": "pbs"}}, "pbs"),
    ],
)
def test_a_platform_that_is_not_there_is_named(runtime: dict[str, Any], platform: str) -> None:
    """Its jobs cannot be submitted, however often one tries."""
    with pytest.raises(NoPlatform, match="there is no platform") as raised:
        check_platform(runtime, os.environ)
    assert raised.value.platform == platform


def test_a_command_that_fails_is_no_platform_and_may_be_tried_again() -> None:
    """The error says what the command said."""
    with pytest.raises(
        JobError, match=r"platform = \$\(echo why >&2; exit 3\): the command ended with 3\nwhy"
    ) as raised:
        check_platform({"platform": "$(echo why >&2; exit 3)"}, os.environ)
    assert not isinstance(raised.value, NoPlatform)
