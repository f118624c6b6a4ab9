"""Spark on the posts of the pipeline: batch over the objects in S3, streaming from Kafka, one cleaning module for both.

`tables` names what the three topics hold, `cleaning` says what a clean row is, `layout` reads the sink's objects,
`stages` are the steps of the batch (load, clean, queries, report), `streaming` is the other half.
"""


class AnalyticsError(Exception):
    """What the user can do something about: printed without a trace, exit code 1."""
