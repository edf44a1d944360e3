"""Configuration of the data, and which sources there are."""

import dataclasses

from causalgan_tf.config.fields import Entry, Validated, option
from causalgan_tf.errors import InputError

FILES = {
    "image_dir": "the folder that holds the image files",
    "labels_file": "CelebA's list_attr_celeba.txt, a csv with a header or a parquet file",
}
COLOURS = {1: "grey", 3: "colour"}
# to do is not to condition: the first of each pair equals P(Male), the second does not
CELEBA_QUERIES = (
    "P(Male=0|do(Mustache=1))",
    "P(Male=0|Mustache=1)",
    "P(Male=1|do(Wearing_Lipstick=1))",
    "P(Male=1|Wearing_Lipstick=1)",
)


@dataclasses.dataclass(frozen=True)
class Source:
    """A source of labels and images: the one place that says what its name stands for.

    Attributes:
        load: (DataConfig, seed, labels_only, graph or None) to a data.Dataset.
        files: those of FILES that it reads.
        channels: of the images that it draws itself; empty: image files become 1 or 3, or there are none.
        labels_only: whether it has no images.
        infers_types: whether the types of labels that the graph does not declare are read off the rows.
        decodes: whether image files are decoded to disk; `load` takes `write` then, False to leave that out.
        queries: probabilities that a report states where the graph has their labels, such as "P(A=1|do(B=0))".

    >>> SOURCES["table"].labels_only, SOURCES["causal_faces"].channels
    (True, (3,))
    """

    load: Entry
    files: tuple[str, ...] = ()
    channels: tuple[int, ...] = ()
    labels_only: bool = False
    infers_types: bool = False
    queries: tuple[str, ...] = ()
    decodes: bool = False

    @property
    def drawn(self) -> bool:
        """Whether labels and images are drawn here, as many as the configuration says."""
        return bool(self.channels)

    @property
    def unread(self) -> tuple[str, ...]:
        """The numbers of DataConfig that do nothing here; size and channels, which presets of images say, aside."""
        drawing = () if self.drawn else ("train_images", "uniform_images", "label_rows")
        held_out = ("test_images",) if self.labels_only else ()
        return (*drawing, *held_out, *(() if self.decodes else ("crop_size",)))


SOURCES = {
    "causal_faces": Source(Entry("causalgan_tf.data.causal_faces:load_faces"), channels=(3,), queries=CELEBA_QUERIES),
    "morpho_digits": Source(Entry("causalgan_tf.data.morpho_digits:load_morpho_digits"), channels=(1,)),
    "colored_digits": Source(Entry("causalgan_tf.data.colored_digits:load_colored_digits"), channels=(3,)),
    "folder": Source(
        Entry("causalgan_tf.data.folder:load_folder"),
        files=("image_dir", "labels_file"),
        infers_types=True,
        decodes=True,
    ),
    "celeb_a": Source(Entry("causalgan_tf.data.celeb_a:load_celeb_a"), queries=CELEBA_QUERIES, decodes=True),
    "table": Source(
        Entry("causalgan_tf.data.tables:load_table"), files=("labels_file",), labels_only=True, infers_types=True
    ),
}


def without_images(dataset: str | None, train: str = "Train its images: --stages=images.") -> str:
    """The way out where a model of a source has no images; `train` if the source has some, or is not known (None).

    >>> without_images("table")
    'It is of a table (dataset=table), which has no images. Ask for labels alone.'
    """
    if dataset in SOURCES and SOURCES[dataset].labels_only:
        return f"It is of a table (dataset={dataset}), which has no images. Ask for labels alone."
    return train


@dataclasses.dataclass(frozen=True)
class DataConfig(Validated):
    """Which labels and images are learnt, and the causal graph over the labels.

    Examples:
        >>> DataConfig(dataset="table", labels_file="mine.csv", graph="Old -> Smokes").image_size
        32
    """

    dataset: str = option(
        "causal_faces",
        "source of labels and images; table is labels only",
        choices=SOURCES,
    )
    graph: str = option("causal_graph_1", 'causal graph: a name, a file, or text such as "Young -> Bald; Male -> Bald"')
    image_dir: str = option("", "folder of image files (dataset=folder)")
    labels_file: str = option("", "labels: CelebA's list_attr_celeba.txt, csv or parquet (dataset=folder, table)")
    drop_missing: bool = option(
        False, "leave out rows with missing values instead of refusing them (dataset=folder, table)"
    )
    interventions: str = option(
        "", "column of labels_file that names the nodes set in each row, as A or A;B (dataset=folder, table)"
    )
    decimal: str = option(".", "decimal mark of numbers in labels_file (dataset=folder, table)", choices=(".", ","))
    data_dir: str = option(
        "",
        "where prepared data are kept; empty: TFDS' default, and ~/.cache/causalgan_tf for decoded images",
        compared=False,
    )
    image_size: int = option(32, "side of the square images, pixels; a power of two", low=16, high=256)
    channels: int = option(
        3,
        "colour channels to which image files are converted: 3 (RGB) or 1 (grey)",
        low=1,
        high=3,
    )
    crop_size: int = option(
        0,
        "side of the centre crop before resizing, pixels; 0: none, images must be square; -1: the largest square",
        low=-1,
    )
    train_images: int = option(20_000, "rendered training images (dataset=causal_faces, ..._digits)", low=1)
    test_images: int = option(5_000, "images held out of training for evaluation", low=1)
    uniform_images: int = option(
        12_000, "rendered images with uniform labels, for evaluation (dataset=causal_faces, ..._digits)", low=1
    )
    label_rows: int = option(1_000_000, "label rows drawn for the controller (dataset=causal_faces, ..._digits)", low=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.image_size & (self.image_size - 1):
            raise InputError(f"DataConfig.image_size: expected a power of two, got {self.image_size}.")
        if self.channels == 2:
            raise InputError("DataConfig.channels: expected 3 (RGB) or 1 (grey), got 2.")
        source = SOURCES[self.dataset]
        if source.channels and self.channels not in source.channels:
            drawn = source.channels[0]
            raise InputError(f"dataset={self.dataset} draws {COLOURS[drawn]} images: it needs --channels={drawn}.")
        self._check_files(source.files)

    def _check_files(self, read: tuple[str, ...]) -> None:
        """InputError for a path that the source needs and lacks, or that it does not read."""
        for name, what in FILES.items():
            wanted, given = name in read, bool(getattr(self, name))
            if wanted and not given:
                raise InputError(f"dataset={self.dataset} needs --{name}, {what}.")
            if given and not wanted:
                raise InputError(f"dataset={self.dataset} does not read --{name}. Drop it, or name another --dataset.")
        used = {"drop_missing": self.drop_missing, "decimal": self.decimal != ".", "interventions": self.interventions}
        if "labels_file" not in read and any(used.values()):
            name = next(name for name, value in used.items() if value)
            raise InputError(
                f"dataset={self.dataset} reads no labels file. Leave --{name} out, or name another --dataset."
            )
