#!/usr/bin/env python3
"""Checks that a source distribution holds every file that its crates are made of, so that it compiles where the repository does.

    python3 scripts/check_sdist.py dist/tapeout-0.1.0.tar.gz

Cargo itself would not notice: with a build folder that is shared, it takes the crates of the archive for those of the repository.
"""

import posixpath
import re
import subprocess
import sys
import tarfile
import tomllib

EMBEDDED = re.compile(r'include(?:_str|_bytes)?!\(\s*"([^"]+)"\s*,?\s*\)')


def main(path: str) -> int:
    """Prints what is missing; 1 if anything is."""
    with tarfile.open(path) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
        root = archive.getnames()[0].split("/")[0]
        missing = set()
        for name in sorted(names):
            if not name.endswith(".rs") or "/src/" not in f"/{name}":
                continue
            source = archive.extractfile(f"{root}/{name}").read().decode()
            for embedded in EMBEDDED.findall(source):
                place = posixpath.normpath(posixpath.join(posixpath.dirname(name), embedded))
                if place not in names:
                    missing.add(place)
    # All crates of the workspace that others are made of, whether the archive has them or not.
    with open("Cargo.toml", "rb") as manifest:
        dependencies = tomllib.load(manifest)["workspace"]["dependencies"].values()
    crates = {crate["path"] for crate in dependencies if isinstance(crate, dict) and "path" in crate} | {"python"}
    tracked = subprocess.run(["git", "ls-files", "data", *sorted(crates)], capture_output=True, text=True, check=True)
    made_of = re.compile(r"data/|[^/]+/(src/|Cargo\.toml$|build\.rs$)|python/package/")
    missing |= {name for name in tracked.stdout.splitlines() if made_of.match(name) and name not in names}
    for name in sorted(missing):
        print(f"{path}: {name} is missing", file=sys.stderr)
    print(f"{len(names)} files, {len(crates)} crates, {len(missing)} missing")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
