"""What a full class needs: a Jupyter server for each learner on this machine, all running one lesson at the same time.

    python -m tests.classroom                     30 learners, lesson 01
    python -m tests.classroom --learners 10 --lesson 05

Each learner has a server and a folder of their own, as JupyterHub gives them, and runs the lesson top to bottom through
the server, as a browser does: a session over HTTP, one cell after another over the kernel's websocket. Needs the
packages of requirements-dev.txt; memory is shared memory counted once (PSS) where the system tells it, else RSS.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import websocket
from jupyter_client.session import Session

from door.lessons import lessons
from tests.browsing import TOKEN, fetch, free_port


@dataclass
class Learner:
    """One learner: a folder with the lesson, a server, and what became of it."""

    folder: Path
    lesson: str
    port: int = field(default_factory=free_port)
    server: Any = None
    seconds: float = float("nan")
    failure: str = ""

    def start(self) -> None:
        """Start the server; it is ready when `ask` answers."""
        command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--log-level=ERROR"]
        command += [f"--ServerApp.root_dir={self.folder}", f"--ServerApp.port={self.port}"]
        command += [f"--IdentityProvider.token={TOKEN}"]
        command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        quiet = subprocess.DEVNULL
        self.server = psutil.Popen(command, stdout=quiet, stderr=quiet)

    def ask(self, path: str, content: Any = None) -> Any:
        """What the server answers to a request."""
        return json.loads(fetch(f"http://127.0.0.1:{self.port}/api/{path}", content)[1])

    def work(self) -> None:
        """Open the lesson and run all its cells."""
        begun = time.monotonic()
        try:
            cells = self.ask(f"contents/{self.lesson}")["content"]["cells"]
            about = {"path": self.lesson, "name": self.lesson, "type": "notebook"}
            kernel = self.ask("sessions", about | {"kernel": {"name": "python3"}})["kernel"]["id"]
            address = f"ws://127.0.0.1:{self.port}/api/kernels/{kernel}/channels?token={TOKEN}"
            channel = websocket.create_connection(address, timeout=600)
            for cell in cells:
                if cell["cell_type"] == "code":
                    execute(channel, cell["source"])
            channel.close()
        except Exception as error:  # a learner's failure is a result, not the end of the class
            self.failure = f"{type(error).__name__}: {error}"
        self.seconds = time.monotonic() - begun

    def processes(self) -> list[psutil.Process]:
        """The server and its kernel."""
        return [self.server, *self.server.children(recursive=True)]

    def cost(self) -> tuple[float, float]:
        """What this learner's processes hold of memory (MB) and have used of processor time (s)."""
        memory = [process.memory_full_info() for process in self.processes()]
        times = [process.cpu_times() for process in self.processes()]
        held = sum(getattr(one, "pss", 0) or one.rss for one in memory)
        return held / 1e6, sum(one.user + one.system for one in times)


def execute(channel: Any, source: str) -> None:
    """Run one cell; RuntimeError when it fails."""
    request = Session(session="class").msg("execute_request", {"code": source, "silent": False})
    channel.send(json.dumps(request | {"channel": "shell"}, default=str))
    answer: dict[str, Any] = {"channel": ""}
    while answer["channel"] != "shell" or answer["parent_header"]["msg_id"] != request["msg_id"]:
        answer = json.loads(channel.recv())
    reply = answer["content"]
    if reply["status"] != "ok":
        raise RuntimeError(f"{reply.get('ename')}: {reply.get('evalue')}")


def hold(learners: list[Learner]) -> list[tuple[float, float]]:
    """Let all start, then all work at once; what each has cost."""
    begun = time.monotonic()
    try:
        for learner in learners:
            learner.start()
        for learner in learners:
            learner.ask("status")
        print(f"{len(learners)} servers answer after {time.monotonic() - begun:.0f} s", flush=True)
        with ThreadPoolExecutor(len(learners)) as pool:
            list(pool.map(Learner.work, learners))
        return [learner.cost() for learner in learners]
    finally:
        for learner in learners:
            if learner.server:
                for process in reversed(learner.processes()):
                    process.kill()
                learner.server.wait()


def main() -> int:
    """Hold the class; 1 when a cell failed for anybody."""
    about = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tests.classroom", description=about)
    parser.add_argument("--learners", type=int, default=30)
    parser.add_argument("--lesson", choices=list(lessons()), default="01")
    given = parser.parse_args()
    lesson = lessons()[given.lesson]
    with tempfile.TemporaryDirectory() as home:
        folders = [Path(home) / f"learner_{number:02}" for number in range(given.learners)]
        for folder in folders:
            folder.mkdir()
            shutil.copy(lesson, folder)
        learners = [Learner(folder, lesson.name) for folder in folders]
        memory, processor = zip(*hold(learners), strict=True)
    failures = [learner.failure for learner in learners if learner.failure]
    seconds = sorted(learner.seconds for learner in learners)
    print(
        f"{lesson.stem}: first learner done after {seconds[0]:.0f} s, last after {seconds[-1]:.0f} s, "
        f"on {os.cpu_count()} processor cores; failures: {len(failures)}\n"
        f"a learner: {sum(memory) / len(memory):.0f} MB of memory (largest {max(memory):.0f}), "
        f"{sum(processor) / len(processor):.1f} s of processor time, server included; "
        f"the class: {sum(memory) / 1e3:.1f} GB"
    )
    print("\n".join(sorted(set(failures))))
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
