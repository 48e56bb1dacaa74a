"""Verdicts of the gate, the audit trail of aliases, and models that are deleted but not yet purged."""

from alembic import op

revision = "meta_0004"
down_revision = "meta_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE model_versions ADD COLUMN verdict jsonb, ADD COLUMN deleted_at timestamptz")
    op.execute("ALTER TABLE model_definitions ADD COLUMN deleted_at timestamptz")
    # What is deleted serves nobody, whoever writes.
    op.execute("""
        ALTER TABLE model_versions
            ADD CONSTRAINT model_versions_deleted CHECK (alias IS NULL OR deleted_at IS NULL)
    """)
    # Without foreign keys: the trail outlives what it tells of.
    op.execute("""
        CREATE TABLE model_audit (
            id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at              timestamptz NOT NULL DEFAULT clock_timestamp(),
            actor           text        NOT NULL,
            action          text        NOT NULL
                            CHECK (action IN ('accept', 'refuse', 'promote', 'rollback', 'delete', 'purge')),
            registered_name text        NOT NULL,
            from_version    integer,
            to_version      integer,
            reason          text        NOT NULL DEFAULT '',
            verdict         jsonb,
            job_id          uuid
        )
    """)
    op.execute("CREATE INDEX model_audit_name ON model_audit (registered_name, id)")


def downgrade() -> None:
    op.execute("DROP TABLE model_audit")
    op.execute(
        "DELETE FROM interval_states s USING model_versions v WHERE v.deleted_at IS NOT NULL"
        " AND (s.registered_name, s.version) = (v.registered_name, v.version)"
    )
    op.execute("DELETE FROM model_versions WHERE deleted_at IS NOT NULL")
    op.execute("""
        DELETE FROM model_definitions d WHERE deleted_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM model_versions v WHERE v.model_id = d.id)
    """)
    op.execute("ALTER TABLE model_definitions DROP COLUMN deleted_at")
    op.execute("ALTER TABLE model_versions DROP COLUMN deleted_at, DROP COLUMN verdict")
