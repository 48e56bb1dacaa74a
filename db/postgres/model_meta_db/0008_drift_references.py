"""What drift is told by: the training rows of each model version, as one instrument has them."""

from alembic import op

revision = "meta_0008"
down_revision = "meta_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE drift_references (
            registered_name text        NOT NULL,
            version         integer     NOT NULL,
            exchange        text        NOT NULL,
            ticker          text        NOT NULL,
            -- An npz of monitoring.drift.DriftReference: some 40 kB.
            reference       bytea       NOT NULL,
            created_at      timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (registered_name, version, exchange, ticker)
        )
    """)


def downgrade() -> None:
    op.execute("DROP TABLE drift_references")
