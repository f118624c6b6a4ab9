"""The program for `spark-submit` and Databricks: runs the package that lies beside it, which need not be installed."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(globals().get("__file__", sys.argv[0]))), "src"))

from analytics.cli import main  # noqa: E402

if code := main(sys.argv[1:]):
    sys.exit(code)
