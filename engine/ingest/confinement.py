"""A child process for work on what comes from outside: started lean, limited hard, ended for sure.

The child gets a clean environment and its own process group; it sets its own limits on memory,
processor time, files and output before it looks at anything.
"""

import json
import os
import resource
import signal
import sys
from asyncio import create_subprocess_exec, timeout
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from engine.ingest.limits import Limits

BLOCK_BYTES = 256 * 1024
_ROOT = Path(__file__).resolve().parents[2]
# Importing the package `engine` imports the whole product. The child needs only what lies below it,
# so it gets an empty package of that name: starting takes a fraction of the time and memory.
_BOOTSTRAP = """
import importlib, sys, types
engine = types.ModuleType("engine")
engine.__path__ = [sys.argv[1] + "/engine"]
sys.modules["engine"] = engine
module = sys.argv[2]
del sys.argv[1:3]
importlib.import_module(module).main()
"""
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1"}
_NICENESS = 10
_REAP_S = 5.0


async def start(module: str, limits: Limits, *arguments: str, reads: bool = False) -> Process:
    """Start `main` of a module in a child; `argv` there is the limits (JSON), then `arguments`.

    With `reads` its standard input is a pipe, else there is none.
    """
    return await create_subprocess_exec(
        *(sys.executable, "-I", "-B", "-c", _BOOTSTRAP, str(_ROOT), module),
        *(json.dumps(asdict(limits)), *arguments),
        stdin=PIPE if reads else DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
        env=_ENVIRONMENT,
        cwd="/",
        start_new_session=True,
        limit=BLOCK_BYTES,
    )


async def end(child: Process) -> None:
    """Kill what is left of the child's group and wait until it is reaped.

    The wait is bounded: a process that left the group might hold the pipe open.
    """
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    assert child.stdout is not None
    with suppress(TimeoutError):
        async with timeout(_REAP_S):
            await child.stdout.read()
            await child.wait()


def confine(argument: str) -> Limits:
    """Lower this process's limits to what `argv[1]` says, and return them.

    The alarm ends the process even when nobody waits for it any more.
    """
    limits = Limits(**json.loads(argument))
    for what, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, limits.max_files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    # The first bound ends it by a signal of its own; a plain kill is the system's, short of memory.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))
    signal.setitimer(signal.ITIMER_REAL, limits.wall_s + 1)
    os.nice(_NICENESS)  # readers of running drafts come first
    return limits
