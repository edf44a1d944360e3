"""Configuration of the image models, and which there are: one default, unit and reason a line."""

import dataclasses
from collections.abc import Callable
from typing import Protocol

from causalgan_tf.config.fields import MOST_STEPS, Entry, Validated, option
from causalgan_tf.errors import InputError, closest
from causalgan_tf.graphs.graph import CausalGraph

AUGMENTATIONS = ("brightness", "saturation", "contrast", "translation", "cutout")


@dataclasses.dataclass(frozen=True)
class ImageModel:
    """An image model: the one place that says what its name stands for.

    Attributes:
        title: its name in a report.
        part: the field of RunConfig that this model alone reads; empty: it reads ImageConfig alone.
        build_generator: (RunConfig, CausalGraph) to an untrained generator, see networks.builders.gan_generator.
        build_learner: (RunConfig, CausalGraph, LabelSampler, LabelCodec) to a compiled ImageLearner.
        check: raises InputError for parts of a RunConfig that do not go together.
        check_graph: raises InputError for labels that the model is not trained on.
        kernel: side that its convolutions have at least, pixels; 0: ImageConfig.kernel says it.
        against_collapse: what to change when its generator draws one image.
        unread: fields of ImageConfig that it does not read.

    >>> IMAGE_MODELS["causal_began"].part
    'began'
    """

    title: str
    part: str
    build_generator: Entry
    build_learner: Entry
    check: "Callable[[Parts], None]" = lambda config: None
    check_graph: "Callable[[Parts, CausalGraph], None]" = lambda config, graph: None
    kernel: int = 0
    against_collapse: str = ""
    unread: tuple[str, ...] = ()


class Parts(Protocol):
    """What an image model's checks read of a RunConfig.

    >>> import types
    >>> gan = GanConfig(r1_weight=1.0, r1_every=16)
    >>> parts = types.SimpleNamespace(image=ImageConfig(batch_size=8), gan=gan, began=BeganConfig())
    >>> IMAGE_MODELS["causal_gan"].check(parts)
    Traceback (most recent call last):
        ...
    causalgan_tf.errors.InputError: --image_r1_every: expected at most the batch size 8, got 16.
    """

    image: "ImageConfig"
    gan: "GanConfig"
    began: "BeganConfig"


def _check_gan(config: Parts) -> None:
    """InputError for what CausalGAN's discriminator cannot have: a norm of residual blocks, R1 of too few rows."""
    gan = config.gan
    if gan.blocks == "residual" and (gan.discriminator_norm != "none" or gan.minibatch == "features"):
        raise InputError(
            "--image_blocks=residual: its discriminator has no normalisation and no minibatch features: expected "
            "--image_discriminator_norm=none and --image_minibatch=std or none, got "
            f"{gan.discriminator_norm} and {gan.minibatch}."
        )
    if gan.r1_weight and gan.r1_every > config.image.batch_size:
        raise InputError(
            f"--image_r1_every: expected at most the batch size {config.image.batch_size}, got {gan.r1_every}."
        )


IMAGE_MODELS = {
    "causal_gan": ImageModel(
        title="CausalGAN",
        part="gan",
        build_generator=Entry("causalgan_tf.networks.builders:gan_generator"),
        build_learner=Entry("causalgan_tf.training.builders:build_causal_gan"),
        check=_check_gan,
        against_collapse="use --image_minibatch=std",
    ),
    "causal_began": ImageModel(
        title="CausalBEGAN",
        part="began",
        build_generator=Entry("causalgan_tf.networks.began:build_generator"),
        build_learner=Entry("causalgan_tf.training.builders:build_causal_began"),
        kernel=3,
        against_collapse="raise --began_gamma1",
        unread=("label_deviation",),
    ),
}


@dataclasses.dataclass(frozen=True)
class ImageConfig(Validated):
    """The image model, and what every image model reads.

    Examples:
        >>> ImageConfig(steps=2_000).batch_size
        32
    """

    model: str = option("causal_gan", "image model: CausalGAN or CausalBEGAN", choices=IMAGE_MODELS)
    steps: int = option(8_000, "discriminator steps", low=0, high=MOST_STEPS, may_grow=True)
    batch_size: int = option(
        32,
        "images a step, over all replicas (paper: 64)",
        low=2,
    )
    noise_size: int = option(64, "noise numbers of the image, each uniform in (-1, 1) (paper: 100)", low=1)
    width: int = option(
        32,
        "generator: channels of the finest block, doubled at each coarser one (not in full networks; paper: 64)",
        low=4,
    )
    discriminator_width: int = option(32, "discriminator: channels of its finest block (paper: 64)", low=4)
    labeler_width: int = option(
        16,
        "labeler and anti-labeler: channels of their finest block (paper: 64)",
        low=4,
    )
    labeler_size: int = option(
        0,
        "side of the images that the labelers see, averaged down, pixels, a power of two; 0: as they are (paper: 0)",
        low=0,
    )
    labeler_norm: str = option(
        "auto",
        "normalisation in the labelers; auto: batch, and none where a label is a number, which it hides (paper: batch)",
        choices=("auto", "batch", "none"),
    )
    kernel: int = option(4, "side of the stride-2 convolutions, pixels (paper: 5); full networks: the labeler's", low=2)
    learning_rate: float = option(
        5e-4, "Adam's learning rate, all networks but the discriminator (paper: 2e-4)", low=0.0
    )
    discriminator_learning_rate: float = option(
        1e-3,
        "Adam's learning rate, discriminator (paper: 2e-4)",
        low=0.0,
    )
    decay_start: float = option(
        0.5, "share of the steps after which the learning rates decay exponentially; 1: never", low=0.0, high=1.0
    )
    decay_to: float = option(0.1, "share of the learning rates that remains at the last step", low=1e-6, high=1.0)
    beta1: float = option(
        0.0,
        "Adam's beta1 (paper: .5; CausalBEGAN: .9); 0: momentum from before the other networks' update is stale",
        low=0.0,
        high=0.9999,
    )
    gradient_limit: float = option(
        4.0,
        "gradients above this many times their running root mean square are scaled down to it; 0: never",
        low=0.0,
    )
    labeler_noise: float = option(
        0.15,
        "standard deviation of noise on the labelers' input, images in [-1, 1]; twice for twice the side (paper: 0)",
        low=0.0,
    )
    updates: str = option(
        "shared",
        "shared: all networks from one pass of generated images; in_turn: the generator last, slower (the authors')",
        choices=("shared", "in_turn"),
    )
    mix_single: float = option(
        0.375,
        "share of generated rows in which one label is redrawn at random, as single interventions do",
        low=0.0,
        high=1.0,
    )
    mix_uniform: float = option(
        0.25, "share of generated rows in which all labels are redrawn at random", low=0.0, high=1.0
    )
    discriminator_rows: str = option(
        "mixed",
        "real rows of the discriminator: data, uniformly; mixed, reweighted to the labels of the generated rows",
        choices=("mixed", "data"),
    )
    discriminator_labels: bool = option(
        True,
        "the discriminator sees the labels of the image too (projection; causal_began: beside the code; paper: no)",
    )
    labeler_balance: float = option(
        0.5,
        "the labeler draws real rows in proportion to (rows of the label cell) ** -balance; 0: as the data",
        low=0.0,
        high=1.0,
    )
    label_deviation: float = option(
        0.5,
        "deviation that labelers allow a continuous label, in its own ones; less: a number counts for more",
        low=0.05,
        high=2.0,
    )
    collapse_share: float = option(
        0.1,
        "stop as collapsed when generated images differ by less than this share of the real ones' distance; 0: never",
        low=0.0,
        high=0.5,
        compared=False,
    )
    label_encoding: str = option(
        "sign",
        "binary labels as the generator sees them: sign (-1/1) or logit (of jittered .3/.7, as the authors do)",
        choices=("sign", "logit"),
    )
    ema: float = option(
        0.998,
        "decay per step of the averaged generator that is sampled from; 0: use the last weights",
        low=0.0,
        high=0.99999,
    )
    precision: str = option(
        "float32",
        "arithmetic of the image networks; bfloat16 where the hardware has it (lscpu: avx512_bf16), float16 on GPUs",
        choices=("float32", "bfloat16", "float16"),
    )
    steps_per_call: int = option(
        10, "steps inside one compiled call, the logging interval", low=1, high=MOST_STEPS, compared=False
    )
    pictures_every: int = option(1_000, "steps between picture grids in TensorBoard", low=1, compared=False)
    checkpoint_every: int = option(200, "steps between checkpoints, the most that a kill loses", low=1, compared=False)

    @property
    def leaves_out_unseen(self) -> bool:
        """Whether the discriminator leaves out generated rows of unseen label cells, so that additivity trains them."""
        return self.discriminator_rows == "mixed"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.labeler_size & (self.labeler_size - 1) or 0 < self.labeler_size < 8:
            raise InputError(
                f"ImageConfig.labeler_size: expected 0 or a power of two from 8 on, got {self.labeler_size}."
            )
        mixing = self.mix_single + self.mix_uniform
        if mixing > 1.0:
            raise InputError(
                "ImageConfig.mix_single and mix_uniform are shares of the same rows: expected at most 1 together, got "
                f"{self.mix_single} + {self.mix_uniform}."
            )
        if self.discriminator_labels and self.discriminator_rows == "data" and mixing:
            raise InputError(
                "--image_discriminator_rows=data: where labels are mixed (--image_mix_single, --image_mix_uniform), "
                "generated rows have other labels than the data's, and a discriminator that sees labels tells them by "
                "these. Leave it out, or take --noimage_discriminator_labels."
            )


@dataclasses.dataclass(frozen=True)
class GanConfig(Validated):
    """What CausalGAN alone reads (arXiv:1709.02023, section 5); its flags begin with image_, too.

    Examples:
        >>> GanConfig(r1_weight=1.0).gan_loss
        'nonsaturating'
    """

    modulation: bool = option(
        True,
        "noise and labels scale and shift every block of the generator, not only its first layer (paper: no)",
    )
    blocks: str = option(
        "plain",
        "generator and discriminator: plain (DCGAN) or residual (1-3-1 convolutions, grouped: for many pixels)",
        choices=("plain", "residual"),
    )
    gan_loss: str = option(
        "nonsaturating",
        "loss of the GAN: theory (what the theorem needs), nonsaturating (the authors' default), minimax or hinge",
        choices=("theory", "nonsaturating", "minimax", "hinge"),
    )
    labeler_weight: float = option(1.5, "weight of the labeler's term in the generator's loss (paper: 1)", low=0.0)
    anti_labeler_weight: float = option(
        1.0,
        "start value of c, the weight of the anti-labeler's term",
        low=0.0,
    )
    anti_labeler_decay: float = option(
        1_000.0,
        "steps in which c falls to 1/e (paper: 1,000 discriminator steps); 0: constant",
        low=0.0,
    )
    additivity: float = option(
        20.0,
        "weight of additivity: images of unseen label cells should be what seen cells add up to (paper: 0)",
        low=0.0,
    )
    sums: str = option(
        "certain",
        "a sum counts where labelers are certain of it, or relative to how certain they are of its parts (photographs)",
        choices=("certain", "relative"),
    )
    generator_steps: int = option(
        1,
        "generator updates for each update of the others (paper: 6)",
        low=1,
        high=60,
    )
    augment: str = option(
        "none",
        "augmentation of real and generated images: none or some of brightness,saturation,contrast,translation,cutout",
    )
    r1_weight: float = option(
        2.0,
        "weight g of the R1 penalty g/2 E|grad D(x)|^2 over real images; 0: none (paper: 0)",
        low=0.0,
    )
    r1_every: int = option(
        4,
        "the R1 penalty is taken over one in this many real images of a batch",
        low=1,
    )
    discriminator_norm: str = option(
        "none",
        "normalisation in the discriminator; with none, r1_weight keeps it smooth",
        choices=("spectral", "batch", "none"),
    )
    minibatch: str = option(
        "std",
        "how the discriminator sees the batch: std (one feature), features (the authors' kernels) or none",
        choices=("std", "features", "none"),
    )
    noise_reconstruction: float = option(
        0.0,
        "weight of the loss of a network that reconstructs the noise from the image (the authors': 1)",
        low=0.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        names = [] if self.augment == "none" else self.augment.split(",")
        unknown = [name for name in names if name not in AUGMENTATIONS]
        if unknown or len(set(names)) < len(names):
            raise InputError(
                f"GanConfig.augment: expected none or some of {','.join(AUGMENTATIONS)}, each once; "
                f"got {self.augment!r}.{closest(unknown[0], AUGMENTATIONS) if unknown else ''}"
            )

    @property
    def unread(self) -> dict[str, str]:
        """The fields that do nothing with the others' values, and the flag that makes it so."""
        found = {} if self.r1_weight else {"r1_every": "--image_r1_weight=0"}
        found |= {} if self.additivity else {"sums": "--image_additivity=0"}
        return found | ({} if self.anti_labeler_weight else {"anti_labeler_decay": "--image_anti_labeler_weight=0"})


@dataclasses.dataclass(frozen=True)
class BeganConfig(Validated):
    """What CausalBEGAN alone reads (arXiv:1709.02023, section 6; BEGAN, arXiv:1703.10717); equations in losses.py.

    Examples:
        >>> BeganConfig().label_loss
        'squared'
    """

    label_loss: str = option(
        "squared",
        "distance between labels and the labeler's probabilities: squared (paper), cross_entropy or absolute",
        choices=("squared", "cross_entropy", "absolute"),
    )
    networks: str = option(
        "strided",
        "strided: CausalGAN's generator, stride-2 convolutions; full: 3x3 convolutions, two a resolution (paper)",
        choices=("strided", "full"),
    )
    error: str = option(
        "squared",
        "error of a reconstruction: squared, where small parts of strong contrast count more, or absolute (authors')",
        choices=("squared", "absolute"),
    )
    code_size: int = option(64, "numbers of the code between the discriminator's encoder and decoder", low=1)
    gamma1: float = option(
        0.5,
        "target of the generated images' error as a share of the real ones': low is sharp, high is varied",
        low=0.0,
    )
    gamma2: float = option(0.5, "target of the generated labels' loss as a share of the real ones'", low=0.0)
    gamma3: float = option(0.5, "weight in the third margin of images that are ahead of their share", low=0.0)
    lambda1: float = option(1e-3, "change a step of c1, the weight of generated images in D, at margin 1", low=0.0)
    lambda2: float = option(8e-5, "change a step of c2, the weight of generated labels in D, at margin 1", low=0.0)
    lambda3: float = option(1e-2, "change a step of c3, the weight of labels in the generator, at margin 1", low=0.0)
    third_margin: bool = option(
        True, "c3 follows the third margin; otherwise it is 1 (the comparison in the paper's appendix)"
    )
    halve_every: int = option(
        0,
        "steps between halvings of the learning rates, beside their decay (paper: 100,000); 0: never",
        low=0,
    )

    @property
    def unread(self) -> dict[str, str]:
        """The fields that do nothing with the others' values, and the flag that makes it so."""
        return {} if self.third_margin else dict.fromkeys(("gamma3", "lambda3"), "--nobegan_third_margin")
