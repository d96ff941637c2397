#!/bin/sh
# The main job on the embedded cluster, in a folder of its own; `make demo` runs it.
set -eu

: "${BUNDLER:=bundler}"
BUNDLER_STATE_DIR=$(mktemp -d)
BUNDLER_CACHE_DIR=$BUNDLER_STATE_DIR
BUNDLER_CONTEXT=embedded:sandbox
BUNDLER_NAMESPACE=shop
export BUNDLER_STATE_DIR BUNDLER_CACHE_DIR BUNDLER_CONTEXT BUNDLER_NAMESPACE
LOG=$BUNDLER_STATE_DIR/controller.log
CONTROLLER=
ended() {
    [ -z "$CONTROLLER" ] || { kill "$CONTROLLER" && wait "$CONTROLLER"; } || :
    rm -rf "$BUNDLER_STATE_DIR"
}
trap ended EXIT
trap 'exit 130' INT TERM

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

printf '\n\033[1m$ bundler controller run &\033[0m\n'
"$BUNDLER" controller run --log-format text 2>"$LOG" &
CONTROLLER=$!
until grep -q 'this copy leads' "$LOG"; do
    kill -0 "$CONTROLLER" || { cat "$LOG" && exit 1; }
    sleep 0.2
done
run order shop --create shop --set qps=2000 --yes
run sandbox delete Deployment/shop-web
run wait shop --timeout 1m
run drift shop
printf '\n\033[1m$ grep shop-web controller.log\033[0m\n'
grep 'shop-web' "$LOG"
