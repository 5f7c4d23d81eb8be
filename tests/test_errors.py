import json
import re

import pytest

from mien import errors
from mien.errors import MienError

CLASSES = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_stands_in_the_drawn_tree_below_its_base(kind):
    drawn = re.findall(r"^ {4}([ │├└─]*)(\w+)", errors.__doc__, re.MULTILINE)
    names = [name for _, name in drawn]
    assert kind.__name__ in names
    if kind is not MienError:
        depth = len(drawn[names.index(kind.__name__)][0])
        above = [name for indent, name in drawn[: names.index(kind.__name__)] if len(indent) < depth]
        assert kind.__bases__[0].__name__ == above[-1]


@pytest.mark.parametrize("kind", CLASSES)
def test_codes_are_words_of_their_own(kind):
    assert re.fullmatch(r"[a-z_]+", kind.code)
    assert [other for other in CLASSES if other.code == kind.code] == [kind]


@pytest.mark.parametrize(
    ("kind", "status"),
    [(errors.UsageError, 2), (errors.InputError, 3), (errors.ModelError, 4), (errors.StoreError, 5)],
)
def test_exit_statuses_follow_the_branches(kind, status):
    branch = [other for other in CLASSES if issubclass(other, kind)]
    assert len(branch) > 2
    assert {other.exit_status for other in branch} == {status}


def test_details_become_json():
    error = errors.UnsupportedErrorRate("too low", rate=1e-9, bound=1e-5)
    assert str(error) == "too low"
    assert json.loads(json.dumps(error.to_dict())) == {
        "code": "unsupported_error_rate",
        "message": "too low",
        "details": {"rate": 1e-9, "bound": 1e-5},
    }
