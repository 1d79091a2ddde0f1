"""The services of a running studio: `sft up` runs them all, a command those that it needs, for its own time."""

from __future__ import annotations

import ipaddress
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.errors import SettingsError, StudioError
from core.platform import disk, redis_server, sign_in
from core.platform.processes import Command, Service, note_of, service_log, stop_all
from core.settings import Settings, get_settings

if TYPE_CHECKING:
    from core.platform.tasks.own_worker import OwnWorker

TICK_S = 0.25
FIRST_TICK_S = 0.05
READY_S = 60.0
RECONCILER_LATER_S = 20.0  # a short command is over by then, and does not pay for its start
HEAD_START_S = 10.0  # the web app starts alone until it responds, but at most this long
FIRST_PAGE_S = 2.0  # then it draws the first page, before the other services take the processor
SILENT_S = 45.0  # a worker that waits for work gives a sign of life every 15 s
WORKER_STOP_S = 11.0  # a work process ends itself 9 s after SIGTERM (worker/run.py)


def commands(names: Iterable[str]) -> list[Command]:
    """The commands of these services, in the order in which they start.

    Args:
        names: of web, redis, worker (all three queues and the reconciler), inference and api; or of single commands,
            such as worker-cpu.
    """
    settings, names = get_settings(), set(names)
    known = {
        "web": [Command("web", _module("pages.ui.server"))],
        "redis": [] if settings.redis_url else [Command("redis", redis_server.server_command)],
        "worker": [
            *(
                Command(f"worker-{queue}", _module("worker", queue), WORKER_STOP_S, _silence_s, _lease_has_expired)
                for queue in ("gpu", "cpu", "io")
            ),
            Command("reconciler", _module("worker.reconcile"), silent_s=_silence_s),
        ],
        "inference": [Command("inference", _module("worker.inference"))],
        "api": [Command("api", _module("api"))],
    }
    return [command for name, found in known.items() for command in found if name in names or command.name in names]


def _module(*words: str) -> Callable[[], list[str]]:
    return lambda: [sys.executable, "-m", *words]


def _silence_s() -> float:
    return max(get_settings().lease_s, get_settings().reconcile_s * 3, SILENT_S)


def _lease_has_expired(worker_pid: int) -> bool:
    """Whether a worker that hangs may be replaced: not while the process under it still works and renews its lease."""
    from core.platform.tasks import owners  # imported here: the start of the web app does not wait for SQLAlchemy

    try:
        return not owners.holds_lease(worker_pid)
    except StudioError:  # the database does not respond: no other worker could take the task over either
        return False


_kept: set[str] = set()  # services that this process starts and keeps running
_own: dict[str, OwnWorker] = {}  # by queue


def keeps(name: str) -> bool:
    """Whether this process starts that service, or has started it."""
    return name in _kept


def has_own_worker(queue: str) -> bool:
    """Whether this process works on the tasks of this queue itself."""
    return queue in _own


def expect(task_id: str, queue: str) -> None:
    """Look after a task that a command waits for, where this process works on it itself."""
    if queue in _own:
        _own[queue].expect(task_id)


class Supervisor:
    """Keeps services running, and stops them: Redis last."""

    def __init__(self, names: Iterable[str], say: Callable[[str], None]) -> None:
        self.services = [Service(command, say) for command in commands(names)]

    def tick(self, names: Collection[str] = ()) -> None:
        """Look after the services of these names; all of them where none is given."""
        for service in self.services:
            if not names or service.command.name in names:
                service.tick()

    def delay(self, name: str, seconds: float) -> None:
        """Start a service only after some time."""
        for service in self.services:
            if service.command.name == name:
                service.wait(seconds)

    def stop(self) -> None:
        stop_all(service for service in self.services if service.command.name != "redis")
        stop_all(service for service in self.services if service.command.name == "redis")


def up(say: Callable[[str], None], opened: Callable[[str], None] = lambda address: None) -> int:
    """Run the studio until Ctrl-C or SIGTERM; return the exit code.

    The web app starts first, because people wait for it. A second `up` on the same data directory prints the address of
    the first and ends.

    Args:
        opened: gets the address once the web app responds.

    Raises:
        SettingsError: the address must not be used without sign-in, or a port is taken.
    """
    settings = get_settings()
    check_binding(settings)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{settings.web_port}"
    supervisor = Supervisor(("web", "redis", "worker", "inference", "api"), say)
    web = supervisor.services[0]
    if not web.claim(address):
        running = note_of("web") or address
        say(f"The studio is already running: {running}")
        opened(running)
        return 0
    stop = _stop_on_signals()
    try:
        _check_ports(settings)
        web.tick()
        _migrate()
        alone_until, announced = time.monotonic() + HEAD_START_S, False
        while not stop.wait(TICK_S if announced else FIRST_TICK_S):
            if not announced and _answers(f"{address}/_stcore/health"):
                say(f"SFT Studio is running: {address}   (Ctrl-C stops it)")
                opened(address)
                if problem := sign_in.examine().problem:
                    say(f"The web app is unavailable. {problem}")
                announced, alone_until = True, time.monotonic() + FIRST_PAGE_S
            if time.monotonic() > alone_until:
                supervisor.tick()
            else:  # Redis at once: a command that comes now uses it, instead of starting another one
                supervisor.tick(("web", "redis") if announced else ("web",))
        say("Stopping. Running jobs are saved and resume at the next start.")
    finally:
        supervisor.stop()
    return 0


def _check_ports(settings: Settings) -> None:
    """Check that every service can have its port. Raises SettingsError."""
    ports = {
        "SFT_WEB_PORT": (settings.host, settings.web_port, "web"),
        "SFT_INFERENCE_PORT": ("127.0.0.1", settings.inference_port, "inference"),
        "SFT_API_PORT": (settings.host, settings.api_port, "api"),
    }
    named: dict[int, str] = {}
    for variable, (host, port, service) in ports.items():
        if port in named:
            raise SettingsError(
                f"{named[port]} and {variable} are both {port}.",
                f"Choose another port for one of them: {named[port]}={port + 1} sft up",
            )
        named[port] = variable
        if service == "web" or note_of(service) is None:
            check_port(host, port, variable)


def _migrate() -> None:
    from core.platform.db import migrate  # imported here: the start of the web app does not wait for SQLAlchemy

    migrate.upgrade()
    disk.hold_back()


@contextmanager
def ensure(needs: Iterable[str], say: Callable[[str], None] = lambda text: None) -> Iterator[None]:
    """Run the services that a command needs: start the missing ones, and stop those afterwards.

    A studio that is already running is used; if it stops in the meantime, its services are started here.

    Args:
        needs: of redis, worker, inference; or the worker of one queue, such as worker-cpu, for a short command. Workers
            include Redis and the reconciler. The worker of one queue alone is a fork of this process, which needs
            neither, unless a studio or another command has one; then it is started as `sft up` does, when that ends.

    Raises:
        StudioError: a service did not start; names its log.
    """
    needs = set(needs)
    alone = next(iter(needs)).removeprefix("worker-") if len(needs) == 1 else ""
    if single := any(name.startswith("worker-") for name in needs):
        needs.add("reconciler")
    if single or "worker" in needs:
        needs.add("redis")
    _migrate()
    if single and alone and (own := _claimed(alone, say)):
        try:
            yield
        finally:
            del _own[alone]
            own.stop()
        return
    supervisor, stop, errors = Supervisor(needs, say), threading.Event(), []
    if single:
        supervisor.delay("reconciler", RECONCILER_LATER_S)

    def keep() -> None:
        # One thread starts, watches and stops them: the kernel ends a service with the *thread* that started it.
        try:
            while not stop.is_set():
                supervisor.tick()
                stop.wait(TICK_S)
        except Exception as error:
            errors.append(error)
        finally:
            supervisor.stop()

    keeper = threading.Thread(target=keep, name="services", daemon=True)
    keeper.start()
    names = {service.command.name for service in supervisor.services}
    _kept.update(names)
    try:
        _wait_ready(needs, errors)
        yield
    finally:
        _kept.difference_update(names)
        stop.set()
        keeper.join()


def _claimed(queue: str, say: Callable[[str], None]) -> OwnWorker | None:
    """A worker of this process for the queue, unless another process has one on this data directory."""
    from core.platform.tasks.own_worker import OwnWorker  # imported here: the start of the web app does not wait for it

    own = OwnWorker(queue, say, WORKER_STOP_S)
    if not own.claim():
        return None
    _own[queue] = own
    return own


def _wait_ready(needs: set[str], errors: list[Exception]) -> None:
    health = f"{get_settings().inference_url}/health"
    checks: dict[str, Callable[[], bool]] = {"redis": redis_server.is_up, "inference": lambda: _answers(health)}
    until = time.monotonic() + READY_S
    for name, is_ready in checks.items():
        while name in needs and not is_ready():
            if errors:
                raise errors[0]
            if time.monotonic() > until:
                raise StudioError(f"{name} did not start within {READY_S:.0f} s.", f"See {service_log(name)}.")
            time.sleep(0.1)


def _answers(address: str) -> bool:
    """Whether this address answers with 200. A process may accept connections before it can answer them."""
    import http.client  # imported here, because most commands ask no port
    import urllib.request

    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy does not know this machine's ports
    try:
        with direct.open(address, timeout=1) as answer:
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def check_binding(settings: Settings) -> None:
    """Refuse to serve other machines without sign-in: anyone who reaches the port would get in.

    Raises:
        SettingsError: SFT_HOST is not loopback and sign-in is not configured.
    """
    if is_loopback(settings.host) or sign_in.examine().required:
        return
    raise SettingsError(
        f"SFT_HOST = {settings.host!r} would let anyone on the network in, because sign-in is not configured.",
        "Add an [auth] section to .streamlit/secrets.toml (README, Sign-in), or unset SFT_HOST.",
    )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_port(host: str, port: int, variable: str) -> None:
    """Check that a port is free. Raises SettingsError with the variable that changes it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"Port {port} of {host} cannot be used: {error.strerror}.",
                f"Stop the program that uses it, or choose another port: {variable}={port + 1} sft up",
            ) from error


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # `nohup` ignores SIGHUP on purpose
            signal.signal(number, lambda *_: stop.set())
    return stop
