"""What TensorBoard says of the tags of a run."""

from causalgan_tf.inference.saved_model import STAGES

MEAN = "*mean"  # of the labels of a group; no label's tag has an asterisk
# what TensorBoard says of a tag, by the whole of it, by what stands behind a stage, or by its group
DESCRIPTIONS = {
    "negative_log_likelihood": "mean of -log P(labels) of the training rows, nats; at least their entropy",
    "critic_loss": "Wasserstein distance as the critic sees it, less the gradient penalty, negative",
    "generator_loss": "what the generator minimises: GAN term, labelers, additivity",
    "discriminator_loss": "what the discriminator minimises; 2 ln 2 where it can tell nothing apart",
    "labeler_loss": "what the labeler minimises: that its answers are the labels of real images",
    "anti_labeler_loss": "what the anti-labeler minimises: that its answers are the labels of generated images",
    "rebuilder_loss": "squared error of the noise that is reconstructed from generated images",
    "additivity": "how far images of cells without data are from what images of cells with data add up to",
    "label_agreement": "share of labels that the labeler reads off generated images as they were asked for",
    "c": "weight of the anti-labeler in the generator's loss; falls exponentially",
    "loss_scale": "factor of the losses while float16 gradients are taken; halved where they overflow",
    "b1": "first margin: how well real images are rebuilt beside generated ones",
    "b2": "second margin: how well labels of real images are read beside those of generated ones",
    "b3": "third margin: whether labels are ahead of images",
    "c1": "weight of generated images in the discriminator's loss",
    "c2": "weight of generated labels in the labeler's loss",
    "c3": "weight of labels in the generator's loss",
    "convergence": "BEGAN's measure of convergence: falls as images improve",
    "diversity": "mean distance of generated images within a label cell, as a share of the real ones'",
    "labels/tvd": "total variation distance of the labels to the training rows, exact up to its draws",
    "labels/do_tvd_mean": "mean over all single do(X=x) of the total variation distance of the labels to the truth, or "
    "to what the graph implies for the rows",
    "labels/do_tvd_max": "the largest of these distances",
    "labels/error": "largest error of a probability of one label, against the training rows",
    "labels/wasserstein": "largest Wasserstein-1 distance of one number to the training rows, standard deviations",
    "labels/do_error": "largest error of a probability of one label under any single do(X=x), against the truth",
    "labels/do_wasserstein": "largest Wasserstein-1 distance of a number under any single do(X=x), in deviations",
    f"effectiveness/{MEAN}": "mean of this group",
    "effectiveness": "share of the images under do(X=x), mean over x, on which the labeler of the training reads X=x. "
    "It flatters: images are trained to please it. The report asks a network that never saw one",
    "labels": "values of a label: in training rows (real) and as the model draws them (generated)",
    "pictures/graph": "the causal graph",
    "pictures/labels": "bars: how often the model draws each value; ticks: how often training rows have it",
    "pictures/samples": "images of labels that the model draws",
    "run/graph": "the causal graph as text, as --graph reads it",
    "run/configuration": "all settings of the run",
    "final": "at the end of a training: what the hparams tab compares runs by",
    "report": "measured by causalgan-evaluate: what the hparams tab compares runs by",
}
RATE = "learning_rate_"


def described(tag: str) -> str | None:
    """What TensorBoard says of a tag: what is known of it, of its name if its group is a stage, or of its group.

    >>> described("images/learning_rate_labeler"), described("controller/critic_loss")[:11]
    ('learning rate of the labeler', 'Wasserstein')
    """
    group, _, name = tag.partition("/")
    # elsewhere names may be labels, which can be called as a loss is
    if group not in STAGES:
        return DESCRIPTIONS.get(tag) or DESCRIPTIONS.get(group)
    if name.startswith(RATE):
        return f"learning rate of the {name.removeprefix(RATE).replace('_', ' ')}"
    return DESCRIPTIONS.get(name)
