#!/usr/bin/env python3
"""Checks data/MANIFEST.toml: every file under data/ has a row, every row a file, and the checksums agree.

    python3 scripts/check_manifest.py             fail with a list of what disagrees
    python3 scripts/check_manifest.py --update    write the checksums of the listed files first

Plain Python 3.11, no dependencies.
"""

import hashlib
import re
import sys
import tomllib
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
MANIFEST = DATA / "MANIFEST.toml"
FIELDS = ["path", "sha256", "licence", "source", "about"]


def sha256(path):
    return hashlib.sha256((DATA / path).read_bytes()).hexdigest()


def update():
    def fresh(row):
        path = DATA / row[1]
        return f'path = "{row[1]}"\nsha256 = "{sha256(row[1]) if path.exists() else row[2]}"'

    MANIFEST.write_text(re.sub(r'path = "([^"]*)"\nsha256 = "([^"]*)"', fresh, MANIFEST.read_text()))


def faults():
    rows = tomllib.loads(MANIFEST.read_text())["file"]
    listed = [row.get("path") for row in rows]
    for row in rows:
        name = row.get("path", "a row without a path")
        if sorted(row) != sorted(FIELDS):
            yield f"{name}: fields are {sorted(row)}, expected {sorted(FIELDS)}"
        elif not (DATA / name).is_file():
            yield f"{name}: listed but not there"
        elif row["sha256"] != sha256(name):
            yield f"{name}: sha256 is {sha256(name)}, listed as {row['sha256']}"
        if listed.count(row.get("path")) > 1:
            yield f"{name}: listed twice"
    for path in sorted(DATA.rglob("*")):
        name = path.relative_to(DATA).as_posix()
        if path.is_file() and path != MANIFEST and name not in listed:
            yield f"{name}: there but not listed"


if __name__ == "__main__":
    if "--update" in sys.argv:
        update()
    found = list(faults())
    if found:
        sys.exit("data/MANIFEST.toml:\n" + "\n".join(found))
