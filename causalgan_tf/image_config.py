"""Configuration of the image models: one default, unit and reason per line; equations in losses.py."""

import dataclasses

from causalgan_tf.errors import InputError, closest
from causalgan_tf.options import MOST_STEPS, Validated, option

IMAGE_MODELS = {"causal_gan": "CausalGAN", "causal_began": "CausalBEGAN"}  # as the paper calls them
AUGMENTATIONS = ("brightness", "saturation", "contrast", "translation", "cutout")


@dataclasses.dataclass(frozen=True)
class ImageConfig(Validated):
    """The image model: what both architectures read, and what CausalGAN alone does (arXiv:1709.02023, section 5)."""

    model: str = option("causal_gan", "image model: CausalGAN or CausalBEGAN", choices=tuple(IMAGE_MODELS))
    steps: int = option(8_000, "discriminator steps", low=0, high=MOST_STEPS, may_grow=True)
    batch_size: int = option(
        32,
        "images a step, over all replicas (paper: 64): of equally long trainings, the one with more steps wins",
        low=2,
    )
    noise_size: int = option(64, "exogenous noise of the image, U(-1,1) numbers (paper: 100)", low=1)
    width: int = option(
        32,
        "generator: channels of its finest block, doubled towards the coarsest (causal_began: never; paper: 64)",
        low=4,
    )
    discriminator_width: int = option(32, "discriminator: channels of its finest block (paper: 64)", low=4)
    labeler_width: int = option(
        16,
        "labeler and anti-labeler: channels of their finest block (paper: 64); labels are easier to see than fakes",
        low=4,
    )
    modulation: bool = option(
        True,
        "whether noise and labels scale and shift every block of the generator (arXiv:1810.01365), or enter at its "
        "first layer alone (paper)",
        model="causal_gan",
    )
    kernel: int = option(4, "side of the stride-2 convolutions, pixels (paper: 5); causal_began: of its labeler", low=2)
    learning_rate: float = option(
        5e-4, "Adam's learning rate, all networks but the discriminator (paper: 2e-4)", low=0.0
    )
    discriminator_learning_rate: float = option(
        1e-3,
        "Adam's learning rate, discriminator (paper: 2e-4)",
        low=0.0,
    )
    decay_start: float = option(
        0.5, "share of the steps after which the learning rates fall exponentially; 1: never", low=0.0, high=1.0
    )
    decay_to: float = option(0.1, "share of the learning rates that is left at the last step", low=1e-6, high=1.0)
    beta1: float = option(
        0.0,
        "Adam's beta1 (paper: .5; its CausalBEGAN: .9): no momentum that outlives a move of the other players",
        low=0.0,
        high=0.9999,
    )
    gradient_limit: float = option(
        4.0,
        "a gradient whose norm is more than so many times its running root mean square is scaled down to that, array "
        "by array: after a long quiet time one hard batch moves Adam's weights by up to 32 learning rates; 0: never",
        low=0.0,
    )
    gan_loss: str = option(
        "nonsaturating",
        "GAN term: theory (what the theorem needs), nonsaturating (the authors' default), minimax, hinge",
        choices=("theory", "nonsaturating", "minimax", "hinge"),
        model="causal_gan",
    )
    label_loss: str = option(
        "cross_entropy",
        "orientation of the label terms: cross_entropy (target = label, what the theorem needs) or swapped",
        choices=("cross_entropy", "swapped"),
        model="causal_gan",
    )
    labeler_weight: float = option(
        1.5, "weight of the labeler's term in the generator's loss (paper: 1)", low=0.0, model="causal_gan"
    )
    labeler_noise: float = option(
        0.15,
        "standard deviation of the noise on the labelers' input, images in [-1, 1]: without it the generator learns to "
        "fool the labeler by invisible patterns (paper: 0); twice as much for images of twice the side, whose pixels "
        "average it out",
        low=0.0,
    )
    anti_labeler_weight: float = option(
        1.0, "start value of c, the weight of the anti-labeler's term", low=0.0, model="causal_gan"
    )
    anti_labeler_decay: float = option(
        1_000.0,
        "steps in which c falls to 1/e (paper: 1,000 discriminator steps); 0: constant",
        low=0.0,
        model="causal_gan",
    )
    updates: str = option(
        "shared",
        "shared: all networks are updated from one pass of generated images; in_turn: the generator after the others, "
        "against the updated networks (the authors' CausalGAN), slower",
        choices=("shared", "in_turn"),
    )
    generator_steps: int = option(
        1, "generator updates for each update of the others (paper: 6)", low=1, high=60, model="causal_gan"
    )
    mix_single: float = option(
        0.375,
        "share of generated rows in which one label, picked at random, is replaced by a fair coin: the cells that "
        "single interventions visit are trained on purpose",
        low=0.0,
        high=1.0,
    )
    mix_uniform: float = option(
        0.25, "share of generated rows whose labels are all fair coins: every cell is trained", low=0.0, high=1.0
    )
    discriminator_rows: str = option(
        "mixed",
        "labels of the discriminator's rows: data, real ones as they come, or mixed: real ones by the generated ones' "
        "law, and no generated one that mixing moved to a cell without real ones (causal_gan; of these "
        "rows the generator hears the labelers alone, but for what their batch's deviation tells of the others): it "
        "then judges the images, and not that mixing made a cell common",
        choices=("mixed", "data"),
    )
    labeler_balance: float = option(
        0.5,
        "the labeler's real rows are drawn in proportion to (count of their label cell) ** -balance: 0 as the data, "
        "1 every cell alike. Where labels are functions of the image this moves no optimum, only the rare cells' share",
        low=0.0,
        high=1.0,
    )
    augment: str = option(
        "none",
        "random changes of real and generated images alike before the discriminator, for data sets of a few thousand "
        "images or fewer (arXiv:2006.10738): none, or some of brightness,saturation,contrast,translation,cutout",
        model="causal_gan",
    )
    r1_weight: float = option(
        2.0,
        "weight g of g/2 E|grad D(x)|^2 over real images: damps a discriminator that runs away, at a price in time; 0: "
        "none (arXiv:1801.04406: 10)",
        low=0.0,
        model="causal_gan",
    )
    r1_every: int = option(
        4,
        "the penalty is taken over one in so many real images of a batch: the same mean at a part of the cost",
        low=1,
        model="causal_gan",
    )
    collapse_share: float = option(
        0.1,
        "the training stops when the mean distance between two generated images has fallen below this share of the "
        "real ones', having been at twice the share: all images have become one; 0: never",
        low=0.0,
        high=0.5,
        compared=False,
    )
    label_encoding: str = option(
        "sign",
        "labels as the generator sees them: sign (-1/1) or logit (of {.3, .7} jittered outwards; the authors' default, "
        "but for the law of the jitter)",
        choices=("sign", "logit"),
    )
    discriminator_norm: str = option(
        "none",
        "normalisation in the discriminator; without one, r1_weight is what keeps it smooth",
        choices=("spectral", "batch", "none"),
        model="causal_gan",
    )
    minibatch: str = option(
        "std",
        "what lets the discriminator see the batch: std (one feature), features (the authors' kernels), none",
        choices=("std", "features", "none"),
        model="causal_gan",
    )
    noise_reconstruction: float = option(
        0.0,
        "weight of the squared error of a fifth network that rebuilds the noise from the image (the authors': 1, from "
        "the discriminator's features)",
        low=0.0,
        model="causal_gan",
    )
    ema: float = option(
        0.998, "decay a step of the averaged generator that is sampled; 0: the last weights", low=0.0, high=0.99999
    )
    precision: str = option(
        "float32",
        "arithmetic of the image networks in training; weights and outputs are float32 in either. bfloat16 is up to "
        "twice as fast on processors and GPUs that have it (lscpu: avx512_bf16 or amx_bf16), and slower on others",
        choices=("float32", "bfloat16"),
    )
    steps_per_call: int = option(
        10, "steps inside one compiled call, the logging interval", low=1, high=MOST_STEPS, compared=False
    )
    pictures_every: int = option(200, "steps between picture grids in TensorBoard", low=1, compared=False)
    checkpoint_every: int = option(200, "steps between checkpoints", low=1, compared=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds = [] if self.augment == "none" else self.augment.split(",")
        unknown = [kind for kind in kinds if kind not in AUGMENTATIONS]
        if unknown or len(set(kinds)) < len(kinds):
            raise InputError(
                f"ImageConfig.augment: expected none or some of {','.join(AUGMENTATIONS)}, each once; "
                f"got {self.augment!r}.{closest(unknown[0], AUGMENTATIONS) if unknown else ''}"
            )
        if self.mix_single + self.mix_uniform > 1.0:
            raise InputError(
                "ImageConfig.mix_single and mix_uniform are shares of the same rows: expected at most 1 together, got "
                f"{self.mix_single} + {self.mix_uniform}."
            )
        if self.model == "causal_gan" and self.r1_weight and self.r1_every > self.batch_size:
            raise InputError(
                f"ImageConfig.r1_every: expected at most the batch size {self.batch_size}, got {self.r1_every}."
            )


@dataclasses.dataclass(frozen=True)
class BeganConfig(Validated):
    """What CausalBEGAN alone reads (arXiv:1709.02023, section 6; BEGAN, arXiv:1703.10717); equations in losses.py."""

    label_loss: str = option(
        "squared",
        "distance between labels and the labeler's probabilities: squared (paper), cross_entropy or absolute",
        choices=("squared", "cross_entropy", "absolute"),
    )
    code_size: int = option(64, "numbers of the code between the discriminator's encoder and decoder", low=1)
    gamma1: float = option(
        0.5,
        "share of the real images' error at which the generated ones' is held: low is sharp, high is varied",
        low=0.0,
    )
    gamma2: float = option(0.5, "share of the real labels' loss at which the generated ones' is held", low=0.0)
    gamma3: float = option(0.5, "weight in the third margin of images that are ahead of their share", low=0.0)
    lambda1: float = option(1e-3, "change a step of c1, the weight of generated images in D, at margin 1", low=0.0)
    lambda2: float = option(8e-5, "change a step of c2, the weight of generated labels in D, at margin 1", low=0.0)
    lambda3: float = option(1e-2, "change a step of c3, the weight of labels in the generator, at margin 1", low=0.0)
    third_margin: bool = option(
        True, "whether c3 follows the third margin, or is 1 throughout (the comparison in the paper's appendix)"
    )
    round_labels: bool = option(True, "whether training rounds the controller's labels, as sampling does")
    halve_every: int = option(
        0,
        "steps after which the learning rates are halved, each time, besides their fall (paper: 100,000); 0: never",
        low=0,
    )
