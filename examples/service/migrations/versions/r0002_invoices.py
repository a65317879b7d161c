"""Invoices, and the sequence of numbers that each belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0002_invoices"
down_revision = "0001_accounts"
phase = "expand"
SEQUENCE = ("account_id", "point_of_sale", "invoice_type")


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "sequences",
        sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.id"), primary_key=True),
        sa.Column("point_of_sale", sa.Integer, primary_key=True),
        sa.Column("invoice_type", sa.Integer, primary_key=True),
        sa.Column("last_number", sa.BigInteger),
        sa.Column("last_date", sa.Date),
        sa.Column("current_invoice", sa.Text),
        sa.Column("leased_by", sa.Text),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("point_of_sale", sa.Integer, nullable=False),
        sa.Column("invoice_type", sa.Integer, nullable=False),
        sa.Column("number", sa.BigInteger),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("request_hash", sa.Text),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("issued_on", sa.Date),
        sa.Column("claimed_at", sa.DateTime(timezone=True)),
        sa.Column("cae", sa.Text),
        sa.Column("cae_due", sa.Date),
        sa.Column("arca_code", sa.Text),
        sa.Column("arca_message", sa.Text),
        sa.Column("correlation_id", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("document_stored_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(SEQUENCE, [f"sequences.{column}" for column in SEQUENCE]),
        sa.UniqueConstraint("account_id", "idempotency_key"),
        sa.UniqueConstraint(*SEQUENCE, "number"),
        sa.CheckConstraint(
            "status IN ('pending', 'authorized', 'rejected', 'recovered')", name="known_status"
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'rejected') OR (number IS NOT NULL AND cae IS NOT NULL)",
            name="authorized_with_number_and_cae",
        ),
    )
    op.create_index(
        "invoices_waiting",
        "invoices",
        [*SEQUENCE, "position"],
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "invoices_without_document",
        "invoices",
        ["finished_at"],
        postgresql_where=sa.text("status = 'authorized' AND document_stored_at IS NULL"),
    )
