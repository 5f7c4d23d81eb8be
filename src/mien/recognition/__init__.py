"""Whose face it is: templates, calibration, and decisions at a stated error rate."""

from mien.recognition.calibration import Calibration, comparison_type, load_calibration, user_calibration_path
from mien.recognition.clustering import cluster, clustering_threshold
from mien.recognition.curve import search_curve
from mien.recognition.decide import decide_identification, decide_verification
from mien.recognition.embed import Embedder, fuse, fuse_people, fuse_track
from mien.recognition.examining import examine
from mien.recognition.fitting import fit, refit
from mien.recognition.pipeline import Pipeline
from mien.recognition.recognisers import (
    RECOGNISERS,
    default_pipeline,
    find,
    find_all,
    models_of,
    pipeline_for,
    pipeline_name,
)
from mien.recognition.verification import compare, verify, verify_faces

__all__ = [
    "RECOGNISERS",
    "Calibration",
    "Embedder",
    "Pipeline",
    "cluster",
    "clustering_threshold",
    "compare",
    "comparison_type",
    "decide_identification",
    "decide_verification",
    "default_pipeline",
    "examine",
    "find",
    "find_all",
    "fit",
    "fuse",
    "fuse_people",
    "fuse_track",
    "load_calibration",
    "models_of",
    "pipeline_for",
    "pipeline_name",
    "refit",
    "search_curve",
    "user_calibration_path",
    "verify",
    "verify_faces",
]
