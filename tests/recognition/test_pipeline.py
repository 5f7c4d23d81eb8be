import gc
import io
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from mien import media
from mien.errors import InvalidArgument, UnreadableImage
from mien.faces import Detector, Landmarker
from mien.models import open_session
from mien.recognition import Embedder, Pipeline, default_pipeline, find, find_all

pytestmark = [pytest.mark.weights, pytest.mark.samples]

NAMES = ("obama.jpg", "multi_face.jpg", "free-mountain-vector-01.jpg", "biden.jpg")
COUNTS = (1, 5, 0, 1)


@pytest.fixture(scope="module")
def paths(weights, samples):
    return [samples / name for name in NAMES]


def test_find_gives_faces_with_templates_and_quality(paths):
    faces = find(paths[1])
    assert len(faces) == 5
    assert faces.templates.shape == (5, 128)
    assert np.allclose(np.linalg.norm(faces.templates, axis=1), 1, atol=1e-5)
    assert faces.space == default_pipeline().space
    assert np.all((faces.quality >= 0) & (faces.quality <= 100))
    width, height = faces.image_size
    assert np.all((faces.landmarks > 0) & (faces.landmarks < [width, height]))


def test_an_image_without_faces_is_an_empty_answer(paths):
    faces = find(paths[2])
    assert len(faces) == 0
    assert faces.templates.shape == (0, 128)


def test_find_all_keeps_the_order_of_images_of_all_sizes(paths):
    many = paths * 6
    found = list(find_all(iter(many)))
    assert [len(faces) for faces in found] == list(COUNTS) * 6
    for position, faces in enumerate(found):
        assert set(faces.image_index.tolist()) <= {position}
    alone = [find(path) for path in paths]
    for position, faces in enumerate(found):
        if len(faces):
            assert (faces.templates * alone[position % 4].templates).sum(1).min() > 0.9999


def test_every_kind_of_source_gives_the_same_faces(paths):
    path = paths[0]
    data = path.read_bytes()
    sources = [str(path), path, data, io.BytesIO(data), media.read(path)]
    templates = [faces.templates[0] for faces in find_all(sources)]
    assert min(float(templates[0] @ other) for other in templates) > 0.99999


def test_bad_images_are_reported_and_left_out(paths, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(paths[0].read_bytes()[:2000])
    mixed = [paths[0], broken, "no\0path.jpg", paths[3]] * 4
    failed = []
    kept = [
        index
        for index, _, faces in default_pipeline().find_all_indexed(mixed, on_error=lambda i, e: failed.append((i, e)))
        if len(faces)
    ]
    assert kept == [i for i in range(16) if i % 4 in (0, 3)]
    assert [index for index, _ in failed] == [i for i in range(16) if i % 4 in (1, 2)]
    assert all(isinstance(error, UnreadableImage) for _, error in failed)
    assert "broken.jpg" in str(failed[0][1])


def test_without_a_handler_a_bad_image_is_raised(paths, tmp_path):
    with pytest.raises(UnreadableImage, match="missing"):
        list(find_all([paths[0], tmp_path / "missing.jpg", paths[3]]))


@pytest.mark.parametrize("single", ["a.jpg", b"bytes", Path("a.jpg"), np.zeros((9, 9, 3), np.uint8)])
def test_one_image_where_several_are_expected_is_told_at_once(weights, single):
    with pytest.raises(InvalidArgument, match="put it in a list"):
        find_all(single)


def test_leaving_early_stops_the_work_and_no_thread_stays(paths):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield paths[2]

    stream = find_all(endless())
    for _ in range(5):
        next(stream)
    stream.close()
    assert taken < 100
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mien")]


def test_memory_does_not_grow_with_the_number_of_images(weights):
    """Live images never exceed the batches in work, however many there are."""
    alive = set()

    class Tracked(np.ndarray):
        def __del__(self):
            alive.discard(id(self))

    peak = 0

    def sources():
        nonlocal peak
        for _ in range(200):
            image = np.zeros((64, 64, 3), np.uint8).view(Tracked)
            alive.add(id(image))
            peak = max(peak, len(alive))
            yield image
            del image

    assert sum(1 for _ in find_all(sources())) == 200
    gc.collect()
    assert peak <= 60


def test_sixteen_threads_share_one_pipeline(paths):
    expected = find(paths[0]).templates[0]
    scores = []

    def work():
        scores.append(float(find(paths[0]).templates[0] @ expected))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(scores) == 16
    assert min(scores) > 0.9999


def test_float32_and_the_default_precision_share_the_space(paths):
    """The equivalence test of artefacts, on real faces through the whole pipeline."""
    card = open_session("sface-2021dec").card
    plain = Pipeline(
        Detector(open_session("yunet-2023mar", precision="f32")),
        Landmarker(open_session("face-mesh-468", precision="f32")),
        Embedder(open_session("sface-2021dec", precision="f32"), card.origin),
        name="f32",
        space=card.space,
        artefact="openvino/f32",
        dimension=card.dimension,
    )
    cosines = []
    for path in (paths[0], paths[1], paths[3]):
        first, second = plain.find(path), find(path)
        order = [int(np.argmin(np.abs(second.boxes - box).sum(1))) for box in first.boxes]
        cosines += (first.templates * second.templates[order]).sum(1).tolist()
    assert np.median(cosines) >= 0.998
    assert min(cosines) >= 0.99


def test_grey_and_rotated_photos_match_their_original(paths, tmp_path):
    original = find(paths[0]).templates[0]
    picture = Pillow.open(paths[0])
    turned = picture.transpose(Pillow.Transpose.ROTATE_90)
    exif = Pillow.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    picture.convert("L").save(tmp_path / "grey.png")
    for name, least in (("turned.jpg", 0.9), ("grey.png", 0.6)):
        assert find(tmp_path / name).templates[0] @ original > least, name
