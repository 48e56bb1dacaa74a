#!/bin/sh
# Builds the images and pushes them.  IMAGE_PREFIX=registry/owner IMAGE_TAG=1.2.3 scripts/publish.sh
set -eu
cd "$(dirname "$0")/.."
case ${IMAGE_PREFIX:-} in
    */*) ;;
    *) echo "publish: IMAGE_PREFIX must name a registry and an owner (registry/owner); got '${IMAGE_PREFIX:-}'" >&2; exit 2 ;;
esac
[ -n "${IMAGE_TAG:-}" ] && [ "$IMAGE_TAG" != latest ] || {
    echo "publish: IMAGE_TAG must be a version, so that what runs can be told; got '${IMAGE_TAG:-}'" >&2
    exit 2
}
IMAGE_REVISION=$(git rev-parse --short HEAD 2> /dev/null || echo unknown)
export IMAGE_PREFIX IMAGE_TAG IMAGE_REVISION
scripts/make_env "${ENV_FILE:-.env}"
services="backend1 mlflow metrics_publisher ws_monitor nginx"
# shellcheck disable=SC2086  # a list of words
scripts/stack compose build $services
# shellcheck disable=SC2086
scripts/stack compose push $services
