"""The Helm chart, checked without a cluster, and its pods written down as processes.

check   lint, render (every file of <chart>/ci), Kubernetes' schemas, policies, refused values, README, the programs on the rendered files
guarded render <chart>/ci/guarded-values.yaml, start its programs and run its short-lived pods with each kind of credentials
pods    render <chart>/ci/verify-values.yaml for this machine: files and plan.json, from which `xtask verify` starts the programs
"""

import argparse
import sys
import unittest
from pathlib import Path

from chart import checks, guarded, pods
from chart.helm import Helm


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--helm", type=Path, required=True, help="the program")
    parser.add_argument("--chart", type=Path, required=True, help="the chart's folder")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check")
    check.add_argument("--definitions", type=Path, required=True, help="folder of CustomResourceDefinitions")
    check.add_argument("--proxy", type=Path, required=True, help="sluiceway-proxy")
    check.add_argument("--sink", type=Path, required=True, help="sluiceway-sink")
    plan = commands.add_parser("pods")
    plan.add_argument("--out", type=Path, required=True, help="folder for files and plan.json")
    known = commands.add_parser("guarded")
    known.add_argument("--proxy", type=Path, required=True, help="sluiceway-proxy")
    known.add_argument("--sink", type=Path, required=True, help="sluiceway-sink")
    for one in (plan, known):
        one.add_argument("--set", action="append", default=[], help="as helm's")
        one.add_argument("--secret", action="append", default=[], metavar="SECRET/KEY=VALUE", help="what Secrets hold")
    return parser.parse_args()


def main():
    given = arguments()
    helm = Helm(given.helm, given.chart)
    if given.command == "pods":
        pods.write(helm, given.set, given.secret, given.out)
        return
    if given.command == "guarded":
        sys.exit("\n".join(guarded.check(helm, {"proxy": given.proxy, "sink": given.sink}, given)) or None)
    checks.ChartChecks.helm = helm
    checks.ChartChecks.definitions = given.definitions
    checks.ChartChecks.programs = {"proxy": given.proxy, "sink": given.sink}
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(checks.ChartChecks)
    outcome = unittest.TextTestRunner(verbosity=2).run(suite)
    sys.exit(not outcome.wasSuccessful())


if __name__ == "__main__":
    main()
