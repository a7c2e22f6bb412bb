"""Run by Alembic: applies the migrations over the connection that ``Database.migrate`` hands on."""

from alembic import context

from webapp.storage.tables import Table

connection = context.config.attributes["connection"]
# SQLite cannot change a column in place; Alembic then copies the table.
context.configure(connection=connection, target_metadata=Table.metadata, render_as_batch=True, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
