"""Simulations: what each was asked for, where it stands, what it decided and saw."""

from alembic import op

revision = "meta_0011"
down_revision = "meta_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check")
    op.execute(
        "ALTER TABLE jobs ADD CONSTRAINT jobs_kind_check CHECK (kind IN ('train', 'predict_future', 'etl', 'simulate'))"
    )
    op.execute("""
        CREATE TABLE simulations (
            id             uuid        PRIMARY KEY,
            name           text        NOT NULL,
            -- simulation.plan.Plan in plain values.
            plan           jsonb       NOT NULL,
            state          text        NOT NULL,
            -- What is to be done next, of which session.
            stage          text        NOT NULL,
            session        date,
            sessions_done  integer     NOT NULL DEFAULT 0,
            sessions_total integer     NOT NULL,
            counts         jsonb       NOT NULL DEFAULT '{}',
            -- Seconds that a session takes, mean of the newest.
            pace           double precision,
            summary        jsonb,
            error          jsonb,
            job_id         uuid,
            created_by     text        NOT NULL,
            created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
            started_at     timestamptz,
            updated_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
            finished_at    timestamptz
        )
    """)
    op.execute("CREATE INDEX simulations_created ON simulations (created_at, id)")
    # Two at once would take twice as long each, on a machine that serves people meanwhile.
    op.execute("CREATE UNIQUE INDEX simulations_open ON simulations ((true)) WHERE state IN ('pending', 'running')")
    # Steps of its retrainings; their own tables are in a database that is dropped when the simulation has ended.
    op.execute("""
        CREATE TABLE simulation_decisions (
            simulation_id uuid    NOT NULL REFERENCES simulations ON DELETE CASCADE,
            position      integer NOT NULL,
            retraining_id uuid    NOT NULL,
            revision      integer NOT NULL,
            session       date    NOT NULL,
            ticker        text    NOT NULL,
            event         text    NOT NULL,
            from_state    text,
            to_state      text    NOT NULL,
            challenger    integer,
            detail        text    NOT NULL,
            checks        jsonb   NOT NULL,
            PRIMARY KEY (simulation_id, position),
            UNIQUE (simulation_id, retraining_id, revision)
        )
    """)
    # What its monitoring would have told people.
    op.execute("""
        CREATE TABLE simulation_alerts (
            simulation_id uuid NOT NULL REFERENCES simulations ON DELETE CASCADE,
            fingerprint   text NOT NULL,
            raised        date NOT NULL,
            resolved      date,
            detector      text NOT NULL,
            -- What was looked at: US:AAPL.
            subject       text NOT NULL,
            severity      text NOT NULL,
            title         text NOT NULL,
            detail        text NOT NULL,
            PRIMARY KEY (simulation_id, fingerprint, raised)
        )
    """)


def downgrade() -> None:
    op.execute("DROP TABLE simulation_alerts")
    op.execute("DROP TABLE simulation_decisions")
    op.execute("DROP TABLE simulations")
    op.execute("DELETE FROM jobs WHERE kind = 'simulate'")
    op.execute("ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check")
    op.execute("ALTER TABLE jobs ADD CONSTRAINT jobs_kind_check CHECK (kind IN ('train', 'predict_future', 'etl'))")
