"""Tests of the emulated Cloudflare, most of them with Cloudflare's own client."""
