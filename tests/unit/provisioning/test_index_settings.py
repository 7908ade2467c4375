from __future__ import annotations

import os
from pathlib import Path

import pytest

from testwright.errors import SetupFailure
from testwright.provisioning.index_settings import index_settings

SIMPLE = "https://ada:secret-word@index.example/simple"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home"), "XDG_CONFIG_DIRS": str(tmp_path / "xdg"), "PATH": "/usr/bin"}


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def settings(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    found = index_settings(environ, prefix=tmp_path / "prefix", machine=tmp_path / "etc").environment
    return {name: value for name, value in found.items() if name not in ("HOME", "PATH", "XDG_CONFIG_DIRS")}


def test_only_what_an_installer_needs_is_passed_on(environ: dict[str, str], tmp_path: Path) -> None:
    environ |= {"OPENROUTER_API_KEY": "canary", "PYTHONPATH": "/evil", "UV_EXCLUDE": "x", "PIP_TARGET": "/evil"}
    kept = {"HTTPS_PROXY": "http://proxy.example", "UV_INDEX_HOUSE_PASSWORD": "p", "UV_OFFLINE": "1"}
    assert settings(environ | kept, tmp_path) == kept


@pytest.mark.parametrize(
    ("pip", "uv"),
    [
        ({"index-url": SIMPLE}, {"UV_DEFAULT_INDEX": SIMPLE}),
        (
            {"extra-index-url": "https://a.example/s\n    https://b.example/s"},
            {"UV_INDEX": "https://a.example/s https://b.example/s", "UV_INDEX_STRATEGY": "unsafe-best-match"},
        ),
        ({"find-links": "/wheels https://a.example/w"}, {"UV_FIND_LINKS": "/wheels,https://a.example/w"}),
        ({"find-links": "wheels"}, {"UV_FIND_LINKS": str(Path.cwd() / "wheels")}),
        ({"cert": "/ca.pem", "client-cert": "/me.pem"}, {"SSL_CERT_FILE": "/ca.pem", "SSL_CLIENT_CERT": "/me.pem"}),
        ({"trusted-host": "a.example\n    b.example:8443"}, {"UV_INSECURE_HOST": "a.example b.example:8443"}),
        ({"proxy": "http://p.example"}, {"HTTPS_PROXY": "http://p.example", "HTTP_PROXY": "http://p.example"}),
        ({"timeout": "180"}, {"UV_HTTP_TIMEOUT": "180"}),
        ({"timeout": "soon"}, {}),
        ({"no_color": "1", "constraint": "/c.txt"}, {}),
    ],
)
def test_what_is_set_for_pip_holds_for_uv(
    environ: dict[str, str], tmp_path: Path, pip: dict[str, str], uv: dict[str, str]
) -> None:
    lines = "".join(f"{key} = {value}\n" for key, value in pip.items())
    write(tmp_path / "home" / ".config" / "pip" / "pip.conf", f"[global]\n{lines}")
    assert settings(environ, tmp_path) == uv


def test_a_later_file_wins_and_a_variable_over_all(environ: dict[str, str], tmp_path: Path) -> None:
    files = (
        "xdg/pip/pip.conf",
        "etc/pip.conf",
        "home/.pip/pip.conf",
        "home/.config/pip/pip.conf",
        "prefix/pip.conf",
        "named.conf",
    )
    for number, name in enumerate(files):
        environ["PIP_CONFIG_FILE"] = str(tmp_path / name if number == len(files) - 1 else "")
        write(tmp_path / name, f"[global]\nindex-url = https://{number}.example\n")
        assert settings(environ, tmp_path)["UV_DEFAULT_INDEX"] == f"https://{number}.example"
    write(
        tmp_path / "named.conf",
        "[install]\nindex_url = https://install.example\n[global]\nindex-url = https://no.example\n",
    )
    assert settings(environ, tmp_path)["UV_DEFAULT_INDEX"] == "https://install.example"
    environ["PIP_INDEX_URL"] = "https://variable.example"
    assert settings(environ, tmp_path)["UV_DEFAULT_INDEX"] == "https://variable.example"
    environ |= {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": ""}
    assert "UV_DEFAULT_INDEX" not in settings(environ, tmp_path)


def test_several_folders_of_the_machine_are_read_the_first_wins(environ: dict[str, str], tmp_path: Path) -> None:
    environ["XDG_CONFIG_DIRS"] = f"{tmp_path / 'one'}:{tmp_path / 'two'}"
    write(tmp_path / "two" / "pip" / "pip.conf", "[global]\nindex-url = https://two.example\n")
    assert settings(environ, tmp_path)["UV_DEFAULT_INDEX"] == "https://two.example"
    write(tmp_path / "one" / "pip" / "pip.conf", "[global]\nindex-url = https://one.example\n")
    assert settings(environ, tmp_path)["UV_DEFAULT_INDEX"] == "https://one.example"


@pytest.mark.parametrize(
    "name", ["UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"]
)
def test_what_is_set_for_uv_goes_before_what_is_set_for_pip(environ: dict[str, str], tmp_path: Path, name: str) -> None:
    environ |= {name: "https://uv.example", "PIP_INDEX_URL": "https://pip.example", "PIP_NO_INDEX": "1"}
    found = index_settings(environ, prefix=tmp_path, machine=tmp_path / "etc")
    assert not found.no_index
    assert {value for value in found.environment.values() if "example" in value} == {
        "https://uv.example",
        environ["PIP_INDEX_URL"],
    }
    assert found.environment.get("UV_DEFAULT_INDEX") != "https://pip.example"


@pytest.mark.parametrize(
    ("text", "uses_pip"),
    [
        ('[[index]]\nurl = "https://uv.example"\n', False),
        ('[pip]\nindex-url = "https://uv.example"\n', False),
        ("offline = true\n", True),
        ("this is no TOML", True),
    ],
)
@pytest.mark.parametrize("place", ["home/.config/uv/uv.toml", "xdg/uv/uv.toml", "etc/uv/uv.toml"])
def test_the_users_uv_toml_goes_before_what_is_set_for_pip(
    environ: dict[str, str], tmp_path: Path, place: str, text: str, *, uses_pip: bool
) -> None:
    environ["PIP_INDEX_URL"] = "https://pip.example"
    write(tmp_path / place, text)
    assert ("UV_DEFAULT_INDEX" in settings(environ, tmp_path)) is uses_pip


@pytest.mark.parametrize(("value", "no_index"), [("1", True), ("true", True), ("no", False), ("0", False), ("", False)])
def test_pip_may_be_told_to_use_no_index(
    environ: dict[str, str], tmp_path: Path, value: str, *, no_index: bool
) -> None:
    assert (
        index_settings(environ | {"PIP_NO_INDEX": value}, prefix=tmp_path, machine=tmp_path / "etc").no_index
        is no_index
    )


@pytest.mark.parametrize("data", [b"index-url = x\n", b"[global]\n\xff\n"], ids=["no section", "no text"])
def test_a_file_of_pips_that_cannot_be_read_is_an_error(environ: dict[str, str], tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "prefix" / "pip.conf"
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(SetupFailure, match=r"pip's settings in .*pip\.conf cannot be read") as caught:
        index_settings(environ, prefix=path.parent, machine=tmp_path / "etc")
    assert "PIP_CONFIG_FILE" in caught.value.next_step


def test_a_password_is_in_no_repr(environ: dict[str, str], tmp_path: Path) -> None:
    found = index_settings(environ | {"PIP_INDEX_URL": SIMPLE}, prefix=tmp_path, machine=tmp_path / "etc")
    assert "secret-word" not in repr(found)
    assert found.environment["UV_DEFAULT_INDEX"] == SIMPLE
