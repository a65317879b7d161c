"""A small invoicing service that keeps docs/service-contract.md."""
