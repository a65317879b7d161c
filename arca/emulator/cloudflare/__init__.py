"""A double of Cloudflare's API v4 on loopback; README.md says what it keeps and refuses."""

PREFIX = "/cloudflare/client/v4"
"""Where the double stands in the emulated cloud; clients get it as their base URL."""
