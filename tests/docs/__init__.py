"""What the documentation shows of the product, made out of the product itself."""
