"""Tests of the example service: each sentence of docs/service-contract.md, and its numbers."""
