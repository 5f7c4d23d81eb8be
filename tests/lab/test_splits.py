import numpy as np
import pytest

from mien.errors import InvalidArgument, LeakFound
from mien.lab.splits import folds, hold_out, leave_one_out, require_apart

GROUPS = np.repeat(np.arange(100), 3)
LABELS = np.repeat(np.arange(100) % 4, 3)


def test_whole_groups_are_held_out_of_every_class():
    held = hold_out(GROUPS, LABELS, 0.2)
    require_apart(GROUPS, held)
    assert np.bincount(LABELS[held]).tolist() == [15, 15, 15, 15]
    assert (held == hold_out(GROUPS, LABELS, 0.2)).all()
    assert (held != hold_out(GROUPS, LABELS, 0.2, seed=1)).any()


@pytest.mark.parametrize("share", [0, 1, -0.1])
def test_a_share_outside_its_range_is_refused(share):
    with pytest.raises(InvalidArgument):
        hold_out(GROUPS, LABELS, share)


def test_folds_hold_each_row_out_once():
    masks = list(folds(GROUPS, 7))
    assert (np.sum(masks, axis=0) == 1).all()
    for mask in masks:
        require_apart(GROUPS, mask)
    with pytest.raises(InvalidArgument):
        list(folds(GROUPS, 101))


def test_each_subject_is_left_out_in_turn():
    assert [int(mask.sum()) for mask in leave_one_out(GROUPS)] == [3] * 100


def test_a_group_on_both_sides_is_a_leak():
    held = np.zeros(300, bool)
    held[:4] = True
    with pytest.raises(LeakFound, match="1 on both"):
        require_apart(GROUPS, held)
