"""`python -m analytics stream`: runs the queries until they end, or until it is told to."""

import argparse
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.errors import StreamingQueryException

from analytics import AnalyticsError, storage, streaming
from analytics.session import Wants, open_session
from analytics.sources import Kafka


def run(options: argparse.Namespace) -> None:
    """Streams; prints the rows of each table at the end.

    SIGTERM and SIGINT stop after the records that are on their way; a kill is harmless, too. One failed query stops
    them all: the next start goes on from the checkpoints.
    """
    output = storage.normal(options.output)
    wants = Wants(options.master, options.s3_endpoint, s3=storage.is_s3(output), kafka=True, delta=True,
                  settings=tuple(options.conf))
    spark = open_session(wants)
    source = Kafka(options.kafka, options.topic_names, tuple(options.kafka_setting), options.most)
    stream = streaming.Options(source, options.user, output, options.window, options.lateness, options.distinct_within,
                               None if options.once else options.trigger)
    with _told_to_stop() as stop:
        queries = streaming.start(spark, stream)
        print(f"streaming into {output}: {', '.join(query.name for query in queries)}", flush=True)
        try:
            _wait(queries, stop)
        finally:
            for query in queries:
                query.stop()
    for name, rows in streaming.counts(spark, stream).items():
        print(f"{name} {rows}")


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """Set by SIGTERM and SIGINT within the block."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(queries, stop: threading.Event) -> None:
    while not stop.is_set() and any(query.isActive for query in queries):
        stop.wait(0.2)
        for query in queries:
            error = query.exception()
            if error is not None:
                raise AnalyticsError(f"{query.name} has failed: {_first_line(error)}") from error


def _first_line(error: StreamingQueryException) -> str:
    return str(error).strip().splitlines()[0]
