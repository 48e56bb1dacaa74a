#!/bin/sh
# Writes Alertmanager's configuration, which reads no environment itself, and starts it (or runs what it is given: the
# tests check the file so). Alerts go to a webhook, by e-mail, or to nobody but its own page.
set -eu
umask 077
file=${ALERTMANAGER_CONFIG:-/tmp/alertmanager.yml}

quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/''/g")"; }

{
    cat <<CONF
# One message for what happens together, again after hours while it lasts, and one when it is over.
route:
  receiver: people
  group_by: [alertname, job, exchange]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 12h
  routes:
    - receiver: people
      matchers: [severity="critical"]
      repeat_interval: 2h
# Of a service that is down, what it answers badly is no news.
inhibit_rules:
  - source_matchers: [alertname=~"ServiceDown|ServiceMissing"]
    target_matchers: [alertname=~"ErrorBudget.*|AnswersSlow|KafkaProduceErrors"]
    equal: [job]
receivers:
  - name: people
CONF
    if [ -n "${ALERTMANAGER_WEBHOOK_URL:-}" ]; then
        printf '    webhook_configs:\n      - url: %s\n        send_resolved: true\n' "$(quoted "$ALERTMANAGER_WEBHOOK_URL")"
    fi
    if [ -n "${ALERTMANAGER_EMAIL_TO:-}" ]; then
        printf '    email_configs:\n      - to: %s\n        send_resolved: true\n' "$(quoted "$ALERTMANAGER_EMAIL_TO")"
        printf '        from: %s\n' "$(quoted "${ALERTMANAGER_EMAIL_FROM:?set it with ALERTMANAGER_EMAIL_TO}")"
        printf '        smarthost: %s\n' "$(quoted "${ALERTMANAGER_SMTP:?set it with ALERTMANAGER_EMAIL_TO}")"
        if [ -n "${ALERTMANAGER_SMTP_USER:-}" ]; then
            printf '        auth_username: %s\n' "$(quoted "$ALERTMANAGER_SMTP_USER")"
            printf '        auth_password: %s\n' "$(quoted "${ALERTMANAGER_SMTP_PASSWORD:-}")"
        fi
    fi
} > "$file"

[ $# != 0 ] || set -- /bin/alertmanager --config.file="$file" --storage.path=/alertmanager
exec "$@"
