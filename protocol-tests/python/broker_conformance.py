"""Runs the conformance cases against a broker: `broker_conformance.py --bootstrap host:port [unittest options]`.

Passes on a real Kafka with automatic topic creation, and on the embedded development broker. `-k name` runs some
cases only, `-v` names them.
"""

import argparse
import os
import sys
import unittest

from conformance import support


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bootstrap", required=True, metavar="HOST:PORT")
    known, rest = parser.parse_known_args()
    os.environ[support.BOOTSTRAP_VARIABLE] = known.bootstrap
    folder = os.path.dirname(os.path.abspath(__file__))
    arguments = [sys.argv[0], "discover", "-s", os.path.join(folder, "conformance"), "-t", folder, *rest]
    unittest.main(module=None, argv=arguments)


if __name__ == "__main__":
    main()
