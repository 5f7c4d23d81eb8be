import dataclasses

import numpy as np
import pytest

from mien import media
from mien.errors import InvalidArgument, NoImages, UnsupportedErrorRate
from mien.metrics import all_pairs, estimate_fmr
from mien.recognition import fit, refit
from mien.recognition.calibration import COMPARISON_TYPES, Calibration
from mien.recognition.points import Population
from mien.recognition.tracks import LOOKS, Tracks, choose_stills, track_scores
from mien.types import Faces

POPULATION = Population("drawn", 400, 1200, "synthetic")


def crowd(people, samples, seed, spread=1.0, dimension=24):
    """Synthetic people: samples scattered around a random direction each."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(people, 1, dimension))
    templates = centres + spread * rng.normal(size=(people, samples, dimension)) * 0.6
    flat = templates.reshape(-1, dimension).astype(np.float32)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    return flat, [f"person {i}" for i in range(people) for _ in range(samples)]


@pytest.fixture(scope="module")
def fitted():
    templates, people = crowd(400, 6, 0)
    return fit(templates, people, pipeline="p", name="drawn", population=POPULATION, replicates=50)


def test_stated_rates_hold_for_other_people(fitted):
    templates, people = crowd(400, 6, 1)
    scores = templates @ templates.T
    codes = np.unique(people, return_inverse=True)[1]
    non_mated = scores[np.triu(codes[:, None] != codes[None], 1)]
    for rate in (1e-2, 1e-3, 1e-4):
        threshold = fitted.verification_threshold("image-image", rate)
        assert np.mean(non_mated >= threshold.value) == pytest.approx(rate, rel=0.35)


def test_stated_search_rates_hold_for_other_people(fitted):
    templates, people = crowd(1000, 1, 2)
    for size, fpir in ((10, 0.05), (100, 0.02), (60, 0.05)):
        threshold = fitted.identification_threshold(fpir, size)
        galleries = np.random.default_rng(3).permutation(1000)[: 5 * size].reshape(5, size)
        wrong = [
            ((np.delete(templates, rows, 0) @ templates[rows].T).max(1) >= threshold.value).mean() for rows in galleries
        ]
        assert np.mean(wrong) == pytest.approx(fpir, rel=0.5)
        assert len(people) == 1000


def test_more_samples_are_another_comparison_type(fitted):
    assert set(fitted.comparisons) == {"image-image", "image-person/1", "image-person/2-4", "image-person/5+"}
    fnmr = {kind: comparison.points[1].fnmr for kind, comparison in fitted.comparisons.items()}
    assert fnmr["image-person/5+"] < fnmr["image-person/1"]


def test_the_same_seed_gives_the_same_calibration():
    templates, people = crowd(120, 3, 4)
    made = [fit(templates, people, pipeline="p", name="n", population=POPULATION, replicates=20) for _ in range(2)]
    assert made[0] == made[1]


def test_llr_is_calibrated(fitted):
    """Balanced mated and non-mated scores: where the ratio says 1, both are about as frequent."""
    slope, intercept = fitted.comparisons["image-image"].llr
    templates, people = crowd(300, 4, 5)
    codes = np.unique(people, return_inverse=True)[1]
    scores = templates @ templates.T
    upper = np.triu(np.ones_like(scores, bool), 1)
    mated = scores[upper & (codes[:, None] == codes[None])]
    non_mated = scores[upper & (codes[:, None] != codes[None])]
    assert slope > 0
    assert np.mean(slope * mated + intercept > 0) > 0.9
    assert np.mean(slope * non_mated + intercept > 0) < 0.1


def test_too_few_people_can_promise_nothing():
    templates, people = crowd(8, 3, 6)
    with pytest.raises(UnsupportedErrorRate, match="people"):
        fit(templates, people, pipeline="p", name="n", population=POPULATION, replicates=10)


def test_one_person_is_no_population():
    templates, people = crowd(1, 5, 7)
    with pytest.raises(InvalidArgument, match="got one person"):
        fit(templates, people, pipeline="p", name="n", population=POPULATION, replicates=10)


class FakePipeline:
    """Reads the templates it returns out of the images: what their columns are in the middle row."""

    name = "fake"

    def find_all_indexed(self, sources, *, on_error=None):
        for index, source in enumerate(sources):
            image = media.read(source)
            height, width = image.shape[:2]
            columns = np.linspace(0, width - 1, 24).round().astype(int)
            template = image[height // 2, columns, 0].astype(np.float32) - 128
            template /= np.linalg.norm(template)
            faces = Faces.of([[0, 0, width, height]], [1], np.zeros((1, 5, 2)), (width, height))
            yield index, image, dataclasses.replace(faces, templates=template[None], space="s")


def test_refit_reads_a_folder_a_person(tmp_path):
    templates, people = crowd(80, 3, 8)
    for index, (template, person) in enumerate(zip(templates, people, strict=True)):
        (tmp_path / person).mkdir(exist_ok=True)
        row = np.clip(np.round(template * 120 + 128), 0, 255).astype(np.uint8)
        media.write(tmp_path / person / f"{index}.png", np.broadcast_to(row[None, :, None], (24, 24, 3)).copy())
    seen = []
    calibration = refit(tmp_path, pipeline=FakePipeline(), progress=lambda done, total: seen.append((done, total)))
    assert (calibration.population.people, calibration.population.images) == (80, 240)
    assert "tracks are synthetic" in calibration.population.limits
    assert set(calibration.comparisons) >= {"track-person/1", "track-person/2-4"}
    assert calibration.name == tmp_path.name
    assert seen[-1] == (240 + 80, 240 + 80)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    direct = fit(templates, people, pipeline="fake", name="x", population=POPULATION)
    ours = calibration.verification_threshold("image-image", 1e-2).value
    assert ours == pytest.approx(direct.verification_threshold("image-image", 1e-2).value, abs=0.01)


def filmed(templates, people, seed, noise=0.3):
    """Tracks of one image a person: samples scattered around its template."""
    rng = np.random.default_rng(seed)
    rows = choose_stills(people, seed=seed)
    samples = templates[rows, None] + noise * rng.normal(size=(len(rows), LOOKS, 1)) * rng.normal(
        size=(len(rows), LOOKS, templates.shape[1])
    ) / np.sqrt(templates.shape[1])
    samples /= np.linalg.norm(samples, axis=2, keepdims=True)
    return Tracks(samples.astype(np.float32), np.full(samples.shape[:2], 60, np.float32), rows)


def test_stated_rates_hold_for_tracks_of_other_people():
    """The rate is that of a track that is compared at every decision point, not that of one comparison."""
    templates, people = crowd(400, 4, 10)
    calibration = fit(
        templates,
        people,
        pipeline="p",
        name="n",
        population=POPULATION,
        replicates=20,
        tracks=filmed(templates, people, 1),
    )
    assert set(calibration.comparisons) == set(COMPARISON_TYPES) - {"image-person/5+", "track-person/5+"}
    others, names = crowd(400, 4, 11)
    tracks = filmed(others, names, 2)
    codes = np.unique(names, return_inverse=True)[1]
    references = np.array([row for row in range(len(others)) if row not in set(tracks.rows)])[::3]
    scores = track_scores(tracks, others[references])
    non_mated = scores[codes[tracks.rows][:, None] != codes[references][None]]
    for rate in (1e-2, 1e-3):
        threshold = calibration.verification_threshold("track-person/1", rate)
        assert np.mean(non_mated >= threshold.value) == pytest.approx(rate, rel=0.4)


def test_tracks_leave_the_other_types_as_they_were():
    templates, people = crowd(120, 3, 12)
    arguments = {"pipeline": "p", "name": "n", "population": POPULATION, "replicates": 20}
    without = fit(templates, people, **arguments)
    tracked = fit(templates, people, **arguments, tracks=filmed(templates, people, 3))
    assert tracked.identification == without.identification
    assert {kind: tracked.comparisons[kind] for kind in without.comparisons} == dict(without.comparisons)


def test_a_tracks_own_still_is_never_its_reference():
    """Every person has two images, of which one made the track: scores of 1 would mean that it met itself."""
    templates, people = crowd(100, 2, 13, spread=2.0)
    tracks = filmed(templates, people, 4, noise=0.0)
    calibration = fit(templates, people, pipeline="p", name="n", population=POPULATION, replicates=10, tracks=tracks)
    assert calibration.comparisons["track-person/1"].mated == 100
    codes = np.unique(people, return_inverse=True)[1]
    same = (codes[:, None] == codes[None]) & ~np.eye(len(codes), dtype=bool)
    best = calibration.comparisons["track-person/1"].points[0]
    missed = np.mean((templates @ templates.T)[same] < best.threshold)
    assert best.fnmr == pytest.approx(missed, abs=0.05)


def test_people_are_the_outermost_folders(tmp_path, monkeypatch):
    from mien.recognition import fitting

    for name in ("nobody.png", "ada/2024/a.png", "ada/2025/b.png", "bo/2024/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        media.write(tmp_path / name, np.full((1, 24, 3), 200, np.uint8))
    monkeypatch.setattr(fitting, "fit", lambda templates, people, **_: people)
    monkeypatch.setattr(fitting, "make_tracks", lambda stills, *_, **__: None)
    assert refit(tmp_path, pipeline=FakePipeline()) == ["ada", "ada", "bo"]


def test_refit_of_a_folder_without_people(tmp_path):
    media.write(tmp_path / "a.png", np.full((1, 24, 3), 200, np.uint8))
    with pytest.raises(NoImages, match="a folder of images a person"):
        refit(tmp_path, pipeline=FakePipeline())


def test_refit_of_an_empty_folder(tmp_path):
    with pytest.raises(NoImages):
        refit(tmp_path, pipeline=FakePipeline())


def test_groups_are_held_against_what_is_stated_for_all():
    """Synthetic: the people of one group lie closer to one another than those of the other."""
    templates, people = crowd(300, 3, 4)
    close = np.array([int(person.split()[1]) < 100 for person in people])
    templates = templates + np.where(close[:, None], 0.5 * np.eye(24, dtype=np.float32)[0], 0)
    templates = (templates / np.linalg.norm(templates, axis=1, keepdims=True)).astype(np.float32)
    groups = {f"person {i}": {"kind": "close" if i < 100 else "far"} for i in range(300)}
    found = fit(templates, people, pipeline="p", name="n", population=POPULATION, groups=groups, replicates=20)
    by_rate = {(point.group, point.stated): point for point in found.groups}
    assert by_rate["close", 0.01].exceeds
    assert by_rate["close", 0.01].people == 100
    assert not by_rate["far", 0.01].exceeds
    pairs = all_pairs(templates, people).among(np.array([groups[name]["kind"] == "close" for name in sorted(groups)]))
    threshold = found.comparisons["image-image"].points[0].threshold
    assert by_rate["close", 0.01].fmr == estimate_fmr(pairs, threshold).value
    assert Calibration.from_dict(found.to_dict()) == found


def test_a_calibration_of_before_knows_no_groups():
    templates, people = crowd(80, 3, 5)
    document = fit(templates, people, pipeline="p", name="n", population=POPULATION, replicates=5).to_dict()
    del document["groups"]
    assert Calibration.from_dict(document).groups == ()


def test_groups_of_somebody_else_are_refused():
    templates, people = crowd(80, 3, 5)
    with pytest.raises(InvalidArgument, match="nobody here is called Ada"):
        fit(
            templates,
            people,
            pipeline="p",
            name="n",
            population=POPULATION,
            groups={"Ada": {"kind": "x"}},
            replicates=5,
        )
