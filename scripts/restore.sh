#!/bin/sh
# Brings a backup back into the running stack; what is there now is replaced:  scripts/restore.sh [FOLDER]
set -eu
cd "$(dirname "$0")/.."
. scripts/backup_common.sh

folder=${1:-$(find backups -mindepth 1 -maxdepth 1 -type d ! -name '*.part' 2> /dev/null | sort | tail -n 1)}
[ -f "$folder/clickhouse/views" ] || {
    echo "restore: expected a folder that backup.sh wrote; got '$folder'" >&2
    exit 1
}

# Everything that writes, and everything that remembers. They come back at the end, and also when a step fails.
users="nginx backend1 backend2 workflows prefect mlflow celery_train celery_predict ws_monitor metrics_publisher"
bring_back() {
    # shellcheck disable=SC2086  # a list of words
    stack start $users
}
trap bring_back EXIT
echo "restore: stopping what uses the data"
# shellcheck disable=SC2086
stack stop $users

for dump in "$folder"/postgres/*.dump; do
    name=$(basename "$dump" .dump)
    server=${name%%.*}
    database=${name#*.}
    echo "restore: $server, database $database"
    psql_in "$server" "DROP DATABASE IF EXISTS \"$database\" WITH (FORCE)"
    psql_in "$server" "CREATE DATABASE \"$database\""
    in_service "$server" sh -c 'exec pg_restore --no-owner --exit-on-error --username "$POSTGRES_USER" --dbname "$1"' \
        sh "$database" < "$dump"
done

echo "restore: S3"
s3_archive run import < "$folder/s3.tar"

warehouse=$(in_service clickhouse printenv CLICKHOUSE_DB)
clickhouse "DROP DATABASE IF EXISTS \`$warehouse\` SYNC" default
clickhouse "CREATE DATABASE \`$warehouse\`" default
while read -r table; do
    echo "restore: clickhouse, table $table"
    clickhouse "$(cat "$folder/clickhouse/$table.sql")" < /dev/null
    # In blocks of 4 MB, which become compact parts: one of 10 MB is written with buffers of its own for every column,
    # and the hundreds of the features would take more memory than the server has.
    clickhouse "INSERT INTO \`$table\` SETTINGS min_insert_block_size_bytes = 4194304 FORMAT Native" \
        < "$folder/clickhouse/$table.native"
done < "$folder/clickhouse/tables"
while read -r view; do
    [ -z "$view" ] || clickhouse "$(cat "$folder/clickhouse/$view.sql")" < /dev/null
done < "$folder/clickhouse/views"

# Vectors and jobs of the data that were replaced; the jobs table sends again what is still to do.
in_service redis redis-cli -e FLUSHALL > /dev/null

trap - EXIT
bring_back
echo "restore: $folder is back; the services are starting (make ps)"
