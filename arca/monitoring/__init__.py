"""What is measured, what is alarming, what is shown: data and pure functions.

The catalogue of metrics is one of the two sources of everything here; the OpenSLO documents in
slo/ are the other. Components declare what this says, `arca` and the documentation read it.
"""
