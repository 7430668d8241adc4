#!/usr/bin/env bash
# Runs the pinned uv with pip's index settings: tools/uv.sh ARGUMENTS…
# uv itself comes from the package index by pip into .tools (no installer script, no download of interpreters).
set -euo pipefail
cd "$(dirname "$0")/.."
UV_VERSION=0.13.9
PYTHON=${PYTHON:-python3}

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "make env: $("$PYTHON" --version 2>&1) is too old, Python 3.11 or newer is needed; choose one with: make env PYTHON=python3.12" >&2
  exit 1
}
uv=.tools/uv-$UV_VERSION/bin/uv
if [ ! -x "$uv" ]; then
  echo "installing uv $UV_VERSION into .tools" >&2
  fresh=.tools/.uv-$UV_VERSION.$$
  "$PYTHON" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$fresh" "uv==$UV_VERSION" || {
    rm -rf "$fresh"
    echo "make env: pip could not install uv $UV_VERSION; does '$PYTHON -m pip download uv==$UV_VERSION' work on this machine?" >&2
    exit 1
  }
  # A move is atomic: of two runs at once one wins and the other uses its result.
  mv -T "$fresh" ".tools/uv-$UV_VERSION" 2>/dev/null || { [ -x "$uv" ] || mv "$fresh" ".tools/uv-$UV_VERSION"; rm -rf "$fresh"; }
fi
eval "$("$PYTHON" tools/pip_settings.py)"
export UV_PYTHON_DOWNLOADS=never UV_PYTHON_PREFERENCE=only-system UV_NO_CONFIG=1
exec "$uv" "$@"
