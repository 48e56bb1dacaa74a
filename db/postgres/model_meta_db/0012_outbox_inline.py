"""Keep the outbox's events uncompressed in their rows.

A prediction's JSON is about two kilobytes, where PostgreSQL begins to compress and to move values elsewhere: a row just
above that took three times the CPU, and a commit of 500 rows four times as long, for an event that is deleted seconds
later.
"""

from alembic import op

revision = "meta_0012"
down_revision = "meta_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The most that PostgreSQL allows: what fits into a page stays in it as it is.
    op.execute("ALTER TABLE outbox SET (toast_tuple_target = 8160)")


def downgrade() -> None:
    op.execute("ALTER TABLE outbox RESET (toast_tuple_target)")
