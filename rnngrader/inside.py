"""What runs inside a container: a process that has the imports done, and forks one child after the other from itself.

Each child gets namespaces of its own: it sees no other process, and finds empty folders of its own in place of /tmp and
/submission. When its first process ends, the system ends all others that it has left, and the folders are gone. The
child then gives up every right, sets its limits, and runs cells and calls that come over a socket: those of a student,
or in another container the tests. The grader itself imports nothing of this.
"""

import array
import ast
import base64
import builtins
import contextlib
import ctypes
import json
import os
import re
import resource
import select
import shutil
import signal
import socket
import sys
import time

from rnngrader.bridge import Callback, Channel, Closed, Refused, decode, encode, exception_named

NEW_MOUNTS, NEW_PIDS, NEW_IPC = 0x20000, 0x20000000, 0x08000000
NOSUID, NODEV, NOEXEC, RECURSIVE, PRIVATE = 2, 4, 8, 0x4000, 0x40000
SET_DUMPABLE, DROP_FROM_BOUNDS, NO_NEW_PRIVILEGES, AMBIENT, CLEAR_ALL = 4, 24, 38, 47, 4

libc = ctypes.CDLL(None, use_errno=True)


def main(number):
    """Serve forks until the socket closes.

    Parameters
    ----------
    number : int
        The socket's file descriptor; its first frame has the settings.
    """
    sock = socket.socket(fileno=number)
    channel = Channel(sock)
    settings = json.loads(channel.receive()[1])
    libc.prctl(SET_DUMPABLE, 0, 0, 0, 0)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    shell = prepare(settings)
    channel.send(b"r")
    sock.setblocking(True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the keepers
    while True:
        said, ancillary, _, _ = sock.recvmsg(1, socket.CMSG_SPACE(8))
        if not said:
            os._exit(0)
        descriptors = array.array("i")
        for _, _, content in ancillary:
            descriptors.frombytes(content)
        if os.fork() == 0:
            sock.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            with contextlib.suppress(BaseException):
                keep(*descriptors, settings, shell)
            os._exit(1)
        for descriptor in descriptors:
            os.close(descriptor)


def prepare(settings):
    """Do the imports that every child would do, and make the shell that runs cells."""
    import numpy  # noqa: F401

    import rnnlib.checks

    sys.dont_write_bytecode = True
    rnnlib.checks.exercises()
    rnnlib.checks.calls.TIME_LIMIT = settings["call_seconds"]
    builtins.exit = builtins.quit = sys.exit  # which `site` would have given
    for name in settings["preload"]:
        with contextlib.suppress(ImportError, OSError):
            __import__(name)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    return make_shell()


def keep(channel, control, settings, shell):
    """Start the first process of new namespaces, and end it when told, or when it takes too much memory.

    What it says in the end, in one line of JSON, is why it ended, and whether the namespaces were its own.
    """
    nested = settings["own_namespaces"] and libc.unshare(NEW_MOUNTS | NEW_PIDS | NEW_IPC) == 0
    own = anonymous_memory("self")
    reading, writing = os.pipe()
    first = os.fork()
    if first == 0:
        os.close(reading)
        os.close(control)
        try:
            become_first(channel, writing, nested, settings, shell)
        except BaseException as error:
            os.write(writing, repr(error)[:500].encode())
        os._exit(1)
    os.close(writing)
    os.close(channel)
    why, told = "ended", b""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(reading, select.POLLIN)
    while True:
        ready = dict(poll.poll(100))
        if reading in ready:
            told = os.read(reading, 500)
            break
        if control in ready:
            word = os.read(control, 1)
            if word != b"i":
                why = "told"
                break
            os.kill(first, signal.SIGINT)
        if memory_of_others(nested, own) > settings["memory_bytes"]:
            why = "memory"
            break
    if why != "ended":  # first the one that runs cells, so that its time is counted
        os.kill(first, signal.SIGTERM)
        select.select([reading], [], [], 1.0)
    os.kill(first, signal.SIGKILL)
    _, _, used = os.wait4(first, 0)  # returns when every process of its namespace is gone
    end = {"why": why, "nested": nested, "told": told.decode(errors="replace")}
    end["cpu_seconds"] = used.ru_utime + used.ru_stime
    with contextlib.suppress(OSError):
        os.write(control, json.dumps(end).encode())
    os._exit(0)


def anonymous_memory(process):
    """Bytes that a process has in memory of its own; 0 when it is gone."""
    try:
        with open(f"/proc/{process}/status") as file:
            found = re.search(r"RssAnon:\s+(\d+) kB", file.read())
    except OSError:
        return 0
    return 1024 * int(found[1]) if found else 0


def memory_of_others(nested, own):
    """Bytes that the student's processes take beyond what they were forked with."""
    mine = {1} if nested else {1, os.getpid(), os.getppid()}  # nested, /proc here has the child's own processes alone
    others = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in mine]
    return sum(max(0, anonymous_memory(process) - own) for process in others)


def become_first(channel, told, nested, settings, shell):
    """Be the first process of the namespaces: make the folders, start the one that runs cells, wait for its end."""
    if nested:
        make_folders(settings)
    else:  # whose container is used once
        fill_submission()
    worker = os.fork()
    if worker == 0:
        os.close(told)
        with contextlib.suppress(BaseException):
            give_up_rights(settings)
            run(Channel(socket.socket(fileno=channel), settings["frame_bytes"]), settings, shell)
        os._exit(0)
    os.close(channel)
    libc.prctl(SET_DUMPABLE, 0, 0, 0, 0)
    signal.signal(signal.SIGINT, lambda *_: os.kill(worker, signal.SIGINT))
    signal.signal(signal.SIGTERM, lambda *_: os.kill(worker, signal.SIGKILL))
    while True:
        ended, status = os.wait()
        if ended == worker:
            os.write(told, f"status {status}".encode())
            os._exit(0)


def mount(kind, where, flags, options=None):
    """The system call; an OSError where it fails."""
    if libc.mount(kind, where, kind, flags, options):
        raise OSError(ctypes.get_errno(), f"cannot mount {where.decode()}")


def make_folders(settings):
    """Put empty folders of this child's own in place of all that can be written, and its own view of processes."""
    if libc.mount(b"none", b"/", None, RECURSIVE | PRIVATE, None):
        raise OSError(ctypes.get_errno(), "cannot keep mounts apart")
    size = f"size={settings['file_bytes']},nr_inodes=4096,mode=700".encode()
    for folder in (b"/tmp", b"/dev/shm", b"/submission"):
        mount(b"tmpfs", folder, NOSUID | NODEV, size)
    mount(b"proc", b"/proc", NOSUID | NODEV | NOEXEC)
    fill_submission()


def fill_submission():
    """Copy the assignment's own files, and go there."""
    shutil.copytree("/assignment", "/submission", symlinks=True, dirs_exist_ok=True, copy_function=shutil.copyfile)
    os.chdir("/submission")


def give_up_rights(settings):
    """Limit this process and those that it starts, and drop every right that it has."""
    limits = settings["limits"]
    for name, most in limits.items():
        number = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(number)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(number, (most, most))
    os.setsid()
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    libc.prctl(AMBIENT, CLEAR_ALL, 0, 0, 0)
    for right in range(64):
        libc.prctl(DROP_FROM_BOUNDS, right, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if libc.capset(header, (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), "cannot give up rights")
    libc.prctl(SET_DUMPABLE, 1, 0, 0, 0)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    import random

    import numpy

    random.seed()
    numpy.random.seed()  # noqa: NPY002  (what a student may draw from)


# What follows runs in a child, as the student or as the tests.


class Outputs:
    """Sends what cells show, as they show it, until it is too much."""

    def __init__(self, channel, most):
        self.channel, self.left = channel, most
        self.waiting, self.length, self.stream, self.since = [], 0, None, 0.0

    def send(self, **content):
        self.flush()
        size = len(json.dumps(content))
        if self.left < size:
            if self.left >= 0:
                self.left = -1
                words = "[What follows is left out: there is too much of it.]\n"
                self.channel.send(b"o", {"output_type": "stream", "name": "stderr", "text": words})
            return
        self.left -= size
        self.channel.send(b"o", content)

    def write(self, name, text):
        if self.left < 0:
            return
        if self.stream != name:
            self.flush()
            self.since = time.monotonic()
        self.stream = name
        self.waiting.append(text[: max(0, self.left)])
        self.length += len(text)
        if self.length > 2**15 or time.monotonic() - self.since > 0.2:
            self.flush()

    def flush(self):
        text, self.waiting, self.length, self.since = "".join(self.waiting), [], 0, time.monotonic()
        for start in range(0, len(text), 2**18):
            self.send(output_type="stream", name=self.stream, text=text[start : start + 2**18])


class Stream:
    """Standard output or error of the cells."""

    encoding, errors, closed = "utf-8", "replace", False

    def __init__(self, outputs, name):
        self.outputs, self.name = outputs, f"<{name}>"
        self._stream = name

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.outputs.write(self._stream, text)
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        self.outputs.flush()

    def fileno(self):
        return 1 if self._stream == "stdout" else 2

    def isatty(self):
        return False

    def writable(self):
        return True

    def readable(self):
        return False


def make_shell():
    """The IPython shell that runs cells: its results, displays and tracebacks go to `shell.outputs`."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Results(DisplayHook):
        def write_output_prompt(self):
            pass

        def write_format_data(self, format_dict, md_dict=None):
            self.shell.outputs.send(
                output_type="execute_result", data=as_text(format_dict), metadata=plain(md_dict),
                execution_count=self.shell.execution_count,
            )  # fmt: skip

        def log_output(self, format_dict):
            pass

        def finish_displayhook(self):
            self._is_active = False

    class Displays(DisplayPublisher):
        def publish(self, data, metadata=None, source=None, *, transient=None, update=False, **kwargs):
            self.shell.outputs.send(
                output_type="update_display_data" if update else "display_data", data=as_text(data),
                metadata=plain(metadata), transient=plain(transient),
            )  # fmt: skip

        def clear_output(self, wait=False):
            self.shell.outputs.send(output_type="clear_output", wait=bool(wait))

    class Shell(InteractiveShell):
        outputs = None
        kernel = "rnngrader"  # by which a report knows that it can be displayed

        def _showtraceback(self, etype, evalue, stb):
            self.outputs.send(output_type="error", ename=etype.__name__, evalue=str(evalue), traceback=list(stb))

        def enable_gui(self, gui=None):
            pass

        def _tee(self, channel):  # IPython would keep all that is printed
            return contextlib.nullcontext()

    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "neutral"
    shell = Shell.instance(config=config, displayhook_class=Results, display_pub_class=Displays)
    shell.user_ns.update(exit=sys.exit, quit=sys.exit)
    return shell


def as_text(bundle):
    """A display's representations, those that are bytes in base 64."""
    made = {}
    for kind, content in bundle.items():
        if isinstance(content, bytes):
            content = base64.b64encode(content).decode()
        made[str(kind)] = content if isinstance(content, str) else plain(content)
    return made


def plain(value):
    """What JSON can say, or an empty dict."""
    try:
        return json.loads(json.dumps(value or {}))
    except (TypeError, ValueError):
        return {}


def run(channel, settings, shell):
    """Run cells and answer calls until the grader closes the channel."""
    shell.outputs = Outputs(channel, settings["output_bytes"])
    sys.stdout, sys.stderr = Stream(shell.outputs, "stdout"), Stream(shell.outputs, "stderr")
    sys.stdin = open(os.devnull)
    if settings["tests"]:
        Tests(channel, settings, shell).serve()
    else:
        Student(channel, settings, shell).serve()


class Side:
    """One side of the bridge: what both have."""

    def __init__(self, channel, settings, shell):
        self.channel, self.settings, self.shell = channel, settings, shell

    def run_cell(self, request):
        """Run a cell, and say whether it raised."""
        shell = self.shell
        shell.execution_count = request["count"]
        ename = None
        try:
            result = shell.run_cell(request["code"], store_history=True)
            error = result.error_before_exec or result.error_in_exec
            ename = type(error).__name__ if error is not None else None
        except BaseException as error:  # a hook that the student has set
            ename = type(error).__name__
            shell.outputs.send(output_type="error", ename=ename, evalue=str(error), traceback=[])
        shell.outputs.flush()
        self.channel.send(b"d", {"error": ename})


class Student(Side):
    """Runs the student's cells, and calls the student's functions for the tests."""

    def serve(self):
        from collections import deque

        self.kept = deque(maxlen=512)  # (number, what a call gave back)
        self.numbers, self.asked = 0, None
        while True:
            try:
                kind, content = self.channel.receive()
            except Closed:
                return
            except KeyboardInterrupt:  # came too late for its cell
                continue
            if kind == b"x":
                self.run_cell(json.loads(content))
            elif kind == b"q":
                for answer in self.answers(content[:8], content[8:]):
                    self.channel.send(b"r", content[:8] + b"+" + answer)
                self.channel.send(b"r", content[:8] + b".")

    def answers(self, ticket, question):
        """The answers to what the tests ask, as bytes."""
        limit = self.settings["answer_bytes"]
        made = {}

        def called(number, args):
            if self.asked is not ticket:  # nobody would answer
                raise RuntimeError("a function that a test has given can only be called while the test waits")
            self.channel.send(b"c", ticket + encode([number, list(args)], limit=limit))
            while True:
                kind, content = self.channel.receive()
                if kind == b"b" and content[:8] == ticket:
                    break
            told = decode(content[8:], limit=limit)
            if "error" in told:
                raise exception_named(*told["error"])
            return told["value"]

        def function(number):
            if number not in made:
                made[number] = Callback(number, called)
            return made[number]

        self.asked = ticket
        try:
            asked = decode(question, function, limit)
            for answer in getattr(self, f"on_{asked['op']}")(asked):
                yield encode(answer, limit=limit)
        except Refused as error:
            yield encode({"refused": str(error)})
        except BaseException as error:  # KeyboardInterrupt too: the time is over
            yield encode({"refused": f"{type(error).__name__}: {error}"[:300]})
        self.asked = None

    def find(self, address):
        """What stands under a name of the notebook, or under a name that a function of the notebook knows."""
        from rnnlib.checks.calls import global_names

        names = self.shell.user_ns
        for name in address:
            if name not in names:
                raise NameError(f"name '{name}' is not defined", name=name)
            value = names[name]
            names = global_names(value) if len(address) > 1 else {}
        return value

    def on_describe(self, asked):
        """What a name stands for."""
        from rnnlib.checks.calls import global_names

        try:
            value = self.find(asked["address"])
        except NameError:
            yield {"exists": False}
            return
        if not callable(value):
            yield {"exists": True, "callable": False, "value": value}
            return
        module = global_names(value).get("__name__", "")
        yield {
            "exists": True,
            "callable": True,
            "name": str(getattr(value, "__name__", type(value).__name__))[:200],
            "module": str(module)[:200],
            "lent": bool(getattr(value, "lent", False)),
        }

    def on_perform(self, asked):
        """Calls for a check, one after the other."""
        from rnnlib.checks import battery, calls
        from rnnlib.checks.exercises import named
        from rnnlib.checks.help import now_judged

        exercise, judged, fn = named(asked["exercise"]), named(asked["judged"]), self.find(asked["address"])
        called = []
        swap = battery.reference_neighbours(fn, judged) if asked["reference"] else contextlib.nullcontext(called)
        with now_judged(judged), swap as called:
            for done in calls.perform_each(fn, exercise, asked["calls"]):
                self.numbers += 1
                self.kept.append((self.numbers, done.returned))
                entry = {
                    "number": self.numbers, "problem": done.problem, "kind": done.kind,
                    "in_neighbour": done.in_neighbour, "warned": done.warned[:10], "printed": done.printed,
                    "lines_printed": done.lines_printed,
                    "values": self.copied([done.returned, list(done.args.values())]),
                }  # fmt: skip
                if isinstance(entry["values"], str):  # the reason why not
                    entry["problem"] = entry["problem"] or f"What it gives back cannot be looked at: {entry['values']}."
                    entry["values"] = self.copied([None, None])
                entry["called"] = list(called)
                yield entry

    def copied(self, values):
        """Values as an array of bytes, before the next call changes them; a reason where they are too large."""
        import numpy

        try:
            return numpy.frombuffer(encode(values, limit=self.settings["answer_bytes"] // 4), numpy.uint8)
        except Refused as error:
            return str(error)

    def on_now(self, asked):
        """What an earlier call gave back, as it is now."""
        for number, returned in self.kept:
            if number == asked["number"]:
                yield {"value": returned}
                return
        yield {"refused": "it is not there any more"}

    def on_call(self, asked):
        """A call of a test's own, without a check."""
        fn, args, kwargs = self.find(asked["address"]), asked["args"], asked["kwargs"]
        try:
            returned = fn(*args, **kwargs)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            frames = error.__traceback__.tb_next  # without this one
            stb = self.shell.InteractiveTB.structured_traceback(type(error), error, frames, tb_offset=0)
            self.shell.outputs.flush()
            lines = [str(line)[:20_000] for line in stb[:40]]
            message = error.args[0] if [*map(type, error.args)] == [str] else str(error)  # a KeyError's has quotes
            yield {"error": [type(error).__name__, message[:2000]], "traceback": lines}
            return
        self.shell.outputs.flush()
        yield {"returned": returned, "args": args, "kwargs": kwargs}


class Tests(Side):
    """Runs the tests' cells, with the student's names in reach."""

    def serve(self):
        from rnngrader.proxies import Notebook

        self.notebook = Notebook(self)
        os.environ.update(self.settings["environment"])
        while True:
            try:
                kind, content = self.channel.receive()
            except Closed:
                return
            if kind != b"x":
                continue
            request = json.loads(content)
            if "own" in request:  # names that stay the student's, whatever a cell here binds
                self.notebook.students |= set(request["own"])
            if request["test"]:
                self.notebook.lend(names_in(self.shell.transform_cell(request["code"])))
            self.run_cell(request)
            if request["test"]:
                self.notebook.take_back()

    def ask(self, question, functions, seconds, most=1):
        """What the student's side answers, one thing after the other; a Gone where it cannot."""
        from rnngrader.proxies import Gone

        limit = self.settings["answer_bytes"]
        head = json.dumps({"seconds": seconds, "most": most}).encode()
        self.channel.send(b"q", len(head).to_bytes(4, "big") + head + encode(question, functions, limit))
        while True:
            kind, content = self.channel.receive()
            if kind == b"g":
                raise Gone(**json.loads(content))
            if kind == b"c":
                self.channel.send(b"b", self.call_back(content, functions))
            if kind == b"r":
                if content[:1] == b".":
                    return
                try:
                    yield decode(content[1:], functions, limit)
                except Refused as error:
                    yield {"refused": str(error)}

    def call_back(self, content, functions):
        """Call one of the tests' own functions for the student's."""
        limit = self.settings["answer_bytes"]
        try:
            number, args = decode(content, limit=limit)
            if type(number) is not int or not 0 <= number < len(functions):
                raise Refused("no such function")
            return encode({"value": functions[number](*args)}, limit=limit)
        except Exception as error:
            return encode({"error": [type(error).__name__, str(error)[:500]]})


def names_in(code):
    """The names that a cell's code reads."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
