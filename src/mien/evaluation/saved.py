"""Scores of an evaluation on disk, and what two evaluations of the same captures differ by."""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien import metrics
from mien.errors import InvalidArgument
from mien.evaluation.evaluation import Evaluation
from mien.evaluation.verification import Verification
from mien.media import write_bytes

__all__ = ["Saved", "compare", "load_scores", "save_scores"]

_FORMAT = "mien.scores/1"
_ARRAYS = ("mated", "mated_subjects", "tail", "tail_subjects", "probes", "references")
_RATES = (1e-2, 1e-3, 1e-4, 1e-5)


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """The scores of an evaluation, by subject, without names and templates.

    Attributes:
        provenance: What they rest on, as in the report's JSON.
        pairs: The scores.
    """

    provenance: dict[str, Any]
    pairs: metrics.PairScores


def save_scores(path: str | os.PathLike[str], evaluation: Evaluation) -> bool:
    """Write an evaluation's scores beside its report; they name nobody and hold no template.

    Args:
        path: Where to, usually ``*.npz``.
        evaluation: Of all comparisons of a set; others have no scores to save.

    Returns:
        Whether there were any.

    Raises:
        UnwritableFile: No such folder, no permission, or no room; nothing was changed.
    """
    result = evaluation.result
    if not isinstance(result, Verification) or result.scores is None:
        return False
    pairs = result.scores
    header = {
        "provenance": asdict(evaluation.provenance),
        "non_mated_total": pairs.non_mated_total,
        "symmetric": pairs.symmetric,
    }
    buffer = io.BytesIO()
    # A file of another format has no such arrays.
    arrays = {f"{_FORMAT}/{name}": getattr(pairs, name) for name in _ARRAYS}
    np.savez_compressed(buffer, allow_pickle=False, header=np.array(json.dumps(header)), **arrays)
    write_bytes(path, buffer.getvalue())
    return True


def load_scores(path: str | os.PathLike[str]) -> Saved:
    """Scores that `save_scores` wrote.

    Raises:
        InvalidArgument: Not there, or no such file.
    """
    source = Path(path)
    try:
        with source.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            header = json.loads(str(stored["header"]))
            arrays = {name: stored[f"{_FORMAT}/{name}"] for name in _ARRAYS}
        pairs = metrics.PairScores(
            **arrays, non_mated_total=int(header["non_mated_total"]), symmetric=bool(header["symmetric"])
        )
        provenance: dict[str, Any] = header["provenance"]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidArgument(
            f"{source}: expected scores that mien evaluate verify wrote beside its report (*.npz): {error}"
        ) from error
    return Saved(provenance, pairs)


def compare(
    first: Saved, second: Saved, *, weigh: metrics.Weigh = "person", replicates: int = 1000, seed: int = 0
) -> tuple[tuple[float, metrics.Difference], ...]:
    """Second system's false non-match rate less the first's, at each false match rate, over the same draws of people.

    Args:
        first: One system's scores.
        second: Another's, of the same captures.
        weigh: Whether mated comparisons weigh one per person or one each.
        replicates: Draws of people behind each interval.
        seed: Of the draws.

    Returns:
        False match rate and difference, for every rate that both support.

    Raises:
        InvalidArgument: They were not given the same captures, or support no rate.
    """
    ours, theirs = (saved.provenance["data_sha256"] for saved in (first, second))
    if ours != theirs:
        raise InvalidArgument(f"expected evaluations of the same captures, got data {ours[:12]} and {theirs[:12]}")
    lowest = max(metrics.lowest_supported_fmr(saved.pairs) for saved in (first, second))
    rates = [rate for rate in _RATES if rate >= lowest]
    if not rates:
        raise InvalidArgument(f"the captures support no false match rate below {lowest:.2g}; expected at least 1e-2")
    return tuple(
        (
            rate,
            metrics.bootstrap_difference(
                first.pairs, second.pairs, rate, weigh=weigh, replicates=replicates, seed=seed
            ),
        )
        for rate in rates
    )
