"""What a command takes: time on the wall, CPU time and the most memory, of itself and of all processes that it starts.

Linux alone can say this. The processes are found by walking down from this one, without those that were there before;
nothing else may be started meanwhile. To look costs about a thirtieth of one core.
"""

import ctypes
import os
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
BECOME_SUBREAPER = 36  # of prctl: a process whose parent is gone becomes this one's child, and stays in sight
CPU_EVERY, MEMORY_EVERY = 0.05, 0.5


@dataclass
class Usage:
    """What one command took."""

    seconds: float  #: on the wall
    cpu_seconds: float  #: of all its processes; of each, what it took in its last `CPU_EVERY` seconds is not seen
    peak_bytes: int  #: the largest sum of the processes' proportional set sizes: shared pages count once
    output: str


def run(command, cwd, environment):
    """Runs a command to its end and measures it.

    Parameters
    ----------
    command : list of str
    cwd : path
    environment : dict of str to str

    Returns
    -------
    usage : Usage

    Raises
    ------
    subprocess.CalledProcessError
        When the command's status is not 0; its output is in the message's place, `output`.
    """
    ctypes.CDLL(None).prctl(BECOME_SUBREAPER, 1, 0, 0, 0)
    watch = Watch()
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    watch.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - start
    watch.stop()
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output)
    return Usage(seconds, watch.cpu_seconds, watch.peak_bytes, output)


class Watch(threading.Thread):
    """Looks at all processes that come under this one, again and again."""

    def __init__(self):
        super().__init__(daemon=True)
        self._others = set(descendants(os.getpid()))
        self._done, self._cpu, self.peak_bytes = threading.Event(), {}, 0

    @property
    def cpu_seconds(self):
        return sum(self._cpu.values()) / TICK

    def run(self):
        memory_at = 0.0
        while not self._done.wait(CPU_EVERY):
            found = [pid for pid in descendants(os.getpid()) if pid not in self._others]
            for pid in found:
                with suppress(OSError):
                    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                    self._cpu[pid, fields[19]] = int(fields[11]) + int(
                        fields[12]
                    )  # a number is used again: by its start
            if time.perf_counter() >= memory_at:
                memory_at = time.perf_counter() + MEMORY_EVERY
                self.peak_bytes = max(self.peak_bytes, sum(map(proportional, found)))

    def stop(self):
        """Ends it, and waits for its end."""
        self._done.set()
        self.join()


def descendants(pid):
    """The numbers of all processes under one.

    Parameters
    ----------
    pid : int

    Returns
    -------
    pids : iterator of int
    """
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):
            for child in map(int, (thread / "children").read_text().split()):
                yield child
                yield from descendants(child)


def proportional(pid):
    """A process's memory, in which a page that n processes share counts as an nth.

    Parameters
    ----------
    pid : int

    Returns
    -------
    size : int
        Bytes; 0 for a process that is gone.
    """
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
