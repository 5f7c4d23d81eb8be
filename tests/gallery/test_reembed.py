import shutil

import numpy as np
import pytest
from gallery_fakes import DIMENSION, FakePipeline, looks, make_calibration, open_fake, picture, sound, template

from mien.errors import InvalidArgument, NoImages, RuntimeUnavailable, SpaceMismatch, UnreadableImage
from mien.gallery import Gallery
from mien.gallery.store import Sample
from mien.recognition import pipeline_for


class OtherPipeline(FakePipeline):
    """Another space, whose templates lie elsewhere."""

    def __init__(self):
        super().__init__("other-space")
        self.artefact = "other/f32"

    def _faces(self, source, index):
        import dataclasses

        faces = super()._faces(source, index)
        return dataclasses.replace(faces, templates=np.roll(faces.templates, 1, axis=1))


@pytest.fixture
def originals(tmp_path):
    """A folder of people's photos, one of them a group, and of other things."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for number, image in enumerate(looks("ada", 1, 2, 3)):
        (folder / f"ada{number}.jpg").write_bytes(image)
    for number, image in enumerate(looks("bo", 1, 2)):
        (folder / "deep" / f"bo{number}.jpg").write_bytes(image)
    (folder / "stranger.jpg").write_bytes(picture("nobody"))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 no image")
    return folder


@pytest.fixture
def enrolled(gallery, originals):
    gallery.enroll("Ada", sorted(originals.glob("ada*")), purpose="front door", until="2999-12-31")
    gallery.enroll("Bo", sorted(originals.glob("deep/bo*")))
    return gallery


def open_new(path):
    return Gallery(path, collection="new", pipeline=OtherPipeline(), calibration=make_calibration())


def test_people_labels_consents_and_samples_are_copied(enrolled, originals, path):
    before = enrolled.people()
    done = enrolled.reembed(originals, into="new", pipeline=OtherPipeline())
    assert (done.collection, done.space, done.samples, done.left_out, done.lost) == ("new", "other-space", 5, (), ())
    assert enrolled.people() == before
    with open_new(path) as new:
        for person in before:
            copy = new.person(done.people[person.person_id])
            assert copy.person_id != person.person_id
            for name in ("label", "samples", "purpose", "given", "expires", "created"):
                assert getattr(copy, name) == getattr(person, name), name
    sound(path)


def test_the_new_collection_names_people_and_the_old_one_still_does(enrolled, originals, path):
    enrolled.reembed([originals], into="new", pipeline=OtherPipeline())
    with open_new(path) as new:
        for opened in (enrolled, new):
            template = opened._pipeline().find(picture("bo", look=9)).templates
            with opened._store.reading(opened.collection) as transaction:
                best = opened._view(transaction).search(template, 1)[0].candidates[0]
            assert (best.label, best.score > 0.6) == ("Bo", True)


def test_spaces_never_meet(enrolled, originals, path):
    enrolled.reembed(originals, into="new", pipeline=OtherPipeline())
    with pytest.raises(SpaceMismatch, match="reembed"):
        Gallery(path, collection="new", pipeline=FakePipeline())
    with pytest.raises(SpaceMismatch):
        Gallery(path, pipeline=OtherPipeline())


def test_only_originals_are_embedded_and_each_once(enrolled, originals):
    (originals / "copy of ada0.jpg").write_bytes((originals / "ada0.jpg").read_bytes())
    pipeline, seen = OtherPipeline(), []
    enrolled.reembed([originals, originals], into="new", pipeline=pipeline, progress=seen.append)
    assert pipeline.embedded == 5
    assert seen == [1, 2, 3, 4, 5]


def test_what_has_no_original_is_told(enrolled, originals):
    (originals / "ada0.jpg").unlink()
    for file in originals.glob("deep/*"):
        file.write_bytes(file.read_bytes() + b" ")
    done = enrolled.reembed(originals, into="new", pipeline=OtherPipeline())
    assert [person.label for person in done.left_out] == ["Bo"]
    assert sorted((entry.label, entry.source, entry.reason) for entry in done.lost) == [
        ("Ada", "ada0.jpg", "no_original"),
        ("Bo", "bo0.jpg", "no_original"),
        ("Bo", "bo1.jpg", "no_original"),
    ]
    assert (len(done.people), done.samples) == (1, 2)
    document = done.to_dict()
    assert document["lost"][0].keys() == {"person_id", "label", "source", "reason"}
    assert document["left_out"][0]["label"] == "Bo"


GROUP = picture("cy", "dee", sizes=(100, 40))


@pytest.mark.parametrize(
    ("box", "image", "expected"),
    [
        pytest.param((12, 9, 111, 112), picture("cy"), None, id="the same box, nearly"),
        pytest.param((400, 300, 500, 400), picture("cy"), "no_face", id="elsewhere"),
        pytest.param(None, picture("cy"), None, id="no box, one face"),
        pytest.param(None, GROUP, None, id="no box, one large face"),
        pytest.param(None, picture("cy", "dee"), "several_faces", id="no box, two faces"),
        pytest.param((10, 10, 110, 110), picture(), "no_face", id="no face any more"),
        pytest.param((10, 10, 110, 110), b"no image", "no_face", id="no image any more"),
    ],
)
def test_it_is_the_very_same_face(enrolled, originals, box, image, expected):
    import hashlib

    (originals / "cy.jpg").write_bytes(image)
    sample = Sample(np.eye(DIMENSION, dtype=np.float32)[0], "cy.jpg", hashlib.sha256(image).hexdigest(), "a", 80.0, box)
    with enrolled._store.writing("main") as transaction:
        transaction.add_sample(transaction.add_person("Cy"), sample)
    done = enrolled.reembed(originals, into="new", pipeline=OtherPipeline())
    assert [entry.reason for entry in done.lost] == ([expected] if expected else [])


def test_of_a_group_the_person_enrolled_is_taken(enrolled, originals, path):
    """Dee is the smaller face of the photo; her sample says where she is."""
    import hashlib

    (originals / "group.jpg").write_bytes(GROUP)
    pipeline = OtherPipeline()
    dee = pipeline.find(GROUP)[1]
    digest = hashlib.sha256(GROUP).hexdigest()
    with enrolled._store.writing("main") as transaction:
        person_id = transaction.add_person("Dee")
        transaction.add_sample(person_id, Sample(dee.template, "group.jpg", digest, "a", 80.0, tuple(dee.box.tolist())))
    done = enrolled.reembed(originals, into="new", pipeline=pipeline)
    with open_new(path) as new, new._store.reading("new") as transaction:
        (template,) = transaction.templates(done.people[person_id])
    assert template @ dee.template == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("into", ["main", "taken"])
def test_a_collection_that_is_there_is_not_touched(enrolled, originals, path, into):
    with open_fake(path, collection="taken") as other:
        other.enroll("Eve", looks("eve", 1))
    before = sound(path)
    pipeline = OtherPipeline()
    with pytest.raises(InvalidArgument, match="there already"):
        enrolled.reembed(originals, into=into, pipeline=pipeline)
    assert pipeline.embedded == 0
    assert sound(path) == before


class Failing(OtherPipeline):
    def find_all_indexed(self, sources, *, on_error=None):
        yield from list(super().find_all_indexed(sources, on_error=on_error))[:2]
        raise RuntimeUnavailable("gone")


def test_all_or_nothing_where_the_recogniser_fails(enrolled, originals, path):
    with pytest.raises(RuntimeUnavailable):
        enrolled.reembed(originals, into="new", pipeline=Failing())
    _nothing_new(path)


def test_all_or_nothing_where_writing_fails(enrolled, originals, path, monkeypatch):
    from mien.gallery.sql.tables import SqlTransaction

    added = SqlTransaction.add_sample

    def full(self, person_id, sample):
        if sample.source == "bo1.jpg":
            raise OSError(28, "no room")
        added(self, person_id, sample)

    monkeypatch.setattr(SqlTransaction, "add_sample", full)
    with pytest.raises(OSError, match="no room"):
        enrolled.reembed(originals, into="new", pipeline=OtherPipeline())
    _nothing_new(path)


def _nothing_new(path):
    with open_new(path) as new, new._store.reading("new") as transaction:
        assert transaction.space() is None
    assert sound(path) == {"Ada": 3, "Bo": 2}


class Erasing(OtherPipeline):
    """Somebody is erased while the images are searched."""

    def __init__(self, gallery):
        super().__init__()
        self._gallery = gallery

    def find_all_indexed(self, sources, *, on_error=None):
        yield from super().find_all_indexed(sources, on_error=on_error)
        self._gallery.erase("Ada")


def test_who_is_erased_meanwhile_is_not_copied(enrolled, originals):
    done = enrolled.reembed(originals, into="new", pipeline=Erasing(enrolled))
    assert (len(done.people), done.samples, done.lost) == (1, 2, ())


@pytest.mark.parametrize(
    ("sources", "error"),
    [
        pytest.param([picture("nobody")], NoImages, id="strangers"),
        pytest.param([], NoImages, id="nothing"),
        pytest.param(["no/such/file.jpg"], NoImages, id="missing"),
        pytest.param([b""], NoImages, id="empty"),
    ],
)
def test_without_any_original_nothing_is_made(enrolled, path, sources, error):
    with pytest.raises(error, match="originals"):
        enrolled.reembed(sources, into="new", pipeline=OtherPipeline())
    _nothing_new(path)


def test_an_empty_collection_has_nobody_to_copy(gallery, originals):
    with pytest.raises(InvalidArgument, match="nobody"):
        gallery.reembed(originals, into="new", pipeline=OtherPipeline())


def test_a_gallery_opens_with_the_recogniser_of_its_space(path, monkeypatch):
    """And one that is not installed says so."""
    from mien import recognition

    asked = []

    def pipeline_for(space):
        asked.append(space)
        raise RuntimeUnavailable("pip install 'mien[dlib]'")

    monkeypatch.setattr(recognition, "pipeline_for", pipeline_for)
    with Gallery(path, pipeline=FakePipeline("dlib-resnet-v1"), calibration=make_calibration()) as first:
        first.enroll("Ada", looks("ada", 1, 2))
    with Gallery(path) as gallery, pytest.raises(RuntimeUnavailable, match=r"mien\[dlib\]"):
        gallery.identify(picture("ada"))
    assert asked == ["dlib-resnet-v1"]


def test_errors_of_images_are_no_errors_of_the_run(enrolled, originals):
    class Unreadable(OtherPipeline):
        def _faces(self, source, index):
            if str(source).endswith("bo0.jpg"):
                raise UnreadableImage("broken since")
            return super()._faces(source, index)

    done = enrolled.reembed(originals, into="new", pipeline=Unreadable())
    assert [(entry.source, entry.reason) for entry in done.lost] == [("bo0.jpg", "no_face")]


def test_an_erasure_names_the_collections_that_hold_the_same_images(enrolled, originals, path):
    assert enrolled.erase("Bo").elsewhere == ()
    enrolled.reembed(originals, into="new", pipeline=OtherPipeline())
    assert enrolled.erase("Ada").elsewhere == ("new",)
    with open_new(path) as new:
        assert new.erase("Ada").elsewhere == ()


def test_who_was_erased_stays_refused_in_the_new_collection(enrolled, originals, path):
    enrolled.erase("Bo")
    enrolled.reembed(originals, into="new", pipeline=OtherPipeline())
    with open_new(path) as new:
        back = new.enroll("Bo", sorted(originals.glob("deep/bo*")))
    assert {reason for one in back.refused for reason in one.reasons} == {"erased_before"}


@pytest.fixture
def switched(gallery, originals, location):
    """The collection main, open twice, where another recogniser's took its name."""
    gallery.enroll("Ada", sorted(originals.glob("ada*")))
    gallery.enroll("Bo", sorted(originals.glob("deep/bo*")))
    with Gallery(location, collection="main", calibration=make_calibration()) as running:
        assert running.search(template("ada", 1), k=1)[0].candidates[0].label == "Ada"
        gallery.reembed(originals, into="new", pipeline=OtherPipeline())
        gallery.switch_to("new", keep_as="before")
        yield running


def test_a_collection_takes_anothers_name(switched, location):
    assert space_of(switched) == "other-space"
    moved = np.roll(template("ada", 1), 1)
    assert switched.search(moved, k=1)[0].candidates[0].label == "Ada"
    assert switched.search(moved, k=1)[0].candidates[0].score > 0.9
    with open_fake(location, collection="before") as before:
        assert space_of(before) == "fake-space"
        assert before.search(template("ada", 1), k=1)[0].candidates[0].score > 0.9
    with pytest.raises(InvalidArgument, match="there already"):
        switched.switch_to("before", keep_as="before")
    with pytest.raises(InvalidArgument, match="nobody is enrolled"):
        switched.switch_to("elsewhere", keep_as="old")
    assert space_of(switched) == "other-space"


def space_of(gallery):
    with gallery._store.reading(gallery.collection) as transaction:
        return transaction.space()[0]


@pytest.mark.weights
@pytest.mark.samples
def test_real_processes_embed_real_photos_again(samples, tmp_path, monkeypatch):
    monkeypatch.undo()
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("obama.jpg", "obama2.jpg", "biden.jpg", "single_face.jpg"):
        shutil.copy(samples / name, photos)
    seen = []
    with Gallery(tmp_path / "people.mien") as gallery:
        gallery.enroll("Obama", [photos / "obama.jpg", photos / "obama2.jpg"])
        gallery.enroll("Biden", [photos / "biden.jpg"])
        pipeline = pipeline_for("sface")
        done = gallery.reembed(photos, into="new", pipeline=pipeline, workers=2, progress=seen.append)
        assert (len(done.people), done.samples, done.lost, seen) == (2, 3, (), [3])
        with gallery._store.reading("main") as old, gallery._store.reading("new") as new:
            for person_id, key in done.people.items():
                np.testing.assert_allclose(old.templates(person_id), new.templates(key), atol=1e-3)
