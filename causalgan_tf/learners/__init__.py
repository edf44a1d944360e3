"""Training steps of the causal controller and of the image models."""
