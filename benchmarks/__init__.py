"""How fast the product is, each figure beside its reference from the same run."""
