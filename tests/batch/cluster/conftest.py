from __future__ import annotations

import pytest

from tests.batch.cluster.fakes import FakeRay


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    """Two machines with one core each, as the engine sees them."""
    fake = FakeRay()
    monkeypatch.setattr("lesionseg.batch.cluster.engine.ray_session", fake.session)
    return fake
