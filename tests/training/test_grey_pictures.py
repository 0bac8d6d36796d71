import pytest
import torch

from lesionseg.core.labels import Label
from lesionseg.training.pictures.grey import (
    PICTURE_COLUMNS,
    SEGMENTED_COLUMNS,
    as_picture,
    hounsfield_from_grey,
    segment_picture,
)
from tests.training.lung_patches import seeded


def chest_slice() -> torch.Tensor:
    slice_hu = torch.full((60, 80), 45.0)
    slice_hu[10:50, 10:35] = -860.0
    slice_hu[10:50, 45:70] = -860.0
    slice_hu[20:26, 38:44] = -990.0
    slice_hu[30:40, 12:22] = -550.0
    return slice_hu + 5.0 * torch.randn((60, 80), generator=seeded(3))


@pytest.mark.parametrize("window", [(-1350.0, 150.0), (-1000.0, 400.0), (-1100.0, 100.0)])
def test_grey_picture_gives_back_hounsfield_units_whatever_the_window(window):
    hu = chest_slice()
    grey = ((hu - window[0]) * 255 / (window[1] - window[0])).clamp(0, 255).round()
    estimate = hounsfield_from_grey(grey)
    assert (estimate - hu).abs().median() < 40
    assert estimate[30:40, 12:22].mean() == pytest.approx(-550, abs=60)


def test_black_frame_around_a_picture_is_not_taken_for_air():
    hu = chest_slice()
    grey = ((hu + 1500) * 255 / 1700).clamp(0, 255).round()
    framed = torch.nn.functional.pad(grey, (6, 6, 6, 6))
    inner = hounsfield_from_grey(framed)[6:-6, 6:-6]
    assert (inner - hounsfield_from_grey(grey)).abs().max() < 1.0


def test_black_corners_that_smoothing_mixed_with_the_picture_are_not_taken_for_air():
    grey = ((chest_slice() + 1500) * 255 / 1700).clamp(0, 255).round()
    cut = grey.clone()
    rows, columns = torch.meshgrid(torch.arange(60), torch.arange(80), indexing="ij")
    for row in (rows, 59 - rows):
        for column in (columns, 79 - columns):
            cut *= ((row + column - 8) / 3.0).clamp(0.0, 1.0)
    kept = cut == grey
    assert not kept.all()
    change = hounsfield_from_grey(cut.round())[kept] - hounsfield_from_grey(grey)[kept]
    assert change.abs().max() < 10.0


@pytest.mark.parametrize("shape", [(5, 5), (1, 5), (5, 1)])
def test_picture_that_is_black_everywhere_stays_finite(shape):
    assert torch.isfinite(hounsfield_from_grey(torch.zeros(shape))).all()


def test_picture_of_one_grey_value_stays_finite():
    assert torch.isfinite(hounsfield_from_grey(torch.full((5, 5), 7.0))).all()


def test_spoilt_picture_stays_near_its_slice():
    hu = chest_slice()
    errors = [(as_picture(hu, seeded(seed)) - hu)[10:50, 10:35].abs().median() for seed in range(10)]
    assert max(errors) < 180
    assert len({float(error) for error in errors}) > 5


def test_segmented_picture_has_the_size_of_the_picture_and_mirrors_with_it():
    torch.manual_seed(0)
    network = torch.nn.Conv3d(1, 4, (1, 3, 3), padding=(0, 1, 1)).eval()
    grey = torch.rand((37, 53), generator=seeded(1)) * 255
    labels = segment_picture(network, grey, window_hu=(-1000.0, 400.0))
    assert labels.shape == grey.shape
    assert labels.dtype == torch.uint8


def test_picture_is_segmented_at_several_widths_and_mirrored():
    seen = []

    class Recorder(torch.nn.Module):
        def forward(self, image):
            seen.append(image)
            return torch.zeros(1, 4, *image.shape[2:])

    segment_picture(Recorder(), torch.rand((60, 80), generator=seeded(2)) * 255, window_hu=(-1000.0, 400.0))
    widths = sorted(image.shape[-1] for image in seen)
    assert widths == sorted(2 * [16 * -(-columns // 16) for columns in SEGMENTED_COLUMNS])
    for width in set(widths):
        first, second = (image for image in seen if image.shape[-1] == width)
        assert torch.equal(first, second.flip(-1))


def test_segmented_picture_holds_no_specks():
    network = torch.nn.Conv3d(1, 4, 1).eval()
    with torch.no_grad():  # dark is lung, bright is solid component
        network.weight.copy_(torch.tensor([0.0, -8.0, 0.0, 8.0]).view(4, 1, 1, 1, 1))
        network.bias.zero_()
    grey = torch.full((PICTURE_COLUMNS, PICTURE_COLUMNS), 30.0)
    grey[:, 100:] = 200.0
    grey[20:23, 20:23] = 200.0
    labels = segment_picture(network, grey, window_hu=(-1000.0, 400.0))
    assert (labels[:, 110:-1] == int(Label.SOLID)).all()
    assert (labels[10:30, 10:30] == int(Label.LUNG)).all()
