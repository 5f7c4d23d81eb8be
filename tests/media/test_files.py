import errno
import io
import os
import stat

import numpy as np
import pytest
from PIL import Image

from mien import media
from mien.errors import InvalidArgument, NoImages, UnwritableFile
from mien.media import xmp

NOISE = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)


def test_list_images_is_sorted_recursive_and_skips_hidden(tmp_path):
    names = ["b.JPG", "a.png", "sub/c.webp", "sub/deep/d.tiff", "phone.HEIC"]
    others = ["notes.txt", ".hidden.jpg", ".git/e.jpg", "jpg"]
    for name in names + others:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert media.list_images(tmp_path) == sorted(tmp_path / name for name in names)
    assert media.list_images(str(tmp_path)) == media.list_images(tmp_path)


def test_list_images_follows_no_link_into_a_circle(tmp_path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    assert media.list_images(tmp_path) == [tmp_path / "a.jpg"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_list_images_leaves_out_what_reading_could_wait_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "nowhere.jpg").symlink_to(tmp_path / "gone")
    assert media.list_images(tmp_path) == [tmp_path / "nowhere.jpg"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("empty", "expected images"), ("missing", "no such folder"), ("file.jpg", "Not a directory")],
)
def test_list_images_refuses(name, message, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.jpg").touch()
    with pytest.raises(NoImages, match=f"{name}: .*{message}"):
        media.list_images(tmp_path / name)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff", ".PNG"])
def test_write_without_loss(suffix, tmp_path):
    path = tmp_path / f"out{suffix}"
    media.write(path, NOISE)
    np.testing.assert_array_equal(media.read(path), NOISE)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_write_lossy(suffix, tmp_path):
    path, flat = tmp_path / f"out{suffix}", np.full((64, 64, 3), (200, 30, 40), np.uint8)
    media.write(path, flat)
    assert np.abs(media.read(path).astype(int) - flat).max() <= 4


def test_jpeg_keeps_thin_coloured_lines(tmp_path):
    image = np.full((64, 64, 3), 128, np.uint8)
    image[:, 31] = (220, 20, 20)
    media.write(tmp_path / "line.jpg", image)
    assert np.abs(media.read(tmp_path / "line.jpg")[:, 31].astype(int) - (220, 20, 20)).max() < 30


def test_write_replaces_and_leaves_nothing_behind(tmp_path):
    path = tmp_path / "out.png"
    media.write(path, NOISE)
    media.write(path, NOISE[::-1])
    np.testing.assert_array_equal(media.read(path), NOISE[::-1])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "image", "message"),
    [
        pytest.param("out.gif", NOISE, "ends in one of", id="format"),
        pytest.param("out", NOISE, "ends in one of", id="no extension"),
        pytest.param("out.png", NOISE[..., 0], "uint8 image", id="grey"),
        pytest.param("out.png", NOISE.astype(np.float32), "float32", id="float"),
        pytest.param("out.webp", np.zeros((1, 20000, 3), np.uint8), "cannot hold 20000 x 1", id="too wide for WebP"),
    ],
)
def test_write_refuses(name, image, message, tmp_path):
    with pytest.raises(InvalidArgument, match=message):
        media.write(tmp_path / name, image)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "no room on the disk"),
        (PermissionError(errno.EACCES, "Permission denied"), "no permission"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
    ],
)
def test_a_failed_write_changes_nothing(error, message, tmp_path, monkeypatch):
    path = tmp_path / "out.png"
    media.write(path, NOISE)
    before = path.read_bytes()

    class FullDisk(io.BytesIO):
        def write(self, data):
            raise error

    def open_temporary(self, mode):
        self.touch()
        return FullDisk()

    monkeypatch.setattr("pathlib.Path.open", open_temporary)
    with pytest.raises(UnwritableFile, match=f"out.png: cannot be written: {message}; nothing was changed"):
        media.write(path, NOISE[::-1])
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_write_into_a_missing_folder_or_over_a_folder(tmp_path):
    with pytest.raises(UnwritableFile, match="no such folder"):
        media.write(tmp_path / "nowhere" / "out.png", NOISE)
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(UnwritableFile, match="it is a folder"):
        media.write(tmp_path / "taken.png", NOISE)
    assert [path.name for path in tmp_path.iterdir()] == ["taken.png"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_written_files_have_ordinary_permissions(tmp_path):
    media.write(tmp_path / "out.png", NOISE)
    (tmp_path / "plain").touch()
    assert (tmp_path / "out.png").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_written_images_carry_no_metadata(tmp_path):
    media.write(tmp_path / "out.jpg", NOISE)
    with Image.open(tmp_path / "out.jpg") as image:
        assert not image.getexif()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_a_packet_is_written_where_there_is_room(suffix, tmp_path):
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
    media.write(tmp_path / f"a{suffix}", NOISE, xmp=packet)
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert xmp.embedded(image) == [packet]


def test_a_packet_without_room_is_refused(tmp_path):
    with pytest.raises(InvalidArgument, match="no room"):
        media.write(tmp_path / "a.bmp", NOISE, xmp=b"<x/>")
    assert not list(tmp_path.iterdir())


def test_an_error_while_writing_leaves_the_old_file_and_passes_through(tmp_path):
    path = tmp_path / "out.html"
    path.write_text("old")

    def write_half():
        with media.replacing(path) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_or_device_is_not_replaced(tmp_path):
    pipe = tmp_path / "out.json"
    os.mkfifo(pipe)
    with pytest.raises(UnwritableFile, match="pipe or a device"):
        media.write_bytes(pipe, b"{}")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]
