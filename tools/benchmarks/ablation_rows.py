"""The rows of the ablation; see ablation.py."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable
from typing import Any

from absl import flags

from causalgan_tf.cli import common, train
from causalgan_tf.config import BeganConfig, GanConfig, ImageConfig, RunConfig
from causalgan_tf.learners.image_learner import ImageLearner
from tools.benchmarks import baselines, flow_matching, variants

FLAGS = pathlib.Path(__file__).parents[2] / "flags"
# a discriminator that is fed with labels must see the data's law of them; the noise is before labelers alone
PLAIN = {"mix_single": 0.0, "mix_uniform": 0.0, "labeler_balance": 0.0, "labeler_noise": 0.0}


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the table: its words, its image model, and who builds that."""

    title: str
    image: ImageConfig
    note: str = ""
    gan: GanConfig = GanConfig()
    began: BeganConfig = BeganConfig()
    # of config, graph, sampler and codec of the labels; None: the product's own for image.model
    build: Callable[..., ImageLearner] | None = None


def rows(width: int, precision: str = "float32") -> dict[str, Row]:
    """All rows, networks `width` channels wide where they are finest; labelers keep their preset's share."""
    found = variations(width)
    return {
        name: dataclasses.replace(row, image=dataclasses.replace(row.image, precision=precision))
        for name, row in found.items()
    }


def variations(width: int) -> dict[str, Row]:
    """The rows in float32."""
    default = scaled(ImageConfig(), width / ImageConfig.width)
    run = preset("paper_causalgan")
    paper, own = scaled(run.image, width / run.image.width), run.gan
    hinge = dataclasses.replace(own, gan_loss="hinge", discriminator_norm="spectral")
    mixed = {name: getattr(default, name) for name in ("mix_single", "mix_uniform")}
    plain = dataclasses.replace(default, **PLAIN)
    began = preset("faces_began")
    autoencoder = scaled(began.image, width / ImageConfig.width)
    two_margins = dataclasses.replace(began.began, third_margin=False)
    change = functools.partial(dataclasses.replace, default)
    idle = "The network is still trained, so that its time is spent; the generator does not hear of it."
    return {
        "paper": Row("CausalGAN, the paper's recipe", paper, "flags/paper_causalgan.flags; updates in turn.", own),
        "default": Row("CausalGAN, the default recipe", default),
        "no_anti_labeler": Row("default without anti-labeler", default, idle, GanConfig(anti_labeler_weight=0.0)),
        "no_labeler": Row(
            "default without labeler",
            default,
            f"{idle} The anti-labeler stays: nothing asks the image to show its labels, and something asks it not to.",
            GanConfig(labeler_weight=0.0),
        ),
        "paper_hinge": Row("paper's recipe + hinge + spectral norm", paper, gan=hinge),
        "paper_hinge_mixed": Row("the same + label mixing", dataclasses.replace(paper, **mixed), gan=hinge),
        "unmixed": Row("default without label mixing", change(mix_single=0.0, mix_uniform=0.0)),
        "data_rows": Row(
            "default, discriminator's rows as they come",
            change(discriminator_rows="data", discriminator_labels=False),
            "Generated rows have the mixed law of labels and all count, real ones have the data's; D sees no labels. "
            "Additivity, which needs unseen cells left out, does nothing.",
        ),
        "hinge_spectral": Row(
            "default, hinge and spectral norm in place of R1",
            default,
            gan=GanConfig(gan_loss="hinge", discriminator_norm="spectral", r1_weight=0.0),
        ),
        "wide_labelers": Row("default, labelers as wide as the discriminator", change(labeler_width=width)),
        "batch_64": Row("default, batch of 64", change(batch_size=64)),
        "momentum": Row("default, Adam's beta1 .5", change(beta1=0.5)),
        "in_turn": Row(
            "default, updates in turn",
            change(updates="in_turn"),
            "The generator is updated last, against the updated networks, and not from the same pass as they.",
        ),
        "began": Row("CausalBEGAN", autoencoder, "flags/faces_began.flags.", began=began.began),
        "began_two_margins": Row("CausalBEGAN without third margin", autoencoder, "c3 = 1.", began=two_margins),
        "label_fed": Row(
            "label-fed discriminator D(x, l)",
            plain,
            "Projection discriminator (arXiv:1802.05637), no labelers.",
            build=baselines.build_label_fed,
        ),
        "ac_gan": Row("AC-GAN", plain, "arXiv:1610.09585; its weight is the labeler's.", build=baselines.build_ac_gan),
        "joint": Row(
            "labels and image trained jointly",
            plain,
            "One projection discriminator for labels and image, no controller; the labels are its own.",
            build=baselines.build_joint,
        ),
    } | changed(default)


def changed(default: ImageConfig) -> dict[str, Row]:
    """The default recipe with one change each for label cells without data and for realism, and the rival flow."""
    part = functools.partial
    relativistic = part(variants.Relativistic, beta2=True)
    pairs = "Rows of cells without data have no pair; R1 and R2, their weight falls to a tenth."
    fed = "Projection discriminator, no labelers; rows of cells without data hear additivity"

    images = dataclasses.replace(default, discriminator_labels=False)

    def patched(weight: float, start: float = 0.0, additivity: bool = True) -> dict[str, Any]:
        own = GanConfig() if additivity else GanConfig(additivity=0.0)
        return {"image": images, "build": part(variants.build_patched, variants.Patches(weight, start)), "gan": own}

    def label_fed(patches: variants.Patches | None) -> Callable[..., ImageLearner]:
        return part(variants.build_mixed_label_fed, patches)

    return {
        "no_additivity": Row("default without additivity", default, gan=GanConfig(additivity=0.0)),
        "image_fed": Row("default, discriminator D(x)", images, "It does not see the labels."),
        "relativistic": Row(
            "the same, relativistic pairs with R1 and R2",
            images,
            pairs,
            build=part(variants.build, variants.Relativistic),
        ),
        "relativistic_fed": Row(
            "default, D(x, l), relativistic pairs with R1 and R2",
            default,
            pairs,
            build=part(variants.build, variants.Relativistic),
        ),
        "relativistic_plain_norm": Row(
            "the same + generator without batch norm",
            images,
            "Bilinear upsampling, no tanh, last layers that begin at 0, beta2 from .9 to .99 (arXiv:2501.05441).",
            build=part(variants.build, relativistic, plain=True),
        ),
        "patch": Row("default, D(x) + patch head, weight .1", **patched(0.1)),
        "patch_strong": Row("default, D(x) + patch head, weight .5", **patched(0.5)),
        "patch_late": Row("default, D(x) + patch head, weight .5, heard from half-way", **patched(0.5, 0.5)),
        "patch_no_additivity": Row(
            "default, D(x) + patch head, weight .1, without additivity", **patched(0.1, additivity=False)
        ),
        "patch_fed": Row(
            "default + patch head, weight .1", default, build=part(variants.build_patched, variants.Patches(0.1))
        ),
        "patch_fed_everywhere": Row(
            "the same, heard on all rows",
            default,
            build=part(variants.build_patched, variants.Patches(0.1, everywhere=True)),
        ),
        "overlap_labeler": Row(
            "default, labeler learns on overlap",
            default,
            "A label is learnt from rows whose other labels occur with both of its values.",
            build=part(variants.build, variants.OverlapLabeler),
        ),
        "soft_labeler": Row(
            "default, soft labels",
            default,
            "Labelers and generator take labels for .05 and .95 (arXiv:2403.09422).",
            build=part(variants.build, variants.SoftLabeler),
        ),
        "label_fed_mixed": Row(
            "label-fed discriminator D(x, l), mixed labels", default, f"{fed}.", build=label_fed(None)
        ),
        "label_fed_mixed_patch": Row(
            "the same + patch head, weight .1", default, f"{fed} and patches.", build=label_fed(variants.Patches(0.1))
        ),
        "flow": Row(
            "conditional flow matching, U-Net",
            dataclasses.replace(default, **flow_matching.optimisation(default)),
            f"Another family; {flow_matching.STEPS} Euler steps an image; real rows as the default's discriminator.",
            build=flow_matching.build_flow,
        ),
    }


def scaled(image: ImageConfig, share: float) -> ImageConfig:
    """The image model with every network's width times `share`."""
    names = ("width", "discriminator_width", "labeler_width")
    return dataclasses.replace(image, **{name: max(4, round(getattr(image, name) * share)) for name in names})


def preset(name: str) -> RunConfig:
    """What flags/NAME.flags says, and the defaults elsewhere."""
    values = flags.FlagValues()
    train.declare(values)
    common.parse(["ablation", f"--flagfile={FLAGS / f'{name}.flags'}"], values)
    return train.run_config(values, FLAGS)
