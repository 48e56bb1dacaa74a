#!/bin/sh
# Makes the buckets and, when the platform's S3 user is not MinIO's root, that user with a policy for these buckets only.
# Runs in the container init-minio; safe to repeat. Environment: MINIO_URL, MINIO_ROOT_USER, MINIO_ROOT_PASSWORD,
# S3_ACCESS_KEY, S3_SECRET_KEY, S3_BUCKETS (separated by spaces).
set -eu

attempt=1
until mc alias set platform "$MINIO_URL" "$MINIO_ROOT_USER" "$MINIO_ROOT_PASSWORD" > /dev/null 2>&1; do
    if [ "$attempt" -ge 30 ]; then
        echo "init_minio: no answer from $MINIO_URL for $MINIO_ROOT_USER after $attempt attempts" >&2
        mc alias set platform "$MINIO_URL" "$MINIO_ROOT_USER" "$MINIO_ROOT_PASSWORD" >&2
        exit 1
    fi
    attempt=$((attempt + 1))
    sleep 1
done

for bucket in $S3_BUCKETS; do
    mc mb --ignore-existing "platform/$bucket" > /dev/null
    echo "init_minio: bucket $bucket is there"
done

if [ "$S3_ACCESS_KEY" = "$MINIO_ROOT_USER" ]; then
    [ "$S3_SECRET_KEY" = "$MINIO_ROOT_PASSWORD" ] || {
        echo "init_minio: STOCK_S3__ACCESS_KEY is MinIO's root, so STOCK_S3__SECRET_KEY must be MINIO_ROOT_PASSWORD" >&2
        exit 1
    }
    echo "init_minio: the platform uses MinIO's root account"
    exit 0
fi

resources=""
for bucket in $S3_BUCKETS; do
    resources="$resources${resources:+, }\"arn:aws:s3:::$bucket\", \"arn:aws:s3:::$bucket/*\""
done
policy=/tmp/stock-policy.json
cat > "$policy" <<JSON
{"Version": "2012-10-17",
 "Statement": [{"Effect": "Allow",
   "Action": ["s3:CreateBucket", "s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads", "s3:GetObject", "s3:PutObject",
              "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
   "Resource": [$resources]}]}
JSON
# Both replace what is there, so a changed secret or bucket list takes effect at the next run.
mc admin policy create platform stock-buckets "$policy" > /dev/null
mc admin user add platform "$S3_ACCESS_KEY" "$S3_SECRET_KEY" > /dev/null
# Attaching twice is an error, not a change. The official image has no grep.
mc admin policy attach platform stock-buckets --user "$S3_ACCESS_KEY" > /dev/null 2>&1 \
    || case $(mc admin user info platform "$S3_ACCESS_KEY") in
        *stock-buckets*) ;;
        *) echo "init_minio: the policy stock-buckets cannot be attached to $S3_ACCESS_KEY" >&2; exit 1 ;;
    esac
echo "init_minio: account $S3_ACCESS_KEY may use these buckets only"
