# Functions of backup.sh and restore.sh; they are in the repository's root when they read this.
# shellcheck shell=sh

stack() { scripts/stack compose "$@"; }

in_service() { # SERVICE COMMAND...
    stack exec -T "$@"
}

psql_in() { # SERVICE SQL: the server's own database, one value a line
    in_service "$1" sh -c 'exec psql --no-psqlrc --set ON_ERROR_STOP=1 --quiet --tuples-only --no-align \
        --username "$POSTGRES_USER" --dbname postgres --command "$1"' sh "$2"
}

databases() { # SERVICE: the databases that are ours
    psql_in "$1" "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY datname"
}

clickhouse() { # SQL, with data on standard input where the statement takes some
    in_service clickhouse sh -c 'exec clickhouse-client --user "$CLICKHOUSE_USER" --password "$CLICKHOUSE_PASSWORD" \
        --database "${2:-$CLICKHOUSE_DB}" --query "$1"' sh "$@"
}

# The buckets as one tar stream, by the code in s3_archive.py run where boto3 and the settings are.
s3_archive() { # exec|run, export|import
    if [ "$1" = exec ]; then
        stack exec -T workflows python -c "$(cat scripts/s3_archive.py)" "$2"
    else
        stack run --rm --no-deps -T workflows python -c "$(cat scripts/s3_archive.py)" "$2"
    fi
}
