"""Drawing from a trained model: labels (observational, interventional, conditional) and images of given labels."""
