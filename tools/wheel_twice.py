"""Build the wheel twice and compare the two, byte for byte.

    python tools/wheel_twice.py [--keep FOLDER]

The two builds have other folders, file times, file modes, hash seeds and time zones. What they
share is SOURCE_DATE_EPOCH: the time of the newest commit. Prints the hash; the exit status is 1
when the wheels differ.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_OWNER_ONLY = 0o077
_A_DAY = 86_400.0


def main() -> int:
    """Return 0 when both wheels are equal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", type=Path, help="put the wheel into this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        first = built(Path(place, "one"), zone="UTC", seed="1", tidy=True)
        second = built(Path(place, "another-place"), zone="Asia/Tokyo", seed="2", tidy=False)
        hashes = [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in (first, second)]
        if options.keep is not None:
            options.keep.mkdir(parents=True, exist_ok=True)
            shutil.copy2(first, options.keep)
    if hashes[0] != hashes[1]:
        say(f"{first.name} differs from one build to the next: {hashes[0]}, {hashes[1]}")
        return 1
    say(f"{hashes[0]}  {first.name}  (the same in both builds)")
    return 0


def built(folder: Path, *, zone: str, seed: str, tidy: bool) -> Path:
    """Return a wheel that is built from a copy of the tracked files."""
    source, target = folder / "source", folder / "dist"
    for name in listed("ls-files", "-z").split("\0"):
        if name and (ROOT / name).is_file():
            copy = source / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy)
            if not tidy:
                later = copy.stat().st_mtime + _A_DAY
                os.utime(copy, (later, later))
                copy.chmod(copy.stat().st_mode & ~_OWNER_ONLY)
    variables = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed}
    variables["SOURCE_DATE_EPOCH"] = listed("log", "-1", "--format=%ct").strip()
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run(
        [*command, "--wheel-dir", str(target), str(source)], check=True, env=variables, cwd=folder
    )
    (wheel,) = target.glob("*.whl")
    return wheel


def listed(*arguments: str) -> str:
    """Return what git prints."""
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def say(line: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
