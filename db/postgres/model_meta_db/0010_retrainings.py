"""Retrainings: what begins them, where each stands, and every step that it took."""

from alembic import op

revision = "meta_0010"
down_revision = "meta_0009"
branch_labels = None
depends_on = None

_ACTIONS = ("accept", "refuse", "promote", "rollback", "delete", "purge")


def upgrade() -> None:
    op.execute("""
        CREATE TABLE retraining_policies (
            model_id   uuid        PRIMARY KEY REFERENCES model_definitions ON DELETE CASCADE,
            policy     jsonb       NOT NULL,
            updated_at timestamptz NOT NULL DEFAULT now(),
            updated_by text        NOT NULL
        )
    """)
    op.execute("""
        CREATE TABLE retrainings (
            id              uuid        PRIMARY KEY,
            model_id        uuid        NOT NULL REFERENCES model_definitions ON DELETE CASCADE,
            registered_name text        NOT NULL,
            state           text        NOT NULL,
            reasons         jsonb       NOT NULL,
            -- As it was when the retraining began.
            policy          jsonb       NOT NULL,
            -- The version that served then.
            champion        integer     NOT NULL,
            challenger      integer,
            job_id          uuid,
            -- The newest session when it began, and when its shadow or probation did.
            session         date        NOT NULL,
            since           date,
            -- One higher with every step: of two who act on the same state, one is heard.
            revision        integer     NOT NULL DEFAULT 0,
            created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
            updated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
            ended_at        timestamptz
        )
    """)
    # Two challengers of one champion would each be judged against what the other replaces.
    op.execute("CREATE UNIQUE INDEX retrainings_open ON retrainings (registered_name) WHERE ended_at IS NULL")
    op.execute("CREATE INDEX retrainings_model ON retrainings (model_id, created_at)")
    op.execute("CREATE INDEX retrainings_name ON retrainings (registered_name, created_at)")
    op.execute("""
        CREATE TABLE retraining_steps (
            retraining_id uuid        NOT NULL REFERENCES retrainings ON DELETE CASCADE,
            revision      integer     NOT NULL,
            at            timestamptz NOT NULL DEFAULT clock_timestamp(),
            session       date        NOT NULL,
            event         text        NOT NULL,
            from_state    text,
            to_state      text        NOT NULL,
            actor         text        NOT NULL,
            detail        text        NOT NULL,
            -- What the step was decided by: forecasting.gate.Check in plain values.
            checks        jsonb       NOT NULL DEFAULT '[]',
            PRIMARY KEY (retraining_id, revision)
        )
    """)
    _allow((*_ACTIONS, "shadow"))


def downgrade() -> None:
    for table in ("retraining_steps", "retrainings", "retraining_policies"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DELETE FROM model_audit WHERE action = 'shadow'")
    _allow(_ACTIONS)


def _allow(actions: tuple[str, ...]) -> None:
    """``shadow``: a training that the closed loop asked for, which serves only when its retraining says so."""
    listed = ", ".join(f"'{action}'" for action in actions)
    op.execute("ALTER TABLE model_audit DROP CONSTRAINT model_audit_action_check")
    op.execute(f"ALTER TABLE model_audit ADD CONSTRAINT model_audit_action_check CHECK (action IN ({listed}))")
