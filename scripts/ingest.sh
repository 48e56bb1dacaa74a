#!/bin/sh
# Loads prices into the running containers.  SOURCE=sample|yfinance|file TICKER= EXCHANGE= FILE= scripts/ingest.sh
set -eu
cd "$(dirname "$0")/.."
etl() { scripts/stack compose exec -T workflows stock-mlops etl "$@"; }

case ${SOURCE:-sample} in
    sample) etl --source sample ${TICKER:+--ticker "$TICKER"} ;;
    file)
        [ -r "${FILE:-}" ] || { echo "ingest: SOURCE=file needs FILE=, a CSV or Parquet file; got '${FILE:-}'" >&2; exit 2; }
        # The container's file system is read only but for /tmp, which "docker cp" cannot write to.
        inside=/tmp/$(basename "$FILE")
        scripts/stack compose exec -T workflows sh -c 'cat > "$1"' sh "$inside" < "$FILE"
        etl --source file "$inside" --exchange "${EXCHANGE:-US}" ${TICKER:+--ticker "$TICKER"}
        scripts/stack compose exec -T workflows rm -f "$inside"
        ;;
    *) etl --source "$SOURCE" --exchange "${EXCHANGE:-US}" ${TICKER:+--ticker "$TICKER"} ;;
esac
