from mien.datasets import Pair, Record
from mien.evaluation import index_pairs


def test_every_capture_once_in_the_order_of_the_list():
    a, b, c = (Record(name, f"{name}.jpg", b"") for name in "abc")
    listed = index_pairs([Pair(a, b, False, 0), Pair(b, c, False, 0), Pair(a, a, True, 1)])
    assert [record.capture for record in listed.records] == ["a.jpg", "b.jpg", "c.jpg"]
    assert listed.rows.tolist() == [[0, 1], [1, 2], [0, 0]]
    assert listed.mated.tolist() == [False, False, True]
    assert listed.folds.tolist() == [0, 0, 1]


def test_no_pair():
    listed = index_pairs([])
    assert (len(listed.records), listed.rows.shape) == (0, (0, 2))
