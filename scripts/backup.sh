#!/bin/sh
# Saves what lasts, while everything runs:  scripts/backup.sh [FOLDER]
#
# The order makes the parts fit together. A catalog row is written after its artifacts, and a forecast leaves the outbox
# after ClickHouse has it; so the catalog is read first, and what it names is found in what is read later. Redis and
# Kafka are not saved: they may be lost at any time.
set -eu
cd "$(dirname "$0")/.."
. scripts/backup_common.sh

folder=${1:-backups/$(date -u +%Y%m%d-%H%M%S)}
[ ! -e "$folder" ] || { echo "backup: $folder is there already; name a new folder" >&2; exit 1; }
umask 077
part=$folder.part
rm -rf "$part"
mkdir -p "$part/postgres" "$part/clickhouse"

for server in model_meta_db mlflow-db raw_db; do
    for database in $(databases "$server"); do
        echo "backup: $server, database $database"
        in_service "$server" sh -c 'exec pg_dump --format=custom --no-owner --username "$POSTGRES_USER" "$1"' \
            sh "$database" > "$part/postgres/$server.$database.dump"
    done
done

echo "backup: S3"
s3_archive exec export > "$part/s3.tar"

# Tables with their data; then views, which have none.
tables=$(clickhouse "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name NOT LIKE '.inner%' ORDER BY name")
views=$(clickhouse "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%View' ORDER BY name")
for table in $tables $views; do
    clickhouse "SHOW CREATE TABLE \`$table\` FORMAT TSVRaw" > "$part/clickhouse/$table.sql"
done
for table in $tables; do
    echo "backup: clickhouse, table $table"
    # restore.sh inserts these blocks as they are or joined, never split; the features have hundreds of columns.
    clickhouse "SELECT * FROM \`$table\` SETTINGS max_block_size = 2048 FORMAT Native" > "$part/clickhouse/$table.native"
done
# Written last of all, and read by restore.sh: a folder without it is not a whole backup.
printf '%s\n' $tables > "$part/clickhouse/tables"
printf '%s\n' $views > "$part/clickhouse/views"

mv "$part" "$folder"
echo "backup: $folder, $(du -sh "$folder" | cut -f1)"
