#!/bin/sh
# The main job on the embedded cluster, in a folder of its own; `make demo` runs it.
set -eu

: "${BUNDLER:=bundler}"
BUNDLER_STATE_DIR=$(mktemp -d)
BUNDLER_CACHE_DIR=$BUNDLER_STATE_DIR
BUNDLER_CONTEXT=embedded:sandbox
BUNDLER_NAMESPACE=shop
export BUNDLER_STATE_DIR BUNDLER_CACHE_DIR BUNDLER_CONTEXT BUNDLER_NAMESPACE
trap 'rm -rf "$BUNDLER_STATE_DIR"' EXIT INT TERM

run() {
    printf '\n\033[1m$ bundler %s\033[0m\n' "$*"
    "$BUNDLER" "$@" 2>&1
}

run install shop --set qps=1000 --yes
run status shop
run diff shop shop --set qps=2000
run upgrade shop shop --set qps=2000 --yes --reason "sales week"
run history shop
run rollback shop --yes
run history shop
run upgrade shop shop --set web.image=docker.io/nginxinc/nginx-unprivileged:1.28 --canary web=1 --yes
run rollout shop
run continue shop --yes
run history shop
