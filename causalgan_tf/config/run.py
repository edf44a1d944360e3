"""Configuration of a run: the parts, listed once, to and from JSON.

A default lives in the parts and nowhere else; the command line derives its flags from their fields, and a run folder
keeps the whole as config.json.
"""

import dataclasses
import json
import pathlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from causalgan_tf.config.controller import ControllerConfig
from causalgan_tf.config.data import SOURCES, DataConfig
from causalgan_tf.config.fields import Validated
from causalgan_tf.config.image import IMAGE_MODELS, BeganConfig, GanConfig, ImageConfig, ImageModel
from causalgan_tf.errors import InputError, closest
from causalgan_tf.system.files import RESTORE, read_object, write_text

# what runs did that were saved before there were such fields
BEFORE = {
    "controller": {"mechanisms": "implicit", "objective": "wasserstein"},
    "image": {
        "discriminator_rows": "data",
        "gradient_limit": 0.0,
        "labeler_norm": "batch",
        "discriminator_labels": False,
    },
    "gan": {"additivity": 0.0},
    "began": {"networks": "full", "error": "absolute"},
}
# fields of version 0.3 that are gone, with the value that is left
GONE = {
    "image": {"label_loss": "cross_entropy"},
    "gan": {"label_loss": "cross_entropy"},
    "began": {"round_labels": True},
}


def part(config: type[Validated], flags: str = "") -> Any:
    """A field of RunConfig: a part of that class, whose flags begin with `flags`."""
    return dataclasses.field(default=config(), metadata={"flags": flags})


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """Everything that decides what a run learns; saved as config.json in the run folder.

    Examples:
        >>> config = RunConfig(controller=ControllerConfig(steps=4_000), seed=1)
        >>> RunConfig.from_json(config.to_json()) == config
        True
    """

    data: DataConfig = part(DataConfig)
    controller: ControllerConfig = part(ControllerConfig, "controller_")
    image: ImageConfig = part(ImageConfig, "image_")
    gan: GanConfig = part(GanConfig, "image_")
    began: BeganConfig = part(BeganConfig, "began_")
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.seed, int) or isinstance(self.seed, bool) or not 0 <= self.seed < 2**31:
            raise InputError(f"seed: expected an integer in [0, 2**31), got {self.seed!r}.")
        for name, model in IMAGE_MODELS.items():
            if model.part and model.part != self.image_model.part:
                self._check_unread(model.part, name)
        self.image_model.check(self)
        seen = self.image.labeler_size
        if seen > self.data.image_size:
            raise InputError(
                f"--image_labeler_size: expected at most --image_size={self.data.image_size}, got {seen}. "
                "Leave it out: the labelers then see the image as it is."
            )

    def _check_unread(self, part: str, reader: str) -> None:
        """InputError for a part that another image model than this run's reads, unless it has its defaults."""
        for flag in self._changed(part, getattr(self, part).__dataclass_fields__):
            raise InputError(
                f"{flag} is read by --image_model={reader} alone, and this is "
                f"{self.image.model}: there it would do nothing. Leave it out, or train the other model."
            )

    def check_read(self) -> None:
        """InputError for a value, other than the default, that source, objective, or image model do not read.

        Runs of before may have such values, so that this is asked where a run is described and not where it is read.

        Examples:
            >>> RunConfig(controller=ControllerConfig(critic_steps=20)).check_read()
            Traceback (most recent call last):
            causalgan_tf.errors.InputError: --controller_critic_steps=20 does nothing with ...=likelihood ...
        """
        data, c = self.data, self.controller
        for flag in self._changed("data", SOURCES[data.dataset].unread):
            raise InputError(f"{flag} does nothing with --dataset={data.dataset}. Leave it out, or name another one.")
        for flag in self._changed("controller", c.unread):
            raise InputError(
                f"{flag} does nothing with --controller_objective={c.objective} and --controller_mechanisms="
                f"{c.mechanisms}. Leave it out, or name another objective or other mechanisms."
            )
        for flag, why in self._unread_of_images():
            raise InputError(f"{flag} does nothing with {why}. Leave it out, or change that.")

    def _unread_of_images(self) -> Iterator[tuple[str, str]]:
        """Flags of images that do nothing, each with the flag that makes it so."""
        for flag in self._changed("image", self.image_model.unread):
            yield flag, f"--image_model={self.image.model}"
        for name, why in self.image_part.unread.items() if self.image_part else ():
            yield from ((flag, why) for flag in self._changed(self.image_model.part, (name,)))
        if self.gan.additivity and not self.image.leaves_out_unseen:
            yield from (
                (flag, "--image_discriminator_rows=data") for flag in self._changed("gan", ("additivity", "sums"))
            )
        if self.data.channels == 1 and "saturation" in self.gan.augment:
            yield f"--image_augment={self.gan.augment}: saturation", "--channels=1, whose images are grey"

    def _changed(self, part: str, names: Collection[str]) -> Iterator[str]:
        """Those fields of a part that have not their defaults, as flags."""
        values = getattr(self, part)
        fields = dataclasses.fields(values)
        # a default of None stands for what the other fields make of it
        filled = type(values)(
            **{field.name: getattr(values, field.name) for field in fields if field.default is not None}
        )
        for field in fields:
            value = getattr(values, field.name)
            default = getattr(filled, field.name) if field.default is None else field.default
            if field.name in names and value != default:
                yield f"--{PARTS[part][0]}{field.name}={value}"

    def flags(self) -> list[str]:
        """Flags of causalgan-train that describe this run, those with their defaults left out.

        Examples:
            >>> RunConfig(image=ImageConfig(steps=2_000), seed=1).flags()
            ['--image_steps=2000', '--seed=1']
        """
        changed = [flag for name in PARTS for flag in self._changed(name, getattr(self, name).__dataclass_fields__)]
        return changed + [f"--seed={self.seed}"] * (self.seed != RunConfig.seed)

    @property
    def image_model(self) -> ImageModel:
        """The image model that is configured."""
        return IMAGE_MODELS[self.image.model]

    @property
    def image_part(self) -> Validated | None:
        """What the configured image model alone reads; None: it has no such part."""
        return getattr(self, self.image_model.part) if self.image_model.part else None

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
        damaged = not isinstance(values, dict) or not all(isinstance(values.get(name, {}), dict) for name in PARTS)
        if damaged:
            raise InputError("config.json is damaged: expected objects. Restore it, or train into another folder.")
        _check_names("config.json", values, [*PARTS, "seed"])
        parts = _without_gone(_moved({name: dict(values.get(name, {})) for name in PARTS}))
        for name, (_, config) in PARTS.items():
            _check_names(f"config.json: {name}", parts[name], config.__dataclass_fields__)
        for name, fields in BEFORE.items():
            parts[name] = parts[name] and fields | parts[name]
        chosen = parts["image"].get("model", ImageConfig.model)
        for name, model in IMAGE_MODELS.items():
            # what this run's model does not read is no part of it, whatever the default was when it was saved
            if name != chosen and model.part and model.part != getattr(IMAGE_MODELS.get(chosen), "part", ""):
                parts[model.part] = {}
        made = {name: config(**parts[name]) for name, (_, config) in PARTS.items()}
        return cls(**made, seed=values.get("seed", 0))

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
        for name in PARTS:
            mine, theirs = getattr(self, name), getattr(other, name)
            for field in dataclasses.fields(mine):
                old, new = getattr(mine, field.name), getattr(theirs, field.name)
                grown = field.metadata["may_grow"] and new > old
                if old != new and field.metadata["compared"] and not grown:
                    lines.append(f"{name}.{field.name}: {old} -> {new}")
        return lines


# of every part its flags' beginning and its class
PARTS: dict[str, tuple[str, type[Validated]]] = {
    field.name: (field.metadata["flags"], type(field.default))
    for field in dataclasses.fields(RunConfig)
    if "flags" in field.metadata
}


def _check_names(owner: str, values: Mapping[str, Any], known: Collection[str]) -> None:
    """InputError for a name that is not among those known."""
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InputError(f"{owner} has no field {unknown[0]!r}.{closest(unknown[0], known)}")


def _without_gone(parts: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Parts without the fields that are gone; InputError for one that was set to what no longer exists."""
    for name, fields in GONE.items():
        for field, only in fields.items():
            value = parts[name].pop(field, only)
            if value != only:
                raise InputError(
                    f"config.json: {name}.{field}={value!r} is an option of version 0.3 that is gone; {only!r} is what "
                    "remains. Use that version for this run, or train another."
                )
    return parts


def _moved(parts: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Parts as they are saved today: some fields of GanConfig and of ImageConfig were once in the other's part."""
    image, gan = parts["image"], parts["gan"]
    to_gan = {name: value for name, value in image.items() if name in GanConfig.__dataclass_fields__}
    to_image = {name: value for name, value in gan.items() if name in ImageConfig.__dataclass_fields__}
    gan = to_gan | {name: value for name, value in gan.items() if name not in to_image}
    # of another model's run they were defaults that nothing read
    to_image = to_image if image.get("model", ImageConfig.model) == "causal_gan" else {}
    image = to_image | {name: value for name, value in image.items() if name not in to_gan}
    return parts | {"image": image, "gan": gan}
