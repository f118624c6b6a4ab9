"""Real clients on running programs: `clients.py prepare`, then `clients.py pipeline|rest|kinesis|spark [unittest options]`.

`pipeline` is the worked pipeline, `rest` the proxy alone, `kinesis` its Kinesis front, `spark` the sink's files alone. `prepare` makes the bucket, which has to be there before the
sink starts. Where everything is stands in the variables that `pipeline/support.py`, `rest/support.py` and `kinesis/support.py` name;
`cargo xtask verify` starts the programs and sets them.
"""

import os
import sys
import unittest


def main():
    if sys.argv[1:] == ["prepare"]:
        from pipeline.support import Parts

        parts = Parts.from_environment()
        parts.store().create_bucket(Bucket=parts.bucket)
        return
    folder, kind = os.path.dirname(os.path.abspath(__file__)), sys.argv[1]
    arguments = [sys.argv[0], "discover", "-s", os.path.join(folder, kind), "-t", folder, *sys.argv[2:]]
    unittest.main(module=None, argv=arguments)


if __name__ == "__main__":
    main()
