"""Run by the environment of cylc-uiserver 1.7: its own data store follows a Tidemill workflow, and tells what it holds.

Arguments: the workflow. Standard input: a line for each comparison wanted with the scheduler's whole picture; its end
waits for the end of the run. Each answer is one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from types import SimpleNamespace
from typing import Any

from cylc.flow.data_messages_pb2 import PbEntireWorkflow
from cylc.flow.network.client import WorkflowRuntimeClient
from cylc.uiserver.data_store_mgr import DataStoreMgr
from cylc.uiserver.workflows_mgr import WorkflowsManager
from google.protobuf.json_format import MessageToDict

PATIENCE_SECONDS = 20
KINDS = ("tasks", "task_proxies", "jobs", "families", "family_proxies", "edges")


def plain(value: Any) -> Any:
    """A message as plain values; the order of lists does not count."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return sorted((plain(one) for one in value), key=str)
    return value


def read(message: Any) -> Any:
    """A message as plain values, without the time of the last look."""
    fields = MessageToDict(message, preserving_proto_field_name=True)
    fields.pop("last_updated", None)
    return plain(fields)


class Listener(logging.Handler):
    """Keeps what is logged as a warning or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


async def main() -> None:
    """Follow, compare when asked, and see the run end."""
    workflow = sys.argv[1]
    log = logging.getLogger("uiserver")
    listener = Listener()
    log.addHandler(listener)
    asked: list[str] = []
    request = WorkflowRuntimeClient.async_request

    async def counting(self: Any, command: str, *arguments: Any, **more: Any) -> Any:
        asked.append(command)
        return await request(self, command, *arguments, **more)

    WorkflowRuntimeClient.async_request = counting  # the store asks for elements anew when a checksum fails
    server = SimpleNamespace(log=log)
    manager = server.workflows_mgr = WorkflowsManager(server, log)
    server.data_store_mgr = store = DataStoreMgr(manager, log)
    await manager.update()
    (identity,) = [id for id in store.data if id.endswith(f"/{workflow}")]
    await _until(lambda: store.data[identity]["task_proxies"])
    print(
        json.dumps({"proxies": sorted(one.name for one in store.data[identity]["task_proxies"].values())}), flush=True
    )
    client = WorkflowRuntimeClient(workflow)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            whole = PbEntireWorkflow.FromString(await request(client, "pb_entire_workflow"))
            different = compare(store.data[identity], whole)
            if not different or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.2)
        counts = {kind: len(getattr(whole, kind)) for kind in KINDS}
        print(json.dumps({"different": different, "counts": counts}), flush=True)

    await _until(lambda: store.data[identity]["workflow"].status == "stopped", manager.update)
    print(json.dumps({"asked": asked, "log": listener.lines}), flush=True)


async def _until(holds: Any, meanwhile: Any = None) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit("waited in vain")
        if meanwhile is not None:
            await meanwhile()
        await asyncio.sleep(0.1)


def compare(held: Any, whole: Any) -> list[Any]:
    """What of the store is not as the scheduler has it."""
    different: list[Any] = []
    for kind in KINDS:
        ours = {one.id: read(one) for one in getattr(whole, kind)}
        theirs = {id: read(one) for id, one in held[kind].items()}
        different += [
            [kind, id, theirs.get(id), ours.get(id)] for id in {*ours, *theirs} if ours.get(id) != theirs.get(id)
        ]
    ours, theirs = read(whole.workflow), read(held["workflow"])
    different += [
        ["workflow", key, theirs.get(key), ours.get(key)]
        for key in {*ours, *theirs}
        if ours.get(key) != theirs.get(key)
    ]
    return different[:5]


asyncio.run(main())
