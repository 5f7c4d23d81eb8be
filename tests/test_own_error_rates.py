"""A newcomer measures a folder of people with the real weights, and compares the two recognisers."""

import json
import shutil

import pytest

from mien.cli import main

pytestmark = [pytest.mark.weights, pytest.mark.samples]


@pytest.fixture
def people(weights, samples, tmp_path):
    """Two photos of one man, one each of another man and of a woman, and one without a face."""
    folder = tmp_path / "people"
    for person, photos in (
        ("Barack", ("obama.jpg", "obama2.jpg", "obama3.jpg")),
        ("Joe", ("biden.jpg",)),
        ("Somebody", ("single_face.jpg", "free-mountain-vector-01.jpg")),
    ):
        (folder / person).mkdir(parents=True)
        for photo in photos:
            shutil.copy(samples / photo, folder / person / photo)
    return folder


def test_the_report_of_a_folder_of_people(people, tmp_path, capsys):
    report = tmp_path / "people.html"
    assert main(["evaluate", "verify", "folder", "--root", str(people), "--output", str(report)]) == 0
    document = json.loads(report.with_suffix(".json").read_text("ascii"))
    assert document["comparisons"] == {"mated": 4, "non_mated": 11}
    assert document["failure_to_acquire"]["errors"] == 1
    # Of four mated comparisons one is with the photo without a face; people weigh the same.
    (stated,) = [row for row in document["stated"] if row["fmr"] == 1e-4]
    assert stated["measured_fnmr"]["value"] == 0.5
    assert (stated["measured_fmr"]["errors"], stated["measured_fmr"]["supported"]) == (0, False)
    assert "Barack/obama.jpg" in report.read_text("utf-8")
    assert "free-mountain-vector-01.jpg" in report.read_text("utf-8")


def test_searches_of_a_folder_of_people(people, capsys):
    assert main(["evaluate", "identify", "folder", "--root", str(people), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["people"], document["mated_people"]) == (3, 2)
    assert document["cmc"][0] >= 0.5


def test_the_same_people_are_measured_twice_alike(people, capsys):
    documents = []
    for _ in range(2):
        assert main(["evaluate", "verify", "folder", "--root", str(people), "--format", "json"]) == 0
        documents.append(json.loads(capsys.readouterr().out))
        del documents[-1]["provenance"]["made"]
    assert documents[0] == documents[1]
