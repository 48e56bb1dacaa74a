"""Raw prices with their history, instruments, quarantine and ETL reports."""

from alembic import op

revision = "raw_0001"
down_revision = None
branch_labels = None
depends_on = None

PRICE_COLUMNS = """
    exchange    text             NOT NULL,
    ticker      text             NOT NULL,
    session     date             NOT NULL,
    open        double precision NOT NULL,
    high        double precision NOT NULL,
    low         double precision NOT NULL,
    close       double precision NOT NULL,
    volume      double precision NOT NULL,
    dividend    double precision NOT NULL DEFAULT 0,
    split       double precision NOT NULL DEFAULT 1,
    adj_close   double precision,
    source      text             NOT NULL,
    ingested_at timestamptz      NOT NULL
"""


def upgrade() -> None:
    op.execute("""
        CREATE TABLE instruments (
            exchange   text        NOT NULL,
            ticker     text        NOT NULL,
            name       text        NOT NULL DEFAULT '',
            source     text        NOT NULL,
            timeline   text        NOT NULL DEFAULT 'live' CHECK (timeline IN ('live', 'replay')),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (exchange, ticker)
        )
    """)
    op.execute(f"CREATE TABLE raw_prices ({PRICE_COLUMNS}, PRIMARY KEY (exchange, ticker, session))")
    # What a correction replaced. Current rows together with these answer "as of" any moment.
    op.execute(f"""
        CREATE TABLE raw_prices_history (
            {PRICE_COLUMNS},
            superseded_at timestamptz NOT NULL,
            PRIMARY KEY (exchange, ticker, session, ingested_at)
        )
    """)
    op.execute("""
        CREATE TABLE quarantine (
            id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            exchange  text        NOT NULL,
            ticker    text        NOT NULL,
            session   date,
            row_number bigint,
            reason    text        NOT NULL,
            row       jsonb       NOT NULL,
            source    text        NOT NULL,
            seen_at   timestamptz NOT NULL DEFAULT now(),
            resolved_at timestamptz
        )
    """)
    op.execute("CREATE INDEX quarantine_instrument ON quarantine (exchange, ticker, session)")
    op.execute("""
        CREATE TABLE etl_runs (
            id          uuid        PRIMARY KEY,
            source      text        NOT NULL,
            state       text        NOT NULL CHECK (state IN ('running', 'completed', 'failed')),
            flow_run_id text,
            report      jsonb       NOT NULL DEFAULT '{}',
            started_at  timestamptz NOT NULL DEFAULT now(),
            finished_at timestamptz
        )
    """)


def downgrade() -> None:
    for table in ("etl_runs", "quarantine", "raw_prices_history", "raw_prices", "instruments"):
        op.execute(f"DROP TABLE {table}")
