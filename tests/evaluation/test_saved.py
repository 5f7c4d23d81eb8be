import dataclasses

import numpy as np
import pytest

from mien.errors import InvalidArgument, UnwritableFile
from mien.evaluation import Evaluation, Provenance, compare, identify_all, load_scores, save_scores, verify_all


@pytest.fixture
def evaluate(synthetic):
    def evaluate(**shape):
        samples = synthetic(**shape)
        provenance = Provenance(
            protocol="folder",
            title="a folder",
            command="mien evaluate",
            captures=len(samples.records),
            people=80,
            failed=0,
            data_sha256="f" * 64,
            pipeline="p",
            artefact="a",
            weights={"m": "0" * 64},
            calibration=None,
            face="largest",
            weigh="person",
            replicates=20,
            seed=0,
            mien="0",
            platform="x",
            made="2026-01-01",
        )
        return Evaluation(provenance, samples, verify_all(samples, replicates=20))

    return evaluate


def test_scores_come_back_as_they_were(evaluate, tmp_path):
    evaluation = evaluate()
    assert save_scores(tmp_path / "a.npz", evaluation)
    saved = load_scores(tmp_path / "a.npz")
    assert saved.provenance == dataclasses.asdict(evaluation.provenance)
    for name in ("mated", "mated_subjects", "tail", "tail_subjects", "probes", "references"):
        assert np.array_equal(getattr(saved.pairs, name), getattr(evaluation.result.scores, name))
    assert saved.pairs.non_mated_total == evaluation.result.non_mated_total


def test_the_file_holds_no_name_and_no_template(evaluate, tmp_path):
    evaluation = evaluate()
    save_scores(tmp_path / "a.npz", evaluation)
    with np.load(tmp_path / "a.npz") as stored:
        everything = b"".join(stored[name].tobytes() for name in stored.files)
    assert b"p001" not in everything
    assert "p001".encode("utf-32-le") not in everything
    assert evaluation.samples.templates[0].tobytes() not in everything


def test_the_better_system_is_found_and_a_system_does_not_differ_from_itself(evaluate, tmp_path):
    for name, spread in (("worse", 0.9), ("better", 0.5)):
        save_scores(tmp_path / f"{name}.npz", evaluate(spread=spread))
    worse, better = (load_scores(tmp_path / f"{name}.npz") for name in ("worse", "better"))
    for _, difference in compare(worse, better, replicates=200):
        assert difference.low <= difference.value <= difference.high < 0
    for _, difference in compare(worse, worse, replicates=50):
        assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_other_captures_cannot_be_compared(evaluate, tmp_path):
    save_scores(tmp_path / "a.npz", evaluate())
    saved = load_scores(tmp_path / "a.npz")
    other = dataclasses.replace(saved, provenance=saved.provenance | {"data_sha256": "e" * 64})
    with pytest.raises(InvalidArgument, match="same captures"):
        compare(saved, other)


def test_too_few_people_support_no_comparison(evaluate, tmp_path):
    save_scores(tmp_path / "a.npz", evaluate(people=6))
    saved = load_scores(tmp_path / "a.npz")
    with pytest.raises(InvalidArgument, match="support no false match rate"):
        compare(saved, saved)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="missing"),
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\x03\x04 torn", id="torn"),
        pytest.param(b"\x80\x04.", id="a pickle"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path, content):
    path = tmp_path / "a.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidArgument, match="expected scores"):
        load_scores(path)


def test_arrays_of_something_else_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", mated=np.zeros(3))
    with pytest.raises(InvalidArgument, match="expected scores"):
        load_scores(tmp_path / "a.npz")


def test_searches_have_no_scores_to_save(evaluate, samples, tmp_path):
    found = dataclasses.replace(evaluate(), result=identify_all(samples, draws=1))
    assert not save_scores(tmp_path / "a.npz", found)
    assert not (tmp_path / "a.npz").exists()


def test_a_place_that_cannot_be_written_is_told(evaluate, tmp_path):
    with pytest.raises(UnwritableFile):
        save_scores(tmp_path / "nowhere" / "a.npz", evaluate(people=8))
