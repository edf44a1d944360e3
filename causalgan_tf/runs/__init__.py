"""Run folders: configuration, graph, checkpoints and timing of one training."""
