"""What `deploy/` promises: nobody is root, nothing is written to but the data, and the commands in it are Mien's."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mien.cli._app import build_parser

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
UNIT = (DEPLOY / "mien.service").read_text(encoding="utf-8")
ROUTES = json.loads((ROOT / "docs" / "reference" / "openapi.json").read_text(encoding="utf-8"))["paths"]


def stages():
    """Instructions of each stage, continued lines joined, comments gone."""
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)).splitlines()
    found = []
    for line in filter(None, map(str.strip, lines)):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest.strip()))
    return found


def of(stage, word):
    return [rest for instruction, rest in stage if instruction == word]


def variables(text):
    return set(re.findall(r"\b(MIEN_[A-Z]+)=", text))


def known_variables():
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    return {*re.findall(r'"(MIEN_[A-Z]+)"', source)}


def test_the_image_is_small_and_nobodys():
    build, final = stages()
    assert of(build, "FROM")[0].split()[0] == of(final, "FROM")[0]
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", of(final, "FROM")[0])
    uid = int(of(final, "USER")[0].partition(":")[0])
    assert uid > 0
    assert f"--uid {uid}" in of(final, "RUN")[0]
    assert f"--owner {uid}" in of(final, "RUN")[0]
    assert of(final, "VOLUME") == ["/data"]
    # What is built with stays behind.
    assert all(copied.startswith("--from=build /opt/") for copied in of(final, "COPY"))
    (installed,) = re.findall(r"/opt/mien/bin/pip install (.*?)$", of(build, "RUN")[0])
    assert "--only-binary :all:" in installed
    extras = re.findall(r"\[([\w,]+)\]", installed)[0].split(",")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {*extras} <= {*project["optional-dependencies"]}


def test_only_what_the_image_is_made_of_is_sent_to_the_builder():
    """No gallery, key or photo that lies in the checkout can get into a layer."""
    sent = (DEPLOY / "Dockerfile.dockerignore").read_text().split("\n")
    assert "*" in sent
    allowed = {line[1:] for line in sent if line.startswith("!")}
    copied = {name for rest in of(stages()[0], "COPY") for name in rest.split()[:-1]}
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
    # What the build needs of the project is there.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {project["readme"], *project["license-files"]} <= copied
    assert not re.search(r"(?i)password|token|mien_[0-9a-f]{8}_", DOCKERFILE)


def test_the_image_runs_a_command_that_there_is():
    _, final = stages()
    command = [*json.loads(of(final, "ENTRYPOINT")[0]), *json.loads(of(final, "CMD")[0])]
    assert command[0] == "mien"
    assert build_parser().parse_args(command[1:]).host == "0.0.0.0"
    (health,) = of(final, "HEALTHCHECK")
    assert re.search(r"127\.0\.0\.1:8000(/v1/health)'", health).group(1) in ROUTES
    assert variables(of(final, "ENV")[0]) <= known_variables()
    exported = of(stages()[0], "RUN")[1].split()[-1]
    assert f"MIEN_MODELS={exported}" in of(final, "ENV")[0]
    assert of(final, "COPY")[-1].split()[-1] == exported


def test_containers_may_do_little():
    yaml = pytest.importorskip("yaml")
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    for name, service in composed["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert {"pids_limit", "mem_limit", "restart"} <= {*service}, name
        assert "privileged" not in service
        assert {one.partition(":")[0] for one in service["volumes"]} <= {*composed["volumes"], "./Caddyfile"}
        assert {*service["networks"]} <= {*composed["networks"]}
    mien, caddy = composed["services"]["mien"], composed["services"]["caddy"]
    # The proxy alone is reached from outside, and the service reaches nobody.
    assert "ports" not in mien
    assert mien["networks"] == ["inside"]
    assert composed["networks"]["inside"] == {"internal": True}
    assert caddy["depends_on"]["mien"]["condition"] == "service_healthy"
    assert "mien:8000" in (DEPLOY / "Caddyfile").read_text()
    assert (DEPLOY / mien["build"]["context"] / mien["build"]["dockerfile"]).resolve() == DEPLOY / "Dockerfile"


def test_the_unit_runs_a_command_that_there_is():
    (started,) = re.findall(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)
    program, *arguments = shlex.split(started.replace("$MIEN_OPTIONS", ""))
    assert program == "/opt/mien/bin/mien"
    assert build_parser().parse_args(arguments).log_format == "json"
    assert variables(UNIT) <= known_variables() | {"MIEN_OPTIONS"}
    assert "User=mien" in UNIT


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_unit_and_finds_it_hardened(tmp_path):
    unit = tmp_path / "mien.service"
    unit.write_text(UNIT.replace("/opt/mien/bin/mien", sys.executable))
    checked = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
    assert (checked.returncode, [line for line in checked.stderr.splitlines() if "mien.service" in line]) == (0, [])
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit]
    rated = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if "unrecognized option" in rated.stderr:
        pytest.skip("this systemd-analyze rates running units only")
    assert rated.returncode == 0, rated.stdout
