"""Hands pip's configuration to uv as environment variables.

uv does not read pip's configuration files. A machine that reaches the package index through a mirror, a proxy or a
certificate authority of its own has said so to pip, so this prints the same as `export` lines for a shell, taken from
`python3 -m pip config list` when it runs. Nothing about any index is thereby written into the repository.
A variable that is already set for uv wins. Called by tools/env.sh and tools/lock.sh, with the interpreter that has pip.
"""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
from pathlib import Path

LATER_WINS = ("global", "site", "user", "install", ":env:")
"""Sections of pip's configuration, weakest first."""

UV_NAME = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}


def pip_settings() -> dict[str, str]:
    """Return pip's effective settings by option name, an empty dictionary when this interpreter has no pip."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    found: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        key, separator, quoted = line.partition("=")
        section, _, option = key.rpartition(".")
        if not separator or option not in UV_NAME or section not in LATER_WINS:
            continue
        rank = LATER_WINS.index(section)
        if rank >= found.get(option, (-1, ""))[0]:
            found[option] = (rank, str(ast.literal_eval(quoted)))
    return {option: value for option, (_, value) in found.items()}


def uv_environment(settings: dict[str, str]) -> dict[str, str]:
    """Translate pip's settings to uv's variables; a list stays separated as uv wants it."""
    result: dict[str, str] = {}
    for option, text in settings.items():
        words = text.split()
        value = " ".join(words)
        if option == "find-links":
            value = ",".join(word for word in words if "://" in word or Path(word).is_dir())
        elif option == "no-index":
            value = "1" if text.lower() in {"1", "true", "yes", "on"} else ""
        if value:
            result[UV_NAME[option]] = value
    return result


def main() -> None:
    """Print one `export` line for each variable that is not set yet."""
    for name, value in sorted(uv_environment(pip_settings()).items()):
        if not os.environ.get(name):
            print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
