import numpy as np
import pytest

from mien.errors import InvalidArgument, LeakFound
from mien.lab.splits import folds, hold_out, leave_one_out, require_apart

RANDOM = np.random.default_rng(0)
GROUPS = RANDOM.integers(0, 300, 2000)
LABELS = (GROUPS % 7) * (GROUPS % 3 > 0)


@pytest.mark.parametrize("seed", range(3))
def test_a_tenth_is_held_out_by_whole_groups_of_each_class(seed):
    held = hold_out(GROUPS, LABELS, 0.1, seed)
    require_apart(GROUPS, held)
    for label in np.unique(LABELS):
        assert held[label == LABELS].mean() == pytest.approx(0.1, abs=0.06)
    assert not np.array_equal(held, hold_out(GROUPS, LABELS, 0.1, seed + 1))


def test_folds_hold_each_group_out_once():
    masks = [*folds(GROUPS, 5)]
    assert np.sum(masks, axis=0).tolist() == [1] * len(GROUPS)
    for mask in masks:
        require_apart(GROUPS, mask)
    assert len([*leave_one_out(GROUPS)]) == len(np.unique(GROUPS))


def test_a_split_through_a_group_is_refused():
    held = np.zeros(len(GROUPS), bool)
    held[:7] = True
    with pytest.raises(LeakFound, match="share no group"):
        require_apart(GROUPS, held)


@pytest.mark.parametrize("share", [0, 1, -0.1])
def test_shares_and_counts_that_cannot_be_are_refused(share):
    with pytest.raises(InvalidArgument):
        hold_out(GROUPS, LABELS, share)
    with pytest.raises(InvalidArgument):
        next(folds([1, 1, 1], 2))
