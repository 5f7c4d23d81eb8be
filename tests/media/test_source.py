import io
from pathlib import Path

import numpy as np
import pytest

from mien.media import source_name


class Named(io.BytesIO):
    name = "camera.jpg"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("party.jpg", "party.jpg"),
        (Path("photos/party.jpg"), str(Path("photos/party.jpg"))),
        ("Zoë 李.jpg", "Zoë 李.jpg"),
        ("two\nlines.jpg", "two\N{REPLACEMENT CHARACTER}lines.jpg"),
        ("caf\udce9.jpg", "caf\N{REPLACEMENT CHARACTER}.jpg"),
        (b"12345", "<bytes: 5>"),
        (memoryview(b"12345"), "<bytes: 5>"),
        (np.zeros((480, 640, 3), np.uint8), "<array: 640x480>"),
        (np.zeros((480, 640), np.uint8), "<array: 640x480>"),
        (Named(), "camera.jpg"),
        (io.BytesIO(), "<BytesIO>"),
        (None, "<NoneType>"),
    ],
)
def test_source_name(source, name):
    assert source_name(source) == name
