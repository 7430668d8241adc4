#!/usr/bin/env bash
# Writes requirements.lock (what a user gets) and requirements-dev.lock (the same and the tools) from pyproject.toml.
# Both are universal (Python 3.11 and newer, Linux and macOS), carry hashes and no address of any index.
# tools/lock.sh            keeps the pinned versions that still fit
# tools/lock.sh --upgrade  takes the newest
set -euo pipefail
cd "$(dirname "$0")/.."
options=(--quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock")
tools/uv.sh pip compile pyproject.toml "${options[@]}" "$@" --output-file requirements.lock
tools/uv.sh pip compile pyproject.toml --group dev "${options[@]}" "$@" --constraint requirements.lock --output-file requirements-dev.lock
