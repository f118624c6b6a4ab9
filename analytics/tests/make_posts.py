"""`make_posts.py <posting-emulator> <folder>`: what the sink would write of the emulator's posts of a fixed seed.

Keys have no say here: records go to the partitions in turn, as many to an object as the connector's `flush.size` says.
"""

import datetime
import json
import subprocess
import sys
from pathlib import Path

SEED, POSTS, USER, PARTITIONS, FLUSH = 7, 250, "0a1b2c3d4e5f", 3, 50


def rows(emulator: str):
    """The dictionaries that the emulator prints, three a post: pin, geo, user."""
    command = [emulator, "--seed", str(SEED), "--posts", str(POSTS), "--rate", "0", "--workers", "1"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for line in printed.split("\n")[: 3 * POSTS]:
        yield eval(line, {"__builtins__": {}, "datetime": datetime})  # Python's own notation, of our own program


def objects(emulator: str) -> dict[str, str]:
    """Path below `topics/` -> content of each object."""
    lines = {name: [] for name in ("pin", "geo", "user")}
    for number, row in enumerate(rows(emulator)):
        lines[("pin", "geo", "user")[number % 3]].append(json.dumps(row, default=str, ensure_ascii=False))
    found = {}
    for name, records in lines.items():
        topic = f"{USER}.{name}"
        for partition in range(PARTITIONS):
            of_partition = records[partition::PARTITIONS]
            for offset in range(0, len(of_partition), FLUSH):
                path = f"{topic}/partition={partition}/{topic}+{partition}+{offset:010}.json"
                found[path] = "".join(f"{line}\n" for line in of_partition[offset: offset + FLUSH])
    return found


if __name__ == "__main__":
    for path, content in objects(sys.argv[1]).items():
        file = Path(sys.argv[2], path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8", newline="")
