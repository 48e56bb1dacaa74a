"""Model catalog, jobs, outbox and the market clock."""

from alembic import op

revision = "meta_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE model_definitions (
            id         uuid        PRIMARY KEY,
            name       text        NOT NULL,
            exchange   text        NOT NULL,
            ticker     text        NOT NULL,
            model_type text        NOT NULL,
            spec       jsonb       NOT NULL,
            spec_hash  text        NOT NULL UNIQUE,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX model_definitions_instrument ON model_definitions (exchange, ticker)")
    op.execute("""
        CREATE TABLE model_versions (
            id              uuid        PRIMARY KEY,
            model_id        uuid        NOT NULL REFERENCES model_definitions (id),
            registered_name text        NOT NULL,
            version         integer     NOT NULL,
            run_id          text        NOT NULL,
            artifact_uri    text        NOT NULL,
            alias           text        CHECK (alias IN ('champion', 'challenger')),
            data_version    text        NOT NULL,
            feature_version text        NOT NULL,
            horizon         integer     NOT NULL,
            metrics         jsonb       NOT NULL DEFAULT '{}',
            trained_until   date        NOT NULL,
            job_id          uuid,
            created_at      timestamptz NOT NULL DEFAULT now(),
            UNIQUE (registered_name, version)
        )
    """)
    # Two champions of one registered model cannot exist, whoever writes.
    op.execute("""
        CREATE UNIQUE INDEX model_versions_alias ON model_versions (registered_name, alias) WHERE alias IS NOT NULL
    """)
    op.execute("""
        CREATE TABLE jobs (
            id              uuid        PRIMARY KEY,
            kind            text        NOT NULL CHECK (kind IN ('train', 'predict_future', 'etl')),
            state           text        NOT NULL DEFAULT 'pending'
                            CHECK (state IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
            payload         jsonb       NOT NULL,
            stage           text        NOT NULL DEFAULT '',
            progress        real        NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
            partial         jsonb       NOT NULL DEFAULT '[]',
            result          jsonb,
            error           jsonb,
            idempotency_key text        UNIQUE,
            request_id      text,
            fence           bigint      NOT NULL DEFAULT 0,
            attempts        integer     NOT NULL DEFAULT 0,
            worker          text,
            lease_until     timestamptz,
            queued_at       timestamptz NOT NULL DEFAULT now(),
            created_at      timestamptz NOT NULL DEFAULT now(),
            started_at      timestamptz,
            finished_at     timestamptz
        )
    """)
    op.execute("CREATE INDEX jobs_open ON jobs (kind, state, queued_at) WHERE state IN ('pending', 'running')")
    op.execute("CREATE INDEX jobs_newest ON jobs (kind, created_at DESC)")
    op.execute("""
        CREATE TABLE outbox (
            id         uuid        PRIMARY KEY,
            topic      text        NOT NULL,
            key        text        NOT NULL,
            payload    text        NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            sent_at    timestamptz NOT NULL DEFAULT now(),
            attempts   integer     NOT NULL DEFAULT 1
        )
    """)
    op.execute("CREATE INDEX outbox_due ON outbox (sent_at)")
    op.execute("""
        CREATE TABLE market_clock (
            timeline   text        PRIMARY KEY,
            market_now timestamptz NOT NULL,
            session    date        NOT NULL,
            ends_at    date        NOT NULL,
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)


def downgrade() -> None:
    for table in ("market_clock", "outbox", "jobs", "model_versions", "model_definitions"):
        op.execute(f"DROP TABLE {table}")
