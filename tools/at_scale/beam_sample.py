"""Draws rows of an exported model at scale, into shards, by Apache Beam.

    python tools/at_scale/beam_sample.py --model=serving/faces --n=100000 --seed=7 --out=drawn
    python tools/at_scale/beam_sample.py --model=gs://BUCKET/faces --n=1000000000 --noimages --out=gs://BUCKET/drawn \
        --runner=DataflowRunner --project=PROJECT --region=REGION --temp_location=gs://BUCKET/temp

Row i is the row i that causalgan-sample draws with this seed, a function of (seed, i) alone, so that a shard which is
drawn again, twice or by another machine is the same shard. With --given a row is the first of its candidates that meets
the condition, as of causalgan-sample --server. Beam's flags go to Beam. OUT gets draw.json, which says what is drawn,
part-00000-of-00010.parquet, ... and at last their list in draw.json. It must be empty, or hold this very draw: that is
continued, and shards that are there stay. Needs the extra [beam].
"""

import argparse
import contextlib
import dataclasses
import difflib
import hashlib
import io
import json
import math
import pathlib
import re
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import apache_beam as beam
import numpy as np
import pandas as pd
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners import create_runner
from apache_beam.utils.shared import Shared

from causalgan_tf.errors import ConditioningError, InputError, brief
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference import served_answers
from causalgan_tf.inference.query import Query, parse_assignments
from causalgan_tf.inference.served_model import CANDIDATES
from causalgan_tf.system import outputs

FORMATS = ("parquet", "tfrecord")
ROWS = 2**32  # of a draw at most: a row's number is a word of the cipher
LABEL_ROWS, IMAGE_ROWS = 100_000, 10_000  # of a shard, if --shard_rows does not say
# rows that a signature is asked for at once: of labels, of labels that meet a condition, with images
BATCH, SEARCHED, DRAWN = 65_536, 1_024, 256
PARTIAL = ".partial"  # folder of shards that are being written
LIST = "draw.json"
CLOSE = 0.75  # likeness from which on an unknown flag is a known one, misspelt
TOLD = re.compile(r"causalgan_tf\.errors\.\w+: (.+)")  # a user's mistake in what a worker reports


@dataclasses.dataclass(frozen=True)
class Draw:
    """What is drawn, and all that a worker is told."""

    model: str  # folder of one version of an exported model
    fingerprint: str  # of it, see `fingerprint`
    card: Mapping[str, Any]  # what it says of itself
    query: Query
    images: bool
    out: str  # folder of the shards
    format: str
    seed: int
    first: int  # number of the first row
    n: int
    shard_rows: int  # of a shard; the last one has what is left
    max_draws: int  # candidates of a row at most, with a condition

    @property
    def graph(self) -> CausalGraph:
        """The graph over the labels, with their types."""
        return served_answers.graph_of(self.card)

    @property
    def shards(self) -> int:
        """How many there are."""
        return -(-self.n // self.shard_rows)

    def rows(self, shard: int) -> range:
        """The numbers of a shard's rows."""
        start = shard * self.shard_rows
        return range(self.first + start, self.first + min(start + self.shard_rows, self.n))

    def file(self, shard: int) -> str:
        """The name of a shard's file."""
        return f"part-{shard:05}-of-{self.shards:05}.{self.format}"

    @property
    def told(self) -> dict[str, Any]:
        """All that rows and shards are a function of, as draw.json says it."""
        told = {"model": self.fingerprint, "do": dict(self.query.do), "given": dict(self.query.given)}
        names = ("seed", "first", "n", "images", "format", "shard_rows", "max_draws")
        return json.loads(json.dumps(told | {name: getattr(self, name) for name in names}))

    def inputs(self) -> dict[str, np.ndarray]:
        """Inputs float32 [1, K] of the signatures beside the seed; one row stands for all."""
        graph, found = self.graph, {"do": self.query.do_vector(self.graph)[None].astype(np.float32)}
        if not self.query.given:
            return found
        names = [name for name in self.card["signatures"]["sample_given"]["inputs"] if name.startswith("given")]
        found |= {name: np.full([1, len(graph)], np.nan, np.float32) for name in names}
        for node, value in self.query.given.items():
            ends = {"given_low": value[0], "given_high": value[1]} if isinstance(value, tuple) else {"given": value}
            for name, number in ends.items():
                found[name][0, graph.index(node)] = number
        return found


class DrawShard(beam.DoFn):
    """Draws shards by their numbers, writes each and gives (number, rows, SHA-256 of the file)."""

    def __init__(self, draw: Draw) -> None:
        """Takes what is drawn."""
        self.draw, self.shared = draw, Shared()

    def setup(self) -> None:
        """Loads the model, once a process."""
        self.model = self.shared.acquire(lambda: Exported(self.draw.model), tag=self.draw.model)

    def process(self, shard: int) -> Iterator[tuple[int, int, str]]:
        """One shard; one that is there already is whole, and another drawing would give the same."""
        draw = self.draw
        place = FileSystems.join(draw.out, draw.file(shard))
        if not FileSystems.exists(place):
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "shard"
                WRITERS[draw.format](path, self.tables(draw.rows(shard)))
                with path.open("rb") as content:
                    put(draw.out, draw.file(shard), content)
        yield shard, len(draw.rows(shard)), digest([place])

    def tables(self, rows: range) -> Iterator[pd.DataFrame]:
        """The rows, in tables that fit into memory: a column a label, the rows' seeds and images as PNG files."""
        draw = self.draw
        step = DRAWN if draw.images else SEARCHED if draw.query.given else BATCH
        for first in range(rows.start, rows.stop, step):
            yield table(draw.graph, *self.model.rows(draw, first, min(step, rows.stop - first)))


class Exported:
    """An exported model in a worker's memory."""

    def __init__(self, folder: str) -> None:
        """Loads a version's folder."""
        import tensorflow as tf

        from causalgan_tf import noise

        self.loaded, self.row_seeds = tf.saved_model.load(folder), noise.row_seeds

    def ask(self, signature: str, seeds: np.ndarray, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of a signature for rows with these seeds int64 [B]."""
        found = self.loaded.signatures[signature](seed=seeds, **inputs)
        return {name: value.numpy() for name, value in found.items()}

    def rows(self, draw: Draw, first: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Seeds int64 [n], labels float32 [n, K] and, if they are drawn, images uint8 [n, S, S, C] of rows."""
        if draw.query.given:
            return self.given(draw, first, n)
        seeds = self.row_seeds(draw.seed, first, n).numpy()
        found = self.ask("sample" if draw.images else "labels", seeds, draw.inputs())
        return seeds, found["labels"], found.get("image")

    def given(self, draw: Draw, first: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """`rows` that meet the condition; ConditioningError if one has none among `max_draws` candidates."""
        left, rows = np.arange(n), {}
        for attempt in range(math.ceil(draw.max_draws / CANDIDATES)):
            seeds = self.row_seeds(draw.seed, first, n, attempt).numpy()[left]
            found = self.ask("sample_given", seeds, draw.inputs())
            met = found.pop("accepted")
            for name, value in found.items():
                rows.setdefault(name, np.zeros([n, *value.shape[1:]], value.dtype))[left[met]] = value[met]
            left = left[~met]
            if not len(left):
                return rows["row_seed"], rows["labels"], rows["image"] if draw.images else None
        draws = (attempt + 1) * CANDIDATES
        missed = f"Row {first + left[0]} of the draw: none of its {draws:,} candidates meets {draw.query.text()}"
        way_out = f"Condition on less, or look at more candidates: --max_draws={10 * draws}"
        raise ConditioningError(f"{missed}. {way_out}.", n - len(left), n, draws, 0.0)


def put(out: str, name: str, content: BinaryIO) -> None:
    """Writes a file of a folder beside its place and then renames it, so that nobody ever sees a part of one."""
    partial = FileSystems.join(out, PARTIAL, f"{name}.{uuid.uuid4().hex}")
    with FileSystems.create(partial) as target:
        shutil.copyfileobj(content, target)
    FileSystems.rename([partial], [FileSystems.join(out, name)])


def digest(paths: Sequence[str]) -> str:
    """SHA-256 of files, one behind the other."""
    found = hashlib.sha256()
    for path in paths:
        with FileSystems.open(path) as file:
            while chunk := file.read(1 << 20):
                found.update(chunk)
    return found.hexdigest()


def table(graph: CausalGraph, seeds: np.ndarray, labels: np.ndarray, images: np.ndarray | None) -> pd.DataFrame:
    """Rows as causalgan-sample writes them; a last column `image` holds PNG files."""
    import tensorflow as tf

    from causalgan_tf.inference.samples import free_name, label_frame, with_seeds

    frame = with_seeds(label_frame(graph, labels.astype(np.float32 if graph.sizes is None else np.uint8)), seeds)
    if images is None:
        return frame
    return frame.assign(**{free_name("image", frame): [tf.io.encode_png(image).numpy() for image in images]})


def write_parquet(path: pathlib.Path, tables: Iterable[pd.DataFrame]) -> None:
    """Writes tables as one Parquet file, a row group each."""
    import pyarrow as pa
    from pyarrow import parquet

    groups = (pa.Table.from_pandas(part, preserve_index=False) for part in tables)
    group = next(groups)
    with parquet.ParquetWriter(path, group.schema) as writer:
        writer.write_table(group)
        for group in groups:
            writer.write_table(group)


def write_tfrecord(path: pathlib.Path, tables: Iterable[pd.DataFrame]) -> None:
    """Writes tables as TFRecord, a tf.train.Example a row: int64, float, or bytes of texts and files."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for part in tables:
            lists = {name: _feature_of(part[name].dtype) for name in part}
            for row in zip(*(part[name].tolist() for name in part), strict=True):
                features = {name: make(value) for (name, make), value in zip(lists.items(), row, strict=True)}
                example = tf.train.Example(features=tf.train.Features(feature=features))
                writer.write(example.SerializeToString(deterministic=True))


def _feature_of(dtype: Any) -> Any:
    """What makes a tf.train.Feature of a value of a column."""
    from tensorflow.train import BytesList, Feature, FloatList, Int64List

    if getattr(dtype, "kind", "O") in "iub":
        return lambda value: Feature(int64_list=Int64List(value=[value]))
    if dtype.kind == "f":
        return lambda value: Feature(float_list=FloatList(value=[value]))
    return lambda value: Feature(bytes_list=BytesList(value=[value if isinstance(value, bytes) else value.encode()]))


WRITERS = {"parquet": write_parquet, "tfrecord": write_tfrecord}


def finish(found: Sequence[tuple[int, int, str]], draw: Draw) -> str:
    """Writes the list of the shards, (number, rows, digest) each in any order, and gives its path.

    What failed attempts left is removed. RuntimeError if shards or rows are missing.
    """
    shards = {shard: {"file": draw.file(shard), "rows": rows, "sha256": digest} for shard, rows, digest in found}
    rows = sum(part["rows"] for part in shards.values())
    if len(shards) != draw.shards or rows != draw.n:
        raise RuntimeError(f"{len(shards)} of {draw.shards} shards, {rows:,} of {draw.n:,} rows were drawn.")
    write_list(draw, [shards[k] for k in range(draw.shards)])
    partial = FileSystems.join(draw.out, PARTIAL)
    left = [match.path for match in FileSystems.match([FileSystems.join(partial, "*")])[0].metadata_list]
    FileSystems.delete([*left, *([partial] if FileSystems.exists(partial) else [])])
    return FileSystems.join(draw.out, LIST)


def write_list(draw: Draw, shards: Sequence[Mapping[str, Any]]) -> None:
    """Writes draw.json: what is drawn, and the shards, none before all are there."""
    put(draw.out, LIST, io.BytesIO(json.dumps(draw.told | {"shards": shards}, indent=1).encode()))


def sample(pipeline: beam.Pipeline, draw: Draw) -> beam.PCollection:
    """The steps of the draw; the result is the path of the list of its shards."""
    shards = pipeline | "Shards" >> beam.Create(range(draw.shards))
    drawn = shards | "Draw" >> beam.ParDo(DrawShard(draw))
    return drawn | "All" >> beam.combiners.ToList() | "List" >> beam.Map(finish, draw)


def parsed(arguments: Sequence[str]) -> tuple[Draw, list[str]]:
    """What is drawn, checked, and the flags that are Beam's; InputError as `opened`, and for flags that do not fit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add = parser.add_argument
    add("--model", required=True, help="folder of causalgan-export: of a version, or of all, then the newest is taken")
    add("--out", required=True, help="folder of the shards, empty or of this draw; any file system that Beam knows")
    add("--n", type=int, required=True, help="rows to draw")
    add("--seed", type=int, default=0, help="seed of the draw")
    add("--first", type=int, default=0, help="number of the first row: several jobs share a draw")
    add("--do", default="", help="interventions, such as Mustache=1,Smoke=never,Age=50")
    add("--given", default="", help="conditions, such as Smiling=1,Age=20..30; with --do they hold under it")
    add("--max_draws", type=int, default=200_000, help="candidates of a row at most, with --given; in steps of 4,096")
    add("--noimages", action="store_true", help="labels only")
    add("--format", choices=FORMATS, default=FORMATS[0], help="of the shards; images are PNG files in them")
    add("--shard_rows", type=int, default=0, help=f"rows a shard; 0: {LABEL_ROWS}, or {IMAGE_ROWS} with images")
    own, others = parser.parse_known_args(arguments)
    check_words(others, [text for action in parser._actions for text in action.option_strings])
    return opened(own), others


def check_words(words: Sequence[str], own: Sequence[str]) -> None:
    """InputError for the first word that is no flag of Beam's and no value of one: Beam would drop it, and draw."""
    runner = PipelineOptions(words).view_as(StandardOptions).runner
    try:
        create_runner(runner or "DirectRunner")  # a runner's module declares flags, too
    except (ImportError, ValueError) as error:
        raise InputError(f"--runner={brief(runner)}: {brief(error, 260)}") from error
    parsers: list[argparse.ArgumentParser] = []
    PipelineOptions([]).get_all_options(add_extra_args_fn=parsers.append)
    for word in parsers[0].parse_known_args(words)[1]:
        name = word.partition("=")[0]
        flags = [*own, *(text for action in parsers[0]._actions for text in action.option_strings)]
        near = difflib.get_close_matches(f"--{name.lstrip('-')}", flags, 1, CLOSE)
        way = f"Is {near[0]} meant?" if near else "Leave it out; --help lists this program's flags."
        what = "no flag of this program or of Beam" if name.startswith("--") else "flags are written --NAME=VALUE"
        raise InputError(f"{brief(word)}: {what}. {way}")


def opened(own: argparse.Namespace) -> Draw:
    """The draw that flags ask for; InputError for a folder that is no export, a query or numbers."""
    bounds = {"n": (1, ROWS), "seed": (0, 2**63 - 1), "first": (0, ROWS - own.n), "max_draws": (1, ROWS)}
    for name, (low, high) in (bounds | {"shard_rows": (0, ROWS)}).items():
        if not low <= getattr(own, name) <= high:
            raise InputError(f"--{name}: expected {low} to {high}, got {getattr(own, name)}.")
    folder = version_folder(own.model)
    card = card_of(folder)
    images = bool(card["images"]) and not own.noimages
    query = checked_query(served_answers.graph_of(card), own.do, own.given)
    rows = own.shard_rows or (IMAGE_ROWS if images else LABEL_ROWS)
    numbers = {"seed": own.seed, "first": own.first, "n": own.n, "shard_rows": rows, "max_draws": own.max_draws}
    return Draw(folder, fingerprint(folder), card, query, images, own.out, own.format, **numbers)


def checked_query(graph: CausalGraph, do: str, given: str) -> Query:
    """The query; InputError for one that no exported model answers: laws and formulas in do, sets in given."""
    query = Query.create(graph, parse_assignments(do), parse_assignments(given))
    for node in query.soft:
        raise InputError(f"do {node}: an exported model sets labels to constants. Draw laws with causalgan-sample.")
    for node, value in query.given.items():
        if isinstance(value, frozenset):
            raise InputError(f"given {node}: an exported model takes one value of a label. Draw each value's rows.")
    return query


def version_folder(model: str) -> str:
    """The folder of a version: `model` itself, or its newest one; InputError if there is none."""
    if FileSystems.exists(FileSystems.join(model, "saved_model.pb")):
        return model
    found = FileSystems.match([FileSystems.join(model, "*", "saved_model.pb")])[0].metadata_list
    folders = [FileSystems.split(match.path)[0] for match in found]
    versions = [folder for folder in folders if re.fullmatch("[0-9]+", FileSystems.split(folder)[1])]
    if versions:
        return max(versions, key=lambda folder: int(FileSystems.split(folder)[1]))
    raise InputError(f"{brief(model)}: no exported model is there. Write one: causalgan-export --export_dir=FOLDER.")


def card_of(folder: str) -> dict[str, Any]:
    """The card of an exported model; InputError if it is none of causalgan-export."""
    try:
        with FileSystems.open(FileSystems.join(folder, "assets", "card.json")) as file:
            card = json.loads(file.read())
        served_answers.graph_of(card)
        return card
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{brief(folder)}: its card is none of causalgan-export. Export the model anew.") from error


def fingerprint(folder: str) -> str:
    """The digest of an exported model's graph and of the index of its weights, which holds a checksum of each."""
    return digest(
        [FileSystems.join(folder, *parts) for parts in (["saved_model.pb"], ["variables", "variables.index"])]
    )


def begin(draw: Draw) -> None:
    """Writes what is drawn into the folder; InputError if it holds anything but this draw, or cannot be made."""
    if "://" not in draw.out:
        outputs.check_folder(draw.out)
    path = FileSystems.join(draw.out, LIST)
    if FileSystems.exists(path):
        held = {}
        with contextlib.suppress(ValueError), FileSystems.open(path) as file:
            held = dict(json.loads(file.read()))
        other = [name for name, value in draw.told.items() if held.get(name) != value]
        if not other:
            return
        there, here = brief(held.get(other[0])), brief(draw.told[other[0]])
        fault = f"holds another draw: {other[0]} is {there} there, and {here} here"
        raise InputError(f"{brief(draw.out)} {fault}. Nothing was touched. Name another folder.")
    for found in FileSystems.match([FileSystems.join(draw.out, "**")])[0].metadata_list:
        fault = f"is not empty: {brief(found.path)} is there"
        raise InputError(f"{brief(draw.out)} {fault}. Nothing was touched. Name another folder.")
    write_list(draw, [])


def main(arguments: Sequence[str] | None = None) -> None:
    """Draws; says where the list of the shards is."""
    try:
        draw, others = parsed(sys.argv[1:] if arguments is None else arguments)
        begin(draw)
        with beam.Pipeline(options=PipelineOptions(others)) as pipeline:
            sample(pipeline, draw)
    except InputError as error:
        sys.exit(f"error: {error}")
    except Exception as error:  # what a worker has raised comes as text
        told = TOLD.findall(str(error))
        if not told:
            raise
        sys.exit(f"error: {told[-1]}")
    print(FileSystems.join(draw.out, LIST))


if __name__ == "__main__":
    main()
