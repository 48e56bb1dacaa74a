"""How far the intervals of each model version have been adapted, session by session."""

from alembic import op

revision = "meta_0003"
down_revision = "meta_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A row per session, not one that is overwritten: a served prediction is computed again with the state of its day.
    op.execute("""
        CREATE TABLE interval_states (
            registered_name text        NOT NULL,
            version         integer     NOT NULL,
            exchange        text        NOT NULL,
            ticker          text        NOT NULL,
            through         date        NOT NULL,
            state           jsonb       NOT NULL,
            created_at      timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (registered_name, version, exchange, ticker, through)
        )
    """)
    op.execute("CREATE INDEX interval_states_newest ON interval_states (created_at)")


def downgrade() -> None:
    op.execute("DROP TABLE interval_states")
