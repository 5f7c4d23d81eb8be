from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from mien.errors import InvalidArgument, LinkConflict, NotCalibrated
from mien.metrics import bcubed
from mien.recognition import _agglomeration, _graph, cluster, clustering, clustering_threshold
from mien.recognition.calibration import Calibration
from mien.recognition.points import Comparison, Population, VerificationPoint

THRESHOLD = 0.4


def crowd(people, samples, seed=0, noise=0.8, dimension=64):
    """Synthetic faces around a direction for each person, shuffled; with the person of each."""
    rng = np.random.default_rng(seed)
    centres = np.repeat(rng.normal(size=(people, dimension)), samples, axis=0)
    vectors = centres + noise * rng.normal(size=centres.shape)
    order = rng.permutation(len(vectors))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors[order].astype(np.float32), np.repeat(np.arange(people), samples)[order]


def same_partition(first, second):
    return bcubed(first, second).f1 == 1


def likelihood_ratio(one, other):
    """Log-likelihood ratio of one person to two, from the normal distributions themselves, all faces at once."""

    def density(faces):
        n, d = faces.shape
        spread = (_agglomeration._WITHIN * np.eye(n) + _agglomeration._BETWEEN) / d
        return multivariate_normal(np.zeros(n), spread).logpdf(faces.T).sum()

    return density(np.concatenate([one, other])) - density(one) - density(other)


def test_evidence_is_the_likelihood_ratio_on_the_scale_of_cosines():
    templates, _ = crowd(2, 12, noise=1.0)
    cuts = [(0, 1, 2), (0, 3, 4), (2, 6, 9), (0, 12, 24), (5, 6, 20)]
    sets = [(templates[a:b].astype(float), templates[b:c].astype(float)) for a, b, c in cuts]
    means = [(one.mean(0), other.mean(0)) for one, other in sets]
    columns = [
        [one @ other for one, other in means],
        *([len(pair[side]) for pair in sets] for side in (0, 1)),
        *([pair[side] @ pair[side] for pair in means] for side in (0, 1)),
    ]
    score = _agglomeration.evidence(*(np.array(column, float) for column in columns))
    ratio = [likelihood_ratio(*pair) for pair in sets]
    # Two directions at right angles, and twice the same one, fix the scale.
    base, same = (likelihood_ratio(np.eye(1, 64), np.eye(2, 64)[i : i + 1]) for i in (1, 0))
    np.testing.assert_allclose(score, (np.array(ratio) - base) / (same - base), rtol=1e-5)
    assert score[0] == pytest.approx(float(templates[0] @ templates[1]), abs=1e-6)


def partition_by_hand(templates, threshold):
    """The most likely pair merged first, on lists of faces, by the likelihoods themselves."""
    base, same = (likelihood_ratio(np.eye(1, 64), np.eye(2, 64)[i : i + 1]) for i in (1, 0))
    groups = [[row] for row in range(len(templates))]
    while len(groups) > 1:
        best, i, j = max(
            ((likelihood_ratio(templates[a], templates[b]) - base) / (same - base), i, j)
            for i, a in enumerate(groups)
            for j, b in enumerate(groups[:i])
        )
        if best < threshold:
            break
        groups[j] += groups.pop(i)
    labels = np.empty(len(templates), int)
    for label, group in enumerate(groups):
        labels[group] = label
    return labels


@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_the_likeliest_are_merged_first(threshold, monkeypatch):
    monkeypatch.setattr(clustering, "_REACH", 1.0)
    templates, _ = crowd(5, 4, noise=1.0)
    assert same_partition(
        partition_by_hand(templates.astype(float), threshold), cluster(templates, threshold=threshold)
    )


@pytest.mark.parametrize(("cosine", "people"), [(0.38, 1), (0.35, 1), (0.33, 2)])
def test_faces_that_agree_add_up_within_reach(cosine, people):
    # One face and a group of nine, all equally alike: any two of them alone are two people.
    rng = np.random.default_rng(0)
    centre, *noise = np.linalg.qr(rng.normal(size=(64, 11)))[0].T
    templates = np.array([np.sqrt(cosine) * centre + np.sqrt(1 - cosine) * other for other in noise], np.float32)
    assert len(set(cluster(templates[:2], threshold=0.4))) == 2
    named = np.where(np.arange(10) < 9, 0, -1)
    squares = np.array([np.square(templates[:9].mean(0)).sum()]), np.ones(1)
    score = _agglomeration.evidence(np.array([cosine]), np.array([9.0]), np.ones(1), *squares)
    assert score > 0.4, "the evidence would be enough at any of these"
    assert len(set(cluster(templates, threshold=0.4, named=named))) == people


def test_people_are_found_and_labelled_in_order_of_occurrence():
    templates, people = crowd(50, 6)
    labels = cluster(templates, threshold=THRESHOLD)
    assert bcubed(people, labels).f1 > 0.97
    assert labels.dtype == np.int64
    assert np.array_equal(np.unique(labels, return_index=True)[1], np.sort(np.unique(labels, return_index=True)[1]))


def test_the_order_of_the_faces_does_not_matter():
    templates, _ = crowd(60, 5, noise=1.0)
    photos = np.arange(300) // 3
    whole = cluster(templates, threshold=0.3, photos=photos)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(300)
        assert same_partition(whole[order], cluster(templates[order], threshold=0.3, photos=photos[order]))


def test_links_hold_whatever_the_templates_say():
    rng = np.random.default_rng(2)
    templates, people = crowd(12, 8, noise=0.6)
    must = rng.integers(96, size=(6, 2))
    apart = np.array([(i, j) for i, j in rng.integers(96, size=(60, 2)) if people[i] == people[j] and i != j])
    apart = apart[~np.isin(apart, must).any(1)]
    photos = np.full(96, -1)
    loose = np.setdiff1d(np.arange(96), must)
    photos[loose] = rng.integers(15, size=len(loose))
    labels = cluster(templates, threshold=-1, must_link=must, cannot_link=apart, photos=photos)
    assert len(apart) > 3
    assert (labels[must[:, 0]] == labels[must[:, 1]]).all()
    assert (labels[apart[:, 0]] != labels[apart[:, 1]]).all()
    for photo in range(15):
        inside = labels[photos == photo]
        assert len(np.unique(inside)) == len(inside)


def test_two_that_were_parted_do_not_meet_through_a_third():
    angle = np.radians([0, 20, 40])
    templates = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    assert len(set(cluster(templates, threshold=0.5))) == 1
    labels = cluster(templates, threshold=0.5, cannot_link=[(0, 2)])
    assert labels[0] != labels[2]
    assert len(set(labels)) == 2


def test_named_people_stay_apart_and_draw_new_faces():
    templates, people = crowd(20, 6)
    named = np.where(np.arange(120) < 60, people * 7, -1)
    labels = cluster(templates, threshold=-1, named=named)
    assert same_partition(named[:60], labels[:60])
    labels = cluster(templates, threshold=THRESHOLD, named=named)
    assert same_partition(named[:60], labels[:60])
    assert bcubed(people, labels).f1 > 0.97


def test_later_faces_change_little():
    templates, _ = crowd(100, 5)
    before = cluster(templates[:450], threshold=THRESHOLD)
    after = cluster(templates, threshold=THRESHOLD)
    assert bcubed(before, after[:450]).f1 > 0.98


@pytest.mark.parametrize(
    ("links", "because"),
    [
        ({"cannot_link": [(4, 0)]}, "cannot_link"),
        ({"photos": [3, -1, -1, -1, 3, -1]}, "photos"),
        ({"named": [1, -1, -1, -1, 2, -1]}, "named"),
    ],
    ids=["a link", "a photo", "two names"],
)
def test_a_contradiction_tells_who_and_why(links, because):
    templates, _ = crowd(6, 1)
    with pytest.raises(LinkConflict) as caught:
        cluster(templates, threshold=THRESHOLD, must_link=[(0, 2), (2, 4), (1, 3)], **links)
    details = caught.value.details
    assert sorted(details["faces"]) == [0, 4]
    assert details["chain"] in ([0, 2, 4], [4, 2, 0])
    assert (details["because"], details["conflicts"]) == (because, 1)


def test_a_face_cannot_be_parted_from_itself():
    with pytest.raises(LinkConflict):
        cluster(crowd(2, 1)[0], threshold=THRESHOLD, cannot_link=[(1, 1)])


@pytest.mark.parametrize(
    ("templates", "labels"), [(np.empty((0, 4)), []), ([[1, 0]], [0]), ([[1, 0], [-1, 0]], [0, 1])]
)
def test_few_faces(templates, labels):
    assert cluster(templates, threshold=THRESHOLD).tolist() == labels


def test_many_equal_faces_are_one_person():
    templates = np.tile(np.eye(3, 128, dtype=np.float32), (10_000, 1))
    assert cluster(templates, threshold=THRESHOLD).max() == 2


def test_a_photo_many_times_over_says_no_more_than_once():
    templates, _ = crowd(40, 5, noise=1.0)
    copies = np.repeat(np.arange(200), np.where(np.arange(200) % 7 == 0, 50, 1))
    labels = cluster(templates[copies], threshold=THRESHOLD)
    assert same_partition(cluster(templates, threshold=THRESHOLD)[copies], labels)


def test_equal_faces_of_one_photo_are_two_people():
    templates = np.tile(np.eye(1, 8, dtype=np.float32), (3000, 1))
    labels = cluster(templates, threshold=THRESHOLD, photos=np.arange(3000) // 2)
    assert np.bincount(labels).tolist() == [1500, 1500]
    assert (labels[::2] != labels[1::2]).all()


def test_a_crowd_beyond_the_bound_is_still_one_person(monkeypatch):
    monkeypatch.setattr(_graph, "_HELD", 3000)
    templates, people = crowd(3, 700, noise=0.6)
    labels = cluster(templates, threshold=THRESHOLD)
    assert same_partition(people, labels)


def test_the_best_pairs_of_each_row_survive_the_bound(monkeypatch):
    monkeypatch.setattr(_graph, "_HELD", 2000)
    templates, _ = crowd(1, 700)
    pairs = _graph.pairs_above(templates, -1.0)
    held = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    scores = templates @ templates.T
    np.fill_diagonal(scores, -2)
    wanted = {(min(i, j), max(i, j)) for i in range(700) for j in np.argsort(-scores[i], kind="stable")[:16].tolist()}
    assert not pairs.complete
    assert held == wanted


def test_progress_rises_to_the_end():
    calls = []
    cluster(crowd(300, 4)[0], threshold=THRESHOLD, on_progress=lambda *state: calls.append(state))
    assert calls == sorted(calls)
    assert calls[-1] == (1200, 1200)
    assert {total for _, total in calls} == {1200}
    assert len(calls) > 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"templates": np.ones(4)},
        {"templates": np.empty((3, 0))},
        {"templates": [[1, 0], [math.nan, 0], [0, 1]]},
        {"templates": [[1, 0], [0, 0], [0, 1]]},
        {"templates": [[1, 0], [3, 0], [0, 1]]},
        {"threshold": math.nan},
        {"threshold": 1.5},
        {"must_link": [(0, 3)]},
        {"cannot_link": [(-1, 0)]},
        {"must_link": [0, 1]},
        {"cannot_link": [(0.5, 1)]},
        {"photos": [0, 1]},
        {"photos": [0.0, 1.0, 2.0]},
        {"named": [0, 1, -2]},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_is_no_pile_of_faces_is_refused(wrong):
    arguments = {"templates": np.eye(3), "threshold": THRESHOLD} | wrong
    with pytest.raises(InvalidArgument, match=next(iter(wrong))):
        cluster(**arguments)


def calibration(*points):
    made = tuple(VerificationPoint(fmr, at, fmr, fmr, 0.1, 99, 99, supported) for fmr, at, supported in points)
    population = Population("drawn", 1, 1, "synthetic")
    return Calibration("n", "p", population, {"image-image": Comparison(1, 1, made, (1.0, 0.0))}, ())


def test_the_threshold_rises_with_the_pile_as_far_as_the_data_reach():
    known = calibration((1e-2, 0.3, True), (1e-3, 0.4, True), (1e-4, 0.5, True), (1e-5, 0.6, False))
    found = [clustering_threshold(known, faces, strangers=0.1) for faces in (1, 10, 100, 1000, 1_000_000)]
    assert found == pytest.approx([0.3, 0.3, 0.4, 0.5, 0.5])


def test_no_threshold_without_a_calibration():
    nothing = Calibration("n", "p", Population("drawn", 1, 1, "synthetic"), {}, ())
    with pytest.raises(NotCalibrated):
        clustering_threshold(nothing, 10)
    with pytest.raises(InvalidArgument):
        clustering_threshold(nothing, 0)
