"""Sealed collections: no template in any file, in no form, and no use without the key."""

from __future__ import annotations

import stat

import numpy as np
import pytest
from gallery_fakes import looks, open_fake, picture, template

from mien.errors import InvalidArgument, StoreUnavailable, UnwritableFile, WrongKey
from mien.gallery import Gallery, erasing, index
from mien.gallery.sealing import Seal, make_key, read_key

KEY = bytes(range(32))


def pieces_left(gallery, *who):
    templates = np.stack([template(*one) for one in who])
    return erasing._search(gallery._store.files(), [*erasing._pieces(templates)]).found


@pytest.mark.parametrize("tail", [1000, 2])
@pytest.mark.parametrize("key", [None, KEY])
def test_no_form_of_a_template_is_in_any_file(path, key, tail, monkeypatch):
    monkeypatch.setattr(index, "TAIL", tail)
    with open_fake(path, key=key) as gallery:
        for name in ("ada", "bob", "eve", "ida"):
            gallery.enroll(name, looks(name, 0, 1))
        gallery.suggest([picture("ian", look=0)], min_faces=1)
        gallery.merge("ada", "bob", force=True)
        gallery.undo()
        assert gallery.identify(picture("ada", look=2))[0].person == "ada"
        left = pieces_left(gallery, ("eve", 0), ("eve", 1)) + pieces_left(gallery, ("ian", 0))
        assert bool(left) == (key is None)
        if key is not None:
            assert not list(path.parent.glob("*scan*"))
        elif tail == 2:
            assert any("scan1" in place for place in left), "the search itself would have found them in the table"


def test_a_sealed_collection_opens_with_its_key_alone(path, tmp_path):
    with open_fake(path, key=KEY) as gallery:
        gallery.enroll("Ada", looks("ada", 0))
    for wrong in (None, bytes(32)):
        with pytest.raises(WrongKey):
            open_fake(path, key=wrong)
    make_key(tmp_path / "key")
    with pytest.raises(WrongKey, match="another key"):
        Gallery(path, key=tmp_path / "key")
    with open_fake(path, key=KEY) as gallery:
        assert gallery.person("Ada").samples == 1


def test_a_key_for_what_is_not_sealed_is_refused(path):
    with open_fake(path) as gallery:
        gallery.enroll("Ada", looks("ada", 0))
    with pytest.raises(WrongKey, match="not sealed"):
        open_fake(path, key=KEY)
    with open_fake(path, key=KEY, collection="sealed") as gallery:
        gallery.enroll("Ada", looks("ada", 0))
    with open_fake(path) as gallery:
        assert gallery.identify(picture("ada", look=1))[0].person == "Ada"


def test_a_key_comes_from_a_file_that_is_the_owners(path, tmp_path, monkeypatch):
    make_key(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert len(read_key(tmp_path / "key")) == 32
    with pytest.raises(UnwritableFile):
        make_key(tmp_path / "key")
    monkeypatch.setenv("MIEN_GALLERY_KEY", str(tmp_path / "key"))
    with open_fake(path) as gallery:
        gallery.enroll("Ada", looks("ada", 0))
        assert pieces_left(gallery, ("ada", 0)) == ()
    (tmp_path / "short").write_text("abcd")
    with pytest.raises(InvalidArgument, match="64 hexadecimal"):
        open_fake(path, key=tmp_path / "short")
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        open_fake(path, key=tmp_path / "none")
    with pytest.raises(InvalidArgument, match="32 bytes"):
        open_fake(path, key=b"short")


def test_what_was_changed_on_the_disk_is_not_believed():
    seal = Seal(KEY)
    sealed = bytearray(seal.close(b"template"))
    assert seal.open(bytes(sealed)) == b"template"
    sealed[14] ^= 1
    with pytest.raises(WrongKey):
        seal.open(bytes(sealed))
    assert seal.close(b"template") != seal.close(b"template")


@pytest.mark.parametrize("bound", [None, b"", b"another"])
def test_what_is_bound_opens_with_what_it_is_bound_to(bound):
    seal = Seal(KEY)
    sealed = seal.close(b"a face", b"its key")
    assert seal.open(sealed, b"its key") == b"a face"
    with pytest.raises(WrongKey):
        seal.open(sealed, bound)
