"""What importing Mien gives, and what it must not do."""

import ast
import importlib
import os
import pkgutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mien

SOURCE = Path(mien.__file__).parent

PUBLIC = ["Candidate", "Decision", "Face", "Faces", "Gallery", "MienError", "find", "find_all", "verify"]

# The second wing needs torch, which is not there where the product is used; tests/lab looks at it.
MODULES = sorted(
    module.name for module in pkgutil.walk_packages([str(SOURCE)], "mien.") if not module.name.startswith("mien.lab.")
)

NO_SIDE_EFFECTS = """
import logging, os, socket, sys, threading
import cv2, numpy, PIL.Image  # what these do to a process is theirs; only what comes after them counts
before = dict(os.environ), threading.active_count(), list(logging.getLogger().handlers), numpy.get_printoptions()
def audit(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.putenv")):
        sys.exit(f"{event} {arguments}")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        sys.exit(f"writes {arguments[0]}")
sys.dont_write_bytecode = True
sys.addaudithook(audit)
import %s
after = dict(os.environ), threading.active_count(), list(logging.getLogger().handlers), numpy.get_printoptions()
sys.exit(0 if before == after else f"{before} became {after}")
"""

FOREIGN = {"torch", "torchvision", "tensorflow", "jax", "keras"}


def run(code, *options):
    return subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, timeout=60)


def test_public_names_are_these():
    assert mien.__all__ == PUBLIC
    assert {*mien.__all__, "__version__"} <= set(dir(mien))
    for name in mien.__all__:
        assert getattr(mien, name) is not None


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        mien.no_such_name  # noqa: B018


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_all_is_sorted_and_true(name):
    module = importlib.import_module(name)
    exported = getattr(module, "__all__", None)
    if exported is None:
        pytest.skip("exports nothing")
    assert len(set(exported)) == len(exported)
    assert [name for name in exported if not hasattr(module, name)] == []


@pytest.mark.parametrize("module", ["mien", "mien.cli", ", ".join(m for m in MODULES if not m.endswith("__main__"))])
def test_import_has_no_side_effects(module):
    done = run(NO_SIDE_EFFECTS % module)
    assert done.returncode == 0, done.stderr


def test_import_is_lazy():
    done = run("import sys, mien, mien.cli; print(*sys.modules)")
    assert done.returncode == 0, done.stderr
    heavy = {"numpy", "cv2", "onnx", "openvino", "onnxruntime", "PIL", "sqlite3", "mien.gallery", "mien.recognition"}
    assert heavy & set(done.stdout.split()) == set()


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: str(p.relative_to(SOURCE)))
def test_product_imports_no_training_framework(path):
    """Reads the source, so that an import inside a function counts as well."""
    if "lab" in path.relative_to(SOURCE).parts:
        pytest.skip("the lab may")
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported.add(node.module.split(".")[0])
    assert imported & FOREIGN == set()


def test_using_the_product_loads_no_training_framework():
    blocked = "".join(f"sys.modules[{name!r}] = None\n" for name in sorted(FOREIGN))
    modules = ", ".join(name for name in MODULES if not name.endswith("__main__"))
    done = run(f"import sys\n{blocked}import {modules}")
    assert done.returncode == 0, done.stderr


def fastest(arguments, times=5):
    """Seconds of the fastest of several runs: the one least disturbed by others on the machine."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=os.environ, timeout=60)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def test_help_is_lean():
    assert fastest(["-m", "mien", "--help"]) < 3 * fastest(["-c", "import numpy"])
