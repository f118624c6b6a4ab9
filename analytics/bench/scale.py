"""`scale.py [--posts 100000,1000000] [--folder DIR]`: time of each stage of the batch, and how it grows.

Makes the posts itself, in the sink's layout, 10,000 records an object, dirty as the emulator's, from a fixed seed. Each size
runs in a process of its own; the figures are its stages' own, without the start of Spark.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

USER, RECORDS_PER_OBJECT = "0a1b2c3d4e5f", 10_000
CATEGORIES = ("art", "beauty", "christmas", "diy-and-crafts", "education", "event-planning", "finance", "home-decor",
              "mens-fashion", "quotes", "tattoos", "travel", "vehicles")
SENTENCE = "Everything here can be done in an afternoon with what is already in the house. "


def rows(number: int, lots: random.Random) -> tuple[dict, dict, dict]:
    """The three records of one post."""
    category, broken = lots.choice(CATEGORIES), lots.random() < 0.06
    followers = "User Info Error" if broken else lots.choice((str(lots.randrange(1000)), f"{lots.randrange(1, 1000)}k", "5M"))
    pin = {
        "index": number, "unique_id": f"{lots.getrandbits(128):032x}",
        "title": "No Title Data Available" if broken else f"{number} ideas of {category}",
        "description": "No description available" if broken else SENTENCE * lots.randrange(1, 5),
        "poster_name": "User Info Error" if broken else f"Poster {lots.randrange(30_000)}", "follower_count": followers,
        "tag_list": "N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e" if broken else f"{category},ideas,more",
        "is_image_or_video": "image", "image_src": f"https://images.example.com/{lots.getrandbits(64):x}.jpg", "downloaded": 1,
        "save_location": f"Local save in /data/{category}", "category": category,
    }
    geo = {"ind": number, "timestamp": moment(lots, 2018, 5), "latitude": lots.uniform(-90, 90), "longitude": lots.uniform(-180, 180),
           "country": f"Country {lots.randrange(200)}"}
    user = {"ind": number, "first_name": f"First {lots.randrange(500)}", "last_name": f"Last {lots.randrange(500)}",
            "age": lots.randrange(18, 70), "date_joined": moment(lots, 2015, 6)}
    return pin, geo, user


def moment(lots: random.Random, first: int, years: int) -> str:
    return (f"{first + lots.randrange(years)}-{lots.randrange(1, 13):02}-{lots.randrange(1, 29):02} "
            f"{lots.randrange(24):02}:{lots.randrange(60):02}:{lots.randrange(60):02}")


def write(posts: int, folder: Path) -> int:
    """Writes the objects; their bytes. One post in a hundred is there twice."""
    lots, size, names = random.Random(100), 0, ("pin", "geo", "user")
    for start in range(0, posts, RECORDS_PER_OBJECT):
        lines = {name: [] for name in names}
        for number in range(start, min(start + RECORDS_PER_OBJECT, posts)):
            for name, row in zip(names, rows(number, lots), strict=True):
                lines[name] += [json.dumps(row)] * (2 if number % 100 == 0 else 1)
        for name in names:
            topic = f"{USER}.{name}"
            partition = start // RECORDS_PER_OBJECT % 4
            file = folder / topic / f"partition={partition}" / f"{topic}+{partition}+{start:010}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            size += file.write_text("\n".join(lines[name]) + "\n")
    return size


def run(posts: int, folder: Path, more: list[str]) -> tuple[dict[str, float], int]:
    """Seconds of each stage, and the size of the input in bytes."""
    topics, output = folder / f"topics-{posts}", folder / f"out-{posts}"
    size = write(posts, topics)
    command = [sys.executable, "-m", "analytics", "batch", "--input", str(topics), "--output", str(output), *more]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    timings = next(line for line in printed.splitlines() if line.startswith("load "))
    return {name: float(value) for name, value in (part.removesuffix(" s").rsplit(" ", 1) for part in timings.split("  "))}, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", default="100000,1000000", help="sizes, comma separated (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where the objects and the outcome go (default: a temporary folder)")
    parser.add_argument("more", nargs="*", help="further arguments of the batch, after --")
    options = parser.parse_args()
    sizes = [int(size) for size in options.posts.split(",")]
    with tempfile.TemporaryDirectory() as temporary:
        found = [run(size, options.folder or Path(temporary), options.more) for size in sizes]
    print("| stage | " + " | ".join(f"{size:,} posts ({of / 1e6:,.0f} MB)" for size, (_, of) in zip(sizes, found, strict=True)) + " | grows |")
    print("|---|" + "---:|" * (len(sizes) + 1))
    stages = [*found[0][0], "all"]
    for stage in stages:
        seconds = [sum(took.values()) if stage == "all" else took[stage] for took, _ in found]
        print(f"| {stage} | " + " | ".join(f"{value:.1f} s" for value in seconds) + f" | ×{seconds[-1] / seconds[0]:.1f} |")


if __name__ == "__main__":
    main()
