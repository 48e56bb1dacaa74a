"""Watchlists, and what people note about models: a description and tags beside the name."""

from alembic import op

revision = "meta_0006"
down_revision = "meta_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE watchlists (
            id          uuid        PRIMARY KEY,
            owner       text        NOT NULL,
            name        text        NOT NULL,
            instruments text[]      NOT NULL DEFAULT '{}',
            created_at  timestamptz NOT NULL DEFAULT now(),
            updated_at  timestamptz NOT NULL DEFAULT now(),
            UNIQUE (owner, name)
        )
    """)
    op.execute("""
        ALTER TABLE model_definitions
            ADD COLUMN description text   NOT NULL DEFAULT '',
            ADD COLUMN tags        text[] NOT NULL DEFAULT '{}'
    """)


def downgrade() -> None:
    op.execute("ALTER TABLE model_definitions DROP COLUMN description, DROP COLUMN tags")
    op.execute("DROP TABLE watchlists")
