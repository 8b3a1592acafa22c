"""Real jobs, from their file to their end."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tidemill.flow.engine.effects import JobSpecification, KillJob, PollJob
from tidemill.flow.engine.events import (
    Event,
    JobFailed,
    JobKey,
    JobMessage,
    JobStarted,
    JobSubmissionFailed,
    JobSubmitted,
    JobSucceeded,
)
from tidemill.flow.jobs.background import BackgroundRunner, job_process_environment
from tidemill.flow.jobs.context import WorkflowContext
from tidemill.flow.jobs.manager import JobManager
from tidemill.flow.jobs.process import all_processes, command_line, kill_jobs
from tidemill.flow.jobs.status import read_status
from tidemill.flow.language.definition import TaskDefinition

DEADLINE_SECONDS = 30.0
ENDS = (JobSucceeded, JobFailed, JobSubmissionFailed)


class Run:
    """A run directory with a job manager, and the events it reported."""

    def __init__(self, directory: Path) -> None:
        self.home = directory / "home"
        self.home.mkdir(exist_ok=True)
        self.context = WorkflowContext(
            workflow="tides/run1",
            run_directory=directory / "cylc-run" / "tides" / "run1",
            uuid="8d1f3e70-0000-4000-8000-000000000000",
            host="localhost",
            owner="someone",
            initial_cycle_point="1",
            final_cycle_point="9",
            cycling_mode="integer",
        )
        self.events: list[Event] = []
        self.managers: list[JobManager] = []
        self.manager = self.open()

    def open(self, *, has_bash: bool = True) -> JobManager:
        """A (new) scheduler's job manager on this run directory."""
        environment = job_process_environment({**os.environ, "HOME": str(self.home)})
        runner = BackgroundRunner(self.context, environment=environment)
        if not has_bash:
            runner.bash = None
        manager = JobManager(self.context, self.events.extend, asyncio.get_running_loop(), runner=runner)
        manager.start()
        self.managers.append(manager)
        self.manager = manager
        return manager

    def job(self, task: str = "foo", number: int = 1, **runtime: Any) -> JobSpecification:
        """A job of a task with these settings; `_` in a name stands for `-`, two for a blank."""
        settings = {name.replace("__", " ").replace("_", "-"): value for name, value in runtime.items()}
        definition = TaskDefinition(
            name=task,
            namespaces=(task, "FAM", "root"),
            first_parent="FAM",
            runtime=settings,
            sequences=(),
            outputs={},
            completion="succeeded",
        )
        return JobSpecification(JobKey("1", task, number), definition, settings, number, (1,))

    def directory(self, key: JobKey) -> Path:
        return self.context.job_root / str(key)

    def text(self, key: JobKey, name: str) -> str:
        return (self.directory(key) / name).read_text()

    def of(self, key: JobKey) -> list[Event]:
        return [event for event in self.events if getattr(event, "job", None) == key]

    def ended(self, key: JobKey) -> bool:
        return any(isinstance(event, ENDS) for event in self.of(key))

    async def submit(self, job: JobSpecification) -> list[Event]:
        """Submit a job and wait for its end: the events it had."""
        self.manager.submit([job])
        await until(lambda: self.ended(job.key))
        return self.of(job.key)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, with a deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "this did not happen in time"
        await asyncio.sleep(0.005)


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    run = Run(tmp_path)
    yield run
    for manager in run.managers:
        manager.close()
    # Nothing of a test that failed midway lives on.
    kill_jobs(process for process in all_processes() if os.fsencode(tmp_path) in command_line(process))


async def test_a_job_runs_from_begin_to_end(run: Run) -> None:
    """A good job is submitted, starts and succeeds, and leaves the files that Cylc's jobs leave."""
    job = run.job(
        pre_script="echo before",
        script='greeting="hello $NAME"; echo "$greeting"; pwd',
        post_script='echo "after $greeting"',
        environment={"NAME": "world", "WHERE": "~/data", "BOTH": "$NAME and $CYLC_TASK_NAME"},
    )
    events = await run.submit(job)
    assert kinds(events) == ["JobSubmitted", "JobStarted", "JobSucceeded"]
    work = run.context.run_directory / "work" / "1" / "foo"
    out = run.text(job.key, "job.out")
    assert out.startswith("Workflow : tides/run1\nJob : 1/foo/01 (try 1)\nUser@Host: ")
    assert f"before\nhello world\n{work}\nafter hello world\n" in out
    assert "INFO - started" in out
    assert "INFO - succeeded" in out
    assert run.text(job.key, "job.err") == ""
    assert not work.exists()
    assert os.readlink(run.directory(job.key).with_name("NN")) == "01"
    status = read_status(run.directory(job.key))
    submitted = events[0]
    assert isinstance(submitted, JobSubmitted)
    assert (status.runner, status.exit, status.job_id) == ("background", "SUCCEEDED", submitted.job_id)
    assert status.process_id == int(submitted.job_id)
    assert status.start_time is not None
    assert status.exit_time is not None


async def test_a_failing_script_fails_the_job(run: Run) -> None:
    """A command that fails ends the job: trap and err-script tell of it, exit-script is left out."""
    job = run.job(
        script="echo one; false; echo two",
        err_script='echo "caught $1"',
        exit_script="echo never",
    )
    events = await run.submit(job)
    assert kinds(events) == ["JobSubmitted", "JobStarted", "JobFailed"]
    assert events[-1].signal == "ERR"
    out, err = run.text(job.key, "job.out"), run.text(job.key, "job.err")
    assert "one" in out
    assert "two" not in out
    assert "never" not in out
    assert "CRITICAL - failed/ERR" in err
    await until(lambda: "caught ERR" in run.text(job.key, "job.err"))
    assert read_status(run.directory(job.key)).exit == "ERR"


@pytest.mark.parametrize("script", ["exit 3", "echo $NOT_SET", "false | true", "no-such-command-anywhere"], ids=str)
async def test_scripts_run_with_errexit_nounset_and_pipefail(run: Run, script: str) -> None:
    """What bash forgives by default fails a job."""
    events = await run.submit(run.job(script=f"{script}\ntrue"))
    assert isinstance(events[-1], JobFailed)
    assert events[-1].signal == "ERR"


async def test_exit_script_runs_after_success(run: Run) -> None:
    """exit-script runs once the job has succeeded, and what it does cannot fail the job."""
    job = run.job(script="true", exit_script='echo "bye"; false')
    assert isinstance((await run.submit(job))[-1], JobSucceeded)
    await until(lambda: run.text(job.key, "job.out").endswith("bye\n"))


async def test_an_abort_gives_its_reason(run: Run) -> None:
    """cylc__job_abort fails the job with the text given, once."""
    job = run.job(script='cylc__job_abort "no tide today"', err_script="echo cleaning")
    events = await run.submit(job)
    assert kinds(events) == ["JobSubmitted", "JobStarted", "JobFailed"]
    assert events[-1].message == "no tide today"
    await until(lambda: "cleaning" in run.text(job.key, "job.err"))
    err = run.text(job.key, "job.err")
    assert 'CRITICAL - aborted/"no tide today"' in err
    assert "failed/" not in err


async def test_a_signal_to_the_job_is_reported_and_passed_on(run: Run) -> None:
    """TERM to a job's shell fails the job with that signal, and ends what its script started."""
    job = run.job(script='sleep 1000 & echo $! > "$CYLC_TASK_LOG_DIR/child"; wait')
    run.manager.submit([job])
    child = run.directory(job.key) / "child"
    await until(lambda: child.exists() and child.read_text().endswith("\n"))
    status = read_status(run.directory(job.key))
    assert status.process_id is not None
    os.kill(status.process_id, signal.SIGTERM)
    await until(lambda: run.ended(job.key))
    last = run.of(job.key)[-1]
    assert isinstance(last, JobFailed)
    assert last.signal == "TERM"
    await until(lambda: not alive(int(child.read_text())))


async def test_the_time_limit_ends_a_job_with_xcpu(run: Run) -> None:
    """A job that runs longer than its execution time limit fails with XCPU."""
    job = run.job(script="sleep 1000", execution__time__limit=0.5, err_script='echo "caught $1"')
    events = await run.submit(job)
    assert events[-1].signal == "XCPU"
    await until(lambda: "caught XCPU" in run.text(job.key, "job.err"))


async def test_a_job_that_dies_silently_has_failed(run: Run) -> None:
    """A job killed from outside, with no chance to say so, is known to have failed."""
    job = run.job(script='touch "$CYLC_TASK_LOG_DIR/here"; sleep 1000')
    run.manager.submit([job])
    await until((run.directory(job.key) / "here").exists)
    process_id = read_status(run.directory(job.key)).process_id
    assert process_id is not None
    os.kill(process_id, signal.SIGKILL)
    await until(lambda: run.ended(job.key))
    assert kinds(run.of(job.key)) == ["JobSubmitted", "JobStarted", "JobFailed"]
    assert run.of(job.key)[-1].signal == "KILL"
    os.killpg(process_id, signal.SIGKILL)


async def test_disabled_traps_are_made_up_for_by_the_end_of_the_process(run: Run) -> None:
    """A job without traps that ends is known to have failed; or succeeded, if job.status says so."""
    silent = run.job("silent", init_script="cylc__job__disable_fail_signals ERR EXIT", script="exit 1")
    events = await run.submit(silent)
    assert kinds(events) == ["JobSubmitted", "JobStarted", "JobFailed"]
    told = run.job(
        "told",
        init_script="cylc__job__disable_fail_signals ERR EXIT",
        script='printf "  CYLC_JOB_EXIT=SUCCEEDED\\n" >>"${CYLC_TASK_LOG_ROOT}.status"\nexit 1',
    )
    events = await run.submit(told)
    assert isinstance(events[-1], JobSucceeded)


async def test_init_script_comes_before_the_start(run: Run) -> None:
    """A failing command in init-script is forgiven; an init-script that exits makes the submission fail."""
    good = run.job("good", init_script="false; echo init", script="true")
    events = await run.submit(good)
    assert isinstance(events[-1], JobSucceeded)
    assert run.text(good.key, "job.out").startswith("init\nWorkflow : ")
    gone = run.job("gone", init_script="echo oh no >&2; exit 1", script="true")
    events = await run.submit(gone)
    assert kinds(events) == ["JobSubmitted", "JobSubmissionFailed"]
    assert "before it began (exit status 1)" in events[-1].reason
    assert events[-1].log == "oh no"


async def test_a_detached_child_does_not_hold_a_job(run: Run) -> None:
    """A job is over when its script is, whatever it left running with its output open."""
    job = run.job(script='(sleep 1000 & echo $! > "$CYLC_TASK_LOG_DIR/child") ; true')
    assert isinstance((await run.submit(job))[-1], JobSucceeded)
    child = int(run.text(job.key, "child"))
    assert alive(child)
    os.kill(child, signal.SIGKILL)


async def test_kill_leaves_nothing_behind(run: Run) -> None:
    """A killed job fails with KILL, and all it started is gone: other sessions, and what ignores TERM."""
    job = run.job(
        script="""
        trap '' TERM
        setsid sleep 1000 & echo $! > "$CYLC_TASK_LOG_DIR/child1"
        set -m
        (sleep 1000; true) & echo $! > "$CYLC_TASK_LOG_DIR/child2"
        touch "$CYLC_TASK_LOG_DIR/here"
        wait
        """,
        execution__time__limit=1000.0,
    )
    run.manager.submit([job])
    await until((run.directory(job.key) / "here").exists)
    children = [int(run.text(job.key, f"child{number}")) for number in (1, 2)]
    job_id = run.of(job.key)[0].job_id
    run.manager.kill([KillJob(job.key, job_id)])
    await until(lambda: run.ended(job.key))
    last = run.of(job.key)[-1]
    assert isinstance(last, JobFailed)
    assert last.signal == "KILL"
    assert kinds(run.of(job.key)).count("JobFailed") == 1
    assert not any(alive(process_id) for process_id in [*children, int(job_id)])
    status = read_status(run.directory(job.key))
    assert status.exit == "KILL"
    assert "[jobs-kill ret_code] 0" in run.text(job.key, "job-activity.log")


async def test_kill_reaches_a_job_that_is_being_submitted(run: Run) -> None:
    """A kill that comes before the submission is answered takes place once it is."""
    job = run.job(script="sleep 1000")
    run.manager.submit([job])
    run.manager.kill([KillJob(job.key, "")])
    await until(lambda: run.ended(job.key))
    assert isinstance(run.of(job.key)[-1], JobFailed | JobSubmissionFailed)


async def test_a_syntax_error_fails_the_submission(run: Run) -> None:
    """Scripts that are not bash are not started: the reason names the file and the line."""
    job = run.job(script='if true; then echo "hello')
    events = await run.submit(job)
    assert kinds(events) == ["JobSubmissionFailed"]
    assert f"{run.directory(job.key)}/job: line " in events[0].reason
    assert "[jobs-submit ret_code] 1" in run.text(job.key, "job-activity.log")
    assert not (run.directory(job.key) / "job.out").exists()


async def test_a_job_directory_that_cannot_be_made_fails_the_submission(run: Run) -> None:
    """Where the directory cannot be made the submission fails, and says which directory and why."""
    in_the_way = run.context.job_root / "1"
    in_the_way.write_text("a file")
    events = await run.submit(run.job())
    assert kinds(events) == ["JobSubmissionFailed"]
    assert str(in_the_way) in events[0].reason
    assert "Not a directory" in events[0].reason


async def test_no_bash_fails_the_submission(run: Run) -> None:
    """Without bash nothing runs, and the reason says so."""
    run.managers.pop().close()
    run.open(has_bash=False)
    events = await run.submit(run.job())
    assert kinds(events) == ["JobSubmissionFailed"]
    assert "no bash on PATH" in events[0].reason


async def test_two_hundred_jobs_at_once(run: Run) -> None:
    """Many jobs submitted together all run, each once, and each event comes once and in order."""
    jobs = [run.job(f"t{number}", script='echo run >> "$CYLC_TASK_LOG_DIR/ran"') for number in range(200)]
    run.manager.submit(jobs)
    await until(lambda: all(run.ended(job.key) for job in jobs))
    for job in jobs:
        assert kinds(run.of(job.key)) == ["JobSubmitted", "JobStarted", "JobSucceeded"]
        assert run.text(job.key, "ran") == "run\n"


async def test_a_poll_tells_all_that_is_known(run: Run) -> None:
    """A poll reports start, messages and end from job.status, for a scheduler that heard nothing of them."""
    job = run.job(
        script='printf "CYLC_MESSAGE=2026-01-01T00:00:00Z|WARNING|hot|cold\\n" >>"$CYLC_TASK_LOG_ROOT.status"'
    )
    await run.submit(job)
    run.managers.pop().close()
    run.events.clear()
    run.open()
    run.manager.poll([PollJob(job.key, "1", submitted_only=True)])
    await until(lambda: run.ended(job.key))
    assert kinds(run.events) == ["JobStarted", "JobMessage", "JobSucceeded"]
    message = run.events[1]
    assert isinstance(message, JobMessage)
    assert (message.severity, message.text, message.time) == ("WARNING", "hot|cold", 1767225600.0)


async def test_a_new_scheduler_hears_the_end_of_a_job_it_did_not_start(run: Run) -> None:
    """After a restart a poll finds a job alive and watches it, though it is nobody's child."""
    gate = run.context.run_directory / "gate"
    loud = run.job("loud", script=f"until [[ -e {gate} ]]; do sleep 0.02; done")
    mute = run.job("mute", script=f"trap - ERR EXIT; until [[ -e {gate} ]]; do sleep 0.02; done; kill -KILL $$")
    run.manager.submit([loud, mute])
    await until(lambda: sum(isinstance(event, JobStarted) for event in run.events) == 2)
    run.managers.pop().close()
    ids = {event.job: event.job_id for event in run.events if isinstance(event, JobSubmitted)}
    run.events.clear()
    run.open()
    run.manager.poll([PollJob(key, ids[key], submitted_only=True) for key in (loud.key, mute.key)])
    await until(lambda: len(run.events) == 2)
    assert kinds(run.events) == ["JobStarted", "JobStarted"]
    gate.touch()
    await until(lambda: run.ended(loud.key) and run.ended(mute.key))
    assert isinstance(run.of(loud.key)[-1], JobSucceeded)
    assert isinstance(run.of(mute.key)[-1], JobFailed)


async def test_recovery_submits_what_never_began(run: Run) -> None:
    """A job decided on but never written is submitted now."""
    job = run.job()
    run.manager.recover([job])
    await until(lambda: run.ended(job.key))
    assert kinds(run.of(job.key)) == ["JobSubmitted", "JobStarted", "JobSucceeded"]


async def test_recovery_finds_a_job_that_ran_unheard(run: Run) -> None:
    """A job that ran while nobody listened is not run again: what it did is reported."""
    job = run.job(script='echo run >> "$CYLC_TASK_LOG_DIR/ran"')
    await run.submit(job)
    run.managers.pop().close()
    run.events.clear()
    run.open()
    run.manager.recover([job])
    await until(lambda: run.ended(job.key))
    assert kinds(run.of(job.key)) == ["JobSubmitted", "JobStarted", "JobSucceeded"]
    assert run.text(job.key, "ran") == "run\n"


async def test_recovery_takes_over_a_running_job(run: Run) -> None:
    """A job found running, whose number was never written down, is watched to its end and can be killed."""
    job = run.job(script="sleep 1000")
    run.manager.submit([job])
    await until(lambda: any(isinstance(event, JobStarted) for event in run.events))
    status = run.directory(job.key) / "job.status"
    kept = [line for line in status.read_text().splitlines() if "PID" in line or "INIT" in line]
    status.write_text("\n".join(kept) + "\n")
    old_id = run.of(job.key)[0].job_id
    run.managers.pop().close()
    run.events.clear()
    run.open()
    run.manager.recover([job])
    await until(lambda: len(run.events) == 2)
    assert kinds(run.events) == ["JobSubmitted", "JobStarted"]
    assert run.events[0].job_id == old_id
    run.manager.kill([KillJob(job.key, old_id)])
    await until(lambda: run.ended(job.key))
    assert run.of(job.key)[-1].signal == "KILL"


async def test_recovery_and_a_straggler_run_the_job_once(run: Run) -> None:
    """A process of a killed scheduler, held up in its login profile, cannot run beside a new one."""
    gate = run.context.run_directory / "gate"
    waiting = run.context.run_directory / "waiting"
    profile = run.home / ".bash_profile"
    profile.write_text(f"touch {waiting}; until [[ -e {gate} ]]; do sleep 0.01; done\n")
    job = run.job(script='echo "run $$" >> "$CYLC_WORKFLOW_RUN_DIR/ran"')
    run.manager.submit([job])
    await until(waiting.exists)
    run.managers.pop().close()
    run.events.clear()
    profile.unlink()
    run.open()
    run.manager.recover([job])
    await until(lambda: run.ended(job.key))
    straggler_ids = [event.job_id for event in run.of(job.key) if isinstance(event, JobSubmitted)]
    assert len(straggler_ids) == 1
    gate.touch()
    await until(lambda: not any(runs(run, job.key)))
    assert kinds(run.of(job.key)) == ["JobSubmitted", "JobStarted", "JobSucceeded"]
    assert (run.context.run_directory / "ran").read_text().count("run") == 1


def write_fifo(run: Run, data: bytes) -> None:
    with open(run.context.fifo, "wb", buffering=0) as fifo:
        fifo.write(data)


async def test_lines_from_before_a_poll_are_heard(run: Run) -> None:
    """What a job tells a scheduler that has not looked at it yet is reported; nonsense is not."""
    moment = b"2026-01-01T00:00:00Z"
    write_fifo(run, b"nonsense\n|||\nstarted|1/a/b/c|t|%b\nstarted|1/x/01|t|%b\n" % (moment, moment))
    await until(lambda: len(run.events) == 1)
    assert run.events == [JobStarted(1767225600.0, JobKey("1", "x", 1))]


async def test_a_flood_of_lines_arrives_whole(run: Run) -> None:
    """Thousands of lines by several writers at once arrive, none torn."""
    script = 'for i in {1..500}; do printf "%s\\n" "started|$i/t/0$1|t|2026-01-01T00:00:00Z" 1<>"$2"; done'
    writers = [
        await asyncio.create_subprocess_exec("bash", "-c", script, "bash", str(n), str(run.context.fifo))
        for n in range(1, 9)
    ]
    assert [await writer.wait() for writer in writers] == [0] * 8
    await until(lambda: len(run.events) == 4000)
    assert len({event.job for event in run.events}) == 4000


async def test_a_job_starts_without_a_scheduler(run: Run) -> None:
    """A job whose scheduler is gone neither waits nor fails for that."""
    gate = run.context.run_directory / "gate"
    job = run.job(script=f"until [[ -e {gate} ]]; do sleep 0.01; done")
    run.manager.submit([job])
    await until(lambda: bool(run.events))
    run.managers.pop().close()
    gate.touch()
    await until(lambda: read_status(run.directory(job.key)).exit == "SUCCEEDED")


async def test_an_older_directory_is_replaced(run: Run) -> None:
    """A job directory of the same number left by an earlier run is not mixed with the new one."""
    job = run.job()
    directory = run.directory(job.key)
    directory.mkdir(parents=True)
    (directory / "job.status").write_text("CYLC_JOB_INIT_TIME=2020-01-01T00:00:00Z\nCYLC_JOB_EXIT=SUCCEEDED\n")
    (directory / "product").write_text("old")
    (directory.parent / "NN").symlink_to("07")
    await run.submit(job)
    assert not (directory / "product").exists()
    assert os.readlink(directory.parent / "NN") == "01"
    assert sorted(path.name for path in directory.parent.iterdir()) == ["01", "NN"]


async def test_drain_tells_of_a_start_before_anything_else(run: Run) -> None:
    """drain() reports at once what lies in the FIFO, without a turn of the loop."""
    job = run.job(script="sleep 1000")
    run.manager.submit([job])
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not any(isinstance(event, JobStarted) for event in run.events):
        assert time.monotonic() < deadline
        run.manager.drain()
    assert kinds(run.events) == ["JobSubmitted", "JobStarted"]
    run.manager.kill([KillJob(job.key, run.events[0].job_id)])
    await until(lambda: run.ended(job.key))


async def test_the_helper_functions_of_job_scripts(run: Run) -> None:
    """Scripts may wait for their start to be known, and for a line of the workflow's log."""
    log = run.context.run_directory / "log" / "scheduler"
    log.mkdir(parents=True)
    (log / "log").write_text("[1/foo/01:running] => succeeded\n")
    pattern = "1/foo/0[0-9].* succeeded"
    job = run.job(
        script=f"""
        cylc__job__wait_cylc_message_started
        cylc__job__poll_grep_workflow_log -E '{pattern}'
        """
    )
    assert isinstance((await run.submit(job))[-1], JobSucceeded)
    assert "=> succeeded" in run.text(job.key, "job.out")


def alive(process_id: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def runs(run: Run, key: JobKey) -> list[int]:
    """The processes that run a job file."""
    wanted = os.fsencode(run.directory(key) / "job")
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if wanted in (entry / "cmdline").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


async def test_debug_jobs_leave_a_trace(run: Run) -> None:
    """In debug mode what bash does is written to job.xtrace, and not among the job's errors."""
    run.managers.pop().close()
    run.context = msgspec.structs.replace(run.context, debug=True)
    run.open()
    job = run.job(script="echo traced")
    assert isinstance((await run.submit(job))[-1], JobSucceeded)
    assert "echo traced" in run.text(job.key, "job.xtrace")
    assert run.text(job.key, "job.err") == ""


async def test_a_job_file_run_by_hand_does_not_run_again(run: Run) -> None:
    """Running a job file by hand works up to the claim: a job that has run does not run again."""
    job = run.job(script='echo run >> "$CYLC_TASK_LOG_DIR/ran"')
    await run.submit(job)
    by_hand = await asyncio.create_subprocess_exec(
        str(run.directory(job.key) / "job"), stderr=asyncio.subprocess.PIPE, env={"HOME": str(run.home)}
    )
    _, err = await by_hand.communicate()
    assert by_hand.returncode == 0
    assert "Not run: this job file has been run before" in err.decode()
    assert run.text(job.key, "ran") == "run\n"


async def test_a_sigpipe_is_not_ignored_in_jobs(run: Run) -> None:
    """Jobs start with every signal at its default, whatever the scheduler's Python ignores."""
    job = run.job(script="set +o pipefail; yes | head -n 1; trap -p PIPE")
    assert isinstance((await run.submit(job))[-1], JobSucceeded)
    assert "SIGPIPE" not in run.text(job.key, "job.out")
    assert "Broken pipe" not in run.text(job.key, "job.err")


async def test_jobs_do_not_inherit_what_is_about_another_job(run: Run) -> None:
    """A scheduler that runs inside a job does not hand that job's variables on."""
    environment = job_process_environment(
        {"CYLC_TASK_NAME": "outer", "CYLC_SUITE_NAME": "o", "PATH": "/bin", "MY": "1"}
    )
    assert environment == {"PATH": "/bin", "MY": "1"}


async def test_commands_of_the_workflow_come_first(run: Run) -> None:
    """Programs of the run come before our own commands, and those before a login profile's."""
    elsewhere = run.home / "elsewhere"
    elsewhere.mkdir()
    for directory, name in ((elsewhere, "cylc"), (run.context.run_directory / "bin", "mine")):
        directory.mkdir(exist_ok=True)
        (directory / name).write_text("#!/bin/sh\necho from elsewhere\n")
        (directory / name).chmod(0o755)
    (run.home / ".bash_profile").write_text(f"PATH={elsewhere}:$PATH\n")
    job = run.job(script="command -v cylc mine tidemill")
    await run.submit(job)
    found = [line for line in run.text(job.key, "job.out").splitlines() if line.startswith("/")]
    wanted = (".service/bin/cylc", "bin/mine", ".service/bin/tidemill")
    assert found == [str(run.context.run_directory / path) for path in wanted]


async def test_many_jobs_without_descriptors_are_looked_at(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no pidfd is to be had, a silent end is found by looking."""
    monkeypatch.setattr("tidemill.flow.jobs.background.HAS_PIDFD", False)
    job = run.job(init_script="exit 4")
    events = await run.submit(job)
    assert isinstance(events[-1], JobSubmissionFailed)
    assert "exit status 4" in events[-1].reason
