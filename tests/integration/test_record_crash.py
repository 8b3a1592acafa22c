"""A scheduler that is killed while it commits loses nothing it was told is committed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tidemill.flow.record.reader import RunReader
from tidemill.flow.record.record import Record

COMMITTER = """
import asyncio, sys
from tidemill.flow.record.record import Record
from tidemill.flow.record.rows import Batch, TaskRow

def rows(n):
    return [
        TaskRow(n * 20 + k, str(n), f"t{k}", "[1]", "running", 1, 1, False, False, False, True, "{}",
        "[]", "{}", n, n)
        for k in range(20)
    ]

async def main():
    record = Record(sys.argv[1], log=print)
    record.open()
    n = 0
    while True:
        group = range(n, n + 3)
        await asyncio.gather(*(
            record.commit(Batch(tasks=rows(k), journal=[(k, b"%d" % k)], parameters={"last": str(k)}))
            for k in group
        ))
        n += 3
        print(n, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("confirmed", [3, 90, 1500])
def test_killed_scheduler_loses_no_confirmed_batch(tmp_path: Path, confirmed: int) -> None:
    """After kill -9 the record holds each confirmed batch, perhaps more, and never part of one."""
    process = subprocess.Popen([sys.executable, "-c", COMMITTER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    last = 0
    while last < confirmed:
        last = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split("\n")[:-1]
    last = max([last, *map(int, rest)])
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL

    with RunReader(tmp_path) as reader:  # recovers what is only in the write-ahead log
        assert reader.is_private
        assert len(list(reader.tasks())) >= last * 20

    said: list[str] = []
    record = Record(tmp_path, log=lambda level, text: said.append(text))
    record.open()
    saved = record.load()
    assert saved is not None
    written = int(saved.parameters["last"] or 0) + 1
    assert written >= last
    assert [row.identity for row in saved.pool] == list(range(written * 20))
    record.close()
    with RunReader(tmp_path) as reader:
        assert [entry[2] for entry in reader.journal()] == [b"%d" % n for n in range(written)]
    (tmp_path / ".service/db").unlink()
    with RunReader(tmp_path) as reader:  # the public copy was brought up to date
        assert len(list(reader.tasks())) == written * 20
    assert any("recovered from" in text for text in said)
