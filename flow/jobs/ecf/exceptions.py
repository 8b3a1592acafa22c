"""What can go wrong between a task of a suite and its job."""

from __future__ import annotations

from ...suite.states import Flag
from ..exceptions import JobError


class ScriptError(JobError):
    """The job of a task could not be made."""

    flag = Flag.EDIT_FAILED
    """The mark the task gets."""


class NoScript(ScriptError):
    """There is no script for the task."""

    flag = Flag.NO_SCRIPT


class JobCommandError(ScriptError):
    """The command that starts a job could not be run."""

    flag = Flag.JOB_COMMAND_FAILED
