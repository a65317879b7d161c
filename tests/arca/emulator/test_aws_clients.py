"""Tests of the clients: all sessions of a process parse each service model once."""

from typing import Any, cast

import botocore.session
import pytest
from botocore.loaders import create_loader

from arca.emulator.aws_clients import session, share_service_models


def test_the_emulators_sessions_share_a_loader() -> None:
    """Each `up` makes a session, and would otherwise parse the models again."""

    def loader() -> Any:
        core = cast("dict[str, Any]", vars(session()))["_session"]
        return core.get_component("data_loader")

    assert session() is not session()
    assert loader() is loader()


def test_motos_sessions_share_a_loader_in_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto makes its sessions with botocore itself."""

    def loader() -> object:
        return botocore.session.Session().get_component("data_loader")

    monkeypatch.setitem(botocore.session.__dict__, "create_loader", create_loader)
    assert loader() is not loader()
    share_service_models()
    assert loader() is loader()
