"""Configuration of a run: frozen dataclasses, one default, unit and reason per line, to and from JSON.

A default lives here and nowhere else; the command line derives its flags from these fields, and a run folder keeps
the whole as config.json.
"""

import dataclasses
import json
import pathlib

from causalgan_tf.config.fields import MOST_STEPS, Validated, check_read, option, read_by
from causalgan_tf.config.image import BeganConfig, ImageConfig
from causalgan_tf.errors import InputError, closest
from causalgan_tf.system.files import RESTORE, read_object, write_text

FILES = {
    "image_dir": "the folder that holds the image files",
    "labels_file": "CelebA's list_attr_celeba.txt, a csv with a header or a parquet file",
}
READS = {"folder": ("image_dir", "labels_file"), "table": ("labels_file",)}  # which of FILES each dataset reads


CHANNELS = {"causal_faces": (3,), "morpho_digits": (1,)}  # of datasets that are drawn here; image files become either
COLOURS = {1: "grey", 3: "colour"}


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
        choices=("causal_faces", "morpho_digits", "folder", "celeb_a", "table"),
    )
    graph: str = option("causal_graph_1", 'causal graph: a name, a file, or text such as "Young -> Bald; Male -> Bald"')
    image_dir: str = option("", "folder of image files (dataset=folder)")
    labels_file: str = option("", "labels: CelebA's list_attr_celeba.txt, csv or parquet (dataset=folder, table)")
    drop_missing: bool = option(
        False, "leave out rows with missing values instead of refusing them (dataset=folder, table)"
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
    train_images: int = option(20_000, "rendered training images (dataset=causal_faces, morpho_digits)", low=1)
    test_images: int = option(5_000, "images held out of training for evaluation", low=1)
    uniform_images: int = option(
        12_000, "rendered images with uniform labels, for evaluation (dataset=causal_faces, morpho_digits)", low=1
    )
    label_rows: int = option(
        1_000_000, "label rows drawn for the controller (dataset=causal_faces, morpho_digits)", low=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.image_size & (self.image_size - 1):
            raise InputError(f"DataConfig.image_size: expected a power of two, got {self.image_size}.")
        if self.channels == 2:
            raise InputError("DataConfig.channels: expected 3 (RGB) or 1 (grey), got 2.")
        if self.channels not in CHANNELS.get(self.dataset, (1, 3)):
            (drawn,) = CHANNELS[self.dataset]
            raise InputError(f"dataset={self.dataset} draws {COLOURS[drawn]} images: it needs --channels={drawn}.")
        if self.dataset == "folder" and not self.image_dir:
            raise InputError("dataset=folder needs --image_dir, the folder that holds the image files.")
        for name, what in FILES.items():
            wanted, given = name in READS.get(self.dataset, ()), bool(getattr(self, name))
            if wanted and not given:
                raise InputError(f"dataset={self.dataset} needs --{name}, {what}.")
            if given and not wanted:
                raise InputError(f"dataset={self.dataset} does not read --{name}. Drop it, or name another --dataset.")
        if self.dataset not in READS and (self.drop_missing or self.decimal != "."):
            name = "drop_missing" if self.drop_missing else "decimal"
            raise InputError(
                f"dataset={self.dataset} reads no labels file. Leave --{name} out, or name another --dataset."
            )


@dataclasses.dataclass(frozen=True)
class ControllerConfig(Validated):
    """Causal controller trained by WGAN-GP (arXiv:1709.02023, section 4; arXiv:1704.00028).

    Examples:
        >>> ControllerConfig(steps=4_000).critic_steps
        3
    """

    steps: int = option(20_000, "generator steps", low=0, high=MOST_STEPS, may_grow=True)
    batch_size: int = option(256, "label rows a step, over all replicas", low=2)
    critic_steps: int = option(3, "critic steps before each generator step (paper: 20)", low=1)
    learning_rate: float = option(2e-3, "Adam's learning rate, generator and critic (paper: 8e-5)", low=0.0)
    beta1: float = option(0.5, "Adam's beta1 (paper: .9)", low=0.0, high=0.9999)
    critic_loss: str = option(
        "wasserstein",
        "loss of the critic: wasserstein (WGAN-GP) or jensen_shannon (the original GAN's, saturates on labels)",
        choices=("wasserstein", "jensen_shannon"),
    )
    gradient_penalty: float = option(1.0, "weight of the gradient penalty (paper: .1)", low=0.0)
    noise_size: int = option(10, "noise numbers of one node, each uniform in (-1, 1)", low=1)
    width: int = option(10, "units of a hidden layer of a mechanism", low=1)
    layers: int = option(3, "layers of a mechanism, the output layer included (paper: 6)", low=1)
    critic_width: int = option(32, "units of a hidden layer of the critic (paper: 15)", low=1)
    critic_layers: int = option(3, "layers of the critic, the output layer included (paper: 6)", low=1)
    critic_order: int = option(
        2,
        "the critic sees products of up to this many labels of a node and its parents (paper: 1)",
        low=1,
        high=3,
    )
    distinct_rows: int = option(
        512,
        "with at most this many distinct rows the critic sees exact shares, not batches; wasserstein only (paper: 0)",
        low=0,
    )
    ema: float = option(
        0.999,
        "decay per step of the averaged weights that are sampled from; 0: use the last weights",
        low=0.0,
        high=0.99999,
    )
    decay_start: float = option(
        0.25, "share of the steps after which the learning rate decays exponentially; 1: never", low=0.0, high=1.0
    )
    decay_to: float = option(0.05, "share of the learning rate that remains at the last step", low=1e-6, high=1.0)
    tvd_target: float = option(
        0.0, "stop when the total variation distance to the training rows is below this; 0: never", low=0.0, high=1.0
    )
    tvd_after: int = option(5_000, "first generator step at which tvd_target may stop the training", low=0)
    steps_per_call: int = option(
        500, "generator steps inside one compiled call, the logging interval", low=1, high=MOST_STEPS, compared=False
    )
    checkpoint_every: int = option(5_000, "generator steps between checkpoints", low=1, compared=False)


# what image runs did that were saved before there were such fields
BEFORE = {"discriminator_rows": "data", "gradient_limit": 0.0}
READERS = {"image": "", "began": "causal_began"}  # which image model alone reads all fields of a part; empty: neither


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """Everything that decides what a run learns; saved as config.json in the run folder.

    Examples:
        >>> config = RunConfig(controller=ControllerConfig(steps=4_000), seed=1)
        >>> RunConfig.from_json(config.to_json()) == config
        True
    """

    data: DataConfig = DataConfig()
    controller: ControllerConfig = ControllerConfig()
    image: ImageConfig = ImageConfig()
    began: BeganConfig = BeganConfig()
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.seed, int) or isinstance(self.seed, bool) or not 0 <= self.seed < 2**31:
            raise InputError(f"seed: expected an integer in [0, 2**31), got {self.seed!r}.")
        for name, reader in READERS.items():
            check_read(name, getattr(self, name), self.image.model, reader)

    def to_json(self) -> str:
        """The configuration as JSON text, fields in declaration order.

        Examples:
            >>> RunConfig(seed=1).to_json().splitlines()[-2].strip()
            '"seed": 1'
        """
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "RunConfig":
        """The configuration that `to_json` wrote; unknown fields raise InputError.

        Examples:
            >>> RunConfig.from_json('{"seed": 1}').seed
            1
        """
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"config.json is damaged: {error}. Restore it, or train into another folder.") from error
        parts = {name: type(field.default) for name, field in cls.__dataclass_fields__.items() if name != "seed"}
        if not isinstance(values, dict) or not all(isinstance(values.get(name, {}), dict) for name in parts):
            raise InputError("config.json is damaged: expected objects. Restore it, or train into another folder.")
        unknown = sorted(set(values) - {*parts, "seed"})
        if unknown:
            raise InputError(f"config.json has no field {unknown[0]!r}.{closest(unknown[0], [*parts, 'seed'])}")
        for name, part in parts.items():
            known = [field.name for field in dataclasses.fields(part)]
            unknown = sorted(set(values.get(name, {})) - set(known))
            if unknown:
                raise InputError(f"config.json: {name} has no field {unknown[0]!r}.{closest(unknown[0], known)}")
        values = {name: values.get(name, {}) for name in parts} | {"seed": values.get("seed", 0)}
        values["image"] = values["image"] and BEFORE | values["image"]
        for name, reader in READERS.items():
            # what this run's model does not read is no part of it, whatever the default was when it was saved
            values[name] = read_by(parts[name], values[name], values["image"].get("model", ImageConfig.model), reader)
        return cls(**{name: part(**values[name]) for name, part in parts.items()}, seed=values["seed"])

    def save(self, workdir: pathlib.Path) -> None:
        """Writes `workdir`/config.json.

        Examples:
            >>> RunConfig(seed=1).save(pathlib.Path())
            >>> RunConfig.load(pathlib.Path()).seed
            1
        """
        write_text(workdir / "config.json", self.to_json())

    @classmethod
    def load(cls, workdir: pathlib.Path) -> "RunConfig":
        """The configuration of the run in `workdir`; InputError if the folder holds no run.

        Examples:
            >>> RunConfig.load(pathlib.Path("runs/people")).data.dataset
            'table'
        """
        path = pathlib.Path(workdir) / "config.json"
        if not path.is_file():
            raise InputError(
                f"{workdir} holds no run: expected {path}. Train one with: causalgan-train --workdir={workdir}"
            )
        text = json.dumps(read_object(path))
        try:
            return cls.from_json(text)
        except (InputError, OverflowError) as error:
            said = str(error).removeprefix("config.json").removeprefix(" is damaged").removeprefix(":").strip()
            raise InputError(f"{path} cannot be used: {said[:160]} {RESTORE}") from error

    def differences(self, other: "RunConfig") -> list[str]:
        """Why `other` does not continue this run: a line "field: mine -> theirs" for each field that may not differ.

        Examples:
            >>> RunConfig(seed=1).differences(RunConfig(seed=2))
            ['seed: 1 -> 2']
        """
        lines = [] if self.seed == other.seed else [f"seed: {self.seed} -> {other.seed}"]
        for name in ("data", "controller", "image", "began"):
            mine, theirs = getattr(self, name), getattr(other, name)
            for field in dataclasses.fields(mine):
                old, new = getattr(mine, field.name), getattr(theirs, field.name)
                grown = field.metadata["may_grow"] and new > old
                if old != new and field.metadata["compared"] and not grown:
                    lines.append(f"{name}.{field.name}: {old} -> {new}")
        return lines
