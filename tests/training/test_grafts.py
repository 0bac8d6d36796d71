import torch

from lesionseg.core.labels import Label
from lesionseg.training.losses import NOT_LESION_LABEL
from lesionseg.training.pictures.grafts import aired_lung, grafted


def host():
    """Two lungs with a vessel and a lesion of their own, in a body."""
    hu = torch.full((80, 100), 40.0)
    hu[10:70, 8:45] = hu[10:70, 55:92] = -850.0
    hu[30:34, 8:45] = 30.0
    hu[40:60, 60:80] = -500.0
    labels = torch.full((80, 100), NOT_LESION_LABEL, dtype=torch.uint8)
    labels[40:60, 60:80] = int(Label.NON_SOLID)
    return hu, labels


def donor(rows, columns, label=Label.SOLID):
    hu = torch.full((80, 100), -850.0)
    labels = torch.full((80, 100), NOT_LESION_LABEL, dtype=torch.uint8)
    hu[rows, columns], labels[rows, columns] = -100.0, int(label)
    return hu, labels


def test_lesions_come_with_their_density_and_label():
    hu, labels = grafted(host(), donor(slice(15, 27), slice(15, 35)))
    assert (labels[15:27, 15:35] == int(Label.SOLID)).all()
    assert torch.allclose(hu[18:24, 18:32], torch.tensor(-100.0), atol=1.0)


def test_the_rest_of_the_host_stays_as_it_is():
    before, known = host()
    hu, labels = grafted((before, known), donor(slice(15, 27), slice(15, 35)))
    assert torch.equal(hu[:, 50:], before[:, 50:])
    assert torch.equal(labels[:, 50:], known[:, 50:])


def test_vessels_within_the_lung_are_covered_too():
    _, labels = grafted(host(), donor(slice(20, 45), slice(15, 35)))
    assert (labels[20:45, 15:35] == int(Label.SOLID)).all()


def test_nothing_comes_outside_the_lung_or_onto_a_lesion_of_the_host():
    before, known = host()
    hu, labels = grafted((before, known), donor(slice(0, 80), slice(0, 100)))
    assert (labels[:8] == NOT_LESION_LABEL).all()
    assert (labels[40:60, 60:80] == int(Label.NON_SOLID)).all()
    assert torch.allclose(hu[45:55, 65:75], before[45:55, 65:75])
    assert (labels[12:68, 12:40] == int(Label.SOLID)).float().mean() > 0.95


def test_open_airways_are_no_aired_lung():
    hu, _ = host()
    hu[20:30, 46:54] = -1000.0
    assert not aired_lung(hu)[22:28, 48:52].any()
