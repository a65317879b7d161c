"""Accounts of customers, found by the hash of their API key."""

import sqlalchemy as sa
from alembic import op

revision = "0001_accounts"
down_revision = None
phase = "expand"


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        # The agency counts numbers per CUIT, so two accounts with one CUIT would collide.
        sa.Column("cuit", sa.Text, nullable=False, unique=True),
        sa.Column("api_key_hash", sa.Text, nullable=False, unique=True),
        sa.Column("requests_per_minute", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
