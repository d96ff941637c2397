#!/bin/sh
# The contract of docker.io/library/postgres: an empty PGDATA becomes a cluster with POSTGRES_USER, POSTGRES_PASSWORD and
# POSTGRES_DB, /docker-entrypoint-initdb.d is run once, and then the arguments are those of the server.
set -eu
case "${1:-}" in
    -*) set -- postgres "$@" ;;
esac
if [ "$1" != postgres ]; then
    exec "$@"
fi
umask 077
mkdir -p "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
        echo 'Error: Database is uninitialized and superuser password is not specified.' >&2
        exit 1
    fi
    user=${POSTGRES_USER:-postgres}
    password=$(mktemp)
    printf '%s\n' "${POSTGRES_PASSWORD:-}" > "$password"
    # shellcheck disable=SC2086
    initdb --username="$user" --pwfile="$password" --auth-local=trust --auth-host=scram-sha-256 ${POSTGRES_INITDB_ARGS:-}
    rm "$password"
    printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >> "$PGDATA/pg_hba.conf"
    pg_ctl --wait --options="-c listen_addresses='' -c unix_socket_directories=/tmp" start
    database=${POSTGRES_DB:-$user}
    if [ "$database" != postgres ]; then
        psql --host=/tmp --username="$user" --dbname=postgres --command="CREATE DATABASE \"$database\""
    fi
    for file in /docker-entrypoint-initdb.d/*; do
        case "$file" in
            *.sql) psql --host=/tmp --username="$user" --dbname="$database" --set=ON_ERROR_STOP=1 --file="$file" ;;
            *.sh) sh "$file" ;;
        esac
    done
    pg_ctl --wait --mode=fast stop
    echo 'PostgreSQL init process complete; ready for start up.'
fi
exec "$@"
