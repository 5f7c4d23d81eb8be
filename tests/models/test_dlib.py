"""The extra `dlib`: its network behind the same interface, and what is said where it is missing."""

from __future__ import annotations

import importlib
import sys
import threading

import numpy as np
import pytest

from mien.errors import InvalidArgument, ModelUnavailable, RuntimeUnavailable
from mien.models import card, cards, fetch, open_session, usable_cards, verify, weights
from mien.models import session as session_module

MODEL = "dlib-resnet-v1"


@pytest.fixture(scope="module")
def network():
    pytest.importorskip("dlib", reason="the extra dlib is not installed")
    return open_session(MODEL)


def pictures(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 150, 150, 3), np.uint8)


def test_descriptors_are_those_of_dlib_itself(network):
    import dlib

    images = pictures(3)
    outputs = network.run(images)
    alone = dlib.face_recognition_model_v1(str(fetch(MODEL).path))
    assert list(outputs) == ["descriptor"]
    assert outputs["descriptor"].dtype == np.float32
    expected = [np.array(alone.compute_face_descriptor(np.ascontiguousarray(image))) for image in images]
    np.testing.assert_allclose(outputs["descriptor"], expected, atol=1e-5)


def test_views_of_an_image_need_not_be_contiguous(network):
    images = pictures(1)
    flipped = network.run(images[:, :, ::-1])["descriptor"]
    np.testing.assert_array_equal(flipped, network.run(images[:, :, ::-1].copy())["descriptor"])


def test_it_says_what_it_is_and_counts_time(network):
    before = network.seconds
    network.run(pictures(1))
    assert network.seconds > before
    assert (network.backend, network.device, network.precision) == ("dlib", "CPU", "f32")


def test_threads_share_a_session(network):
    inputs = [pictures(1, seed) for seed in range(3)]
    expected = [network.run(images)["descriptor"] for images in inputs]
    got = [None] * 3

    def work(i):
        got[i] = network.run(inputs[i])["descriptor"]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"device": "gpu"}, "CPU only", id="device"),
        pytest.param({"precision": "bf16"}, "f32, not in bf16", id="precision"),
        pytest.param({"backend": "openvino"}, "cannot run", id="another runtime"),
    ],
)
def test_what_it_cannot_do_is_refused(network, arguments, message):
    with pytest.raises(RuntimeUnavailable, match=message):
        open_session(MODEL, **arguments)


def test_images_of_another_size_are_refused(network):
    with pytest.raises(InvalidArgument, match=r"\(n, 150, 150, 3\)"):
        network.run(np.zeros((1, 112, 112, 3), np.uint8))


def test_a_file_that_is_no_network(network, tmp_path):
    backend = importlib.import_module("mien.models._dlib")
    (tmp_path / "x.dat").write_bytes(b"\0" * 100)
    with pytest.raises(RuntimeUnavailable, match=r"cannot read .*x\.dat"):
        backend.open_model(card(MODEL), tmp_path / "x.dat", "cpu", "f32", 1)


def test_without_the_extra_the_way_to_install_it_is_said_and_nothing_is_fetched(monkeypatch):
    monkeypatch.setattr(session_module, "find_spec", lambda name: None)
    monkeypatch.setattr(session_module, "fetch", lambda *_, **__: pytest.fail("fetched"))
    with pytest.raises(RuntimeUnavailable, match=r"pip install 'mien\[dlib\]'"):
        open_session(MODEL)


def test_a_dlib_that_cannot_be_imported_is_told(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "dlib", None)
    backend = importlib.import_module("mien.models._dlib")
    with pytest.raises(RuntimeUnavailable, match=r"pip install 'mien\[dlib\]'"):
        backend.open_model(card(MODEL), tmp_path / "x.dat", "cpu", "f32", 1)


def test_the_weights_are_those_of_the_installed_package(network, monkeypatch):
    monkeypatch.delenv("MIEN_MODELS", raising=False)
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    located = fetch(MODEL)
    assert located.source == "installed package"
    assert located.path.parts[-3:] == ("face_recognition_models", "models", card(MODEL).file.name)
    assert [status.state for status in verify([MODEL])] == ["ok"]


def test_models_of_extras_that_are_not_installed_are_not_asked_for(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "_packaged", lambda known: None)
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path))
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    monkeypatch.delenv("MIEN_MODELS", raising=False)
    assert usable_cards() == tuple(known for known in cards() if known.extra is None)
    assert MODEL not in [status.name for status in verify()]
    with pytest.raises(ModelUnavailable, match=MODEL):
        fetch(MODEL)
