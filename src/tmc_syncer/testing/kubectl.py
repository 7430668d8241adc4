"""Running the test bed's kubectl as a user would, never the machine's.

Each run sees its own home folder (so that kubectl's discovery cache belongs to one cluster) and none of the caller's environment
but ``PATH``: above all no ``KUBECONFIG`` and no proxy.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from tmc_syncer.testing.errors import KubectlFailed

__all__ = ["Kubectl"]


class Kubectl:
    """The kubectl at ``program``, whose home is ``home``."""

    def __init__(self, program: Path, home: Path) -> None:
        """Remember both; nothing is run."""
        self._program = program
        self._home = home

    def run(
        self,
        kubeconfig: Path,
        *arguments: str,
        text: str | None = None,
        check: bool = True,
        timeout: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run one command to its end; ``text`` is its standard input.

        Raises ``KubectlFailed`` on another exit status than 0 when ``check``, and after ``timeout`` seconds in any case.
        """
        shown = shlex.join(["kubectl", *arguments])
        try:
            done = subprocess.run(
                self._command(kubeconfig, arguments),
                input="" if text is None else text,
                capture_output=True,
                text=True,
                env=self._environment(),
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise KubectlFailed(shown, 124, _text(error.stdout), f"no end within {timeout:g} s") from error
        if check and done.returncode != 0:
            raise KubectlFailed(shown, done.returncode, done.stdout, done.stderr)
        return done

    def popen(self, kubeconfig: Path, *arguments: str) -> subprocess.Popen[str]:
        """Start a command that goes on (``port-forward``, ``logs --follow``) and return it; the caller ends it.

        Standard input, output and error are pipes of text; use it in a ``with`` and ``kill()`` it inside.
        """
        return subprocess.Popen(
            self._command(kubeconfig, arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment(),
        )

    def _command(self, kubeconfig: Path, arguments: tuple[str, ...]) -> list[str]:
        return [str(self._program), f"--kubeconfig={kubeconfig}", *arguments]

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._home)}


def _text(output: str | bytes | None) -> str:
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""
