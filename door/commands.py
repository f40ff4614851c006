"""The commands of `course.py`."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from door import ROOT, Stop, say
from door.environment import child_environment, ensure
from door.lessons import Desk, chosen, lessons, write

# What JupyterLab would ask newcomers, or fetch, at its first start.
QUIET = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
}


def lab(arguments: list[str]) -> int:
    """open JupyterLab on your own copies of the lessons (--source: on the lessons); takes its options"""
    source = "--source" in arguments
    arguments = [argument for argument in arguments if argument != "--source"]
    refuse_taken_port(arguments)
    everything()
    python = ensure()
    desk = Desk()  # also keeps JupyterLab's settings, so that a new environment does not lose them
    if not source:
        desk.hand_out()
    place = ROOT / "notebooks" if source else desk.folder
    settings = desk.folder / ".jupyter"
    (settings / "labconfig").mkdir(parents=True, exist_ok=True)
    write(
        settings / "labconfig" / "default_setting_overrides.json",
        json.dumps(QUIET, indent=1) + "\n",
    )
    env = child_environment(config=settings)
    # Open tabs are remembered by name, and each folder has its own.
    env["JUPYTERLAB_WORKSPACES_DIR"] = str(settings / "lab" / f"workspaces-{place.name}")
    first = everything()[0].name
    options = [
        f"--ServerApp.root_dir={place}",
        f"--LabApp.default_url=/lab/tree/{first}",
        "--log-level=WARN",
        "--KernelManager.transport_encryption=auto",  # else each kernel starts with a warning
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append(
            "--allow-root"
        )  # in a container everybody is root; only this machine is listened to
    say("JupyterLab opens in your browser; Ctrl-C here stops it.")
    return hand_over([str(python), "-m", "jupyterlab", *options, *arguments], place, env)


# A slow machine shows progress bars, which no stored output has.
NO_BARS = {"TQDM_DISABLE": "1"}


def test(arguments: list[str]) -> int:
    """prove the course on this machine (--full: all of it, slower); takes pytest's options"""
    python = ensure(full="--full" in arguments)
    return hand_over([str(python), "-m", "pytest", *arguments], ROOT, child_environment() | NO_BARS)


def run(arguments: list[str]) -> int:
    """for authors: execute lessons NN … (else all) in place, top to bottom, and store the outputs"""
    paths = chosen(arguments) or everything()
    python = ensure()
    return hand_over(
        [str(python), "-m", "door.execution", *map(str, paths)], ROOT, child_environment() | NO_BARS
    )


def reset(arguments: list[str]) -> int:
    """a fresh copy of lesson NN …; the one that you changed is kept beside it, dated"""
    if not arguments:
        raise Stop("Which lesson? Give its number, for example: course.py reset 03")
    Desk().reset(chosen(arguments))
    return 0


def handouts(arguments: list[str]) -> int:
    """turn the lessons into pages to hand out (--edition, --lesson NN, --open)"""
    python = ensure(full=True)
    return hand_over([str(python), "-m", "handouts", *arguments], ROOT, child_environment())


def bench(arguments: list[str]) -> int:
    """how fast the simulations and fits are, against statsmodels in the same run (--long, --save FILE)"""
    python = ensure()
    return hand_over([str(python), "-m", "tests.bench", *arguments], ROOT, child_environment())


def bundle(arguments: list[str]) -> int:
    """one FOLDER with course, packages and pages, for a room without network (--for windows …, --python 3.12 …)"""
    if not any(argument in ("-h", "--help") for argument in arguments):
        python = ensure(full=True)
        pages = subprocess.run([str(python), "-m", "handouts"], cwd=ROOT, env=child_environment())
        if pages.returncode != 0:
            return pages.returncode
    return hand_over(
        [str(ensure()), "-m", "door.bundle", *arguments],
        Path.cwd(),
        child_environment() | {"PYTHONPATH": str(ROOT)},
    )


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "lab": lab,
    "test": test,
    "run": run,
    "reset": reset,
    "handouts": handouts,
    "bench": bench,
    "bundle": bundle,
}


def usage() -> str:
    """What the door does, a line each."""
    lines = ["Usage: python3 course.py COMMAND …   (Windows: py course.py COMMAND …)", ""]
    return "\n".join(lines + [f"  {name:9}{command.__doc__}" for name, command in COMMANDS.items()])


def everything() -> list[Path]:
    """All lessons, in reading order.

    Raises
    ------
    Stop: when there is none
    """
    if not lessons():
        raise Stop("There is no lesson in notebooks/: fetch the whole course again.")
    return list(lessons().values())


def refuse_taken_port(arguments: list[str]) -> None:
    """JupyterLab moves to another port in silence; somebody who asks for a port wants that one.

    Raises
    ------
    Stop: when something listens there already
    """
    for place, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name in ("--port", "--ServerApp.port"):
            port = value or (arguments[place + 1] if place + 1 < len(arguments) else "")
            if not port.isdecimal() or int(port) > 65535:
                raise Stop(
                    f"--port must be a number from 0 to 65535, and {port or 'nothing'} was given."
                )
            with socket.socket() as probe:
                if os.name != "nt":  # there it would allow what we want to find
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", int(port)))
                except OSError:
                    raise Stop(
                        f"Port {port} is taken by another program: choose another number, or leave "
                        "--port away and JupyterLab finds a free one."
                    ) from None


def hand_over(command: list[str], place: Path, env: dict[str, str]) -> int:
    """Become `command`, in folder `place`. Windows cannot: there, start it and wait; Ctrl-C is for it."""
    os.chdir(place)
    sys.stdout.flush()
    if os.name != "nt":
        os.execve(command[0], command, env)
    process = subprocess.Popen(command, env=env)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def sentence(error: OSError) -> str:
    """What the operating system's refusal means."""
    where = error.filename or ROOT
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return f"The disk is full ({where}): make room and start again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{where} cannot be written: close what uses it, or copy the course to a folder of your own, "
            "and start again."
        )
    return f"The computer refused ({error.strerror or error}: {where})."


def main(arguments: list[str]) -> int:
    """Do what the command line asks; 0 when it went well."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a path may hold letters that the console lacks
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        say(usage())
        return 0 if arguments else 2
    name, *rest = arguments
    try:
        if name not in COMMANDS:
            raise Stop(f"There is no command {name}; there are: {', '.join(COMMANDS)}.")
        return COMMANDS[name](rest)
    except Stop as stop:
        print(stop, file=sys.stderr, flush=True)
        return 1
    except OSError as error:
        print(sentence(error), file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; the next start goes on from here.", file=sys.stderr, flush=True)
        return 130
