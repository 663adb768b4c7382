"""Where batches are run: processes on this machine, or a Dask cluster; each is a `concurrent.futures.Executor`.

What both promise beyond that:
- a call whose worker dies (out of memory, a machine that is switched off) is made again elsewhere. Where that has
  happened three times, its future raises `LostWorkerError`, and nothing else is touched;
- `slots` is how many calls run at a time, which may change;
- `interrupt` ends what is running: batches give back what they have;
- `share` gives what to pass to every call in the place of a kit.

Local: a worker process for every slot, started with the first call that finds no idle one. A worker ends with
the socket that joins it to this process, so it cannot outlive it.

Dask: nothing need be shared with the workers but this package, in the same version. The kit travels once: it is
the result of a task, so the scheduler hands it to every worker that needs it, to one that joins later as well,
and makes it anew where all workers that had it are lost.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import threading
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from autograder.doctor import examine
from autograder.errors import UserError
from autograder.regrade import workers
from autograder.regrade.keys import Environment, this_environment
from autograder.regrade.workers import INTERRUPT, Kit, PackedKit

MOST_SLOTS = 32  # as root each sandbox keeps a range of users for itself, and there are 34 (sandbox/privileges.py)
LIVES = 3  # how often a call may take its worker along
CONNECT_SECONDS = 10.0
GRACE_SECONDS = 10.0

Answer = TypeVar("Answer")


class LostWorkerError(Exception):
    """A call has taken `LIVES` workers along; the words say what the last one of them said."""


class Crew(Executor):
    """Workers."""

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many calls run at a time."""

    @abstractmethod
    def environment(self) -> Environment:
        """What verdicts of these workers depend on.

        Raises:
            UserError: where the workers are not alike.
        """

    @abstractmethod
    def share(self, kit: Kit) -> Any:
        """What to pass to calls in the place of a kit."""

    @abstractmethod
    def interrupt(self, run: str) -> None:
        """End the batches of a run that are running, so that they give back what they have."""


def local(slots: int) -> Crew:
    """Worker processes on this machine, `MOST_SLOTS` at most."""
    return LocalCrew(min(slots, MOST_SLOTS))


def dask(address: str) -> Crew:
    """The workers of a Dask cluster.

    Raises:
        UserError: where Dask is not installed, or the scheduler cannot be reached.
    """
    return DaskCrew(address)


# --- this machine ---------------------------------------------------------------------------------------------------


class LocalCrew(Crew):
    """A process for every slot, each held by a thread that hands it one call at a time."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="slot")
        self._mine = threading.local()  # .worker
        self._noting = threading.Lock()  # of what follows
        self._workers: set[_Worker] = set()
        self._interrupted = False

    @property
    def slots(self) -> int:
        return self._slots

    @property
    def pids(self) -> list[int]:
        """The worker processes that live."""
        with self._noting:
            return [worker.pid for worker in self._workers]

    def environment(self) -> Environment:
        return this_environment(examine().level)

    def share(self, kit: Kit) -> Kit:
        return kit

    def submit(self, fn: Callable[..., Answer], /, *args: Any, **kwargs: Any) -> Future[Answer]:
        """Have a worker call a function of a module's top level."""
        if kwargs:
            raise TypeError("calls take positional arguments")
        return self._threads.submit(self._call, pickle.dumps((fn, args)))

    def interrupt(self, run: str) -> None:  # noqa: ARG002 (these workers have one run alone)
        with self._noting:
            self._interrupted = True
            for worker in self._workers:
                worker.interrupt()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers; what is running is interrupted unless `wait`."""
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        with self._noting:
            self._interrupted = True
            leaving, self._workers = self._workers, set()
        for worker in leaving:
            worker.hang_up()
        self._threads.shutdown()
        for worker in leaving:
            worker.close()

    def _call(self, message: bytes) -> Any:
        last_words = ""
        for _ in range(LIVES):
            worker = self._worker()
            try:
                result, error = worker.call(message)
            except (EOFError, OSError):
                last_words = worker.close()
                with self._noting:
                    self._workers.discard(worker)
                    if self._interrupted:
                        raise LostWorkerError("the regrade was interrupted") from None
                continue
            if error is not None:
                raise error
            return result
        raise LostWorkerError(last_words)

    def _worker(self) -> _Worker:
        """This thread's worker, a new one where it has ended."""
        worker: _Worker | None = getattr(self._mine, "worker", None)
        with self._noting:
            if worker is None or worker not in self._workers:
                if self._interrupted:
                    raise LostWorkerError("the regrade was interrupted")
                worker = self._mine.worker = _Worker()
                self._workers.add(worker)
        return worker


class _Worker:
    """One process that runs `workers.serve`."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._sending = threading.Lock()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START.format(path=sys.path, descriptor=theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is not for it
            )
            self._connection = Connection(os.dup(self._socket.fileno()))

    @property
    def pid(self) -> int:
        return self._process.pid

    def call(self, message: bytes) -> Any:
        """The (result, exception) of a call.

        Raises:
            EOFError, OSError: where the process ends instead.
        """
        with self._sending:
            self._connection.send_bytes(message)
        return pickle.loads(self._connection.recv_bytes())

    def interrupt(self) -> None:
        """End what it is doing."""
        with contextlib.suppress(OSError), self._sending:
            self._connection.send_bytes(INTERRUPT)

    def hang_up(self) -> None:
        """Have it end by itself, whatever it is doing."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> str:
        """End it for certain; gives its last words."""
        self.hang_up()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._log.closed:
            return ""
        self._socket.close()
        self._connection.close()
        with self._log as log:
            log.seek(0)
            said = log.read()[-2000:].decode("utf-8", "replace").strip()
        return said or _how(self._process.returncode)


# The same modules as here, wherever this process found them, and none of the folder that it was started in.
_START = """
import sys
sys.path[:] = {path!r}
from autograder.regrade.workers import serve
serve({descriptor})
"""


def _how(status: int) -> str:
    return f"it was ended by signal {-status}" if status < 0 else f"it ended with status {status}"


# --- a cluster ------------------------------------------------------------------------------------------------------


class DaskCrew(Crew):
    """The workers of a Dask scheduler, as many as there are at the time."""

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ImportError as error:
            raise UserError(
                "Dask is not installed",
                where="--executor dask",
                remedy="pip install 'generative-autograder[cluster]'",
            ) from error
        try:
            self._client: Any = distributed.Client(  # type: ignore[no-untyped-call]
                address, timeout=CONNECT_SECONDS, set_as_default=False
            )
        except (OSError, ValueError, TypeError) as error:
            raise UserError(
                f"no Dask scheduler answers there: {str(error) or type(error).__name__}",
                where=f"--scheduler {address}",
                remedy="Start one with `dask scheduler` and give its address, such as tcp://host:8786.",
            ) from error
        self._lost = distributed.scheduler.KilledWorker
        client: Any = self._client
        self._executor: Executor = client.get_executor(pure=False)
        self._address = address

    @property
    def slots(self) -> int:
        return sum(self._client.nthreads().values()) if self._client.status == "running" else 0

    def environment(self) -> Environment:
        self._client.wait_for_workers(1)
        found = self._ask(workers.environment)
        first, *others = found
        for worker in others:
            if different := found[first].differences(found[worker]):
                raise UserError(
                    f"these workers are not alike: {first} and {worker}: {'; '.join(different)}",
                    where=f"--scheduler {self._address}",
                    remedy="Give all of them the same versions of Python, torch and this package.",
                )
        return found[first]

    def share(self, kit: Kit) -> Any:
        import dask.config

        # Told of by Dask because most who send as much with a task do not mean to.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            return self._client.submit(workers.unchanged, _packed(kit), key=f"autograder-kit-{kit.name}")

    def submit(self, fn: Callable[..., Answer], /, *args: Any, **kwargs: Any) -> Future[Answer]:
        """Have a worker call a function; an argument that `share` gave is there what was shared."""
        answer: Future[Answer] = Future()
        call: Future[Answer] = self._executor.submit(fn, *args, **kwargs)

        def pass_on(call: Future[Answer]) -> None:
            if call.cancelled():
                answer.set_exception(self._gone())
            elif isinstance(error := call.exception(), self._lost):
                answer.set_exception(LostWorkerError("Dask lost the workers that ran it"))
            elif error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(call.result())

        answer.set_running_or_notify_cancel()
        call.add_done_callback(pass_on)
        return answer

    def interrupt(self, run: str) -> None:
        with contextlib.suppress(Exception):  # what does not answer is not running anything of ours for long
            self._client.run(workers.interrupt, run, on_error="ignore")

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster; its workers stay."""
        with contextlib.suppress(Exception):
            self._executor.shutdown(wait=wait and not cancel_futures)
            self._client.close(timeout=GRACE_SECONDS)

    def _ask(self, question: Callable[[], Answer]) -> dict[str, Answer]:
        """Every worker's answer."""
        try:
            answers: dict[str, Answer] = self._client.run(question)
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"a Dask worker cannot grade: {type(error).__name__}: {error}",
                where=f"--scheduler {self._address}",
                remedy="This package must be installed where the workers run, in the same version as here.",
            ) from error
        return answers

    def _gone(self) -> UserError:
        return UserError(
            "the Dask scheduler is gone",
            where=f"--scheduler {self._address}",
            remedy="What is graded is kept. Start the scheduler and run the same command again.",
        )


def _packed(kit: Kit) -> PackedKit:
    """The bytes of a kit's files."""

    def files(folder: Path) -> dict[str, bytes]:
        found = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}

    return PackedKit(kit.name, files(kit.place.expectations), files(kit.place.data))
