"""Hold the many events of one commit in one row.

A bulk's thousand rows of two kilobytes, with their index entries, took longer to write than the forecasts to make.
"""

from alembic import op

revision = "meta_0013"
down_revision = "meta_0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE outbox_batches (
            -- That of its first event.
            id         uuid        PRIMARY KEY,
            topic      text        NOT NULL,
            -- Of each event, in the order of payloads; size is their number.
            ids        uuid[]      NOT NULL,
            keys       text[]      NOT NULL,
            size       integer     NOT NULL,
            -- Their JSON, one a line, compressed by Zstandard.
            payloads   bytea       NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    # Ids are random and payloads compressed: PostgreSQL would only try.
    for column in ("ids", "keys", "payloads"):
        op.execute(f"ALTER TABLE outbox_batches ALTER COLUMN {column} SET STORAGE EXTERNAL")


def downgrade() -> None:
    # A release that does not know them would never send them.
    op.execute("""
        DO $$ BEGIN
            IF EXISTS (SELECT FROM outbox_batches) THEN
                RAISE EXCEPTION 'expected no events in outbox_batches; let backend2 run until stock_outbox_rows is 0';
            END IF;
        END $$
    """)
    op.execute("DROP TABLE outbox_batches")
