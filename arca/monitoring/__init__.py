"""Monitoring: what is measured, promised, alarmed and shown.

Two sources make everything: the metrics in catalogue.py and the objectives in objectives/*.yaml.

- catalogue.py: every metric. objectives/: the objectives, as OpenSLO documents.
- slo/: reads the objectives, compiles them to alarms, replays them, publishes their budgets.
- alarm.py: an alarm as plain data. alarms.py: the table of all other alarms; thresholds.py: its
  settings. runbooks.py: the runbooks that alarms name.
- dashboard.py: a dashboard as plain data. dashboards.py: the five; queries.py: the saved queries.
- contract.py: the contract of the service's log. probe.py: the code of the outside probe.
- recording.py: recorded metrics as a file. sample.py: a made-up day of them.
- live/: everything that reads CloudWatch or draws.

Only live/ and slo/publisher.py, the code of a Lambda function, import boto3 or matplotlib.
"""
