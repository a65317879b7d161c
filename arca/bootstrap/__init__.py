"""What an account has before any stack."""
