#!/usr/bin/env python3
"""Holds the pages in Markdown to what is there, without a network.

Every link within the repository leads to a file, and to a heading where it names one. Every page of `docs` is in the book (`docs/SUMMARY.md`) once,
under its own title. Every file that a command of a page names is in the repository, or named behind `--out`, `-o`, `>` or `mkdir -p` by that
command or by one of the page before it, itself or a folder that it lies in. Commands are those in blocks marked `sh`, which `.ci/run` runs; blocks marked `text` are shown only.
"""

import re
import subprocess
import sys
from pathlib import Path

# Parts of other pages, which stand in them word for word.
PARTS = {"remark.md"}
FILES = re.compile(r"[\w./~-]+\.(?:toml|jsonl|json|yaml|csv|onnx|cu|py|c|tapeout)\b")


def without_code(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def headings(path):
    """The anchors of a page: those that GitHub and mdBook make of its headings."""
    titles = re.findall(r"^#+ +(.*)$", without_code(path.read_text()), flags=re.M)
    plain = (re.sub(r"[^\w\- ]", "", re.sub(r"\[(.*?)\]\(.*?\)", r"\1", title)).lower() for title in titles)
    return {title.strip().replace(" ", "-") for title in plain}


def broken_links(page):
    text = re.sub(r"`[^`\n]*`", "", without_code(page.read_text()))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists():
            yield f"{page}: `{link}` leads nowhere"
        elif anchor and target.suffix == ".md" and anchor not in headings(target):
            yield f"{page}: {target} has no heading `{anchor}`"


def faults_of_the_book(pages):
    summary = Path("docs/SUMMARY.md")
    listed = re.findall(r"^- \[(.*)\]\((.*)\)$", summary.read_text(), flags=re.M)
    for title, name in listed:
        page = summary.parent / name
        if page.exists() and page.read_text().splitlines()[0] != f"# {title}":
            yield f"{summary}: the title of {name} is not `{title}`"
    names = sorted(name for _, name in listed)
    there = sorted(str(page.relative_to("docs")) for page in pages if page.name not in PARTS | {"SUMMARY.md"})
    for name in sorted(set(names) ^ set(there)) + sorted({name for name in names if names.count(name) > 1}):
        yield f"{summary}: {name} stands there {names.count(name)} times, and is a page {there.count(name)} times"


def missing_files(page):
    made = set()
    for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text(), flags=re.M | re.S):
        for command in block.splitlines():
            made.update(re.findall(r"(?:--out|>|-o|mkdir -p) +(\S+)", command))
            for file in FILES.findall(command):
                if not (Path(file).exists() or any(Path(file).is_relative_to(name) for name in made)):
                    yield f"{page}: `{file}` is neither there nor made: {command}"


def main():
    tracked = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"], capture_output=True, text=True, check=True)
    pages = [Path(name) for name in tracked.stdout.split("\0") if name and Path(name).exists()]
    faults = [fault for page in pages for check in (broken_links, missing_files) for fault in check(page)]
    faults += faults_of_the_book([page for page in pages if page.parts[0] == "docs"])
    print("\n".join(faults) or f"{len(pages)} pages: every link, heading and file is there")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
