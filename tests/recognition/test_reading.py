"""What is read as a calibration, and what is not."""

from __future__ import annotations

import json

import pytest

from mien.errors import InvalidArgument
from mien.recognition import RECOGNISERS, Calibration, load_calibration, pipeline_name

SHIPPED = load_calibration(pipeline_name("sface"))
IMAGES = ("comparisons", "image-image")


def changed(*path_and_value):
    """The shipped calibration's document with something else at a path."""
    *above, last, value = path_and_value
    document = json.loads(json.dumps(SHIPPED.to_dict()))
    at = document
    for key in above:
        at = at[key]
    at[last] = value
    return document


@pytest.mark.parametrize("recogniser", RECOGNISERS)
def test_what_is_written_is_read(recogniser):
    calibration = load_calibration(pipeline_name(recogniser))
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration


def test_nobody_may_have_been_searched_for():
    read = Calibration.from_dict(changed("identification", 0, "fnir", float("nan")))
    assert read.identification[0].fnir != read.identification[0].fnir


BROKEN = {
    "a list": ([], "not a calibration"),
    "nothing": ({}, "not a calibration"),
    "a schema alone": ({"schema": "mien.calibration/1"}, "not a calibration"),
    "another schema": (changed("schema", "mien.faces/1"), "expected schema 'mien.calibration/1', got 'mien.faces/1'"),
    "a newer schema": (changed("schema", "mien.calibration/2"), "written by a newer Mien"),
    "an odd schema": (changed("schema", "mien.calibration/new"), "expected schema"),
    "no name": (changed("name", ""), "name: expected a text"),
    "a number for a pipeline": (changed("pipeline", 7), "pipeline: expected a text, got 7"),
    "a word for a number": (
        changed(*IMAGES, "points", 0, "threshold", "high"),
        "threshold: expected float, got 'high'",
    ),
    "a share for a count": (changed(*IMAGES, "points", 0, "errors", 3.5), "errors: expected int"),
    "a truth for a count": (changed(*IMAGES, "points", 0, "people", True), "people: expected int"),
    "a number for a truth": (changed("identification", 0, "supported", 1), "supported: expected bool, got 1"),
    "no number": (changed(*IMAGES, "points", 0, "fnmr", float("nan")), "fnmr: expected a finite number"),
    "an infinite threshold": (changed("identification", 0, "threshold", float("inf")), "expected a finite number"),
    "a rate beyond 1": (changed(*IMAGES, "points", 0, "fmr", 1.5), "expected a rate between 0 and 1"),
    "an interval upside down": (changed(*IMAGES, "points", 0, "low", 0.5), "expected a rate between 0 and 1 with its"),
    "thresholds that fall": (changed(*IMAGES, "points", 0, "threshold", 0.9), "expected falling rates with rising"),
    "searches that fall": (changed("identification", 0, "threshold", 2.0), "identification: gallery of 10: expected"),
    "rates that rise": (changed(*IMAGES, "points", 1, "fmr", 0.5), "expected falling rates"),
    "a field too many": (changed("population", "camera", "x"), "population: expected the fields description, people"),
    "a field too few": (changed("population", {"people": 3}), "population: expected the fields"),
    "a flat map": (changed(*IMAGES, "llr", [0.0, 1.0]), "llr: expected a slope other than 0"),
    "half a map": (changed(*IMAGES, "llr", [1.0]), "llr: expected a slope"),
    "a map of words": (changed(*IMAGES, "llr", ["a", "b"]), "llr: expected a slope"),
    "a count below nobody": (changed(*IMAGES, "mated", -1), "mated: expected a count, got -1"),
    "no points": (changed(*IMAGES, {}), "not a calibration"),
    "no comparisons": (changed("comparisons", []), "not a calibration"),
    "searches of nobody": (changed("identification", 0, "gallery", 0), "gallery: expected 1 or more"),
}


@pytest.mark.parametrize(("document", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_refused(document, message):
    with pytest.raises(InvalidArgument, match=message):
        Calibration.from_dict(document)
