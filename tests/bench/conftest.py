import sys
from pathlib import Path

# Benchmarks are scripts beside one another, no package.
sys.path.append(str(Path(__file__).parents[2] / "bench"))
