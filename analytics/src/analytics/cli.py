"""`python -m analytics`: the batch as a whole, its steps one by one, streaming, and the jars."""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from analytics import AnalyticsError, jars, storage
from analytics.session import Wants, open_session
from analytics.tables import TABLES


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; its exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except AnalyticsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


# Commands -----------------------------------------------------------------------------------------------------------


def _batch(options: argparse.Namespace) -> None:
    stages = _stages(options)
    path = stages.batch(storage.normal(options.input), options.user, options.until)
    print(f"{'':10} {'read':>10} {'kept':>10} {'repeats':>10} {'put aside':>10}")
    for name in TABLES:
        found = stages.quality(name)
        aside = sum(found["quarantined"].values())
        print(f"{name:10} {found['read']:>10,} {found['kept']:>10,} {found['duplicates']:>10,} {aside:>10,}")
    print("  ".join(f"{name} {seconds:.1f} s" for name, seconds in stages.took.items()))
    print(f"report: {path}")


def _load(options: argparse.Namespace) -> None:
    _stages(options).load(storage.normal(options.input), options.user, options.until)


def _clean(options: argparse.Namespace) -> None:
    stages = _stages(options)
    for name in options.table or TABLES:
        print(stages.clean(TABLES[name]))


def _queries(options: argparse.Namespace) -> None:
    _stages(options).answer()


def _report(options: argparse.Namespace) -> None:
    print(f"report: {_stages(options).write_report()}")


def _stream(options: argparse.Namespace) -> None:
    from analytics import stream_run

    stream_run.run(options)


def _jars(options: argparse.Namespace) -> None:
    print(f"{len(jars.install(options.into))} jars in {options.into}")


def _stages(options: argparse.Namespace):
    from analytics.stages import Stages

    paths = [options.output, getattr(options, "input", "")]
    wants = Wants(options.master, options.s3_endpoint, s3=any(map(storage.is_s3, paths)), settings=tuple(options.conf))
    return Stages(open_session(wants), storage.normal(options.output))


# Options ------------------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analytics", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    spark = _spark_options()
    out = argparse.ArgumentParser(add_help=False)
    out.add_argument("--output", required=True, help="folder for everything that is written; local or s3a://…")
    source = argparse.ArgumentParser(add_help=False)
    source.add_argument("--input", required=True, help="the folder that holds <user>.pin and so on: s3a://bucket/topics, or local")
    source.add_argument("--user", help="whose topics, where the folder holds those of several users")
    source.add_argument("--until", type=_moment, help="only objects written before this moment (ISO 8601; UTC without a zone)")

    def add(name: str, run, text: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text, parents=[spark, *parents])
        command.set_defaults(run=run)
        return command

    add("batch", _batch, "all steps: load, clean, queries, report", source, out)
    add("load", _load, "copy the lines of the objects into <output>/raw", source, out)
    cleaning = add("clean", _clean, "raw → clean, quarantine, quality", out)
    cleaning.add_argument("--table", action="append", choices=sorted(TABLES), help="only this one; may be repeated")
    add("queries", _queries, "clean → views (Parquet and CSV)", out)
    add("report", _report, "views → report.html", out)
    stream = add("stream", _stream, "records of Kafka into Delta tables, and the popularity of profiles", out)
    stream.add_argument("--kafka", metavar="HOST:PORT,…", required=True, help="bootstrap servers")
    stream.add_argument("--kafka-setting", metavar="KEY=VALUE", action="append", default=[], type=_setting,
                        help="a client setting (security.protocol=SSL); may be repeated")
    stream.add_argument("--user", required=True, help="whose topics")
    stream.add_argument("--topic-names", default="{user}.{table}", metavar="PATTERN",
                        help="how the topics are called; behind the Kinesis front: streaming-{user}-{table}")
    stream.add_argument("--once", action="store_true", help="end when everything that was there at the start is written")
    stream.add_argument("--trigger", default="5 seconds", help="time between batches (default: %(default)s)")
    stream.add_argument("--most", type=int, help="most records of one batch of a query (default: all that are there)")
    stream.add_argument("--window", default="5 minutes", help="length of a window of popularity (default: %(default)s)")
    stream.add_argument("--lateness", default="10 minutes", help="how late a record may be and still count (default: %(default)s)")
    stream.add_argument("--distinct-within", metavar="TIME",
                        help="leave the same row out when it comes again within this time (default: keep every record)")
    fetch = commands.add_parser("jars", help="fetch the jars for S3, Kafka and Delta by Maven")
    fetch.add_argument("--into", type=Path, required=True, help="a folder; name it in ANALYTICS_JARS afterwards")
    fetch.set_defaults(run=_jars)
    return parser


def _spark_options() -> argparse.ArgumentParser:
    spark = argparse.ArgumentParser(add_help=False)
    spark.add_argument("--master", help="Spark master; default: this machine, or what spark-submit says")
    spark.add_argument("--conf", metavar="KEY=VALUE", action="append", default=[], type=_setting,
                       help="a Spark setting; may be repeated")
    spark.add_argument("--s3-endpoint", help="an S3 that is not AWS's (http://host:9000); default: AWS_ENDPOINT_URL_S3, else AWS")
    return spark


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text} is no KEY=VALUE")
    return key, value


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no moment such as 2026-01-31T00:00:00+00:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
