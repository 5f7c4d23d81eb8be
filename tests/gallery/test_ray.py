"""Two real Ray nodes, one of which is killed in the middle: nobody is lost, nobody is doubled."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest
from cluster import Cluster, missing, run

from mien import Gallery
from mien.errors import StoreUnavailable

PEOPLE = 16
DRIVER = """
import sys
from pathlib import Path
from mien import Gallery
folder = Path(sys.argv[2])
people = [(person.name, sorted(person.iterdir())) for person in sorted(folder.iterdir())]
with Gallery(sys.argv[1]) as gallery:
    for done in gallery.enroll_all(people, workers="ray://", allow=("matches_other_person",)):
        print(done.label, len(done.added), [one.reasons for one in done.refused], flush=True)
"""


@pytest.fixture
def nodes():
    why = missing() or (None if find_spec("ray") else "ray is not installed")
    if why is not None:
        pytest.skip(why)
    with Cluster() as cluster:
        made = [cluster.node() for _ in range(2)]
        yield made
        for node in made:
            kill(node)


def kill(node):
    for pid in run("ip", "netns", "pids", node.space).stdout.split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def ray(node, *arguments):
    program = str(Path(sys.executable).with_name("ray"))
    run(
        "ip",
        "netns",
        "exec",
        node.space,
        program,
        "start",
        "--num-cpus",
        "1",
        "--node-ip-address",
        node.address,
        *arguments,
    )


@pytest.mark.weights
@pytest.mark.samples
def test_a_node_that_dies_takes_nothing_with_it(nodes, weights, samples, tmp_path):
    photos = ("obama.jpg", "obama2.jpg", "biden.jpg", "single_face.jpg")
    for number in range(PEOPLE):
        folder = tmp_path / "people" / f"person {number:02}"
        folder.mkdir(parents=True)
        # The same photo with some bytes behind its end is another content.
        photo = samples / photos[number % len(photos)]
        shutil.copy(photo, folder)
        with (folder / photo.name).open("ab") as file:
            file.write(bytes([number]))
    head, other = nodes
    ray(head, "--head", "--port", "6390", "--include-dashboard", "false", "--disable-usage-stats")
    ray(other, "--address", f"{head.address}:6390")
    path = tmp_path / "people.mien"
    command = ["ip", "netns", "exec", head.space, sys.executable, "-c", DRIVER, str(path), str(tmp_path / "people")]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = [driver.stdout.readline() for _ in range(3)]
    kill(other)
    rest, errors = driver.communicate(timeout=150)
    assert driver.returncode == 0, errors[-2000:]
    lines += rest.splitlines(keepends=True)
    assert sorted(line for line in lines if line.startswith("person")) == [
        f"person {number:02} 1 []\n" for number in range(PEOPLE)
    ]
    with Gallery(path) as gallery:
        assert [(p.label, p.samples) for p in gallery.people()] == [(f"person {n:02}", 1) for n in range(PEOPLE)]


def test_a_cluster_that_is_not_there_is_told(weights, tmp_path):
    pytest.importorskip("ray")
    with Gallery(tmp_path / "people.mien") as gallery, pytest.raises(StoreUnavailable, match="Ray cluster"):
        list(gallery.enroll_all([("Ada", ["ada.jpg"])], workers="ray://"))
