"""Writes the chart's README.md: README.in.md with the table of values, which is made of values.yaml (defaults) and
values.schema.json (meanings). With --check it only says whether README.md is what it would write.

usage: readme.py [--check]        (needs PyYAML)
"""

import json
import sys
from pathlib import Path

import yaml

CHART = Path(__file__).resolve().parent.parent
MARK = "<!-- values -->\n"


def resolved(schema, definitions):
    """A schema with what it refers to; its own description goes before that of the reference."""
    reference = schema.get("$ref")
    if not reference:
        return schema
    return {**definitions[reference.removeprefix("#/$defs/")], **schema}


def rows(schema, defaults, definitions, prefix=""):
    """A row for each value: name, default, meaning. Objects with fields of their own are rows of their fields."""
    for name, inner in schema["properties"].items():
        if name not in defaults:
            # Helm's own, and what is not set by default.
            assert name == "global" or "description" not in inner, f"{prefix}{name} has no default"
            continue
        inner, default = resolved(inner, definitions), defaults[name]
        meaning = inner.get("description")
        assert meaning, f"{prefix}{name} has no description"
        if "properties" in inner and isinstance(default, dict):
            yield f"**{prefix}{name}**", "", meaning
            yield from rows(inner, default, definitions, f"{prefix}{name}.")
        else:
            yield f"`{prefix}{name}`", f"`{json.dumps(default)}`", meaning
    for name in defaults:
        assert name in schema["properties"], f"values.schema.json lacks {prefix}{name}"


def readme():
    schema = json.loads((CHART / "values.schema.json").read_text())
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    lines = ["| value | default | meaning |", "|---|---|---|"]
    for row in rows(schema, defaults, schema["$defs"]):
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    before, after = (CHART / "README.in.md").read_text().split(MARK)
    return before + "\n".join(lines) + "\n" + after


def main():
    text, file = readme(), CHART / "README.md"
    if "--check" not in sys.argv:
        file.write_text(text)
    elif not file.exists() or file.read_text() != text:
        sys.exit(f"{file} is not current: run {Path(__file__).name}")


if __name__ == "__main__":
    main()
