#!/usr/bin/env bash
# The quick tests: tools/test.sh BIN, where BIN is the bin folder of the environment. `make test` calls it after lint and types.
# Layout, unit and model tests always; the tier with real servers too where they are found, said in one line either way.
# In CI (CI_FULL_RUN_FOLLOWS=1) the tier with real servers is left to the full run that follows.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$1

servers=
for folder in "${TMC_ASSETS:-}" "${KUBEBUILDER_ASSETS:-}" .testbed/bin; do
  if [ -n "$folder" ] && [ -x "$folder/etcd" ] && [ -x "$folder/kube-apiserver" ]; then servers=$folder; break; fi
done

tiers=()
for folder in tests/layout tests/unit tests/models; do if [ -d "$folder" ]; then tiers+=("$folder"); fi; done

if [ -n "${CI_FULL_RUN_FOLLOWS:-}" ]; then
  note="the tests with real servers follow in the full run"
elif [ ! -d tests/real ]; then
  note="there are no tests with real servers yet"
elif [ -z "$servers" ]; then
  note="the tests with real servers were left out: no kube-apiserver and etcd in TMC_ASSETS, KUBEBUILDER_ASSETS or .testbed/bin (make testbed builds them)"
else
  note=
fi

mkdir -p .run
export TMC_RAN_FILE=.run/ran.json
rm -f "$TMC_RAN_FILE"
"$bin/pytest" --quiet --numprocesses auto --maxprocesses 4 "${tiers[@]}"
if [ -n "$note" ]; then
  echo "make test: $note"
else
  echo "make test: real servers from $servers"
  "$bin/pytest" --quiet tests/real
fi
