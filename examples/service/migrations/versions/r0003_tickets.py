"""The login tickets of WSAA, which must survive the cache."""

import sqlalchemy as sa
from alembic import op

revision = "0003_tickets"
down_revision = "0002_invoices"
phase = "expand"


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "tickets",
        sa.Column("service", sa.Text, primary_key=True),
        sa.Column("token", sa.Text),
        sa.Column("sign", sa.Text),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
    )
