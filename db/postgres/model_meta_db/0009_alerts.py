"""Alerts, what became of each, and to whom they were delivered."""

from alembic import op

revision = "meta_0009"
down_revision = "meta_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE alerts (
            id              uuid             PRIMARY KEY,
            fingerprint     text             NOT NULL,
            detector        text             NOT NULL,
            subject         text             NOT NULL,
            severity        text             NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
            state           text             NOT NULL CHECK (state IN ('firing', 'resolved')),
            title           text             NOT NULL,
            detail          text             NOT NULL,
            exchange        text,
            ticker          text,
            service         text,
            value           double precision,
            threshold       double precision,
            raised_at       timestamptz      NOT NULL,
            -- When the condition was last seen to hold.
            seen_at         timestamptz      NOT NULL,
            -- Taken as over when it is not seen again until then.
            expires_at      timestamptz      NOT NULL,
            resolved_at     timestamptz,
            count           integer          NOT NULL,
            acknowledged_at timestamptz,
            acknowledged_by text,
            comment         text,
            revision        integer          NOT NULL,
            changed_at      timestamptz      NOT NULL,
            CHECK ((state = 'resolved') = (resolved_at IS NOT NULL))
        )
    """)
    # However many processes see the same condition, one alert is open about it.
    op.execute("CREATE UNIQUE INDEX alerts_open ON alerts (fingerprint) WHERE state = 'firing'")
    op.execute("CREATE INDEX alerts_fingerprint ON alerts (fingerprint, raised_at)")
    op.execute("CREATE INDEX alerts_newest ON alerts (raised_at, id)")
    op.execute("""
        CREATE TABLE alert_changes (
            alert_id uuid        NOT NULL REFERENCES alerts ON DELETE CASCADE,
            revision integer     NOT NULL,
            change   text        NOT NULL,
            at       timestamptz NOT NULL,
            severity text        NOT NULL,
            actor    text,
            detail   text        NOT NULL,
            PRIMARY KEY (alert_id, revision)
        )
    """)
    op.execute("""
        CREATE TABLE alert_deliveries (
            alert_id        uuid        NOT NULL REFERENCES alerts ON DELETE CASCADE,
            receiver        text        NOT NULL,
            -- What the receiver was last told; null: nothing yet.
            told_state      text,
            told_severity   text,
            told_at         timestamptz,
            -- When it is to be told of the present state; null: it knows.
            due_at          timestamptz,
            attempts        integer     NOT NULL DEFAULT 0,
            -- Until then a process is at it; later it has died.
            claimed_until   timestamptz,
            error           text,
            PRIMARY KEY (alert_id, receiver)
        )
    """)
    op.execute("CREATE INDEX alert_deliveries_due ON alert_deliveries (receiver, due_at) WHERE due_at IS NOT NULL")


def downgrade() -> None:
    for table in ("alert_deliveries", "alert_changes", "alerts"):
        op.execute(f"DROP TABLE {table}")
