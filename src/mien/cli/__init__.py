"""The command line: one module a command, each a thin skin over a public function.

Exit status: 0 done, 1 no match (``verify``), 2 usage, 3 bad input, 4 model, 5 store, 70 a fault in Mien
itself, 130 interrupted.
"""

from mien.cli._app import main

__all__ = ["main"]
