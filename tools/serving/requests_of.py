"""Requests to exported models: a batch for each signature, and malformed ones, all a function of the model."""

import numpy as np

from causalgan_tf.inference.signatures import Signatures

NAN = np.float32(np.nan)


def batch(model, n=4, first=5):
    """(signature, inputs) of n rows for each signature of a model."""
    graph, seeds = model.graph, first + 1_000_003 * np.arange(n, dtype=np.int64)
    rows = model.sample_labels(n, seed=first).astype(np.float32)
    places = np.arange(n) % (len(graph) + 1)  # the label that a row sets; none in the last one
    do = np.where(np.arange(len(graph)) == places[:, None], rows, NAN)
    other = np.arange(len(graph)) == (places[:, None] + 1) % len(graph)
    discrete = np.array([variable.size is not None for variable in graph.variables.values()])
    low, high = (np.where(other & ~discrete, rows + side, NAN).astype(np.float32) for side in (-20, 20))
    inputs = {
        "seed": seeds,
        "row": seeds,
        "do": do,
        "given": np.where(other & discrete, rows, NAN),
        "given_low": low,
        "given_high": high,
        "event": np.where(np.arange(len(graph)) == 0, rows, NAN),
        "observed": rows,
        "value": np.where(np.isnan(do), np.float32(0), do),
        "set": ~np.isnan(do),
    }
    found = Signatures(model, "{}").all
    return [(name, {key: inputs[key] for key in part.inputs}) for name, part in found.items()]


def same(answer, outputs):
    """Whether an answer has these outputs, to the bit; an error has not."""
    return (
        isinstance(answer, dict)
        and answer.keys() == outputs.keys()
        and all(
            np.array_equal(np.asarray(answer[name], value.dtype), value, equal_nan=value.dtype.kind == "f")
            for name, value in outputs.items()
        )
    )


def malformed(model, count, seed=0):
    """(model's name or None for the right one, signature, inputs) of requests of which each has one mistake."""
    random, good, found = np.random.default_rng(seed), batch(model), []
    good = [(name, inputs) for name, inputs in good if name != "metadata"]
    while len(found) < count:
        name, inputs = good[random.integers(len(good))]
        mistake = MISTAKES[len(found) % len(MISTAKES)]
        if made := mistake(name, dict(inputs), random):
            found.append(made)
    return found


def _one(inputs, random, kind):
    """The name of an input of this kind."""
    return random.choice([name for name, value in inputs.items() if value.dtype.kind in kind])


def _dtype(name, inputs, random):
    key = _one(inputs, random, "ifb")
    kinds = {"i": np.float32, "f": np.int64, "b": np.float32}
    inputs[key] = np.nan_to_num(inputs[key]).astype(kinds[inputs[key].dtype.kind])
    return None, name, inputs


def _rank(name, inputs, random):
    key = _one(inputs, random, "ifb")
    inputs[key] = inputs[key][..., None] if random.random() < 0.5 or inputs[key].ndim == 1 else inputs[key][:, 0]
    return None, name, inputs


def _width(name, inputs, random):
    key = _one(inputs, random, "fb")
    wide = np.concatenate([inputs[key]] * 2, 1)
    inputs[key] = wide[:, : random.choice([0, 1, inputs[key].shape[1] - 1, inputs[key].shape[1] + 1])]
    return None, name, inputs


def _rows(name, inputs, random):
    key = _one(inputs, random, "ifb")
    inputs[key] = inputs[key][: random.choice([2, 3])]
    return None, name, inputs


def _value(value):
    def mistake(name, inputs, random):
        keys = [key for key in inputs if key in ("do", "observed", "event")]
        if not keys:
            return None
        key = random.choice(keys)
        inputs[key] = inputs[key].copy()
        inputs[key][random.integers(4), 0] = value
        return None, name, inputs

    return mistake


def _missing(name, inputs, random):
    key = "observed" if "observed" in inputs else "value" if "value" in inputs else None
    if key is None:
        return None
    inputs[key] = inputs[key].copy()
    inputs[key][0, 0] = NAN  # of picture, row 0 sets label 0
    return None, name, inputs


def _both(name, inputs, random):
    if "given" not in inputs:
        return None
    inputs["given"] = np.where(np.arange(inputs["do"].shape[1]) == 0, inputs["do"][:1], NAN).repeat(4, 0)
    return None, name, inputs


def _huge(name, inputs, random):
    rows = int(random.choice([70_000, 200_000]))
    key = "event" if "event" in inputs else "seed"
    inputs[key] = np.resize(inputs[key], [rows, *inputs[key].shape[1:]])
    for other in set(inputs) - {key}:
        inputs[other] = inputs[other][:1]
    return None, name, inputs


def _unknown(name, inputs, random):
    which = random.integers(4)
    if which == 0:
        return "dog", name, inputs
    if which == 1:
        return None, name + "s", inputs
    key = random.choice(list(inputs))
    value = inputs.pop(key)
    return None, name, inputs | ({f"{key}_": value} if which == 2 else {})


MISTAKES = (
    _dtype,
    _rank,
    _width,
    _rows,
    _value(7.0),
    _value(-1.0),
    _value(0.5),
    _value(np.inf),
    _value(-np.inf),
    _missing,
    _both,
    _unknown,
    _huge,
)
