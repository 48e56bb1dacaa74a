"""Accounts, API keys, refresh tokens, and the log of every changing call."""

from alembic import op

revision = "meta_0007"
down_revision = "meta_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE accounts (
            id            uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
            name          text        NOT NULL,
            password_hash text        NOT NULL,
            role          text        NOT NULL CHECK (role IN ('viewer', 'operator')),
            disabled      boolean     NOT NULL DEFAULT false,
            created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
            -- Access tokens issued before are refused: the password, the role or the right to come in has changed.
            tokens_from   timestamptz NOT NULL DEFAULT '-infinity'
        )
    """)
    # Names differ by more than their case, or one account could be taken for another.
    op.execute("CREATE UNIQUE INDEX accounts_name ON accounts (lower(name))")
    op.execute("""
        CREATE TABLE api_keys (
            id           uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
            account_id   uuid        NOT NULL REFERENCES accounts ON DELETE CASCADE,
            name         text        NOT NULL,
            prefix       text        NOT NULL UNIQUE,
            key_hash     text        NOT NULL,
            scopes       text[]      NOT NULL,
            created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
            last_used_at timestamptz,
            revoked_at   timestamptz
        )
    """)
    op.execute("""
        CREATE TABLE refresh_tokens (
            token_hash text        PRIMARY KEY,
            -- All tokens that came out of one log-in.
            family     uuid        NOT NULL,
            account_id uuid        NOT NULL REFERENCES accounts ON DELETE CASCADE,
            expires_at timestamptz NOT NULL,
            -- Kept after its use, so that a second use is noticed.
            used_at    timestamptz
        )
    """)
    op.execute("CREATE INDEX refresh_tokens_family ON refresh_tokens (family)")
    op.execute("CREATE INDEX refresh_tokens_expires ON refresh_tokens (expires_at)")
    op.execute("""
        CREATE TABLE audit_log (
            id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at         timestamptz NOT NULL DEFAULT clock_timestamp(),
            actor      text        NOT NULL,
            address    text        NOT NULL,
            method     text        NOT NULL,
            path       text        NOT NULL,
            status     smallint    NOT NULL,
            request_id text
        )
    """)
    op.execute("CREATE INDEX audit_log_actor ON audit_log (actor, id)")
    op.execute("CREATE INDEX audit_log_at ON audit_log (at)")


def downgrade() -> None:
    for table in ("audit_log", "refresh_tokens", "api_keys", "accounts"):
        op.execute(f"DROP TABLE {table}")
