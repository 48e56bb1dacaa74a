"""Alembic's environment for both databases; the connection is handed in by ``stock_mlops.stores.migrations``."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
