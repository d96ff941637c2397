#!/bin/sh
# Install the servers that tests run as pods, and their tools, from Debian's packages. Needs root and apt.
set -eu

missing=""
want() { # PROGRAM PACKAGE...
    program=$1
    shift
    command -v "$program" >/dev/null 2>&1 || missing="$missing $*"
}
want nginx nginx-light
want redis-server redis-server
want redis-sentinel redis-sentinel
want redis-cli redis-tools
want haproxy haproxy
want etcdctl etcd-client
want iptables-restore iptables
want ip iproute2
want curl curl
want sshd openssh-server
want ssh openssh-client
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "install these by hand (Debian's names):$missing" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# A package may start its service; the tests start their own.
apt-get update -q >/dev/null
# shellcheck disable=SC2086
apt-get install -q -y --no-install-recommends $missing >/dev/null
