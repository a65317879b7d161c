"""Service level objectives, from the OpenSLO documents in ../objectives/ to alarms and budgets.

documents.py reads YAML (place.py) into the models of openslo.py, openslo_alerts.py and
openslo_parts.py, with references.py; objectives.py turns them into objectives (objective.py), or
refuses them with annotations.py, indicators.py and policies.py; compiler.py makes alarms of these.
replay.py runs events through the alarms, with metric_math.py. publisher.py computes the budgets in
AWS Lambda, with budget.py and duration.py; publisher_input.py writes what it reads.
"""
