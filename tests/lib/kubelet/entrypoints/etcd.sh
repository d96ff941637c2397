#!/bin/sh
exec /usr/local/lib/etcd etcd "$@"
