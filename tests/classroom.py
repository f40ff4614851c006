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
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import websocket

from door.lessons import lessons

TOKEN = "class"


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
        command = [
            sys.executable,
            "-m",
            "jupyter_server",
            f"--ServerApp.root_dir={self.folder}",
            "--no-browser",
            f"--ServerApp.port={self.port}",
            f"--IdentityProvider.token={TOKEN}",
            "--log-level=ERROR",
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--allow-root")
        self.server = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def ask(self, path: str, content: Any = None) -> Any:
        """What the server answers to a request."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/{path}",
            data=None if content is None else json.dumps(content).encode(),
            headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=120) as answer:
            return json.load(answer)

    def wait(self) -> None:
        """Until the server answers, two minutes at most."""
        for _ in range(1200):
            try:
                self.ask("status")
                return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError(f"the server at port {self.port} does not answer")

    def work(self, go: threading.Barrier) -> None:
        """Open the lesson and run all its cells, when all are ready."""
        go.wait()
        begun = time.monotonic()
        try:
            cells = self.ask(f"contents/{self.lesson}")["content"]["cells"]
            session = self.ask(
                "sessions",
                {
                    "path": self.lesson,
                    "name": self.lesson,
                    "type": "notebook",
                    "kernel": {"name": "python3"},
                },
            )
            channel = websocket.create_connection(
                f"ws://127.0.0.1:{self.port}/api/kernels/{session['kernel']['id']}/channels?token={TOKEN}",
                timeout=600,
            )
            for cell in cells:
                if cell["cell_type"] == "code":
                    self.execute(channel, cell["source"])
            channel.close()
        except Exception as error:  # a learner's failure is a result, not the end of the class
            self.failure = f"{type(error).__name__}: {error}"
        self.seconds = time.monotonic() - begun

    def execute(self, channel: Any, source: str) -> None:
        """Run one cell; RuntimeError when it fails."""
        ident = uuid.uuid4().hex
        header = {
            "msg_id": ident,
            "session": "class",
            "username": "",
            "version": "5.3",
            "msg_type": "execute_request",
            "date": "",
        }
        content = {
            "code": source,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
        }
        channel.send(
            json.dumps(
                {
                    "header": header,
                    "parent_header": {},
                    "metadata": {},
                    "content": content,
                    "channel": "shell",
                }
            )
        )
        while True:
            answer = json.loads(channel.recv())
            if answer["parent_header"].get("msg_id") == ident and answer["channel"] == "shell":
                if answer["content"]["status"] != "ok":
                    raise RuntimeError(
                        f"{answer['content'].get('ename')}: {answer['content'].get('evalue')}"
                    )
                return

    def processes(self) -> list[psutil.Process]:
        """The server and its kernel."""
        server = psutil.Process(self.server.pid)
        return [server, *server.children(recursive=True)]

    def memory(self) -> float:
        """Bytes that this learner's processes hold."""
        total = 0.0
        for process in self.processes():
            full = process.memory_full_info()
            total += getattr(full, "pss", 0) or full.rss
        return total

    def processor(self) -> float:
        """Seconds of processor time so far."""
        return sum(sum(process.cpu_times()[:2]) for process in self.processes())


def main() -> int:
    """Hold the class; 1 when a cell failed for anybody."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.classroom", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--learners", type=int, default=30)
    parser.add_argument("--lesson", type=int, default=1)
    given = parser.parse_args()
    if given.learners < 1 or given.lesson not in lessons():
        parser.error(f"--learners must be 1 or more, --lesson one of {list(lessons())}")
    lesson = lessons()[given.lesson]
    with tempfile.TemporaryDirectory() as room:
        learners = []
        for number in range(given.learners):
            folder = Path(room) / f"learner_{number:02}"
            folder.mkdir()
            shutil.copy(lesson, folder)
            learners.append(Learner(folder, lesson.name))
        try:
            begun = time.monotonic()
            for learner in learners:
                learner.start()
            for learner in learners:
                learner.wait()
            ready = time.monotonic() - begun
            print(f"{len(learners)} servers answer after {ready:.0f} s", flush=True)
            go = threading.Barrier(len(learners))
            threads = [threading.Thread(target=learner.work, args=(go,)) for learner in learners]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            memory = [learner.memory() / 1e6 for learner in learners]
            processor = [learner.processor() for learner in learners]
        finally:
            for learner in learners:
                if learner.server:
                    for process in reversed(learner.processes()):
                        process.kill()
                    learner.server.wait()
    failures = [learner.failure for learner in learners if learner.failure]
    seconds = sorted(learner.seconds for learner in learners)
    print(
        f"{lesson.stem}: first learner done after {seconds[0]:.0f} s, last after {seconds[-1]:.0f} s, "
        f"on {os.cpu_count()} processor cores; failures: {len(failures)}"
    )
    print(
        f"a learner: {sum(memory) / len(memory):.0f} MB of memory (largest {max(memory):.0f}), "
        f"{sum(processor) / len(processor):.1f} s of processor time, server included; "
        f"the class: {sum(memory) / 1e3:.1f} GB"
    )
    print("\n".join(sorted(set(failures))))
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
