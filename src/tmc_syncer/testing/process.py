"""A server that runs as a child process.

``ServerProcess`` starts one program, waits until it is ready, keeps its output in one log file (appended over
restarts), and stops it by its own process id: SIGTERM, then SIGKILL after a grace. It can be paused and resumed, which
to its clients is a server that accepts nothing and answers nothing, and started again with the same command.

It uses no threads, so it works below any test framework. On Linux the kernel kills the child when the thread that
started it ends without stopping it; that is asked for only in the main thread, because the end of a worker thread is
not the end of a test run. The child is in a session of its own: Ctrl-C in the terminal reaches the tests, not it.

What it is not: a supervisor. A server that dies is not started again; ``check`` and every wait report it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tmc_syncer.testing.errors import ServerFailed

__all__ = ["ServerProcess"]

# Becomes the server after asking the kernel for SIGKILL at the end of the parent (PR_SET_PDEATHSIG is 1). A program of its
# own rather than Popen's preexec_fn, which can deadlock in a process that has threads. The parent may be gone already.
_LAUNCHER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the test process ended")
os.execv(sys.argv[2], sys.argv[2:])
"""


class ServerProcess:
    """One server; ``name`` is for messages, ``command`` an argument list, ``log_path`` collects its output.

    ``is_ready`` answers whether the server serves; it must not block for long (a second) and treats its own connection
    errors as "no". ``start_timeout_seconds`` bounds the start, ``stop_grace_seconds`` the time between SIGTERM and
    SIGKILL. The child sees ``PATH``, ``HOME`` (its working directory), what ``environment`` names, and nothing
    else, above all no proxy settings.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log_path: Path,
        directory: Path,
        is_ready: Callable[[], bool],
        start_timeout_seconds: float = 60.0,
        stop_grace_seconds: float = 5.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Describe the server; nothing is started."""
        self.name = name
        self.log_path = log_path
        self.starts = 0
        """How often it was started: a client that keeps connections compares this to know that they are stale."""
        self._command = [str(part) for part in command]
        self._directory = directory
        self._is_ready = is_ready
        self._start_timeout_seconds = start_timeout_seconds
        self._stop_grace_seconds = stop_grace_seconds
        self._environment = dict(environment or {})
        self._child: subprocess.Popen[bytes] | None = None
        self._paused = False

    @property
    def running(self) -> bool:
        """Whether the process exists; a paused one does."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int | None:
        """The process id, or None when it does not run."""
        return self._child.pid if self._child is not None and self.running else None

    @property
    def exit_code(self) -> int | None:
        """How the last process ended, negative for a signal; None while it runs, or when there was none."""
        return None if self._child is None else self._child.poll()

    def launch(self) -> None:
        """Start the process without waiting for readiness; does nothing when it runs.

        Raises ``ServerFailed`` when the program cannot be executed.
        """
        if self.running:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            try:
                self._child = subprocess.Popen(
                    [*_launcher(), *self._command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self._directory,
                    env={
                        "PATH": os.environ.get("PATH", os.defpath),
                        "HOME": str(self._directory),
                        **self._environment,
                    },
                    start_new_session=True,
                )
            except OSError as error:
                raise ServerFailed(f"{self.name}: cannot run {self._command[0]}: {error}") from error
        self._paused = False
        self.starts += 1

    def wait_ready(self) -> None:
        """Wait until the server serves.

        Raises ``ServerFailed`` when it ends, or is not ready in time (it is stopped then).
        """
        deadline = time.monotonic() + self._start_timeout_seconds
        while True:
            self.check()
            if self._is_ready():
                return
            if time.monotonic() >= deadline:
                self.kill()
                raise ServerFailed(
                    f"{self.name} was not ready within {self._start_timeout_seconds:g} s\n{self.log_tail()}"
                )
            time.sleep(0.05)

    def start(self) -> None:
        """Start the process and wait until it is ready; does nothing more when it runs. Raises ``ServerFailed``."""
        self.launch()
        self.wait_ready()

    def check(self) -> None:
        """Raise ``ServerFailed`` unless the process exists."""
        if not self.running:
            status = (
                "was not started" if self._child is None else f"ended with status {self._child.returncode}"
            )
            raise ServerFailed(f"{self.name} {status}\n{self.log_tail()}")

    def stop(self) -> None:
        """End the process: SIGTERM, after the grace SIGKILL; does nothing when it does not run."""
        if not self.running or self._child is None:
            return
        self.terminate()
        try:
            self._child.wait(self._stop_grace_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def terminate(self) -> None:
        """Send SIGTERM and return at once, so that several servers can end at the same time; ``stop`` then waits."""
        if self.running and self._child is not None:
            self.resume()
            self._child.terminate()

    def kill(self) -> None:
        """End the process by SIGKILL, as a crash would. Raises ``ServerFailed`` when even that does not end it."""
        if not self.running or self._child is None:
            return
        self._child.kill()
        self._paused = False
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired as error:
            raise ServerFailed(
                f"{self.name} (process {self._child.pid}) does not end after SIGKILL"
            ) from error

    def pause(self) -> None:
        """Freeze the process (SIGSTOP) and return when all its threads stand still; does nothing when paused.

        Raises ``ServerFailed`` when it does not run or does not stop within 5 s.
        """
        self.check()
        if self._paused or self._child is None:
            return
        child = self._child
        child.send_signal(signal.SIGSTOP)
        self._paused = True
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            pid, status = os.waitpid(child.pid, os.WUNTRACED | os.WNOHANG)
            if pid and os.WIFSTOPPED(status):
                return
            if pid:
                child.returncode = os.waitstatus_to_exitcode(status)
                break
            time.sleep(0.001)
        self._paused = False
        raise ServerFailed(f"{self.name} did not stop on SIGSTOP\n{self.log_tail()}")

    def resume(self) -> None:
        """Let a paused process go on (SIGCONT); does nothing when it is not paused."""
        if self._paused and self.running and self._child is not None:
            self._child.send_signal(signal.SIGCONT)
        self._paused = False

    def log_tail(self, lines: int = 30) -> str:
        """Return the last ``lines`` lines of the log (from its last 64 KiB), headed by its path."""
        try:
            with self.log_path.open("rb") as log:
                log.seek(max(0, self.log_path.stat().st_size - 65536))
                tail = log.read().decode(errors="replace").splitlines()[-lines:]
        except FileNotFoundError:
            tail = ["(no log)"]
        return "\n".join([f"last lines of {self.log_path}:", *tail])


def _launcher() -> list[str]:
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return []
    return [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())]
