"""Check that the base install resolves to binary wheels alone on every platform we promise, without installing it.

pip resolves for the platform and Python named and reads metadata only. Environment markers are still those of the
machine this runs on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def manylinux(newest: int, machine: str) -> list[str]:
    """Tags of every glibc from 2.5 up to 2.``newest``."""
    return [f"manylinux_2_{minor}_{machine}" for minor in range(newest, 4, -1)] + [f"manylinux2014_{machine}"]


PLATFORMS = {
    "linux-x86_64": manylinux(28, "x86_64"),
    "linux-aarch64": manylinux(35, "aarch64"),  # OpenVINO builds on Ubuntu 22.04 there; Debian 12 is newer
    "macos-arm64": ["macosx_14_0_arm64"],
    "windows-x86_64": ["win_amd64"],
}
PYTHONS = ("3.11", "3.14")


def resolve(requirements: list[str], platform: str, python: str) -> list[str]:
    """File names of the wheels pip would install.

    Raises:
        subprocess.CalledProcessError: Something has no wheel for this platform; its stderr says what.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["--only-binary", ":all:", "--implementation", "cp", "--python-version", python]
        command += [f"--platform={tag}" for tag in PLATFORMS[platform]]
        command += ["--target", folder, "--report", str(report), *requirements]
        subprocess.run(command, check=True, capture_output=True, text=True)
        installed = json.loads(report.read_text())["install"]
    return sorted(entry["download_info"]["url"].rsplit("/", 1)[-1] for entry in installed)


def main() -> int:
    parser = argparse.ArgumentParser(description="Check that binary wheels resolve on every promised platform.")
    parser.add_argument("--platform", choices=PLATFORMS, action="append", help="only this one (may be given again)")
    parser.add_argument("--python", action="append", help=f"only this version (default: {', '.join(PYTHONS)})")
    parser.add_argument("--extra", action="append", default=[], help="with this extra as well (may be given again)")
    arguments = parser.parse_args()
    project = tomllib.loads(PROJECT.read_text())["project"]
    extras = [one for name in arguments.extra for one in project["optional-dependencies"][name]]
    requirements = [*project["dependencies"], *extras]
    failed = False
    for platform in arguments.platform or PLATFORMS:
        for python in arguments.python or PYTHONS:
            try:
                wheels = resolve(requirements, platform, python)
            except subprocess.CalledProcessError as error:
                failed = True
                print(f"{platform}, Python {python}: no\n{error.stderr.strip()}")
            else:
                print(f"{platform}, Python {python}: {len(wheels)} wheels")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
