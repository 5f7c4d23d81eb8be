"""The second wing: methods of published papers, trained with torch, and exported for the product."""

__all__: list[str] = []
