"""Service level objectives, from the OpenSLO documents in ../objectives/ to alarms and budgets.

documents.py reads YAML into the models of openslo.py; objectives.py turns them into objectives
(objective.py); compiler.py makes alarms of these. replay.py runs events through the alarms, with
metric_math.py. publisher.py computes the budgets in AWS Lambda, with budget.py and duration.py;
publisher_input.py writes what it reads.
"""
