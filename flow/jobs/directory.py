"""A job's directory ``log/job/CYCLE/TASK/NN``: made fresh, claimed once, its activity log."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from ..engine.events import JobKey
from .exceptions import JobDirectoryError

CLAIM_PREFIX = ".claim-"
SCHEDULER_CLAIM = "scheduler"
ACTIVITY_LOG = "job-activity.log"
JOB_FILE = "job"


def job_directory(job_root: Path, key: JobKey) -> Path:
    """Where the files of a job are."""
    return job_root / key.cycle / key.task / f"{key.submit_number:02d}"


def make_fresh(directory: Path) -> None:
    """Make an empty job directory and let ``NN`` beside it point there; raises `JobDirectoryError`.

    One left behind by another run or attempt is moved aside, so that no straggler writes to the new one, and
    deleted.
    """
    try:
        try:
            os.mkdir(directory)
        except FileNotFoundError:
            os.makedirs(directory)
        except FileExistsError:
            discarded = directory.with_name(f".{directory.name}-{secrets.token_hex(4)}")
            os.rename(directory, discarded)
            os.mkdir(directory)
            shutil.rmtree(discarded, ignore_errors=True)
        _point_latest(directory)
    except OSError as error:
        raise JobDirectoryError(f"cannot make the job directory {directory}: {error.strerror}") from error


def _point_latest(directory: Path) -> None:
    link = directory.with_name("NN")
    try:
        os.symlink(directory.name, link)
    except FileExistsError:
        if link.is_symlink() and os.readlink(link) == directory.name:
            return
        if link.is_dir() and not link.is_symlink():
            shutil.rmtree(link)
        temporary = directory.with_name(f".NN-{secrets.token_hex(4)}")
        os.symlink(directory.name, temporary)
        os.replace(temporary, link)


def write_file(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file so that it is there in full or not at all; raises OSError."""
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def log_activity(directory: Path, text: str) -> None:
    """Add to ``job-activity.log``; what cannot be written there is not worth failing for."""
    try:
        with open(directory / ACTIVITY_LOG, "a", encoding="utf-8", errors="replace") as file:
            file.write(text if text.endswith("\n") else text + "\n")
    except OSError:
        pass


def written_token(directory: Path, workflow_uuid: str) -> str | None:
    """The token of the job file in a directory; None if this run of the workflow wrote none there."""
    token = None
    is_ours = False
    try:
        with open(directory / JOB_FILE, encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("cylc__job__token='"):
                    token = line.rstrip().removeprefix("cylc__job__token='").removesuffix("'")
                elif line.strip() == f"export CYLC_WORKFLOW_UUID='{workflow_uuid}'":
                    is_ours = True
                if token is not None and is_ours:
                    return token
    except OSError:
        pass
    return None


def claim_for_scheduler(directory: Path, token: str) -> bool:
    """Take the right to run from a job file, for good; False if it was taken before. Raises OSError.

    The claim appears with its text in one step, so an empty claim is always a job's, caught while it was
    writing.
    """
    temporary = directory / f".claiming-{secrets.token_hex(4)}"
    temporary.write_text(SCHEDULER_CLAIM + "\n")
    try:
        os.link(temporary, directory / (CLAIM_PREFIX + token))
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def read_claim(directory: Path, token: str) -> str | None:
    """Who has the right to run a job file: a process id, ``scheduler``, '' (being written) or None (nobody
    yet)."""
    try:
        return (directory / (CLAIM_PREFIX + token)).read_text().strip()
    except OSError:
        return None
