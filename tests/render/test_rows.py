import csv
import io

import pytest

from mien.render import CSV_COLUMNS, faces_to_rows

from .conftest import decision, faces_at


def test_rows(three):
    matched, unknown, refused = faces_to_rows(three, "party.jpg")
    assert all(tuple(row) == CSV_COLUMNS for row in (matched, unknown, refused))
    assert matched["source"] == "party.jpg"
    assert matched["face"] == 1
    assert (matched["left"], matched["bottom"]) == (60, 250)
    assert (matched["person"], matched["person_id"], matched["verdict"]) == ("Ada Lovelace", "p-1", "matched")
    assert (matched["score"], matched["threshold"], matched["interval_low"]) == (0.71, 0.363, 0.006)
    assert (unknown["person"], unknown["person_id"], unknown["best_candidate"]) == ("", "", "Ada Lovelace")
    assert (refused["verdict"], refused["reasons"]) == ("refused", "too_small blurred")
    assert matched["timestamp"] == ""


def test_faces_without_decisions_have_the_same_columns():
    (row,) = faces_to_rows(faces_at([(0, 0, 9, 9)], (20, 20)), "a")
    assert tuple(row) == CSV_COLUMNS
    assert (row["verdict"], row["score"], row["reasons"]) == ("found", "", "")
    assert faces_to_rows(faces_at([], (20, 20)), "a") == []


@pytest.mark.parametrize(
    ("label", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+49", "'+49"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1", "' =1"),
        ("\t=1", "'\t=1"),
        ("Ada = 1", "Ada = 1"),
    ],
)
def test_no_cell_is_a_formula(label, cell):
    faces = faces_at([(-5, 0, 9, 9)], (20, 20), [decision(True, label=label)])
    (row,) = faces_to_rows(faces, label)
    assert row["person"] == row["source"] == row["best_candidate"] == cell
    assert row["left"] == -5


def test_rows_survive_csv(three):
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS)
    writer.writeheader()
    writer.writerows(faces_to_rows(three, 'a, "b".jpg'))
    text.seek(0)
    assert next(csv.DictReader(text))["source"] == 'a, "b".jpg'
