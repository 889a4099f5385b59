"""What the benchmarks run on: scikit-learn's digits as 32 px images, and timm's ResNet-18."""
