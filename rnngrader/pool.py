"""Where submissions run: on the cores of this machine, or on a Dask cluster; and how none is lost on the way."""

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, ProcessPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass

from rnngrader import work

#: How often a submission is run whose worker ends under it, the last times with nothing beside it.
TRIES = 3
#: Seconds that a scheduler has to answer.
CONNECT = 10
NO_DISTRIBUTED = (
    "--executor dask needs the package distributed: pip install 'rnnlib[cluster]', or pip install -r requirements.txt "
    "in the course's folder"
)


def cores():
    """The number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Lost(RuntimeError):
    """A submission under which its worker ended each time; the message says so for the instructor."""


@dataclass
class Submission:
    """What of a student is to be run.

    Parameters
    ----------
    student : str
    tasks : list of rnngrader.work.Task
    """

    student: str
    tasks: list
    tries: int = 0


class Processes:
    """A pool of processes on this machine, which end when this process ends, however it does.

    Parameters
    ----------
    jobs : int
        How many, from 1.
    """

    #: What a submission raises whose worker has ended under it.
    lost = BrokenExecutor

    def __init__(self, jobs):
        self.jobs = jobs
        self._context = multiprocessing.get_context("forkserver")  # imports once, and forks a worker in no time
        self._context.set_forkserver_preload(["rnngrader.work"])
        # Nobody writes to it: its end, by `__exit__` or with this process, ends the workers.
        self._reader, self._lifeline = self._context.Pipe(duplex=False)
        self._scratch = tempfile.TemporaryDirectory(prefix="rnngrader-", ignore_cleanup_errors=True)
        self._executor = self._new()

    def _new(self):
        return ProcessPoolExecutor(self.jobs, self._context, _begin, (self._reader, self._scratch.name))

    def room(self):
        """How many submissions may be on the way at a time: enough that no worker waits."""
        return 2 * self.jobs

    def submit(self, function, *arguments):
        """As of `concurrent.futures.Executor`; a pool that a worker's end has broken is made anew."""
        try:
            return self._executor.submit(function, *arguments)
        except BrokenExecutor:
            self._executor.shutdown()
            self._executor = self._new()
            return self._executor.submit(function, *arguments)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """End the workers and all that runs in them, at once."""
        self._lifeline.close()
        self._executor.shutdown(cancel_futures=True)
        self._reader.close()
        self._scratch.cleanup()


def _begin(lifeline, scratch):
    """What a worker does first."""
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C reaches it too; when to end is for the grader to say
    tempfile.tempdir = scratch
    threading.Thread(target=_end_with, args=(lifeline, scratch), daemon=True).start()


def _end_with(lifeline, scratch):
    with suppress(EOFError, OSError):
        lifeline.recv_bytes()
    shutil.rmtree(scratch, ignore_errors=True)  # the grader may be there no more to do so
    os._exit(1)  # its containers end with it


class Dask:
    """The workers of a Dask cluster.

    Parameters
    ----------
    address : str
        The scheduler's, such as tcp://host:8786.

    Raises
    ------
    RuntimeError
        When the package distributed is not installed, or no scheduler answers there.
    """

    def __init__(self, address):
        try:
            from distributed import Client, KilledWorker
        except ImportError:
            raise RuntimeError(NO_DISTRIBUTED) from None
        self.lost = KilledWorker
        try:
            self._client = Client(address, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise RuntimeError(f"no Dask scheduler answers at {address}: {error}") from None
        self._executor = self._client.get_executor(pure=False)

    def room(self):
        """How many submissions may be on the way at a time; a cluster may grow and shrink."""
        return 2 * max(1, sum(self._client.nthreads().values()))

    def submit(self, function, *arguments):
        """As of `concurrent.futures.Executor`."""
        return self._executor.submit(function, *arguments)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Leave the cluster without what was started there and is not wanted any more."""
        self._executor.shutdown(wait=False)
        with suppress(Exception):  # whatever has become of the cluster
            self._client.run(work.close_all, on_error="ignore")
        self._client.close()


def completed(pool, submissions):
    """Run submissions, and give each as soon as it has run.

    A submission whose worker ends under it is run again, at most `TRIES` times in all. From the second time on it runs
    with no other beside it, so that one which ends its worker each time is the only one to fail.

    Parameters
    ----------
    pool : Processes or Dask
    submissions : iterable of Submission
        Taken from only as far as there is room.

    Yields
    ------
    submission : Submission
    ran : list of str, or Exception
        What `rnngrader.work.run_all` gives or raises; a Lost when there was nobody left to ask.

    Raises
    ------
    RuntimeError
        When the cluster is gone.
    """
    source, again, flying = iter(submissions), deque(), {}
    alone = False

    def fly(submission):
        flying[pool.submit(work.run_all, submission.tasks)] = submission

    while True:
        if not flying:
            alone = bool(again)
            if alone:
                fly(again.popleft())
        while not alone and not again and len(flying) < pool.room():
            submission = next(source, None)
            if submission is None:
                break
            fly(submission)
        if not flying:
            return
        for future in wait(flying, return_when=FIRST_COMPLETED).done:
            submission = flying.pop(future)
            try:
                ran = future.result()
            except CancelledError:
                raise RuntimeError("the Dask cluster is gone; what is graded stays graded") from None
            except pool.lost:
                submission.tries += 1
                if submission.tries < TRIES:
                    again.append(submission)
                    continue
                ran = Lost(f"its worker process ended, {TRIES} times of {TRIES}, the last times with nothing beside it")
            except Exception as error:
                ran = error
            yield submission, ran
