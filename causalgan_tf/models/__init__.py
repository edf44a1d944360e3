"""Learners: keras.Model with compile and train_step, one algorithm each."""
