#!/usr/bin/env bash
# Creates or updates the virtual environment: tools/env.sh VENV editable|wheel
# Everything in it stands with its hash in requirements-dev.lock. `wheel` builds the project's wheel and installs that, as
# CI does, so that tests see what users get; `editable` links src/. The environment is updated in place, never deleted
# while its interpreter is the wanted one, so that other processes may go on using it.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1 install=$2
export PYTHON=${PYTHON:-python3}

# One run at a time: engineers and editors share the folder. (macOS has no flock: there, do not run two at once.)
mkdir -p .tools
if command -v flock >/dev/null; then exec 9>.tools/env.lock; flock 9; fi

version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo none; }
if [ "$(version "$venv/bin/python")" != "$(version "$PYTHON")" ]; then
  tools/uv.sh venv --quiet --clear --python "$(command -v "$PYTHON")" "$venv"
fi
export VIRTUAL_ENV=$PWD/$venv
tools/uv.sh pip install --quiet --require-hashes -r requirements-dev.lock
case $install in
  editable)
    tools/uv.sh pip install --quiet --no-deps --no-build-isolation --editable .
    ;;
  wheel)
    rm -rf dist
    tools/uv.sh build --quiet --wheel --no-build-isolation --python "$venv/bin/python" --out-dir dist
    tools/uv.sh pip install --quiet --no-deps --reinstall-package tmc-syncer dist/*.whl
    ;;
  *)
    echo "tools/env.sh: the second argument is 'editable' or 'wheel', not '$install'" >&2
    exit 2
    ;;
esac
rm -f "$venv"/.installed-*
touch "$venv/.installed-$install"
echo "$venv is ready: $("$venv/bin/python" --version), tmc-syncer ($install)"
