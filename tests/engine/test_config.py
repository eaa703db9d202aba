"""Every setting is documented, cast, and refused with its name."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from engine.config import PREFIX, BadConfig, Config

README = Path(__file__).parent.parent.parent / "README.md"


def test_the_readme_has_a_row_for_every_setting_with_its_default() -> None:
    rows = dict(
        re.findall(r"^\| `(FOOTNOTE_\w+)` \| `?([^|`]*)`? \|", README.read_text(), re.MULTILINE)
    )
    expected = {
        PREFIX + item.name.upper(): "" if item.default == "" else str(item.default)
        for item in fields(Config)
    }
    assert {name: value.strip() for name, value in rows.items()} == expected


def test_settings_are_cast() -> None:
    config = Config.from_env(
        {"FOOTNOTE_PORT": "9", "FOOTNOTE_GRACE_S": "0.5", "FOOTNOTE_SAMPLE": "false"}
    )
    assert (config.port, config.grace_s, config.sample) == (9, 0.5, False)


def test_the_command_line_wins() -> None:
    assert Config.from_env({"FOOTNOTE_PORT": "9"}, port=7).port == 7


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(BadConfig) as caught:
        Config.from_env(
            {
                "FOOTNOTE_PORT": "70000",
                "FOOTNOTE_HEARTBEAT_S": "0",
                "FOOTNOTE_LLM_PROVIDER": "oracle",
                "FOOTNOTE_MAX_STREAMS": "many",
            }
        )
    for name in ("PORT", "HEARTBEAT_S", "LLM_PROVIDER", "MAX_STREAMS"):
        assert PREFIX + name in caught.value.message


def test_a_url_makes_the_model_the_writer() -> None:
    config = Config.from_env({"FOOTNOTE_LLM_URL": "http://h/v1", "FOOTNOTE_LLM_MODEL": "m"})
    assert config.provider == "openai"
    assert Config.from_env({}).provider == "extractive"


def test_the_key_is_not_in_the_text_of_the_settings() -> None:
    assert "hunter2" not in repr(Config.from_env({"FOOTNOTE_LLM_KEY": "hunter2"}))


def secret_file(tmp_path: Path, mode: int = 0o600, content: bytes = b"hunter2\n") -> Path:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    path = secret_file(tmp_path)
    assert Config.from_env({"FOOTNOTE_LLM_KEY_FILE": str(path)}).llm_key == "hunter2"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_secret_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = secret_file(tmp_path, mode)
    with pytest.raises(BadConfig, match=f"FOOTNOTE_LLM_KEY: .*others.*chmod 600 {path}") as caught:
        Config.from_env({"FOOTNOTE_LLM_KEY_FILE": str(path)})
    assert "hunter2" not in caught.value.message


def test_a_secret_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="nowhere cannot be read"):
        Config.from_env({"FOOTNOTE_LLM_KEY_FILE": str(tmp_path / "nowhere")})
    with pytest.raises(BadConfig, match="cannot be read"):
        Config.from_env({"FOOTNOTE_LLM_KEY_FILE": str(secret_file(tmp_path, content=b"\xff"))})
    with pytest.raises(BadConfig, match="given twice"):
        Config.from_env({"FOOTNOTE_LLM_KEY_FILE": "x", "FOOTNOTE_LLM_KEY": "y"})


def test_only_secrets_are_taken_from_files(tmp_path: Path) -> None:
    path = secret_file(tmp_path)
    assert Config.from_env({"FOOTNOTE_LLM_MODEL_FILE": str(path)}).llm_model == "default"


def test_certificate_and_key_need_each_other_and_the_key_is_private(tmp_path: Path) -> None:
    path = secret_file(tmp_path, 0o644)
    with pytest.raises(BadConfig, match="need each other"):
        Config.from_env({"FOOTNOTE_TLS_CERTIFICATE": "c"})
    with pytest.raises(BadConfig, match="TLS_KEY: .*others"):
        Config.from_env({"FOOTNOTE_TLS_CERTIFICATE": "c", "FOOTNOTE_TLS_KEY": str(path)})


@pytest.mark.parametrize("value", ["10.0.0.0/33", "proxy.example", "10.0.0.1/8"])
def test_proxies_are_addresses_or_networks(value: str) -> None:
    with pytest.raises(BadConfig, match="TRUSTED_PROXIES"):
        Config.from_env({"FOOTNOTE_TRUSTED_PROXIES": f"127.0.0.1, {value}"})


@pytest.mark.parametrize("value", ["'self'; script-src *", "a\r\nX: y", "a,b", "é"])
def test_sites_that_frame_cannot_change_the_rest_of_the_policy(value: str) -> None:
    with pytest.raises(BadConfig, match="FRAME_ANCESTORS"):
        Config.from_env({"FOOTNOTE_FRAME_ANCESTORS": value})
