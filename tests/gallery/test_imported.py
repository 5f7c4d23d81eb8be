import dataclasses

import numpy as np
import pytest
from gallery_fakes import FakePipeline, make_calibration, picture, sound

from mien import Gallery, find, media, quality
from mien.errors import AmbiguousPerson, InvalidArgument, NoImages, UnreadableImage
from mien.gallery.imported import pair
from mien.media import Region
from mien.quality import policy


class SideBySide(FakePipeline):
    """Faces next to each other, 120 pixels from one to the next."""

    def _faces(self, source, index):
        faces = super()._faces(source, index)
        shift = 120 * np.arange(len(faces))[:, None] * [1, 0, 1, 0]
        return dataclasses.replace(faces, boxes=(faces.boxes + shift).astype(np.float32))


@pytest.fixture
def gallery(path):
    with Gallery(path, pipeline=SideBySide(), calibration=make_calibration()) as opened:
        yield opened


@pytest.fixture
def named(monkeypatch):
    """Makes a photo of people whose names stand on faces, by position; None for a name without a place."""
    written = {}
    monkeypatch.setattr(media, "regions", lambda source: written[source])

    def make(who, names, *, look=0, sizes=(), reasons=()):
        photo = picture(*who, look=look, sizes=sizes, reasons=reasons)
        boxes = [None if at is None else (5 + 120 * at, 5, 115 + 120 * at, 115) for _, at in names]
        written[photo] = tuple(Region(name, box, "mwg") for (name, _), box in zip(names, boxes, strict=True))
        return photo

    return make


def test_names_go_to_the_faces_they_stand_on_whatever_their_size(gallery, named, path):
    party = named(("ada", "bob", "eve"), [("Bob", 1), ("Ada", 0)], sizes=(60, 100, 110))
    again = named(("bob",), [("Bob", 0)], look=1)
    nobody = named(("carl",), [])
    bob, ada = gallery.import_names([party, nobody, again], purpose="family album")
    assert (bob.label, len(bob.added), bob.refused) == ("Bob", 2, ())
    assert (ada.label, len(ada.added), ada.checked) == ("Ada", 1, True)
    assert sound(path) == {"Ada": 1, "Bob": 2}
    assert gallery.person("Ada").purpose == "family album"
    (face,) = gallery.identify(picture("bob", look=7))
    assert face.person == "Bob"


def test_again_changes_nothing(gallery, named, path):
    photos = [named(("ada", "bob"), [("Ada", 0), ("Bob", 1)]), named(("ada",), [("Ada", 0)], look=1)]
    first = gallery.import_names(photos)
    second = gallery.import_names(photos)
    assert [one.person_id for one in first] == [one.person_id for one in second]
    assert [(len(one.added), len(one.already)) for one in second] == [(0, 2), (0, 1)]
    assert sound(path) == {"Ada": 2, "Bob": 1}


@pytest.mark.parametrize(
    ("who", "names", "reasons"),
    [
        pytest.param(("ada",), [("Ada", 3)], {"Ada": "no_face_in_region"}, id="a region without a face"),
        pytest.param((), [("Ada", 0)], {"Ada": "no_face_in_region"}, id="no face at all"),
        pytest.param(("ada", "bob"), [("Ada", None)], {"Ada": "name_without_place"}, id="one name, two faces"),
        pytest.param(
            ("ada",),
            [("Ada", None), ("Bob", None)],
            dict.fromkeys(("Ada", "Bob"), "name_without_place"),
            id="two names",
        ),
        pytest.param(("ada", "ada"), [("Ada", 0), ("Ada", 1)], {"Ada": "named_twice"}, id="twice in one photo"),
    ],
)
def test_names_without_a_face_of_their_own_are_told(gallery, named, path, who, names, reasons):
    found = gallery.import_names([named(who, names)])
    assert {one.label: {r for refusal in one.refused for r in refusal.reasons} for one in found} == {
        label: {reason} for label, reason in reasons.items()
    }
    assert all(one.person_id is None and not one.added for one in found)
    assert sound(path) == {}


def test_a_name_without_a_place_means_the_only_face(gallery, named):
    (ada,) = gallery.import_names([named(("ada",), [("Ada", None)])])
    assert len(ada.added) == 1


def test_checked_as_in_enrolment(gallery, named, path):
    gallery.enroll("Bob", picture("bob"))
    photos = [named(("ada",), [("Ada", 0)], look=look) for look in range(3)]
    wrong = named(("eve",), [("Ada", 0)])
    taken = named(("bob",), [("Ada", 0)], look=5)
    blurred = named(("ada",), [("Ada", 0)], look=6, reasons=("blurred",))
    (ada,) = gallery.import_names([*photos, wrong, taken, blurred, photos[0]])
    assert len(ada.added) == 3
    assert [refusal.reasons for refusal in ada.refused] == [
        ("does_not_match_person",),
        ("does_not_match_person", "matches_other_person"),
        ("blurred",),
        ("duplicate",),
    ]
    assert sound(path) == {"Ada": 3, "Bob": 1}


def test_photos_that_fail_are_reported_or_raised_before_anything_is_enrolled(gallery, named, monkeypatch, path):
    photos = [named(("ada",), [("Ada", 0)]), b"damaged metadata", named(("bob",), [("B\x07b", 0)]), b"damaged pixels"]
    read = media.regions

    def regions(source):
        if source == b"damaged metadata":
            raise UnreadableImage("its metadata cannot be read")
        return (Region("Carl", None, "keyword"),) if source == b"damaged pixels" else read(source)

    monkeypatch.setattr(media, "regions", regions)
    with pytest.raises(UnreadableImage):
        gallery.import_names(photos)
    assert sound(path) == {}
    failed = []
    (ada,) = gallery.import_names(photos, on_error=lambda index, error: failed.append((index, type(error))))
    assert failed == [(1, UnreadableImage), (2, InvalidArgument), (3, UnreadableImage)]
    assert len(ada.added) == 1


@pytest.mark.parametrize(
    ("sources", "options", "error"),
    [
        pytest.param([], {}, NoImages, id="nothing"),
        pytest.param([np.zeros((9, 9, 3), np.uint8)], {}, InvalidArgument, id="an array"),
        pytest.param([b"x"], {"until": "2001-01-01"}, InvalidArgument, id="a day that is past"),
        pytest.param([b"x"], {"purpose": 7}, InvalidArgument, id="no purpose"),
    ],
)
def test_refused(gallery, sources, options, error):
    with pytest.raises(error):
        gallery.import_names(sources, **options)


def test_a_label_that_several_bear_enrols_nobody(gallery, named, path):
    gallery.enroll("Ada", picture("ada"))
    gallery.enroll("Ada", picture("other ada"), new=True)
    with pytest.raises(AmbiguousPerson):
        gallery.import_names([named(("bob", "ada"), [("Bob", 0), ("Ada", 1)], look=1)])
    assert sound(path) == {"Ada": 2}


def test_pairing():
    faces = np.array([[0, 0, 10, 10], [12, 0, 22, 10], [100, 100, 200, 200]], np.float32)
    regions = np.array([[-5, -5, 14, 15], [11, 0, 23, 11], [10, 0, 24, 13], [90, 160, 130, 220]], np.float32)
    assert pair(regions, faces) == [0, 1, None, None]
    assert pair(regions[:0], faces) == []
    assert pair(regions, faces[:0]) == [None] * 4


@pytest.mark.weights
@pytest.mark.samples
def test_a_real_photo_with_a_sidecar(weights, samples, tmp_path, monkeypatch):
    monkeypatch.setattr(quality, "reasons", policy.reasons)
    photo = tmp_path / "party.jpg"
    photo.write_bytes((samples / "multi_face.jpg").read_bytes())
    faces = find(photo)
    width, height = faces.image_size
    chosen = np.argsort(faces.boxes[:, 0])[[0, 3]]
    entries = ""
    for name, row in zip(("Left", "Right"), chosen, strict=True):
        left, top, right, bottom = faces.boxes[row] / [width, height, width, height]
        x, y, w, h = (left + right) / 2, (top + bottom) / 2, 1.3 * (right - left), 1.3 * (bottom - top)
        area = f'<m:Area a:x="{x:f}" a:y="{y:f}" a:w="{w:f}" a:h="{h:f}"/>'
        entries += f'<rdf:li><rdf:Description m:Name="{name}" m:Type="Face">{area}</rdf:Description></rdf:li>'
    (tmp_path / "party.xmp").write_text(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'xmlns:m="http://www.metadataworkinggroup.com/schemas/regions/" xmlns:a="http://ns.adobe.com/xmp/sType/Area#">'
        f'<m:Regions rdf:parseType="Resource"><m:RegionList><rdf:Bag>{entries}</rdf:Bag></m:RegionList></m:Regions>'
        "</rdf:Description></rdf:RDF>",
        encoding="utf-8",
    )
    with Gallery(tmp_path / "people.mien") as gallery:
        found = gallery.import_names(photo)
        assert [(one.label, len(one.added), one.refused) for one in found] == [("Left", 1, ()), ("Right", 1, ())]
        for label, row in zip(("Left", "Right"), chosen, strict=True):
            (sample,) = gallery.samples(label)
            assert sample.box == pytest.approx(faces.boxes[row].tolist(), abs=1)
