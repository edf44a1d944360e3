"""Networks: Keras functional models that know no optimizer and no data."""
