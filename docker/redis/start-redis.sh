#!/bin/sh
# Keeps the password out of the process list: the server reads it from a file in memory.
set -eu
umask 077
cat > /run/redis/redis.conf <<CONF
requirepass $REDIS_PASSWORD
maxmemory $REDIS_MAXMEMORY
maxmemory-policy noeviction
appendonly yes
appendfsync everysec
protected-mode no
CONF
[ "$(id -u)" != 0 ] || chown redis: /run/redis/redis.conf
unset REDIS_PASSWORD
exec docker-entrypoint.sh "$@"
