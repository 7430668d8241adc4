#!/usr/bin/env bash
# Builds the real servers of the tests into .testbed/bin at the root of the repository.
#
# The versions are pinned by the Go modules next to this script. Each module has a stamp, a digest of
# its files, of this script and of the Go version; a module whose stamp agrees is not built again.
# A program is built into a temporary folder and moved into place, so that an aborted run leaves
# nothing half done and a concurrent run never sees a half-written program.
#
# Exit status: 0 built or up to date, 1 a build failed, 2 Go is missing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
out="$root/.testbed"

kubernetes_version=$(sed -n 's/^require k8s.io\/kubernetes \(v[0-9.]*\)$/\1/p' "$here/kubernetes/go.mod")
component=k8s.io/component-base/version
kubernetes_minor=${kubernetes_version#v*.}
kubernetes_flags="-s -w -X $component.gitVersion=$kubernetes_version"
kubernetes_flags+=" -X $component.gitMajor=1 -X $component.gitMinor=${kubernetes_minor%%.*}"

say() { printf 'testbed: %s\n' "$*"; }

digest() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1
}

# Two lines: the digest of what the module is built from, and the Go that builds it.
wanted_stamp() {
    cat "$here/build.sh" "$here/$1/go.mod" "$here/$1/go.sum" "$here/$1/tools.go" | digest
    if command -v go >/dev/null; then go version; fi
}

programs_of() {
    case "$1" in
    etcd) echo etcd ;;
    kwok) echo kwok ;;
    kubernetes) echo kube-apiserver kube-controller-manager kube-scheduler kubectl ;;
    esac
}

package_of() {
    case "$1" in
    etcd) echo go.etcd.io/etcd/server/v3 ;;
    kwok) echo sigs.k8s.io/kwok/cmd/kwok ;;
    *) echo "k8s.io/kubernetes/cmd/$1" ;;
    esac
}

up_to_date() {
    local program stamp="$out/stamps/$1"
    for program in $(programs_of "$1"); do
        [ -x "$out/bin/$program" ] || return 1
    done
    [ "$1" != kwok ] || [ -e "$out/share/kwok/pod-ready.yaml" ] || return 1
    [ -e "$stamp" ] || return 1
    if command -v go >/dev/null; then
        [ "$(cat "$stamp")" = "$(wanted_stamp "$1")" ]
    else
        # Without Go nothing can be rebuilt: what was built from the same files will do.
        [ "$(head -n 1 "$stamp")" = "$(wanted_stamp "$1")" ]
    fi
}

build_module() {
    local module=$1 program flags="-s -w" started
    [ "$module" != kubernetes ] || flags=$kubernetes_flags
    cd "$here/$module"
    for program in $(programs_of "$module"); do
        started=$SECONDS
        say "building $program ..."
        CGO_ENABLED=0 nice -n 10 go build -mod=readonly -trimpath -ldflags "$flags" \
            -o "$scratch/$program" "$(package_of "$program")"
        mv -f "$scratch/$program" "$out/bin/$program"
        say "built $program in $((SECONDS - started)) s"
    done
    if [ "$module" = kwok ]; then
        copy_stages
    fi
    wanted_stamp "$module" >"$scratch/stamp"
    mv -f "$scratch/stamp" "$out/stamps/$module"
}

# kwok needs its stages (what a node and a pod do over time) at run time; they are part of its module.
copy_stages() {
    local stages file
    stages="$(go list -m -f '{{.Dir}}' sigs.k8s.io/kwok)/kustomize/stage"
    for file in "$stages"/node/fast/node-*.yaml "$stages"/pod/fast/pod-*.yaml; do
        cp "$file" "$scratch/stage.yaml"
        chmod 644 "$scratch/stage.yaml"
        mv -f "$scratch/stage.yaml" "$out/share/kwok/$(basename "$file")"
    done
}

stale_modules() {
    local module
    for module in etcd kwok kubernetes; do
        up_to_date "$module" || printf '%s ' "$module"
    done
}

stale=$(stale_modules)
if [ -z "$stale" ]; then
    say "up to date"
    exit 0
fi
if ! command -v go >/dev/null; then
    say "Go is missing: install Go 1.26 or newer, or set TMC_ASSETS to a folder with the servers" >&2
    exit 2
fi

mkdir -p "$out/bin" "$out/share/kwok" "$out/stamps"
# A second run waits for the first instead of building the same again (where flock exists).
if command -v flock >/dev/null; then
    exec 9>"$out/lock"
    flock -n 9 || { say "waiting for another build"; flock 9; }
    stale=$(stale_modules)
fi
scratch=$(mktemp -d "$out/build.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

if [ -n "$stale" ]; then
    say "building: ${stale% } (about 10 minutes on 2 cores the first time)"
fi
for module in $stale; do
    (build_module "$module")
done
say "done: $out/bin"
