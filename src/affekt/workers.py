"""One piece of work for each of many items, spread over processes here or over a Ray cluster.

Whoever is killed leaves nothing behind that goes on: a process here watches the one that started it and ends
with it, at once and without a word. What it was writing then still lies under another name.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from multiprocessing import connection, resource_tracker
from textwrap import shorten
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from affekt.errors import AffektError, ClusterError

Item = TypeVar("Item")
Result = TypeVar("Result")
Outcomes = Generator[tuple[Item, Result | Exception], None, None]

DIED = "the process that worked on it died (out of memory, or a crash while decoding)"
"""What is said of an item whose process did not live to give its result."""
SINGLE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Environment of all workers: as many processes as cores, and a core a process."""
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}
"""Environment of Ray here: it reports to nobody, and prints nothing of what it hears from the cluster."""
AHEAD = 2
"""Tasks handed to a cluster for each of its cores: one is done, the next one waits."""

_SPAWN = multiprocessing.get_context("spawn")


def spread(
    work: Callable[[Item], Result], items: Sequence[Item], *, workers: int = 1, ray: str | None = None
) -> Outcomes[Item, Result]:
    """Yield each item with its result, in the order in which they are done.

    What a piece of work raises as an `AffektError`, or that its process died of it, comes in its result's
    place and does not keep the others from theirs. The same `work` runs either way, one item a process at a
    time, single-threaded. Closing the iterator stops what is being worked on.

    Args:
        work: a function at the top of a module; it, the items and the results must be picklable.
        workers: processes on this machine.
        ray: address of an existing Ray cluster ("auto", "HOST:PORT", "ray://…"); files must lie on a file
            system that all of its machines share, under the same paths.

    Raises:
        ClusterError: at once, if the cluster cannot be reached or Ray is not installed (affekt[cluster]);
            later, if the cluster is lost.
    """
    if ray is not None:
        return _over_cluster(work, items, connect(ray), ray)
    return _over_processes(work, items, workers)


def _answer(work: Callable[[Any], Any], item: Any) -> Any:
    """The result, or the fault in its place: what a worker hands back, here as on a cluster."""
    try:
        return work(item)
    except AffektError as error:
        return error


# Processes on this machine


def _over_processes(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Outcomes[Item, Result]:
    waiting = deque(items)
    with _single_threaded():
        slots = [_Slot[Item, Result](work) for _ in range(min(workers, len(items)))]
    try:
        for slot in slots:
            slot.give(waiting.popleft())
        while pipes := [slot.pipe for slot in slots if slot.busy]:
            ready = connection.wait(pipes)
            for slot in [one for one in slots if one.pipe in ready]:
                item, result = slot.take()
                if waiting:
                    if not slot.alive:
                        slot.stop()
                        with _single_threaded():
                            slots[slots.index(slot)] = slot = _Slot(work)
                    slot.give(waiting.popleft())
                yield item, result
    finally:
        for slot in slots:
            slot.stop()


class _Slot(Generic[Item, Result]):
    """A process that does one item after the other, and the item it has."""

    def __init__(self, work: Callable[[Item], Result]) -> None:
        self.pipe, theirs = _SPAWN.Pipe()
        self._items: list[Item] = []
        self.alive = True
        self._process = _SPAWN.Process(target=_serve, args=(work, theirs), daemon=True)
        with _undisturbed():
            self._process.start()
        theirs.close()

    @property
    def busy(self) -> bool:
        return bool(self._items)

    def give(self, item: Item) -> None:
        self._items.append(item)
        with suppress(BrokenPipeError):  # it died of nothing of ours, and `take` will say so
            self.pipe.send(item)

    def take(self) -> tuple[Item, Result | Exception]:
        """The item it had, and what came of it."""
        item = self._items.pop()
        try:
            result = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.alive = False
            return item, ClusterError(DIED)
        if isinstance(result, _Bug):
            raise result.error
        return item, result

    def stop(self) -> None:
        """End the process, whatever it does."""
        self.pipe.close()
        self._process.kill()
        self._process.join()


class _Bug:
    """An exception that is no fault of an item's: it goes on in the process that started it all."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _serve(work: Callable[[Any], Any], pipe: Any) -> None:
    """What a process does until nobody wants anything of it any more."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with closing(pipe), suppress(EOFError, BrokenPipeError):
        while True:
            item = pipe.recv()
            try:
                answer = _answer(work, item)
            except Exception as error:  # noqa: BLE001 - handed on, not swallowed
                answer = _Bug(error)
            pipe.send(answer)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Processes started in this block never hear of Ctrl-C; who started them does, when it is over."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # it would lift the block while it starts
    heard: list[int] = []
    handled = threading.current_thread() is threading.main_thread()
    if handled:
        # Another thread, such as a progress bar's, may take the signal for this one: a process half started
        # would then be left without what it waits for.
        usual = signal.signal(signal.SIGINT, lambda number, _frame: heard.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if handled:
            signal.signal(signal.SIGINT, usual)
    if heard:
        signal.raise_signal(signal.SIGINT)


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Processes started in this block use one thread each in what reads its number from the environment."""
    before = {name: os.environ.get(name) for name in SINGLE}
    os.environ.update(SINGLE)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


# A Ray cluster


def _over_cluster(
    work: Callable[[Item], Result], items: Sequence[Item], ray: Any, address: str
) -> Outcomes[Item, Result]:
    task = ray.remote(num_cpus=1, max_retries=0)(_answer)
    cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
    waiting = deque(items)
    running: dict[Any, Item] = {}
    try:
        while waiting or running:
            while waiting and len(running) < AHEAD * cores:
                item = waiting.popleft()
                running[task.remote(work, item)] = item
            done, _ = ray.wait(list(running), num_returns=1)
            item = running.pop(done[0])
            yield item, _fetch(ray, done[0])
    except ray.exceptions.RaySystemError as error:
        raise ClusterError(f"{address}: the Ray cluster is lost ({_first_line(error)})") from error
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
        ray.shutdown()


def connect(address: str) -> Any:
    """Ray, connected; it reports to nobody, and keeps to itself what its workers print."""
    if find_spec("ray") is None:
        raise ClusterError("working over a cluster needs Ray; pip install 'affekt[cluster]'")
    os.environ.update(QUIET)
    try:
        _knock(address)
        import ray

        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            runtime_env={"env_vars": SINGLE},
        )
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise ClusterError(f"{address}: no Ray cluster answers there ({_first_line(error)})") from error
    return ray


def _knock(address: str) -> None:
    """See that somebody listens at an address: Ray itself would try for minutes, and talk.

    Raises:
        OSError, ValueError: nobody does, or it is no address.
    """
    if address != "auto":
        place = urlsplit(address if "://" in address else f"//{address}")
        if place.hostname is None or place.port is None:
            raise ValueError("give auto, HOST:PORT or ray://HOST:PORT")
        socket.create_connection((place.hostname, place.port), timeout=10).close()


def _fetch(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error  # no fault of an item's
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError):
        return ClusterError(DIED)
    except ray.exceptions.NodeDiedError:
        return ClusterError("the machine that worked on it left the cluster")


def _first_line(error: BaseException) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return shorten(line, 160, placeholder=" …")
