"""The table of ecFlow's commands: what help, the command line and the client know of each.

Names, arguments and kinds are those of ecFlow 5.9; the words about them are ours.
"""

from __future__ import annotations

from typing import NamedTuple

CHILD, USER = "child", "user"
CHANGE, READ, LOCAL, OPTION = "change", "read", "local", "option"


class EcflowCommand(NamedTuple):
    """One command or option."""

    name: str
    kind: str
    """``child`` for those of jobs, else ``user``: how help lists it."""
    route: str
    """``child``; ``change`` and ``read``, for which the server is asked; ``local``; ``option`` of other commands."""
    arguments: str
    summary: str
    details: str = ""
    examples: tuple[str, ...] = ()
    confirm: str = ""
    """The question that must be answered with y unless ``yes`` is among the arguments."""
    timeout_seconds: int = 60


def _child(name: str, arguments: str, summary: str, details: str = "", *examples: str) -> EcflowCommand:
    return EcflowCommand(name, CHILD, CHILD, arguments, summary, details, examples, timeout_seconds=190)


def _change(
    name: str, arguments: str, summary: str, details: str = "", *examples: str, confirm: str = "", timeout: int = 60
) -> EcflowCommand:
    return EcflowCommand(name, USER, CHANGE, arguments, summary, details, examples, confirm, timeout)


def _read(
    name: str, arguments: str, summary: str, details: str = "", *examples: str, timeout: int = 60
) -> EcflowCommand:
    return EcflowCommand(name, USER, READ, arguments, summary, details, examples, timeout_seconds=timeout)


def _local(name: str, arguments: str, summary: str, details: str = "", *examples: str) -> EcflowCommand:
    return EcflowCommand(name, USER, LOCAL, arguments, summary, details, examples)


def _option(name: str, arguments: str, summary: str, details: str = "", *examples: str) -> EcflowCommand:
    return EcflowCommand(name, USER, OPTION, arguments, summary, details, examples)


_FOR_JOBS = "For jobs: needs ECF_NAME and ECF_PASS; ECF_TRYNO and ECF_RID are sent along."
_PATHS = "Paths are absolute; there must be at least one."
_ZOMBIES = "The zombie is named by the path of its task. See --zombie_get for those there are."
_HANDLE = "A handle is the number that --ch_register gave."

COMMANDS: dict[str, EcflowCommand] = {
    command.name: command
    for command in (
        _child(
            "abort",
            "[reason]",
            "A job reports that it failed; the task is tried again up to ECF_TRIES times.",
            _FOR_JOBS,
            "--abort",
            "--abort='no input'",
        ),
        _option("add", "NAME=value ...", "With --init: variables to add to the task.", "", "--init=$$ --add A=1 B=2"),
        _change(
            "alter",
            "add|change|delete|set_flag|clear_flag|sort TYPE [name] [value] path ...",
            "Change the attributes of nodes, or the server's variables.",
            "TYPE to add: variable, time, today, date, day, zombie, event, meter, late, limit, inlimit, label, aviso,\n"
            "mirror; to change: variable, clock_type, clock_gain, clock_date, clock_sync, event, meter, label,\n"
            "trigger, complete, repeat, limit_max, limit_value, defstatus, late, time, today; to delete: variable,\n"
            "time, today, date, day, cron, event, meter, late, generic, queue, label, trigger, complete, repeat,\n"
            "limit, inlimit, limit_path, zombie, aviso, mirror (without a name: all of the type). The path / is\n"
            "the server, for its variables. A clock changed takes effect when the suite is queued again.",
            "--alter=add variable GREETING 'good morning' /",
            "--alter=change meter progress 40 /suite/family/task",
            "--alter=delete trigger /suite/family/task",
            "--alter=set_flag late /suite/family/task",
            "--alter=sort variable recursive /suite",
        ),
        _change(
            "archive",
            "[force] path ...",
            "Write suites or families to disk and drop what is below them from the server.",
            f"{_PATHS} force: also if something below is active or submitted.",
            "--archive=/suite/family",
        ),
        _change(
            "begin",
            "[suite] [--force]",
            "Start suites: their clocks, states and first jobs; all of them if none is named.",
            "--force: even if jobs of theirs are active or submitted, which become zombies.",
            "--begin",
            "--begin=suite",
            timeout=80,
        ),
        _change("ch_add", "handle suite ...", "Add suites to a handle.", _HANDLE, "--ch_add=1 s1 s2"),
        _change(
            "ch_auto_add",
            "handle true|false",
            "Say whether new suites are added to a handle by themselves.",
            _HANDLE,
            "--ch_auto_add=1 true",
        ),
        _change("ch_drop", "handle", "Give up a handle.", _HANDLE, "--ch_drop=1"),
        _change(
            "ch_drop_user", "[user]", "Give up all handles of a user, your own by default.", "", "--ch_drop_user=ma0"
        ),
        _change(
            "ch_register",
            "[handle] true|false [suite ...]",
            "Register interest in suites; prints the handle.",
            "true: suites that come later are added to it. With a handle first, that one is dropped.",
            "--ch_register=true s1 s2",
        ),
        _change("ch_rem", "handle suite ...", "Take suites from a handle.", _HANDLE, "--ch_rem=1 s1"),
        _read("ch_suites", "", "List the handles and their suites.", "", "--ch_suites"),
        _read(
            "check",
            "_all_ | / | path ...",
            "Check that what expressions and limits name is there.",
            "Prints what is wrong; nothing if all is well.",
            "--check=_all_",
        ),
        _change(
            "checkJobGenOnly",
            "[path]",
            "Make the job files of a node without submitting anything; problems are listed.",
            "",
            "--checkJobGenOnly=/suite",
        ),
        _change(
            "check_pt",
            "[never | on_time | on_time:SECONDS | always | SECONDS | alarm:SECONDS]",
            "Write a checkpoint now, or say when they are written.",
            "",
            "--check_pt",
            "--check_pt=on_time:60",
        ),
        _child("complete", "[--remove NAME ...]", "A job reports its end.", _FOR_JOBS, "--complete"),
        _local("debug", "", "Print the settings of this client, and where each is from.", "", "--debug"),
        _change("debug_server_off", "", "Log as usual again.", "", "--debug_server_off"),
        _change("debug_server_on", "", "Log more.", "", "--debug_server_on"),
        _change(
            "delete",
            "[force] [yes] _all_ | path ...",
            "Delete nodes, or all suites.",
            "Refused while a job is active or submitted, unless forced. Asks first, unless yes is given.",
            "--delete=yes /suite/family",
            "--delete=force yes _all_",
            confirm="Are you sure you want to delete {what} ? [y/n]:",
        ),
        _read(
            "edit_history",
            "path | clear",
            "Print the commands of users that changed a node.",
            "",
            "--edit_history=/suite/family/task",
        ),
        _change(
            "edit_script",
            "path edit|pre_process|submit|pre_process_file|submit_file [file] [create_alias] [no_run]",
            "Print, pre-process or submit a script, changed for one run.",
            "",
            "--edit_script=/suite/task edit > t.ecf",
            "--edit_script=/suite/task submit_file t.ecf",
        ),
        _child(
            "event",
            "name|number [set|clear]",
            "A job sets or clears an event.",
            _FOR_JOBS,
            "--event=ready",
            "--event=ready clear",
        ),
        _read(
            "file",
            "path [script|job|jobout|manual|kill|stat] [max_lines=10000]",
            "Print the script of a task, or another of its files.",
            "",
            "--file=/suite/task jobout",
        ),
        _change(
            "force",
            "unknown|complete|queued|submitted|active|aborted|set|clear [recursive] [full] path ...|path:event ...",
            "Put nodes into a state, or set or clear events.",
            "recursive: all below too; full: repeats go to their last value. Jobs that run become zombies.",
            "--force=complete recursive /suite/family",
            "--force=set /suite/task:ready",
        ),
        _change("force-dep-eval", "", "Look at all dependencies again.", "", "--force-dep-eval"),
        _change(
            "free-dep",
            "[trigger|all|date|time] path ...",
            "Release nodes from their dependencies once; from the trigger by default.",
            "Limits and suspended nodes still hold.",
            "--free-dep=/suite/task",
            "--free-dep=all /suite/task",
        ),
        _read("get", "[path]", "Print the definition.", "", "--get", "--get=/suite", timeout=600),
        _read("get_state", "[path]", "Print the definition with its states.", "", "--get_state=/suite", timeout=600),
        _read(
            "group",
            '"command; command; ..."',
            "Carry out several commands, one after the other, in one go.",
            "",
            '--group="halt=yes; reloadwsfile; restart"',
            '--group="get; why"',
            timeout=600,
        ),
        _change(
            "halt",
            "[yes]",
            "No new jobs, and jobs wait with their reports.",
            "",
            "--halt=yes",
            confirm="Are you sure you want to halt the server ? [y/n]:",
        ),
        _local("help", "[all|summary|child|user|option|COMMAND]", "Explain the commands.", "", "--help=alter"),
        _option("host", "NAME", "The server's host, rather than ECF_HOST or localhost.", "", "--ping --host=node1"),
        _child(
            "init", "RID [--add NAME=value ...]", "A job reports that it runs, and by which id.", _FOR_JOBS, "--init=$$"
        ),
        _change(
            "job_gen",
            "[path]",
            "Look at the dependencies of a node and submit what is free.",
            "",
            "--job_gen=/suite",
        ),
        _change("kill", "path ...", "Run ECF_KILL_CMD for active or submitted tasks.", _PATHS, "--kill=/suite/task"),
        _child("label", 'name "text" ["text" ...]', "A job changes a label.", _FOR_JOBS, '--label=step "2 of 4"'),
        _change(
            "load",
            "file [force] [check_only] [print] [stats]",
            "Check a definition or checkpoint and add its suites to the server.",
            "force: take the place of suites of the same names. check_only: load nothing. print, stats: show it.",
            "--load=suite.def",
            "--load=suite.def force",
            timeout=600,
        ),
        _change(
            "log",
            "get [lines] | clear | flush | new [path] | path",
            "Print the server's log, empty it, or go on in another file.",
            "",
            "--log=get 20",
            "--log=path",
        ),
        _child("meter", "name value", "A job changes a meter.", _FOR_JOBS, "--meter=progress 20"),
        _read("migrate", "[path]", "Print the definition as a checkpoint holds it.", "", "--migrate", timeout=600),
        _change("msg", "text", "Write a line to the server's log.", "", "--msg='upgrade begins'"),
        _read(
            "news",
            "[handle] STATE_NUMBER MODIFY_NUMBER",
            "Tell whether anything changed since two numbers; for programs.",
            "",
            "--news=0 120 14",
        ),
        _change(
            "order",
            "path top|bottom|alpha|order|up|down|runtime",
            "Move a node among its siblings: jobs are submitted in that order.",
            "",
            "--order=/suite/task top",
        ),
        _option("password", "PASSWORD", "The user's password, where the server wants one.", "", "--ping --password=x"),
        _read(
            "ping",
            "",
            "Ask whether a server runs at a host and port.",
            "ECF_HOST and ECF_PORT say where, --host and --port before them.",
            "--ping --host=node1 --port=3141",
            timeout=10,
        ),
        _change(
            "plug",
            "source destination",
            "Move a node below another one, or to another server (host:port[/path]).",
            "The source must not be active or submitted.",
            "--plug=/suite/family host:3141",
            timeout=120,
        ),
        _option("port", "NUMBER", "The server's port, rather than ECF_PORT or 3141.", "", "--ping --port=4141"),
        _read(
            "query",
            "state|dstate|repeat|event|meter|label|variable|limit|limit_max|trigger path[:name] [prev|next|expression]",
            "Print one value: a state, an attribute, whether an expression holds.",
            "",
            "--query=state /suite/task",
            "--query=event /suite/task:ready",
            '--query=trigger /suite/task "a == complete"',
        ),
        _child(
            "queue",
            "name active|aborted|complete|no_of_aborted|reset [step] [path]",
            "A job steps through a queue; active prints the next step or <NULL>.",
            _FOR_JOBS,
            "--queue=steps active",
        ),
        _change(
            "reloadcustompasswdfile",
            "",
            "Read the password file of users with other names again.",
            "",
            "--reloadcustompasswdfile",
        ),
        _change("reloadpasswdfile", "", "Read the password file again.", "", "--reloadpasswdfile"),
        _change("reloadwsfile", "", "Read the white list of users again.", "", "--reloadwsfile"),
        _option("remove", "NAME ...", "With --complete: variables to take from the task.", "", "--complete --remove A"),
        _change(
            "replace",
            "path file [parent|false] [force]",
            "Put a node of a definition file in place of the one in the server, or add it.",
            "parent: make parents that are missing. force: even if jobs are active or submitted.",
            "--replace=/suite/family suite.def",
            timeout=300,
        ),
        _change(
            "requeue",
            "[abort|force] path ...",
            "Put nodes back to queued.",
            "abort: only aborted tasks below. force: even if jobs are active or submitted, which become zombies.",
            "--requeue=/suite/family",
            "--requeue=abort /suite/family",
        ),
        _change("restart", "", "Submit jobs and listen to them again.", "", "--restart"),
        _change("restore", "path ...", "Bring archived nodes back.", _PATHS, "--restore=/suite/family"),
        _change(
            "restore_from_checkpt",
            "",
            "Load the checkpoint; the server must be halted and have no suites.",
            "",
            "--restore_from_checkpt",
            timeout=600,
        ),
        _change("resume", "path ...", "Let jobs below nodes be submitted again.", _PATHS, "--resume=/suite"),
        _option("rid", "RID", "A job's process or remote id, rather than ECF_RID.", "", "--complete --rid=12"),
        _change(
            "run",
            "[force] path ...",
            "Submit tasks now, whatever they wait for.",
            "force: even if they are active or submitted.",
            "--run=/suite/task",
        ),
        _read("server_load", "[log file]", "Count the requests in a log by minute, for gnuplot.", "", "--server_load"),
        _read("server_version", "", "Print the version of the server.", "", "--server_version"),
        _read(
            "show", "[defs|state|migrate]", "In a group after get: print what was got.", "", '--group="get; show state"'
        ),
        _change(
            "shutdown",
            "[yes]",
            "No new jobs; reports and commands are still taken.",
            "",
            "--shutdown=yes",
            confirm="Are you sure you want to shut down the server ? [y/n]:",
        ),
        _option("ssl", "[name]", "Accepted and not needed: every connection is encrypted.", "", "--ping --ssl"),
        _read("stats", "", "Print the server's state, since when it runs and what it was asked.", "", "--stats"),
        _change("stats_reset", "", "Count from zero again.", "", "--stats_reset"),
        _read("stats_server", "", "The same as stats; for programs.", "", "--stats_server"),
        _change(
            "status", "path ...", "Run ECF_STATUS_CMD for tasks; see --file=path stat.", _PATHS, "--status=/suite/task"
        ),
        _read("suites", "", "Print the names of the suites.", "", "--suites"),
        _change("suspend", "path ...", "Submit no jobs below nodes.", _PATHS, "--suspend=/suite"),
        _read("sync", "[handle] STATE_NUMBER MODIFY_NUMBER", "Get what changed since two numbers; for programs."),
        _read("sync_clock", "[handle] STATE_NUMBER MODIFY_NUMBER", "The same as sync, with the clocks of suites."),
        _read("sync_full", "[handle]", "Get everything; for programs.", timeout=600),
        _change(
            "terminate",
            "[yes]",
            "End the server. Jobs go on, and report to the next one.",
            "",
            "--terminate=yes",
            confirm="Are you sure you want to terminate the server ? [y/n]:",
        ),
        _option("user", "NAME", "Whom to be known as by the server.", "", "--ping --user=ma0"),
        _local("version", "", "Print the version of this client.", "", "--version"),
        _child("wait", "expression", "A job waits until an expression holds.", _FOR_JOBS, '--wait="/s/a == complete"'),
        _read("why", "[path]", "Tell what holds a node back.", "", "--why=/suite/task", '--group="get; why"'),
        _change("zombie_adopt", "path ...", "Let a zombie be the job of its task.", _ZOMBIES, "--zombie_adopt=/s/t"),
        _change("zombie_block", "path ...", "Let a zombie wait.", _ZOMBIES, "--zombie_block=/s/t"),
        _change("zombie_fail", "path ...", "Let a zombie end with an error.", _ZOMBIES, "--zombie_fail=/s/t"),
        _change("zombie_fob", "path ...", "Let a zombie go on, its reports ignored.", _ZOMBIES, "--zombie_fob=/s/t"),
        _read("zombie_get", "", "List the zombies.", "", "--zombie_get"),
        _change("zombie_kill", "path ...", "Run ECF_KILL_CMD for a zombie.", _ZOMBIES, "--zombie_kill=/s/t"),
        _change("zombie_remove", "path ...", "Forget a zombie.", _ZOMBIES, "--zombie_remove=/s/t"),
    )
}
OPTIONS = tuple(name for name, command in COMMANDS.items() if command.route == OPTION)
CHILD_VARIABLES = (
    ("ECF_NAME", "path of the task; needed"),
    ("ECF_PASS", "password of this submission; needed"),
    ("ECF_TRYNO", "number of the try; 1 by default"),
    ("ECF_RID", "process or remote id of the job"),
    ("ECF_TIMEOUT", "seconds to go on trying while the server cannot be reached; 86400"),
    ("ECF_ZOMBIE_TIMEOUT", "seconds to wait while the server takes the job for a zombie; 43200"),
    ("ECF_DENIED", "if set, give up after the first attempts"),
    ("ECF_HOSTFILE", "file of further servers to try, host[:port] on each line"),
    ("NO_ECF", "if set, do nothing and succeed: to run a job by hand"),
)
COMMON_VARIABLES = (
    ("ECF_HOST", "host of the server; localhost by default (ECF_NODE, its old name, comes after it)"),
    ("ECF_PORT", "port of the server; 3141 by default"),
)
