#!/bin/sh
# Runs once, when the volume of model_meta_db is new: Prefect's server keeps its state in a database of its own here.
set -eu
psql --set ON_ERROR_STOP=1 --set name="$PREFECT_DATABASE" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE DATABASE :"name";
SQL
