"""The worked pipeline by real clients, on running programs: `clients.py prepare`, then `clients.py [unittest options]`.

`prepare` makes the bucket, which has to be there before the sink starts. Where everything is stands in the variables
that `pipeline/support.py` names; `cargo xtask verify` starts the programs and sets them.
"""

import os
import sys
import unittest

from pipeline.support import Parts


def main():
    if sys.argv[1:] == ["prepare"]:
        parts = Parts.from_environment()
        parts.store().create_bucket(Bucket=parts.bucket)
        return
    folder = os.path.dirname(os.path.abspath(__file__))
    arguments = [sys.argv[0], "discover", "-s", os.path.join(folder, "pipeline"), "-t", folder, *sys.argv[1:]]
    unittest.main(module=None, argv=arguments)


if __name__ == "__main__":
    main()
