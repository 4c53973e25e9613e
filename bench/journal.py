"""How many events a second a journal takes: `python bench/journal.py [FOLDER]`, on the disk of FOLDER.

Durable events return when fdatasync(2) has; those that come together share one.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from playbook_engine.app.clock import SystemClock
from playbook_engine.journal.files import FileStore, JournalWriter
from playbook_engine.journal.redaction import Redactor
from playbook_engine.model.events import ChangeIntended, Event, StepFinished

SECONDS = 3.0


def durable(host: str, n: int) -> Event:
    return ChangeIntended(
        host=host, step=f"s{n}", action="copy", scope="main", name="the file", reversible="action",
        args={"dest": "/etc/app.conf", "content": b"port = 80\n"}, before={"type": "file", "content": b"x" * 500},
        changes=({"aspect": "content", "path": "/etc/app.conf", "before": "500 bytes", "after": "10 bytes"},),
    )  # fmt: skip


def plain(host: str, n: int) -> Event:
    return StepFinished(
        host=host, step=f"s{n}", name="the file", action="copy", outcome="changed", seconds=0.1,
        shown={"dest": "/etc/app.conf"}, result={"changed": True, "dest": "/etc/app.conf"},
    )  # fmt: skip


def measured(journal: JournalWriter, make: object, threads: int) -> float:
    """Events a second."""
    assert callable(make)
    until = time.monotonic() + SECONDS
    counts = [0] * threads

    def work(number: int) -> None:
        while time.monotonic() < until:
            journal.append(make(f"web{number}.test", counts[number]))
            counts[number] += 1

    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts) / SECONDS


def syncs(folder: Path) -> float:
    """What the disk does: appends of 1 KiB with an fdatasync each, a second."""
    fd = os.open(folder / "probe", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    began, count = time.monotonic(), 0
    while time.monotonic() < began + SECONDS:
        os.write(fd, bytes(1024))
        os.fdatasync(fd)
        count += 1
    os.close(fd)
    return count / SECONDS


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        folder = Path(name)
        redactor = Redactor()
        for n in range(20):
            redactor.add(f"secret-{n}-of-some-length")
        store = FileStore(folder, SystemClock(), redactor)
        print(f"the disk alone: {syncs(folder):8.0f} fdatasync/s")
        for what, make in (("durable", durable), ("not durable", plain)):
            for threads in (1, 10, 100):
                journal = store.create(f"{what}-{threads}".replace(" ", "-"))
                rate = measured(journal, make, threads)
                journal.close()
                print(f"{what:<12} {threads:4d} threads: {rate:8.0f} events/s")
        began = time.monotonic()
        records = store.read("durable-100").records
        print(f"reading back: {len(records) / (time.monotonic() - began):8.0f} events/s, the chain verified")


if __name__ == "__main__":
    main()
