from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from mien.errors import InvalidArgument, ModelUnavailable, RuntimeUnavailable
from mien.models import card, fetch, open_session, prove
from mien.models.registry import Input
from mien.models.session import to_network

pytestmark = pytest.mark.weights


def pictures(n, height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, height, width, 3), np.uint8)


@pytest.mark.parametrize("backend", ["onnxruntime", "opencv"])
@pytest.mark.parametrize(
    ("name", "shape"),
    [("yunet-2023mar", (2, 96, 160)), ("sface-2021dec", (3, 112, 112))],
)
def test_the_runtimes_agree(weights, backend, name, shape):
    images = pictures(*shape)
    expected = open_session(name, backend="openvino", precision="f32").run(images)
    got = open_session(name, backend=backend).run(images)
    assert got.keys() == expected.keys() == set(card(name).outputs)
    for output in expected:
        np.testing.assert_allclose(got[output], expected[output], atol=2e-3, rtol=2e-3)


def test_a_session_says_what_it_is(weights):
    session = open_session("sface-2021dec", precision="f32")
    assert (session.model, session.backend, session.device, session.precision) == (
        "sface-2021dec",
        "openvino",
        "CPU",
        "f32",
    )
    assert session.seconds == 0
    proof = prove(session, repeats=2)
    assert (proof.device, proof.size) == ("CPU", (112, 112))
    assert 0 < proof.milliseconds / 1e3 <= session.seconds


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime", "opencv"])
def test_threads_share_a_session(weights, backend):
    session = open_session("yunet-2023mar", backend=backend, precision="f32", threads=8)
    inputs = [pictures(1 + seed % 5, 64, 64 + 32 * (seed % 2), seed) for seed in range(16)]
    expected = [session.run(images) for images in inputs]
    got = [{} for _ in inputs]

    def work(i):
        got[i] = session.run(inputs[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for mine, theirs in zip(got, expected, strict=True):
        for name in theirs:
            np.testing.assert_allclose(mine[name], theirs[name], atol=1e-4)


def test_results_outlive_the_next_run(weights):
    session = open_session("sface-2021dec", precision="f32")
    first = session.run(pictures(1, 112, 112, 1))["fc1"]
    kept = first.copy()
    session.run(pictures(1, 112, 112, 2))
    np.testing.assert_array_equal(first, kept)


def test_pixels_need_not_be_contiguous(weights):
    session = open_session("sface-2021dec", precision="f32")
    images = pictures(2, 112, 112)
    mirrored = images[:, :, ::-1]
    np.testing.assert_array_equal(session.run(mirrored)["fc1"], session.run(mirrored.copy())["fc1"])


@pytest.mark.parametrize(
    ("name", "images"),
    [
        pytest.param("sface-2021dec", pictures(1, 112, 112).astype(np.float32), id="type"),
        pytest.param("sface-2021dec", pictures(1, 112, 96), id="size"),
        pytest.param("sface-2021dec", pictures(1, 112, 112)[0], id="no batch"),
        pytest.param("sface-2021dec", pictures(1, 112, 112)[:0], id="empty"),
        pytest.param("sface-2021dec", [[1]], id="list"),
        pytest.param("yunet-2023mar", pictures(1, 100, 64), id="multiple"),
        pytest.param("yunet-2023mar", pictures(1, 64, 64).transpose(0, 3, 1, 2), id="layout"),
    ],
)
def test_other_images_are_refused(weights, name, images):
    with pytest.raises(InvalidArgument, match=rf"{name}: expected uint8 RGB images"):
        open_session(name, precision="f32").run(images)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        pytest.param({"backend": "tensorrt"}, InvalidArgument, "backend: expected one of", id="backend"),
        pytest.param({"precision": "int8"}, InvalidArgument, "precision: expected one of", id="precision"),
        pytest.param({"threads": 0}, InvalidArgument, "threads", id="threads"),
        pytest.param({"device": "openvino:CPU", "backend": "opencv"}, InvalidArgument, "belongs to", id="owner"),
        pytest.param({"backend": "opencv", "device": "gpu"}, RuntimeUnavailable, "CPU only", id="opencv gpu"),
        pytest.param({"backend": "opencv", "precision": "bf16"}, RuntimeUnavailable, "f32", id="opencv bf16"),
        pytest.param({"backend": "onnxruntime", "precision": "bf16"}, RuntimeUnavailable, "f32", id="ort bf16"),
        pytest.param({"device": "openvino:NPU.7"}, RuntimeUnavailable, r"sees no NPU\.7", id="no such device"),
        pytest.param({"device": "gpu", "backend": "onnxruntime"}, RuntimeUnavailable, "DmlExecution", id="ort gpu"),
        pytest.param({"device": "warp"}, RuntimeUnavailable, "warp", id="nonsense"),
    ],
)
def test_what_cannot_be_done_is_refused(weights, arguments, error, message):
    with pytest.raises(error, match=message):
        open_session("sface-2021dec", **arguments)


def test_a_network_no_translator_knows_is_refused_with_the_reason():
    try:
        fetch("selfie-segmentation")
    except ModelUnavailable as error:
        pytest.skip(error.message)
    assert open_session("selfie-segmentation").backend == "opencv"
    with pytest.raises(RuntimeUnavailable, match="No translator found"):
        open_session("selfie-segmentation", backend="openvino")


@pytest.mark.parametrize("name", ["face-mesh-468", "blazeface-short"])
def test_tensorflow_lite_files_run_in_openvino_and_opencv_alike(name):
    try:
        fetch(name)
    except ModelUnavailable as error:
        pytest.skip(error.message)
    width, height = card(name).input.size
    images = pictures(3, height, width)
    expected = open_session(name, backend="openvino", precision="f32").run(images)
    got = open_session(name, backend="opencv").run(images)
    for output in card(name).outputs:
        assert len(expected[output]) == 3
        np.testing.assert_allclose(got[output].ravel(), expected[output].ravel(), atol=2e-3, rtol=2e-3)


def test_a_gpu_that_is_not_there_is_an_error_not_a_fallback(weights):
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine's ONNX Runtime drives a GPU")
    with pytest.raises(RuntimeUnavailable, match="has no CUDAExecutionProvider"):
        open_session("sface-2021dec", device="cuda")


def test_a_provider_that_fails_to_start_is_an_error(weights, monkeypatch):
    onnxruntime = pytest.importorskip("onnxruntime")
    # ONNX Runtime warns and goes on with the CPU where a provider that it was built with cannot start.
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda path, options, providers: real(path, options, ["CPUExecutionProvider"])
    )
    with pytest.raises(RuntimeUnavailable, match="would run on CPU"):
        open_session("sface-2021dec", backend="onnxruntime", device="cuda")


def test_a_missing_runtime_says_how_to_install_it(weights, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(RuntimeUnavailable, match=r"pip install 'mien\[onnxruntime\]'"):
        open_session("sface-2021dec", backend="onnxruntime")


def test_without_a_cache_for_compiled_models_it_opens_all_the_same(weights, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "file"))
    session = open_session("yunet-2023mar", path=weights["yunet-2023mar"].path, precision="f32")
    assert session.run(pictures(1, 64, 64))["cls_8"].shape == (1, 64, 1)


def test_openvino_reports_to_nobody(weights, tmp_path):
    code = """
import os, sys
network = {"socket.getaddrinfo", "socket.connect"}
sys.addaudithook(lambda event, arguments: os._exit(3) if event in network else None)
from mien.models import open_session
open_session("yunet-2023mar", path=sys.argv[1], precision="f32")
"""
    home = tmp_path / "home"
    home.mkdir()
    quiet_where = {"CI", "TF_BUILD", "JENKINS_URL"}
    environment = {name: value for name, value in os.environ.items() if name not in quiet_where}
    environment |= {"HOME": str(home), "USERPROFILE": str(home), "MIEN_CACHE": str(tmp_path / "cache")}
    path = str(weights["yunet-2023mar"].path)
    subprocess.run([sys.executable, "-c", code, path], env=environment, check=True, timeout=60)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("colour", ["RGB", "BGR"])
def test_pixels_on_their_way_to_the_network(layout, colour):
    image = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)
    spec = Input(size=None, layout=layout, colour=colour, mean=(1.0, 2.0, 3.0), scale=0.5)
    blob = to_network(image, spec)
    assert (blob.dtype, blob.flags.c_contiguous) == (np.float32, True)
    for channel in range(3):
        expected = (image[0, :, :, channel if colour == "RGB" else 2 - channel].astype(float) - (channel + 1)) / 2
        np.testing.assert_allclose(blob[0, channel] if layout == "NCHW" else blob[0, :, :, channel], expected)
