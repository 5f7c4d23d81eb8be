"""The lab's tests run where torch is installed, and are passed over elsewhere."""

import importlib.util

import pytest

MISSING = [name for name in ("torch", "lightning_fabric", "onnxscript") if importlib.util.find_spec(name) is None]
collect_ignore_glob = ["test_*.py"] if MISSING else []


def pytest_report_header():
    return f"lab: passed over, without {', '.join(MISSING)}" if MISSING else "lab: with torch"


@pytest.fixture(autouse=True)
def _one_thread():
    import torch

    torch.set_num_threads(1)
