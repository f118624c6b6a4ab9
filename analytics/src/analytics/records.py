"""From the text of a record to its columns, all of them text; what is no record is named, not dropped.

Every member becomes a string whatever it was, so that a number posted as text and a text posted as a number come
out alike, and one odd record does not change the type of a column (as an inferred schema would).
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from analytics.cleaning import integer
from analytics.tables import Table

#: Why a record is put aside.
NOT_AN_OBJECT = "not a JSON object"
NO_KEY = "no {key}"

_CORRUPT = "_corrupt_record"


def parse(lines: DataFrame, table: Table) -> DataFrame:
    """Adds to `lines` (text in `value`) the columns `record`, a struct of strings, and `problem`, null if there is none.

    Blank lines are left out. A line counts as a JSON object when it is whole: one that was cut off anywhere is
    `not a JSON object`, also where the members before the cut can be read.
    """
    schema = StructType([StructField(name, StringType()) for name in (*table.fields, _CORRUPT)])
    options = {"columnNameOfCorruptRecord": _CORRUPT, "allowSingleQuotes": "false"}
    text = F.trim(F.col("value"))
    parsed = lines.where(F.length(text) > 0).withColumn("record", F.from_json(text, schema, options))
    return parsed.withColumn("problem", _problem(text, table))


def problems(table: Table) -> tuple[str, ...]:
    """Every reason that `parse` can give."""
    return NOT_AN_OBJECT, NO_KEY.format(key=table.key)


def _problem(text: Column, table: Table) -> Column:
    broken = F.col("record").isNull() | F.col(f"record.{_CORRUPT}").isNotNull() | ~text.endswith("}")
    no_key = integer(F.col(f"record.{table.key}"), "int").isNull()
    not_an_object, without_key = problems(table)
    return F.when(broken, F.lit(not_an_object)).when(no_key, F.lit(without_key))


def unknown_members(table: Table) -> Column:
    """The names of members in `value` that the table does not have; null where the text is no object."""
    return F.array_sort(F.array_distinct(F.array_except(
        F.json_object_keys(F.trim(F.col("value"))), F.array(*[F.lit(name) for name in table.fields]))))
