"""Commands that talk to a scheduler, as real processes against a real server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).parent / "tidemill"
Serve = Callable[..., Awaitable[Any]]


async def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the program while the server in this process answers."""
    return await asyncio.to_thread(
        subprocess.run,
        [str(PROGRAM), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=os.environ,
    )


async def test_ping_prints_the_address_of_one_that_answers(serve: Serve) -> None:
    """`tidemill ping` prints HOST:PORT of a running workflow, and for several the name too."""
    one = await serve("one")
    two = await serve("two")
    assert (await run("ping", "one")).stdout == f"127.0.0.1:{one.port}\n"
    answer = await run("ping", "*")
    assert answer.stdout == f"one: 127.0.0.1:{one.port}\ntwo: 127.0.0.1:{two.port}\n", answer.stderr
    assert json.loads((await run("ping", "--json", "one")).stdout)[0]["address"] == f"127.0.0.1:{one.port}"


async def test_ping_of_a_stopped_workflow_fails(home: Path) -> None:
    """What does not run is said so, with exit code 1."""
    directory = home / "cylc-run" / "idle"
    directory.mkdir()
    (directory / "flow.cylc").touch()
    answer = await run("ping", "idle")
    assert answer.returncode == 1
    assert answer.stderr.startswith("WorkflowStopped: idle is not running")


async def test_client_calls_any_endpoint(serve: Serve) -> None:
    """Arguments are one JSON object on standard input, or none with -n; the answer is JSON."""
    await serve("one")
    assert (await run("client", "-n", "one", "ping_workflow")).stdout == "true\n"
    assert (await run("client", "one", "ping_workflow", "-n")).stdout == "true\n"
    answer = await run("client", "one", "echo", stdin='{"text": "x", "number": 5}')
    assert answer.stdout == json.dumps(["x", 5, None], indent=4) + "\n"


async def test_client_says_what_went_wrong(serve: Serve) -> None:
    """Bad input, unknown endpoints and refusals are errors of one line."""
    await serve("one")
    for arguments, stdin in ((["one", "echo"], ""), (["one", "echo"], "[1]"), (["one", "nope"], "{}")):
        answer = await run("client", *arguments, stdin=stdin)
        assert answer.returncode == 1
        assert answer.stdout == ""
        assert "Error: " in answer.stderr
        assert "Traceback" not in answer.stderr


async def test_scan_and_contact_show_a_running_workflow(serve: Serve) -> None:
    """scan prints name, address and process of what runs; get-workflow-contact its contact file."""
    server = await serve("one")
    line = f"one 127.0.0.1:{server.port} {os.getpid()}\n"
    assert (await run("scan")).stdout == line
    assert (await run("scan", "-t", "name")).stdout == "one\n"
    found = json.loads((await run("scan", "-t", "json")).stdout)
    assert found[0]["CYLC_WORKFLOW_PORT"] == str(server.port)
    contact = (await run("get-contact", "one")).stdout
    assert f"CYLC_WORKFLOW_PORT={server.port}\n" in contact
