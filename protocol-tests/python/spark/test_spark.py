"""Avro and Parquet objects, in every codec that Spark's readers know, read back by Spark."""

import json
import os
import subprocess
import tempfile
import unittest

# The module, so that its own tests are not found here.
from pipeline import test_formats

#: Field -> type, as Spark names it: the same from both formats.
TYPES = {"id": "long", "small": "integer", "flag": "boolean", "ratio": "double", "name": "string", "raw": "binary",
         "price": "decimal(18,2)", "total": "decimal(38,3)", "at": "timestamp", "day": "date"}


def shown(values):
    """A row as `read_files.py` shows it."""
    return {**values, "raw": values["raw"].hex(), "price": None if values["price"] is None else f"{values['price']:.2f}",
            "total": f"{values['total']:.3f}", "at": values["at"] and str(values["at"].replace(tzinfo=None)), "day": values["day"] and str(values["day"])}


def by_id(rows):
    return sorted(rows, key=lambda values: values["id"])


class Spark(unittest.TestCase):
    """One start of Spark for all files."""

    @classmethod
    def setUpClass(cls):
        test_formats.Formats.setUpClass()
        cls.addClassCleanup(test_formats.Formats.tearDownClass)
        formats = test_formats.Formats()
        with tempfile.TemporaryDirectory() as folder:
            files = os.path.join(folder, "files")
            os.mkdir(files)
            for codec in test_formats.AVRO_CODECS:
                cls.save(files, f"avro-{codec}.avro", formats.body(f"avro-{codec}", ".avro"))
            for codec, ending in test_formats.PARQUET_CODECS.items():
                cls.save(files, f"parquet-{codec}.parquet", formats.body(f"parquet-{codec}", f"{ending}.parquet"))
            out = os.path.join(folder, "found.json")
            script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "read_files.py")
            environment = {**os.environ, "TZ": "UTC", "PYTHONPATH": ""}
            subprocess.run([os.environ["SLUICEWAY_SPARK_PYTHON"], script, files, out], check=True, env=environment)
            with open(out, encoding="utf-8") as file:
                cls.found = json.load(file)

    @staticmethod
    def save(folder, name, body):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(body)

    def check(self, name):
        found = self.found[name]
        expected = [shown(values) for values in test_formats.Formats.rows]
        self.assertEqual(by_id(found["rows"]), expected)
        types = {field["name"]: field["type"] for field in found["schema"]["fields"]}
        self.assertEqual({name: types[name] for name in TYPES}, TYPES)

    def test_spark_reads_avro(self):
        for codec in test_formats.AVRO_CODECS:
            with self.subTest(codec):
                self.check(f"avro-{codec}.avro")

    def test_spark_reads_parquet(self):
        for codec in test_formats.PARQUET_CODECS:
            with self.subTest(codec):
                self.check(f"parquet-{codec}.parquet")

    def test_spark_reads_parquet_in_vectors(self):
        """All columns but decimals of up to 18 digits, which no reader of Spark's makes vectors of when they are bytes."""
        expected = [{name: value for name, value in shown(values).items() if name != "price"} for values in test_formats.Formats.rows]
        for codec in test_formats.PARQUET_CODECS:
            with self.subTest(codec):
                self.assertEqual(by_id(self.found[f"parquet-{codec}.parquet"]["vectors"]), expected)


if __name__ == "__main__":
    unittest.main()
