#!/bin/sh
# The contract of nginxinc/nginx-unprivileged: executable scripts in /docker-entrypoint.d run first.
set -eu
for file in /docker-entrypoint.d/*.sh; do
    if [ -x "$file" ]; then "$file"; fi
done
exec "$@"
