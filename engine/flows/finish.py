"""What a reader should know of how a writer finished."""

from engine.writers.writer import Finished


def warnings_of(finished: Finished) -> list[str]:
    """Return sentences about what may be wrong with a text."""
    return [*finished.warnings, *_warnings(finished.reason)]


def _warnings(reason: str) -> list[str]:
    match reason:
        case "length":
            return ["The model stopped at its length limit; the text may be unfinished."]
        case "content_filter":
            return ["The model server's content filter stopped the text; it may be unfinished."]
        case _:
            return []
