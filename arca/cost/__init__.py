"""What a stack costs a month: list prices, the usage of its resources, and their sum."""
