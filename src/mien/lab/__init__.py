"""The second wing: networks, losses and recipes in torch, from which the product's weights come.

Nothing of the product imports it. ``pip install "mien[lab]"``; on a machine without a GPU, torch first, as a build for
processors: ``pip install torch==2.13.0``.
"""

__all__: list[str] = []
