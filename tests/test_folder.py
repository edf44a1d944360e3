"""A folder of images: which rows, which pixels, what is kept, what is refused."""

import dataclasses
import io
import os
import pathlib

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from causalgan_tf.config.run import DataConfig
from causalgan_tf.data import decoding, load
from causalgan_tf.data.folder import split_rows
from causalgan_tf.errors import InputError

COUNT = 20
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def save(path: pathlib.Path, pixels: np.ndarray, **options: object) -> None:
    """An image file of uint8 pixels [height, width, 3]."""
    Image.fromarray(pixels).save(path, **options)


@pytest.fixture
def config(tmp_path) -> DataConfig:
    """Twenty images 24 x 20; image i is grey i * 10, Male if i is odd, Young if i >= 10."""
    images = tmp_path / "images"
    images.mkdir()
    rows = ["image,Young,Male"]
    for i in range(COUNT):
        save(images / f"{i:02}.png", np.full((24, 20, 3), i * 10, np.uint8))
        rows.append(f"{i:02}.png,{int(i >= 10)},{i % 2}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    return DataConfig(
        dataset="folder",
        graph="Male -> Young",
        image_dir=str(images),
        labels_file=str(tmp_path / "labels.csv"),
        data_dir=str(tmp_path / "kept"),
        image_size=16,
        crop_size=-1,
        test_images=3,
    )


def one_image(config: DataConfig, pixels: np.ndarray, **options: object) -> np.ndarray:
    """The square that an image file becomes, by the way of a whole data set of it."""
    for path in pathlib.Path(config.image_dir).iterdir():
        save(path, pixels, **options)
    return np.asarray(load(config, seed=0).train.images[0])


def test_images_and_labels_are_of_the_same_rows(config):
    """The grey of each image tells which row it is; train and test together are all rows once."""
    dataset = load(config, seed=4)
    assert (len(dataset.train), len(dataset.test)) == (17, 3)
    found = []
    for images in (dataset.train, dataset.test):
        assert images.images.dtype == np.uint8 and images.images.shape[1:] == (16, 16, 3)
        assert (images.images == images.images[:, :1, :1, :1]).all()
        rows = images.images[:, 0, 0, 0] // 10
        assert (images.labels[:, dataset.graph.index("Male")] == rows % 2).all()
        assert (images.labels[:, dataset.graph.index("Young")] == (rows >= 10)).all()
        found += rows.tolist()
    assert sorted(found) == list(range(COUNT))
    assert (dataset.uniform, dataset.law, dataset.render) == (None, None, None)


def test_label_rows_are_the_whole_file_in_its_order(config):
    """The controller learns the labels of all images, held out or not."""
    dataset = load(config, seed=4)
    assert dataset.label_rows[:, dataset.graph.index("Male")].tolist() == [i % 2 for i in range(COUNT)]


def test_the_split_is_a_function_of_the_seed():
    """At most a fifth is held out; train and test share no row and leave none."""
    train, test = split_rows(100, 7, seed=1)
    assert (len(train), len(test)) == (93, 7)
    assert sorted([*train, *test]) == list(range(100))
    again = split_rows(100, 7, seed=1)
    assert (again[0] == train).all() and (again[1] == test).all()
    assert (split_rows(100, 7, seed=2)[1] != test).any()
    assert len(split_rows(100, 5_000, seed=1)[1]) == 20
    with pytest.raises(InputError, match=r"4 images; at least 5"):
        split_rows(4, 5_000, seed=1)


@pytest.mark.parametrize(("crop", "colour"), [(-1, GREEN), (20, GREEN), (8, BLUE)])
def test_the_crop_is_the_centre(config, crop, colour):
    """A picture 30 x 20: red sides, a green square of 20 in the middle, in it a blue square of 8."""
    pixels = np.full((20, 30, 3), RED, np.uint8)
    pixels[:, 5:25] = GREEN
    pixels[6:14, 11:19] = BLUE
    image = one_image(dataclasses.replace(config, crop_size=crop), pixels)
    assert image[0, 0].tolist() == list(colour)
    assert image[8, 8].tolist() == list(BLUE)
    assert not (image[..., 0] > 8).any()


def test_a_crop_of_the_final_size_is_exact(config):
    """Nothing is resampled where nothing needs to be."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    assert (one_image(dataclasses.replace(config, crop_size=16), pixels) == pixels[4:20, 2:18]).all()


def test_resizing_is_antialiased(config):
    """A fine checkerboard becomes its mean, not some of its squares."""
    pixels = np.repeat((np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[..., None], 3, 2)
    image = one_image(config, pixels).astype(int)
    assert abs(image[2:-2, 2:-2] - 127.5).max() < 8


def test_grey_and_transparent_images_become_rgb(config):
    """Three channels whatever the file has."""
    folder = pathlib.Path(config.image_dir)
    for i, mode in enumerate(["L", "RGBA", "P", "1", "LA"]):
        Image.new("RGB", (20, 20), (255, 255, 255)).convert(mode).save(folder / f"{i:02}.png")
    dataset = load(config, seed=0)
    white = (np.concatenate([dataset.train.images, dataset.test.images]) == 255).all(axis=(1, 2, 3))
    assert white.sum() == 5


def decoded(pixels, kind, channels=3):
    """The square of 16 pixels that a file of this kind becomes."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return decoding.decode((f"file.{kind}", file.getvalue()), 0, 16, channels)


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_of_grey_keep_their_range(channels):
    ramp = np.linspace(0, 65535, 16).astype(np.uint16)
    image = decoded(np.repeat(ramp[:, None], 16, 1), "png", channels)
    assert np.abs(image - np.linspace(0, 255, 16)[:, None, None]).max() <= 0.51


@pytest.mark.parametrize("most", [65535, 4095])
def test_sixteen_bits_of_grey_in_a_pgm_file_keep_their_range(most):
    ramp = np.linspace(0, most, 16).astype(">u2")
    file = b"P5 16 16 %d\n" % most + np.repeat(ramp[:, None], 16, 1).tobytes()
    image = decoding.decode(("file.pgm", file), 0, 16, 1)
    assert np.abs(image - np.linspace(0, 255, 16)[:, None, None]).max() <= 0.6


def test_what_is_transparent_is_seen_on_white():
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:, 8:] = (*BLUE, 255)
    image = decoded(pixels, "png")
    assert (image[:, :8] == 255).all() and (image[:, 8:] == BLUE).all()


def test_pixels_of_an_unknown_range_are_refused():
    with pytest.raises(InputError, match=r"(?s)file.tiff.*32-bit pixels \(Pillow's mode F\).*Convert"):
        decoded(np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16), "tiff")


def test_images_become_grey_where_grey_is_asked_for(config):
    """The luminance of ITU-R 601-2: red .299, green .587, blue .114; and a file of its own among the kept ones."""
    grey, kept = dataclasses.replace(config, channels=1), pathlib.Path(config.data_dir)
    for colour, luminance in ((RED, 76), (GREEN, 150), (BLUE, 29)):
        pixels = np.full((20, 20, 3), colour, np.uint8)
        image = one_image(grey, pixels)
        assert image.shape == (16, 16, 1) and (image == luminance).all()
    load(config, seed=0)
    assert len(list(kept.iterdir())) == 4


def test_images_that_are_not_square_are_refused_unless_a_crop_is_asked_for(config):
    """The error names the image, its size and both crops; square images need none."""
    plain = dataclasses.replace(config, crop_size=0)
    with pytest.raises(InputError, match=r"png has 20 x 24 pixels: expected a square. --crop_size=-1 .* --crop_size=N"):
        load(plain, seed=0)
    assert one_image(plain, np.full((20, 20, 3), 99, np.uint8)).tolist() == np.full((16, 16, 3), 99).tolist()


def test_labels_of_any_kind_go_with_images(config):
    """Kinds as the graph declares them: a category by its place, a number as it is."""
    path = pathlib.Path(config.labels_file)
    rows = ["image,Mood,Age", *(f"{i:02}.png,{('glad', 'sad')[i % 2]},{20 + i / 2}" for i in range(COUNT))]
    path.write_text("\n".join(rows))
    dataset = load(dataclasses.replace(config, graph="Mood -> Age; Age: continuous"), seed=4)
    shown = dataset.train.images[:, 0, 0, 0] // 10
    assert dataset.train.labels.dtype == np.float32
    np.testing.assert_array_equal(dataset.train.labels, np.stack([shown % 2, 20 + shown / 2], axis=1))


def test_a_turned_photograph_is_upright(config):
    """EXIF orientation 3 is half a turn: what is stored at the bottom is shown at the top."""
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[10:] = 255
    exif = Image.Exif()
    exif[0x0112] = 3
    image = one_image(config, pixels, exif=exif)
    assert image[2, 8].tolist() == [255] * 3 and image[13, 8].tolist() == [0] * 3


def test_images_are_decoded_once(config, monkeypatch):
    """A second load maps the kept file and decodes nothing; a changed image, crop or size is decoded anew."""
    first = load(config, seed=0)
    assert isinstance(first.train.images, np.memmap)
    assert len(list(pathlib.Path(config.data_dir).iterdir())) == 1
    calls, decode = [], decoding.decode
    monkeypatch.setattr(decoding, "decode", lambda source, **how: calls.append(1) or decode(source, **how))
    again = load(config, seed=0)
    assert not calls and (again.train.images == first.train.images).all()
    for other in (dataclasses.replace(config, crop_size=16), dataclasses.replace(config, image_size=32)):
        load(other, seed=0)
        assert len(calls) == COUNT
        calls.clear()
    save(pathlib.Path(config.image_dir) / "07.png", np.full((30, 30, 3), 255, np.uint8))
    changed = load(config, seed=0)
    assert len(calls) == COUNT
    assert max(changed.train.images.max(), changed.test.images.max()) == 255


def test_other_images_of_the_same_sizes_and_times_are_others(config):
    """Neither the decoded images nor what identifies them are those of before."""
    path = pathlib.Path(config.labels_file)
    path.write_text(path.read_text().replace(".png", ".bmp"))
    folder = pathlib.Path(config.image_dir)
    for i in range(COUNT):
        save(folder / f"{i:02}.bmp", np.full((24, 20, 3), i * 10, np.uint8))
    first, again = load(config, seed=0), load(config, seed=0)
    assert again.image_files == first.image_files
    before = (folder / "07.bmp").stat()
    save(folder / "07.bmp", np.full((24, 20, 3), 255, np.uint8))
    os.utime(folder / "07.bmp", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (folder / "07.bmp").stat().st_mtime_ns == before.st_mtime_ns
    other = load(config, seed=0)
    assert max(other.train.images.max(), other.test.images.max()) == 255
    names, contents = zip(first.image_files.split("-"), other.image_files.split("-"), strict=True)
    assert names[0] == names[1] and contents[0] != contents[1]


def test_images_that_are_not_listed_are_ignored(config):
    """A broken file beside the listed images does no harm."""
    (pathlib.Path(config.image_dir) / "other.png").write_bytes(b"no image")
    assert len(load(config, seed=0).train) == 17


def test_celebas_own_layout_is_found(config):
    """image_dir may be the folder that holds img_align_celeba/."""
    inner = pathlib.Path(config.image_dir)
    outer = inner.parent / "celeba"
    outer.mkdir()
    inner.rename(outer / "img_align_celeba")
    assert len(load(dataclasses.replace(config, image_dir=str(outer)), seed=0).train) == 17


def test_labels_alone_need_no_images(config):
    """labels_only neither opens nor looks for an image."""
    dataset = load(dataclasses.replace(config, image_dir="/nowhere"), seed=0, labels_only=True)
    assert dataset.label_rows.shape == (COUNT, 2) and dataset.train is None and dataset.test is None


def test_a_broken_image_is_named_and_the_others_stay_decoded(config, monkeypatch):
    """A truncated or foreign file stops the load; mended or struck off, it alone is decoded."""
    path = pathlib.Path(config.image_dir) / "07.png"
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    save(path, noise)
    for contents in (path.read_bytes()[:9_000], b"no image at all", b""):
        path.write_bytes(contents)
        with pytest.raises(InputError, match=r"07\.png cannot be read as an image"):
            load(config, seed=0)
        assert len(list(pathlib.Path(config.data_dir).iterdir())) == 2  # the squares and what they are of
    calls, decode = [], decoding.decode
    monkeypatch.setattr(decoding, "decode", lambda source, **how: calls.append(source[0]) or decode(source, **how))
    save(path, noise)
    images = load(config, seed=0)
    assert calls == [str(path)] and len(list(pathlib.Path(config.data_dir).iterdir())) == 1
    assert sorted(images.train.images[:, 0, 0, 0].tolist() + images.test.images[:, 0, 0, 0].tolist())[:5] == [
        *(i * 10 for i in range(5)),
    ]


def test_several_broken_images_are_listed_at_once(config):
    """Their names, how many, and that the others need not be decoded again."""
    for i in (3, 5, 8):
        (pathlib.Path(config.image_dir) / f"{i:02}.png").write_bytes(b"no image")
    with pytest.raises(InputError) as error:
        load(config, seed=0)
    assert str(error.value).startswith("3 of 20 image files cannot be read as images: ")
    assert all(name in str(error.value) for name in ("03.png", "05.png", "08.png", "The others stay decoded"))


@pytest.mark.parametrize("kept", [b"", b"\x93NUMPY\x01\x00v\x00{'descr': nothing", b"garbage"])
def test_damaged_decoded_images_are_decoded_anew(config, kept):
    """Empty, cut off, with a broken header."""
    first = np.array(load(config, seed=0).train.images)  # the file is cut off under a map
    (path,) = pathlib.Path(config.data_dir).iterdir()
    right = path.read_bytes()
    for contents in (kept, right[:1000]):
        path.write_bytes(contents)
        assert (load(config, seed=0).train.images == first).all() and path.read_bytes() == right


def test_kaggles_nested_folder_is_found_and_any_other_is_named(config):
    """img_align_celeba/img_align_celeba from either level; images one or two folders down."""
    inner = pathlib.Path(config.image_dir)
    outer = inner.parent / "archive" / "img_align_celeba"
    outer.mkdir(parents=True)
    inner = inner.rename(outer / "img_align_celeba")
    for folder in (outer.parent, outer, inner):
        assert len(load(dataclasses.replace(config, image_dir=str(folder)), seed=0).train) == 17
    inner.rename(outer.parent / "pictures")
    outer.rmdir()
    for folder in (outer.parent, outer.parent.parent):
        with pytest.raises(InputError, match=r"They are in a folder below: give --image_dir=.*pictures"):
            load(dataclasses.replace(config, image_dir=str(folder)), seed=0)


@pytest.mark.parametrize(
    ("file", "name", "said"),
    [
        ("e\u0301{}.png", "\u00e9{}.png", "write the names in Unicode's form NFD"),
        ("\u00e9{}.png", "e\u0301{}.png", "write the names in Unicode's form NFC"),
        ("{}.PNG", "{}.png", r"holds \d\d.PNG: write the names with the same capital letters"),
        ("{}.png", "images/{}.png", r"They are in a folder above: give --image_dir="),
        ("{}.png", "photos/{}.png", r"holds \d\d.png: write the names without their folders"),
        ("{}.png", "C:\\photos\\{}.png", r"holds \d\d.png: write the names without their folders"),
        ("s/{}.png", "s\\{}.png", r"Write / in place of \\ between folders, as in s/\d\d.png"),
        ("{}.PNG", "{}", r"holds \d\d.PNG: write the names with their endings"),
    ],
)
def test_files_of_a_like_name_are_named_with_how_to_write_it(config, file, name, said):
    path, folder = pathlib.Path(config.labels_file), pathlib.Path(config.image_dir)
    lines = [path.read_text().split("\n")[0]]
    for i in range(COUNT):
        (folder / file.format(f"{i:02}")).parent.mkdir(exist_ok=True)
        (folder / f"{i:02}.png").rename(folder / file.format(f"{i:02}"))
        lines.append(f"{name.format(f'{i:02}')},{i % 2},{i // 10}")
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match=said) as error:
        load(config, seed=0)
    if "--image_dir=" in said:
        dataset = load(dataclasses.replace(config, image_dir=str(error.value).split("--image_dir=")[1][:-1]), seed=0)
        assert len(dataset.train) == 17


def test_names_without_their_ending_are_named(config):
    """The error shows the file that was probably meant."""
    path = pathlib.Path(config.labels_file)
    path.write_text(path.read_text().replace(".png", ""))
    with pytest.raises(InputError, match=r"holds \d\d.png: write the names with their endings"):
        load(config, seed=0)


def test_rows_that_miss_a_value_can_be_left_out_with_images(config):
    """The advice of the error, --drop_missing, is taken by dataset=folder."""
    path = pathlib.Path(config.labels_file)
    path.write_text(path.read_text().replace("03.png,0,1", "03.png,,1"))
    with pytest.raises(InputError, match="--drop_missing"):
        load(config, seed=0)
    dataset = load(dataclasses.replace(config, drop_missing=True), seed=0)
    assert len(dataset.train) + len(dataset.test) == COUNT - 1 and dataset.dropped_rows == 1


def test_rows_that_name_no_image_are_refused_or_left_out(config):
    path = pathlib.Path(config.labels_file)
    path.write_text(path.read_text().replace("03.png,", ",").replace("04.png,0", "-,"))
    with pytest.raises(InputError, match=r"2 of 20 rows do not name their image, first on line 5\. .*--drop_missing"):
        load(config, seed=0)
    dropping = dataclasses.replace(config, drop_missing=True)
    dataset = load(dropping, seed=0)
    assert len(dataset.train) + len(dataset.test) == len(dataset.label_rows) == 18 and dataset.dropped_rows == 2
    assert load(dropping, seed=0, labels_only=True).dropped_rows == 2


@pytest.mark.parametrize("kind", [object, "category"])
def test_some_rows_of_a_frame_in_parquet_name_their_images(config, tmp_path, kind):
    """Its index, with or without a name, has the numbers that the rows had."""
    frame = pd.read_csv(config.labels_file).astype({"image": kind})
    odd = dataclasses.replace(config, labels_file=str(tmp_path / "odd.parquet"))
    for rows in (frame[frame["Male"] == 1], frame[1::2].rename_axis("id"), pd.concat([frame[1:11:2], frame[11::2]])):
        rows.to_parquet(odd.labels_file)
        dataset = load(odd, seed=0)
        assert sorted([*dataset.train.images[:, 0, 0, 0], *dataset.test.images[:, 0, 0, 0]]) == list(range(10, 200, 20))
        assert (dataset.label_rows[:, dataset.graph.index("Male")] == 1).all()


def test_absent_images_are_counted_and_named(config):
    """The error says how many, which, what the folder holds, and the two ways out."""
    for i in (3, 5, 6, 9):
        (pathlib.Path(config.image_dir) / f"{i:02}.png").unlink()
    with pytest.raises(InputError) as error:
        load(config, seed=0)
    for words in ["lists 20 images", "lacks 4: 03.png, 05.png, 06.png, ...", "16 files such as 00.png"]:
        assert words in str(error.value)
    assert "write a labels file with only the rows whose images you have" in str(error.value)


def test_a_crop_larger_than_an_image_is_refused(config):
    """The error names the image, its size and the flag."""
    with pytest.raises(InputError, match=r"png has 20 x 24 pixels, fewer than --crop_size=22"):
        load(dataclasses.replace(config, crop_size=22), seed=0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("03.png", "02.png"), "lists '02.png' more than once"),
        (lambda text: text.replace("03.png", "./02.png"), "lists one image twice, as '02.png' and './02.png'"),
        (lambda text: "\n".join(line.split(",", 1)[1] for line in text.split("\n")), "does not name the images"),
        (lambda text: "\n".join(text.split("\n")[:5]), "lists 4 images; at least 5"),
    ],
)
def test_a_labels_file_that_does_not_fit_is_refused(config, change, words):
    """Images listed twice, not named at all, too few to hold one out."""
    path = pathlib.Path(config.labels_file)
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=words):
        load(config, seed=0)


def test_folders_that_cannot_be_used_are_named(config):
    """No image folder; a data_dir that is a file."""
    with pytest.raises(InputError, match="no folder '/nowhere'"):
        load(dataclasses.replace(config, image_dir="/nowhere"), seed=0)
    with pytest.raises(InputError, match="--data_dir"):
        load(dataclasses.replace(config, data_dir=config.labels_file), seed=0)
