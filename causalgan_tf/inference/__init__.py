"""Questions to a trained model: queries, distributions, samples, export."""
