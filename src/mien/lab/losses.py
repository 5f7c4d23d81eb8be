"""Losses that several methods share; what pytorch-metric-learning has (ArcFace, SupCon) is taken from there."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["adjusted", "class_balanced_weights", "half_alignment", "soft_cross_entropy"]


def soft_cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean cross-entropy against soft labels.

    Args:
        logits: (n, c).
        targets: (n, c) distributions; a row of zeros is a sample without a label and counts for nothing.
        weights: (c,) of the classes, or None.
    """
    weighted = targets if weights is None else targets * weights
    terms = -(weighted * functional.log_softmax(logits.float(), 1)).sum(1)
    return terms.sum() / weighted.sum().clamp(min=1e-6)


def class_balanced_weights(counts: Tensor, beta: float = 0.999) -> Tensor:
    """(c,) weights (1 - b) / (1 - b^n) of mean 1 (Cui et al., CVPR 2019), from the classes' (c,) counts."""
    weights = (1 - beta) / (1 - beta ** counts.double()).clamp(min=1e-12)
    return (weights / weights.mean()).float()


def adjusted(logits: Tensor, counts: Tensor, tau: float = 1.0) -> Tensor:
    """(n, c) logits raised by the log of how frequent each class is (Menon et al., ICLR 2021), for training only."""
    return logits + tau * torch.log(counts / counts.sum()).to(logits.dtype)


def half_alignment(left: Tensor, right: Tensor) -> Tensor:
    """CMNet's half-face alignment: its variance over the pair of log-softmax values is the mean squared difference."""
    return functional.mse_loss(left.float(), right.float())
