"""What can go wrong in the test bed.

The tree, one class per thing a test author does next:

* ``TestBedError``: the base, raised by nothing itself.

  * ``AssetsMissing``: a program is not on this machine; build it, or skip the test.
  * ``ServerFailed``: a server did not start, died, or did not stop in time; read the log in the message.
  * ``KubectlFailed``: a kubectl command ended with another status than 0.
  * ``ApiError``: an API server answered a request with an error status.

* ``NotInTime`` is an ``AssertionError``: the world did not become what the test expects, so the test fails.
"""

from __future__ import annotations

__all__ = ["ApiError", "AssetsMissing", "KubectlFailed", "NotInTime", "ServerFailed", "TestBedError"]


class TestBedError(Exception):
    """Base of the errors of the test bed."""

    __test__ = False


class AssetsMissing(TestBedError):
    """A program or a data file that the test bed starts is not on this machine."""


class ServerFailed(TestBedError):
    """A server of the test bed did not do what it was told; the message carries the end of its log."""


class KubectlFailed(TestBedError):
    """A kubectl command failed.

    ``returncode``, ``stdout`` and ``stderr`` are those of the command.
    """

    def __init__(self, command: str, returncode: int, stdout: str, stderr: str) -> None:
        """Describe the failed ``command``, as a user would have typed it."""
        super().__init__(f"{command}: exit status {returncode}\n{stderr[-4000:] or stdout[-4000:]}")
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr


class ApiError(TestBedError):
    """An API server refused a request; ``status`` is the HTTP status, ``reason`` that of the Status object."""

    def __init__(self, request: str, status: int, reason: str, message: str) -> None:
        """Describe the refused ``request``, its method and path."""
        super().__init__(f"{request}: {status} {reason}: {message[:2000]}")
        self.status = status
        self.reason = reason


class NotInTime(AssertionError):
    """The awaited state did not come before the deadline."""
