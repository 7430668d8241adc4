#!/usr/bin/env bash
# Installs the wheel of dist/ with nothing but requirements.lock, as a user would, and imports every module of it.
# A module that needs a development package, or data that did not get into the wheel, shows here.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venv-wheel
export PYTHON=${PYTHON:-python3}
tools/uv.sh venv --quiet --clear --python "$(command -v "$PYTHON")" "$venv"
export VIRTUAL_ENV=$PWD/$venv
tools/uv.sh pip install --quiet --require-hashes -r requirements.lock
tools/uv.sh pip install --quiet --no-deps dist/*.whl
cd "$venv"
bin/python -W error - <<'PYTHON'
import importlib
import pkgutil

import tmc_syncer

names = [
    module.name
    for module in pkgutil.walk_packages(tmc_syncer.__path__, "tmc_syncer.")
    if not module.name.endswith("__main__")
]
for name in names:
    importlib.import_module(name)
print(f"wheel {tmc_syncer.__version__}: {len(names)} modules import with the run-time dependencies alone")
PYTHON
if bin/python -c 'import tmc_syncer.cli.main' 2>/dev/null; then bin/tmc --version; fi
