"""The commands of `course.py`."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from door import ROOT, Stop, say
from door.environment import ensure
from door.lessons import Copies, chosen, write

# What JupyterLab would ask newcomers, or fetch, at its first start.
QUIET = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
}
# A slow machine shows progress bars, which no stored output has.
NO_BARS = {"TQDM_DISABLE": "1"}


def lab(arguments: list[str]) -> int:
    """open JupyterLab on your own copies of the lessons (--student: without solutions); takes its options"""
    source, student = "--source" in arguments, "--student" in arguments
    arguments = [argument for argument in arguments if argument not in ("--source", "--student")]
    first = chosen([])[0]
    environment = ensure()
    copies = Copies(student=student)
    if not source:
        copies.hand_out()
    place = first.parent if source else copies.folder
    # Here, so that a new environment does not lose them.
    settings = ROOT / "my_lessons" / ".jupyter"
    (settings / "labconfig").mkdir(parents=True, exist_ok=True)
    overrides = settings / "labconfig" / "default_setting_overrides.json"
    write(overrides, json.dumps(QUIET, indent=1) + "\n")
    env = environment.variables(config=settings)
    # Open tabs are remembered by name, and each folder has its own.
    env["JUPYTERLAB_WORKSPACES_DIR"] = str(settings / "lab" / f"workspaces-{place.name}")
    options = [
        f"--ServerApp.root_dir={place}",
        f"--LabApp.default_url=/lab/tree/{first.name}",
        "--log-level=ERROR",
        "--KernelManager.transport_encryption=auto",  # else each kernel starts with a warning
        "--LanguageServerManager.autodetect=False",  # else others' broken ones print their tracebacks
    ]
    if any(argument.startswith(("--port", "--ServerApp.port")) for argument in arguments):
        options.append("--ServerApp.port_retries=0")  # that port or a refusal, not another one
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # containers have no other user; only this machine gets in
    say(
        "Starting JupyterLab, which opens in your browser (the first time, that can take a minute). "
        "To stop it, press Ctrl-C here twice."
    )
    command = [str(environment.python), "-m", "jupyterlab", *options, *arguments]
    return hand_over(command, place, env)


def test(arguments: list[str]) -> int:
    """prove the course on this machine (--full: all of it, slower); takes pytest's options"""
    return become("pytest", arguments, full="--full" in arguments)


def run(arguments: list[str]) -> int:
    """for authors: execute lessons NN … (else all) in place, top to bottom, and store the outputs"""
    return become("door.execution", [str(lesson) for lesson in chosen(arguments)])


def reset(arguments: list[str]) -> int:
    """a fresh copy of lesson NN …; the one that you changed is kept beside it, dated"""
    names = [argument for argument in arguments if argument != "--student"]
    if not names:
        raise Stop("Which lesson? Give its number, for example: course.py reset 03")
    Copies(student="--student" in arguments).reset(chosen(names))
    return 0


def handouts(arguments: list[str]) -> int:
    """turn the lessons into pages to hand out (--edition, --lesson NN, --open)"""
    return become("handouts", arguments, full=True)


def bench(arguments: list[str]) -> int:
    """how fast the simulations and fits are, against statsmodels in the same run (--long, --save FILE)"""
    return become("tests.bench", arguments)


def bundle(arguments: list[str]) -> int:
    """one FOLDER with course, packages and pages, for a class without network (--student, --for, --python)"""
    environment = ensure(full=True)
    command = [str(environment.python), "-m", "door.bundle", *arguments]
    return hand_over(command, Path.cwd(), environment.variables() | {"PYTHONPATH": str(ROOT)})


COMMANDS = {
    command.__name__: command for command in (lab, test, run, reset, handouts, bench, bundle)
}


def offered() -> dict[str, Callable[[list[str]], int]]:
    """The commands of this copy of the course: a student's has no tests, and no use for what authors do."""
    whole = (ROOT / "tests").is_dir()
    return {name: COMMANDS[name] for name in COMMANDS if whole or name in ("lab", "reset")}


def become(module: str, arguments: list[str], full: bool = False) -> int:
    """Run a module of the course or of a package, in the environment and in the course's folder."""
    environment = ensure(full)
    command = [str(environment.python), "-m", module, *arguments]
    return hand_over(command, ROOT, environment.variables() | NO_BARS)


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
    where, full = error.filename or ROOT, (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
    if error.errno in full:
        return f"The disk is full ({where}): make room and start again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{where} cannot be written: close what uses it, or copy the course to a folder of yours."
    return f"The computer refused ({error.strerror or error}: {where})."


def main(arguments: list[str]) -> int:
    """Do what the command line asks; 0 when it went well."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a path may hold letters that the console lacks
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        say("Usage: python3 course.py COMMAND …   (Windows: py course.py COMMAND …)\n")
        for name, command in offered().items():
            say(f"  {name:9}{command.__doc__}")
        return 0 if arguments else 2
    name, *rest = arguments
    try:
        if name not in offered():
            raise Stop(f"There is no command {name}; there are: {', '.join(offered())}.")
        return COMMANDS[name](rest)
    except (Stop, OSError) as error:
        said = error if isinstance(error, Stop) else sentence(error)
        print(said, file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; the next start goes on from here.", file=sys.stderr, flush=True)
        return 130
