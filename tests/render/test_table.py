from mien.render import table

from .conftest import decision, faces_at


def test_table(three):
    assert table(three).splitlines() == [
        "#  who                          score  threshold  quality  box",
        "1  Ada Lovelace                 0.710  0.363      90       60,120 160,250",
        "2  unknown                      0.180  0.363      80       260,120 360,250",
        "3  refused: too small, blurred  0.440  0.363      7        460,120 560,250",
    ]


def test_no_face():
    assert table(faces_at([], (20, 20))) == "no face"


def test_columns_line_up_with_wide_and_combining_characters():
    labels = ("李小龍", "Zoe\u0308", "Ada")
    faces = faces_at([(0, 0, 9, 9)] * 3, (20, 20), [decision(True, label=label) for label in labels])
    rows = table(faces).splitlines()[1:]
    assert [row.index("0.710") for row in rows] == [8, 12, 11]


def test_a_label_cannot_steer_the_terminal():
    faces = faces_at([(0, 0, 9, 9)], (20, 20), [decision(True, label="\x1b[2Jgone\nrow")])
    assert "\\x1b[2Jgone\\nrow" in table(faces)
    assert len(table(faces).splitlines()) == 2
