"""`tidemill remote`: run commands on other machines, look after them, and copy files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from .exceptions import InputError, UsageError
from .plain import Parser

CONNECT_SECONDS = 10.0
DEFAULT_PORT = 9922

USAGE = """\
usage: tidemill remote COMMAND [OPTIONS] HOST[:PORT] ...

Run commands on other machines, look after them, and copy files. Each HOST runs 'tidemill serve-commands';
without PORT, 9922 is meant. 'tidemill remote COMMAND --help' has the options of each.

  exec HOST... -- COMMAND       run a command: its output as it comes, its exit status; Ctrl-C ends it
  jobs HOST...                  list the jobs, those that ended too
  attach HOST JOB               the output of a job from its beginning, until it ends
  kill HOST JOB...              end jobs with all they started
  put HOST... SOURCE DEST       copy a file there
  get HOST... SOURCE DEST       copy a file from there
  heartbeat HOST...             whether the server answers, and how promptly
  key HOST NAME --to DIRECTORY  make a key for another client of the server on this machine

Examples:
  tidemill remote exec node1 node2 -- uptime
  tidemill remote exec node1 -- 'make 2>&1 | tail'
  tidemill remote exec node1:9923 --time-limit 60 --cwd /data -- ./extract --day 7
  tidemill remote put node1 forecast.nc /data/in/
"""


def main(argv: list[str]) -> int:
    """Do what the first word says."""
    if not argv or argv[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0
    action = ACTIONS.get(argv[0])
    if action is None:
        raise UsageError(f"remote {argv[0]}: expected one of {', '.join(ACTIONS)}")
    return action(argv[1:])


def _exec(argv: list[str]) -> int:
    words: list[str] = []
    if "--" in argv:
        at = argv.index("--")
        argv, words = argv[:at], argv[at + 1 :]
    parser = _parser("exec", "Run a command; one word after -- is given to the shell, several are a program's.")
    parser.add_argument("hosts", nargs="+", metavar="HOST[:PORT]")
    parser.add_argument("--cwd", metavar="DIRECTORY", help="where it begins")
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="a variable of its environment; repeatable"
    )
    parser.add_argument("--time-limit", type=float, metavar="SECONDS", help="end it after so long")
    parser.add_argument("--stdin", action="store_true", help="send it what comes on standard input")
    parser.add_argument("--detach", action="store_true", help="print the number of the job, and leave it running")
    parser.epilog = "Examples:\n  tidemill remote exec node1 node2 -- uptime\n  tidemill remote exec node1 -- 'ls | wc'"
    printer, values = parser.parse(argv)
    if not words:
        raise UsageError("remote exec: there is no command: tidemill remote exec HOST -- COMMAND")
    from .remote_exec import run

    return run(
        printer,
        [_connection(host, values) for host in values.hosts],
        words[0] if len(words) == 1 else words,
        keywords={
            "cwd": values.cwd,
            "env": dict(_pair(text) for text in values.env) or None,
            "time_limit": values.time_limit,
        },
        connect_seconds=values.timeout,
        stdin=values.stdin,
        detach=values.detach,
    )


def _attach(argv: list[str]) -> int:
    parser = _parser("attach", "Print the output of a job, from its beginning until it ends; Ctrl-C leaves it running.")
    parser.add_argument("host", metavar="HOST[:PORT]")
    parser.add_argument("job", type=int, metavar="JOB", help="its number, as 'remote jobs' lists it")
    parser.add_argument("--offset", type=int, default=0, metavar="BYTES", help="begin there")
    printer, values = parser.parse(argv)
    from .remote_exec import attach

    return attach(printer, _connection(values.host, values), values.job, values.offset, values.timeout)


def _jobs(argv: list[str]) -> int:
    parser = _parser("jobs", "List the jobs of servers: those that run, and for a day those that ended.", json=True)
    parser.add_argument("hosts", nargs="+", metavar="HOST[:PORT]")
    printer, values = parser.parse(argv)
    found: list[dict[str, Any]] = []
    lines = []
    for host in values.hosts:
        with _connection(host, values) as connection:
            for job in connection.jobs(raise_error=True):
                found.append({"host": host, **job})
                where = f"{host} " if len(values.hosts) > 1 else ""
                lines.append(f"{where}{job['id']:>4}  {_state(job):<16} {_ago(job):>7}  {_text(job['command'])}")
    printer.result(found, "\n".join(lines) or "no jobs")
    return 0


def _kill(argv: list[str]) -> int:
    parser = _parser("kill", "End jobs with all that runs in their process groups.")
    parser.add_argument("host", metavar="HOST[:PORT]")
    parser.add_argument("jobs", nargs="+", type=int, metavar="JOB")
    parser.add_argument(
        "--grace", type=float, default=5.0, metavar="SECONDS", help="between SIGTERM and SIGKILL (default 5)"
    )
    printer, values = parser.parse(argv)
    code = 0
    with _connection(values.host, values) as connection:
        for job in values.jobs:
            (ended,) = connection.kill(job, grace=values.grace, raise_error=True)
            if ended:
                printer.done({"job": job}, f"job {job} has ended")
            else:
                printer.warn(f"job {job} has not ended yet")
                code = 1
    return code


def _put(argv: list[str]) -> int:
    parser = _parser("put", "Copy a file to hosts; DEST is a name there, or a directory if it ends with '/'.")
    parser.add_argument("hosts", nargs="+", metavar="HOST[:PORT]")
    parser.add_argument("source", metavar="SOURCE")
    parser.add_argument("dest", metavar="DEST")
    printer, values = parser.parse(argv)
    dest = _named(values.dest, values.source)
    for host in values.hosts:
        with _connection(host, values) as connection:
            copied = connection.transfer(values.source, dest)
            printer.done(copied._asdict(), f"{host}:{copied.path}  {copied.size} bytes  {copied.sha256}")
    return 0


def _get(argv: list[str]) -> int:
    text = "Copy a file from hosts; from several, into a directory HOST below DEST each."
    parser = _parser("get", text)
    parser.add_argument("hosts", nargs="+", metavar="HOST[:PORT]")
    parser.add_argument("source", metavar="SOURCE")
    parser.add_argument("dest", metavar="DEST")
    printer, values = parser.parse(argv)
    for host in values.hosts:
        dest = values.dest
        if len(values.hosts) > 1:
            dest = os.path.join(dest, host.replace(":", "_"), os.path.basename(values.source))
        elif os.path.isdir(dest):
            dest = os.path.join(dest, "")
        with _connection(host, values) as connection:
            copied = connection.fetch(values.source, _named(dest, values.source))
            printer.done(copied._asdict(), f"{copied.path}  {copied.size} bytes  {copied.sha256}")
    return 0


def _heartbeat(argv: list[str]) -> int:
    parser = _parser("heartbeat", "Tell whether servers answer, and how late their loops were.", json=True)
    parser.add_argument("hosts", nargs="+", metavar="HOST[:PORT]")
    printer, values = parser.parse(argv)
    from ..network.exceptions import ClientError

    found: list[dict[str, Any]] = []
    lines = []
    for host in values.hosts:
        answer: dict[str, Any] = {"host": host, "alive": False}
        line = f"{host}: no answer"
        try:
            with _connection(host, values) as connection:
                began = time.perf_counter()
                pulse = connection.heartbeat(timeout=values.timeout)
                seconds = time.perf_counter() - began
            if pulse:
                answer.update(
                    alive=True,
                    seconds=seconds,
                    lag_seconds=pulse.lag_seconds,
                    worst_lag_seconds=pulse.worst_lag_seconds,
                    jobs=pulse.jobs,
                )
                line = (
                    f"{host}: alive, answered in {1000 * seconds:.1f} ms, its loop at worst "
                    f"{1000 * (pulse.worst_lag_seconds or 0):.1f} ms late, {pulse.jobs} jobs"
                )
        except ClientError as error:
            line = f"{host}: {error}"
            answer["error"] = str(error)
        found.append(answer)
        lines.append(line)
    printer.result(found, "\n".join(lines))
    return 0 if all(answer["alive"] for answer in found) else 1


def _key(argv: list[str]) -> int:
    parser = _parser("key", "Make a key for another client of the command server on this machine.")
    parser.add_argument("host", metavar="HOST[:PORT]")
    parser.add_argument("name", metavar="NAME", help="whose it is")
    parser.add_argument("--to", required=True, metavar="DIRECTORY", help="where to write it, to be given to its owner")
    parser.add_argument("--read-only", action="store_true", help="good for looking at jobs and their output only")
    printer, values = parser.parse(argv)
    import shutil

    import zmq

    from ..contact import keys
    from ..contact.paths import commands_directory

    host, port = _address(values.host)
    directory = values.keys or commands_directory(host, port)
    if not os.path.exists(os.path.join(directory, keys.SERVER_PUBLIC)):
        raise InputError(f"no command server was started at {host}:{port} on this machine: {directory} has no keys")
    pair = keys.KeyPair(*zmq.curve_keypair())
    os.makedirs(values.to, mode=0o700, exist_ok=True)
    if os.path.exists(os.path.join(values.to, keys.CLIENT_SECRET)):
        raise InputError(f"{values.to} has a key already")
    keys.write_key_file(os.path.join(values.to, keys.CLIENT_SECRET), pair.public, pair.secret)
    shutil.copy(os.path.join(directory, keys.SERVER_PUBLIC), values.to)
    role = keys.ROLE_READ if values.read_only else keys.ROLE_CONTROL
    keys.add_client_key(directory, values.name, pair.public, role=role)
    printer.done(
        {"directory": values.to, "role": role},
        f"the key is in {values.to}: give its owner the directory; he uses it with --keys",
    )
    return 0


ACTIONS: dict[str, Callable[[list[str]], int]] = {
    "exec": _exec,
    "jobs": _jobs,
    "attach": _attach,
    "kill": _kill,
    "put": _put,
    "get": _get,
    "heartbeat": _heartbeat,
    "key": _key,
}


def _parser(name: str, description: str, *, json: bool = False) -> Parser:
    parser = Parser(f"remote {name}", description, json=json)
    parser.add_argument("--keys", metavar="DIRECTORY", help="where the keys are, if not where the server put them")
    parser.add_argument(
        "--timeout",
        type=float,
        default=CONNECT_SECONDS,
        metavar="SECONDS",
        help=f"how long to wait for a connection (default {CONNECT_SECONDS:g})",
    )
    return parser


def _connection(host: str, values: Any) -> Any:
    from ..network.commands.pool import add

    name, port = _address(host)
    return add(name, port, enter_connect_timeout=values.timeout, keys=values.keys)


def _address(text: str) -> tuple[str, int]:
    """``HOST``, ``HOST:PORT`` or ``[ADDRESS]:PORT``."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]") or (":" in host and not host.endswith("]")):
        host, port = text, str(DEFAULT_PORT)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError(f"{text}: expected HOST or HOST:PORT")
    return host, int(port)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--env {text}: expected NAME=VALUE")
    return name, value


def _named(dest: str, source: str) -> str:
    return dest + os.path.basename(source) if dest.endswith("/") else dest


def _text(command: Any) -> str:
    import shlex

    text = command if isinstance(command, str) else shlex.join(command)
    return text.replace("\n", "\\n")


def _state(job: dict[str, Any]) -> str:
    if job["state"] == "running":
        return "running"
    code = job["exit_code"]
    if code is None:
        return "ended, unknown"
    return f"signal {-code}" if code < 0 else f"exit status {code}"


def _ago(job: dict[str, Any]) -> str:
    seconds = (job.get("ended") or time.time()) - job["begun"]
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"
