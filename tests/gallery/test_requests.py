"""What came of a request is kept, and forgotten with whom it concerned."""

from __future__ import annotations

import pytest
from gallery_fakes import looks

from mien.errors import InvalidArgument


def test_outcomes_are_kept_until_the_person_is_erased(gallery):
    person_id = gallery.enroll("Ada", looks("ada", 0)).person_id
    assert gallery.outcome("order 8", "merge") is None
    gallery.keep_outcome("order 8", "merge", {"label": "Ada"}, person_id)
    gallery.keep_outcome("order 8", "merge", {"label": "Eda"}, person_id)
    assert gallery.outcome("order 8", "merge") == {"label": "Ada"}
    with pytest.raises(InvalidArgument, match="order 8"):
        gallery.outcome("order 8", "split")
    gallery.erase("Ada")
    gallery.keep_outcome("order 9", "merge", {"label": "Ada"}, person_id)
    assert gallery.outcome("order 8", "merge") is None
    assert gallery.outcome("order 9", "merge") is None
