"""Jobs: one open one per subject, several keys for one job, results that expire before their row does."""

from alembic import op

revision = "meta_0005"
down_revision = "meta_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE jobs ADD COLUMN subject text, ADD COLUMN expired_at timestamptz")
    # Whoever asks at once for the same work gets the same job.
    op.execute("""
        CREATE UNIQUE INDEX jobs_subject ON jobs (kind, subject)
            WHERE subject IS NOT NULL AND state IN ('pending', 'running')
    """)
    # A request that joined a running job is remembered by its key as well, so a job may have several.
    op.execute("""
        CREATE TABLE job_keys (
            key    text PRIMARY KEY,
            job_id uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE
        )
    """)
    op.execute("CREATE INDEX job_keys_job ON job_keys (job_id)")
    op.execute("INSERT INTO job_keys SELECT idempotency_key, id FROM jobs WHERE idempotency_key IS NOT NULL")
    op.execute("ALTER TABLE jobs DROP COLUMN idempotency_key")


def downgrade() -> None:
    op.execute("ALTER TABLE jobs ADD COLUMN idempotency_key text UNIQUE")
    op.execute("""
        UPDATE jobs SET idempotency_key = (SELECT min(key) FROM job_keys WHERE job_id = jobs.id)
    """)
    op.execute("DROP TABLE job_keys")
    op.execute("DROP INDEX jobs_subject")
    op.execute("ALTER TABLE jobs DROP COLUMN subject, DROP COLUMN expired_at")
