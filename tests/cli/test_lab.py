import json
import sys
from types import ModuleType, SimpleNamespace

import pytest

from mien.cli import main


@pytest.fixture
def experiment(monkeypatch):
    fake = ModuleType("mien.lab.experiment")
    fake.calls = []
    method = SimpleNamespace(name="toy", title="Toy", paper="none")
    fake.methods = lambda: {"toy": method}
    fake.find_method = lambda name: name

    def note(verb):
        def call(*arguments, **options):
            fake.calls.append((verb, [str(a) for a in arguments], options))
            return {"method": "toy", "runs": [{"seed": 0}]}

        return call

    fake.train, fake.evaluate, fake.export = note("train"), note("evaluate"), note("export")
    monkeypatch.setitem(sys.modules, "mien.lab.experiment", fake)
    monkeypatch.setattr("mien.lab.experiment", fake, raising=False)
    return fake


def test_methods_are_listed(experiment, capsys):
    assert main(["lab", "list"]) == 0
    assert capsys.readouterr().out.splitlines() == ["name  method  paper", "toy   Toy     none"]


@pytest.mark.parametrize(
    ("words", "verb", "arguments"),
    [
        (["train", "toy", "data", "out", "--seeds", "2"], "train", ["toy", "data", "out"]),
        (["evaluate", "toy", "data", "out"], "evaluate", ["toy", "data", "out"]),
        (["export", "toy", "out", "a.onnx"], "export", ["toy", "out", "a.onnx"]),
    ],
)
def test_each_verb_calls_its_function(experiment, words, verb, arguments, capsys):
    assert main(["lab", *words, "--format", "json"]) == 0
    assert experiment.calls[0][:2] == (verb, arguments)
    assert json.loads(capsys.readouterr().out)["runs"] == [{"seed": 0}]


def test_without_torch_it_says_how_to_install_it(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "mien.lab.experiment", raising=False)
    monkeypatch.delattr("mien.lab.experiment", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "mien.lab.experiment", None)
    assert main(["lab", "list"]) == 4
    assert "pip install 'mien[lab]'" in capsys.readouterr().err
