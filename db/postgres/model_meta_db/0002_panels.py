"""Definitions of panels beside those of single tickers."""

from alembic import op

revision = "meta_0002"
down_revision = "meta_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE model_definitions
            ALTER COLUMN ticker DROP NOT NULL,
            ADD COLUMN panel text,
            ADD COLUMN registered_name text
    """)
    op.execute("UPDATE model_definitions SET registered_name = 'stock-' || exchange || '-' || ticker")
    op.execute("""
        ALTER TABLE model_definitions
            ALTER COLUMN registered_name SET NOT NULL,
            ADD CONSTRAINT model_definitions_subject CHECK ((ticker IS NULL) <> (panel IS NULL))
    """)


def downgrade() -> None:
    op.execute("DELETE FROM model_versions v USING model_definitions d WHERE d.id = v.model_id AND d.ticker IS NULL")
    op.execute("DELETE FROM model_definitions WHERE ticker IS NULL")
    op.execute("""
        ALTER TABLE model_definitions
            DROP CONSTRAINT model_definitions_subject,
            DROP COLUMN registered_name,
            DROP COLUMN panel,
            ALTER COLUMN ticker SET NOT NULL
    """)
