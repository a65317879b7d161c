"""Service level objectives: OpenSLO documents, and what follows from them.

Pure: documents in, alarms and budgets out. Nothing here talks to AWS or knows Pulumi.
"""
