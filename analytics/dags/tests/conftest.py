"""The package's tests lie elsewhere; what they share with these is found there."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
