"""Containers: processes that see no network, no file of the course's or of other students, and can take only so much.

A container is one `bwrap` (bubblewrap) with `rnngrader.inside` in it. It forks a process from one that has the imports
done, in namespaces of the process's own, for each submission; such a process has never run another student's code.
"""

import array
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from contextlib import suppress
from pathlib import Path

from traitlets import Bool, Float, Integer, List, Unicode
from traitlets.config import Configurable

from rnngrader.bridge import Channel, Closed, Late

NO_BUBBLEWRAP = (
    "students' code is run in a sandbox, and the program that makes it is missing: apt-get install bubblewrap "
    "(elsewhere the package has the same name). `rnngrader grade --unsafe` goes on without: what students wrote then "
    "runs with your rights on your machine, and can write its own points"
)
#: Where a container has what.
PYTHON, PACKAGES, COURSE = "/python", "/packages", "/course"
#: Seconds for a container's imports.
PATIENCE = 120.0


class NoSandbox(RuntimeError):
    """There is no sandbox here; the message says what to do."""


class Sandbox(Configurable):
    """How students' code is kept apart, and what it may use. All limits are for one submission."""

    unsafe = Bool(False, help="Run without a sandbox, in the process that tests: for trusted code only.").tag(
        config=True
    )
    bubblewrap = Unicode("bwrap", help="The program, by its name or path.").tag(config=True)
    cpu_seconds = Integer(300, help="CPU time of a process.").tag(config=True)
    wall_seconds = Float(600.0, help="Time for all cells and tests; what has not run then is for a person.").tag(
        config=True
    )
    call_seconds = Float(5.0, help="Time for one call of a function by a check.").tag(config=True)
    memory_bytes = Integer(2 * 2**30, help="Memory of all processes together, beyond what is shared.").tag(config=True)
    address_bytes = Integer(16 * 2**30, help="Address space of a process; PyTorch takes much of it unused.").tag(
        config=True
    )
    processes = Integer(64, help="Processes and threads at a time.").tag(config=True)
    file_bytes = Integer(64 * 2**20, help="A file, and all files in each folder that can be written.").tag(config=True)
    open_files = Integer(256, help="Open files of a process.").tag(config=True)
    output_bytes = Integer(4 * 2**20, help="All that cells show; the rest is left out.").tag(config=True)
    answer_bytes = Integer(16 * 2**20, help="What a function gets or gives back.").tag(config=True)
    idle_seconds = Float(
        300.0, help="Between two submissions, after which the waiting processes end; 0 ends them after each."
    ).tag(config=True)
    first_user = Integer(
        200_000, help="Launched by root, containers run as this user id or one of the 50000 above; none has an account."
    ).tag(config=True)
    preload = List(
        Unicode(), ["numpy"], help="Imported before a student's first line, besides what the notebook imports."
    ).tag(config=True)

    def command(self, files, number):
        """The command line of a container.

        Parameters
        ----------
        files : path
            The assignment's own files, which it sees.
        number : int
            The socket's file descriptor.

        Returns
        -------
        command : list of str

        Raises
        ------
        NoSandbox
            When bubblewrap is not installed, or Python's files cannot be shown to it.
        """
        program = shutil.which(self.bubblewrap)
        if program is None:
            raise NoSandbox(NO_BUBBLEWRAP)
        mounts, path, python = interpreter()
        mounts = {**mounts, "/assignment": str(files)}
        outer = []
        if os.getuid() == 0:  # root sees all files, the user that it becomes may not: show them to it elsewhere first
            user = str(self.first_user + os.getpid() % 50_000)
            setpriv = shutil.which("setpriv")
            if setpriv is None:
                raise NoSandbox(
                    "launched by root, the sandbox needs `setpriv` of util-linux: apt-get install util-linux"
                )
            outer = [program, "--dev-bind", "/", "/", "--tmpfs", "/mnt", "--die-with-parent", "--cap-add", "ALL"]
            shown = {}
            for place, source in mounts.items():
                shown[place] = f"/mnt/{len(shown)}"  # not deeper: folders between would be root's alone
                outer += ["--ro-bind", source, shown[place]]
            mounts = shown
            outer += ["--", setpriv, "--reuid", user, "--regid", user, "--clear-groups", "--"]
        inner = [program, "--unshare-all", "--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"]
        inner += ["--hostname", "sandbox", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]
        # For `rnngrader.inside` to make namespaces for each process, before that gives the rights up.
        inner += ["--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETPCAP", "--ro-bind", "/usr", "/usr"]
        for folder in ("bin", "sbin", "lib", "lib64"):
            inner += ["--symlink", f"usr/{folder}", f"/{folder}"]
        inner += ["--proc", "/proc", "--dev", "/dev"]
        for folder in ("/tmp", "/submission"):
            inner += ["--size", str(self.file_bytes), "--tmpfs", folder]
        for file in ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives"):
            inner += ["--ro-bind-try", file, file]
        for place, source in mounts.items():
            inner += ["--ro-bind", source, place]
        variables = {
            "HOME": "/tmp", "USER": "student", "LOGNAME": "student", "PATH": f"{PYTHON}/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLCONFIGDIR": "/tmp/matplotlib",
            "MPLBACKEND": "module://matplotlib_inline.backend_inline", "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        if python.startswith(PYTHON):
            variables["LD_LIBRARY_PATH"] = f"{PYTHON}/lib"
        for name, value in variables.items():
            inner += ["--setenv", name, value]
        start = f"import sys; sys.path[:] = {path!r} + sys.path; from rnngrader.inside import main; main({number})"
        inner += ["--chdir", "/tmp", "--remount-ro", "/dev", "--remount-ro", "/", "--", python, "-I", "-S", "-c", start]
        return outer + inner

    def require(self):
        """Raise a NoSandbox where there can be none, before anything is graded."""
        if not self.unsafe:
            self.command("/", 0)

    def limits(self):
        """The limits of one process, by the names that `resource` has for them."""
        return {
            "CPU": self.cpu_seconds, "AS": self.address_bytes, "NPROC": self.processes, "FSIZE": self.file_bytes,
            "NOFILE": self.open_files, "CORE": 0,
        }  # fmt: skip


def interpreter():
    """This Python, in a container.

    Returns
    -------
    mounts : dict of str to str
        Places in a container, and the folders that are to be seen there.
    path : list of str
        What goes before its own sys.path.
    python : str
        The interpreter's path in it.
    """
    import rnnlib

    prefix = os.path.realpath(sys.base_prefix)
    executable = os.path.realpath(sys.executable)
    mounts, path = {}, [COURSE]
    mounts[f"{COURSE}/rnnlib"] = os.path.realpath(Path(rnnlib.__file__).parent)
    mounts[f"{COURSE}/rnngrader"] = os.path.realpath(Path(__file__).parent)
    if prefix == "/usr":
        python = executable
    else:
        mounts[PYTHON] = prefix
        inside = os.path.relpath(executable, prefix)
        if inside.startswith(".."):
            inside = f"bin/python{sys.version_info.major}.{sys.version_info.minor}"
        if not os.access(os.path.join(prefix, inside), os.X_OK):
            raise NoSandbox(f"no Python to run in the sandbox: {prefix}/{inside} is not there")
        python = f"{PYTHON}/{inside}"
    standard = {os.path.realpath(sysconfig.get_path(key)) for key in ("stdlib", "platstdlib")}
    folders = [os.path.realpath(p) for p in sys.path if os.path.basename(p) in ("site-packages", "dist-packages")]
    for folder in dict.fromkeys(f for f in folders if os.path.isdir(f) and f not in standard):
        if folder.startswith("/usr/"):
            path.append(folder)
        else:
            path.append(f"{PACKAGES}/{len(path)}")
            mounts[path[-1]] = folder
    return mounts, path, python


class Container:
    """A container that forks processes, until one of them leaves it in doubt.

    Parameters
    ----------
    sandbox : Sandbox
    files : path
        The assignment's own files.
    settings : dict
        For `rnngrader.inside`: "preload", names of modules; "tests", whether it runs tests; "environment", for tests;
        "own_namespaces", False where each process needs a container of its own.
    """

    def __init__(self, sandbox, files, settings):
        self.sandbox, self.files = sandbox, str(files)
        self.settings = {
            "environment": {}, "tests": False, "own_namespaces": True, "limits": sandbox.limits(),
            "call_seconds": sandbox.call_seconds,
            "memory_bytes": sandbox.memory_bytes, "file_bytes": sandbox.file_bytes,
            "output_bytes": sandbox.output_bytes, "answer_bytes": sandbox.answer_bytes,
            "frame_bytes": 2 * sandbox.answer_bytes + 2**21, **settings,
        }  # fmt: skip
        self._bwrap = None

    def launch(self):
        """Start it, where it does not run, and do not wait until its imports are done.

        Raises
        ------
        NoSandbox
            As `Sandbox.command`.
        """
        if self._bwrap is not None and self._bwrap.poll() is None:
            return
        self.close()
        ours, theirs = socket.socketpair()
        try:
            self._bwrap = subprocess.Popen(
                self.sandbox.command(self.files, theirs.fileno()), pass_fds=[theirs.fileno()], cwd="/",
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            )  # fmt: skip
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._sock, self._ready = ours, False

    def start(self):
        """Start it, where it does not run, and wait until it can fork.

        Raises
        ------
        NoSandbox
            When it cannot; the message has what bubblewrap says.
        """
        self.launch()
        if self._ready:
            return
        channel, deadline = Channel(self._sock), time.monotonic() + PATIENCE
        try:
            channel.send(b"s", self.settings, deadline)
            channel.receive(deadline)
            self._sock.setblocking(True)
            self._ready = True
        except (Closed, Late):
            self._bwrap.kill()
            said = self._bwrap.stderr.read().decode(errors="replace").strip()[-600:]
            self.close()
            raise NoSandbox(f"the sandbox does not start: {said or 'it says nothing'}") from None

    def fork(self):
        """A new process in it, which has run nothing yet.

        Returns
        -------
        process : Process
        """
        for attempt in range(2):
            self.start()
            channel, channel_in = socket.socketpair()
            control, control_in = socket.socketpair()
            try:
                numbers = array.array("i", [channel_in.fileno(), control_in.fileno()])
                self._sock.sendmsg([b"f"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])
                return Process(self, channel, control)
            except OSError:
                channel.close()
                control.close()
                self.close()
                if attempt:
                    raise NoSandbox("the sandbox ends as soon as it has started") from None
            finally:
                channel_in.close()
                control_in.close()

    def close(self):
        """End it and all that runs in it."""
        if self._bwrap is not None:
            self._sock.close()
            self._bwrap.kill()
            self._bwrap.wait()
            self._bwrap.stderr.close()
            self._bwrap = None


class Process:
    """A process in a container, and the channel to it."""

    def __init__(self, container, channel, control):
        self.container, self._control = container, control
        self.channel = Channel(channel, container.settings["frame_bytes"])
        self.cpu_seconds = 0.0  #: that it and its own took, known in the end
        self.reason = None  #: why it ended: "ended" by itself, "memory", or as the caller of `end` has said

    def interrupt(self):
        """Raise KeyboardInterrupt in what it runs."""
        with suppress(OSError):
            self._control.send(b"i")

    def end(self, reason="told"):
        """End it, and make sure that nothing is left of it.

        Where the container cannot say that all of its processes are gone, the container itself is ended.

        Parameters
        ----------
        reason : str
            Why, where it had not ended before.

        Returns
        -------
        reason : str
        """
        if self.reason is None:
            told = {}
            self.channel.close()
            with suppress(OSError, ValueError):
                self._control.settimeout(10)
                with suppress(OSError):
                    self._control.shutdown(socket.SHUT_WR)
                said = b""
                while part := self._control.recv(2000):
                    said += part
                told = json.loads(said)
            self._control.close()
            if told.get("nested") is not True:
                self.container.close()
            self.cpu_seconds = told.get("cpu_seconds", 0.0)
            self.reason = {"told": reason}.get(told.get("why"), told.get("why") or "ended")
        return self.reason
