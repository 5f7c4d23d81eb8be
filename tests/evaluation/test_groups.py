import dataclasses

import pytest

from mien import metrics
from mien.evaluation import verify_all


@pytest.fixture(scope="module")
def grouped(synthetic):
    samples = synthetic()
    labels = [
        {"half": "first" if row < 120 else "second", "own": str(row // 3), "rare": "x" if row < 3 else "", "one": "a"}
        for row in range(240)
    ]
    records = tuple(
        dataclasses.replace(record, groups=groups) for record, groups in zip(samples.records, labels, strict=True)
    )
    return dataclasses.replace(samples, records=records)


def test_attributes_that_part_people_into_a_few_groups_have_a_table(grouped):
    (table,) = verify_all(grouped, replicates=20).groups
    assert table.attribute == "half"
    assert [(one.group, one.people) for one in table.groups] == [("first", 40), ("second", 40)]


def test_all_groups_are_judged_at_one_threshold(grouped):
    result = verify_all(grouped, replicates=20)
    (table,) = result.groups
    (point,) = [point for point in result.points if point.threshold == table.threshold]
    assert table.fmr == point.fmr.value
    labels = ["first"] * 40 + ["second"] * 40
    assert table.groups == metrics.group_rates(result.scores, labels, table.threshold)
    rates = [one.fmr.value for one in table.groups]
    supported = all(one.fmr.supported for one in table.groups)
    assert table.ratio == (pytest.approx(max(rates) / min(rates)) if supported else None)


def test_a_set_without_labels_has_no_groups(samples):
    assert verify_all(samples, replicates=20).groups == ()
