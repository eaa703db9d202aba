"""What the pipeline asks of a language model: prompts as data files, one for each content type.

The files are in `engine/pipeline_prompts/`. `{num_questions}` in them is replaced; notes, drafts
and everything else of a user's come after, fenced, and cannot break out.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from engine.flows.fencing import harmless
from engine.validation.problems import Problem
from engine.validation.validator import CONTENT_TYPES
from engine.writers.writer import Message

_FOLDER = Path(__file__).parent.parent / "pipeline_prompts"


class Prompts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The instructions of the two steps for one content type."""

    generator: str
    formatter: str


def load_prompts() -> Mapping[str, Prompts]:
    """Read the prompts of all content types."""
    return {kind: _read(_FOLDER / f"{kind.lower()}.toml") for kind in CONTENT_TYPES}


def _read(path: Path) -> Prompts:
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Prompts)


def generator_messages(
    prompts: Prompts, notes: str, *, num_questions: int, focus: str
) -> tuple[Message, ...]:
    """Return the prompt for a draft."""
    system = prompts.generator.replace("{num_questions}", str(num_questions))
    parts = [_fenced("notes", notes), f"Give most room to: {focus}" if focus else ""]
    return (Message("system", system.strip()), Message("user", _joined(parts)))


def formatter_messages(
    prompts: Prompts, draft: str, problems: Sequence[Problem]
) -> tuple[Message, ...]:
    """Return the prompt for the final form; `problems` are those of an earlier try."""
    parts = [_fenced("draft", draft), _objections(problems)]
    return (Message("system", prompts.formatter.strip()), Message("user", _joined(parts)))


def _objections(problems: Sequence[Problem]) -> str:
    if not problems:
        return ""
    said = [f"- Line {one.line}, {one.section or 'the text'}: {one.message}" for one in problems]
    return "\n".join(["Your last try broke the form. Avoid these mistakes:", *said])


def _fenced(name: str, text: str) -> str:
    return f"<{name}>\n{harmless(text, name)}\n</{name}>"


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part for part in parts if part)
