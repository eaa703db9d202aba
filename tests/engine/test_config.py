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
