"""The layers of the program, as rules that fail when code crosses them.

Everything here reads source files; nothing is imported, so a broken module is still checked.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sorted(
    path
    for place in ("server.py", "handlers", "engine")
    for path in ([ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py"))
    if path.exists()
)

LEVELS = (
    {
        "config",
        "errors",
        "types",
        "clock",
        "metrics",
        "language",
        "markdown",
        "samples",
        "validation",
    },
    {"storage", "ingest", "writers", "citations", "auth"},
    {"retrieval", "runs", "export"},
    {"flows"},
)
LEVEL_OF = {part: level for level, parts in enumerate(LEVELS) for part in parts}

CONFINED = {
    "aiosqlite": ("engine/storage/",),
    "sqlite3": ("engine/storage/",),
    "openai": ("engine/writers/", "engine/retrieval/dense.py"),
    "httpx2": ("engine/writers/", "engine/retrieval/dense.py", "engine/auth/provider.py"),
    "authlib": ("engine/auth/provider.py",),
    "joserfc": ("engine/auth/provider.py",),
    "jwt": ("engine/auth/tokens.py",),
    "argon2": ("engine/auth/passwords.py",),
    "pypdfium2": ("engine/ingest/", "engine/export/"),
    "docx": ("engine/ingest/", "engine/export/", "engine/samples/build.py"),
    "lxml": ("engine/ingest/", "engine/export/"),
    "charset_normalizer": ("engine/ingest/",),
    "markdown_it": ("engine/",),
    "aiohttp": ("server.py", "handlers/", "engine/writers/transport.py"),
    "aiohttp_jinja2": ("server.py", "handlers/"),
    "jinja2": ("server.py", "handlers/"),
    "prometheus_client": ("engine/metrics.py",),
    "handlers": ("server.py", "handlers/"),
}
HANDLERS_MAY_IMPORT = {"engine", "handlers", "aiohttp", "aiohttp_jinja2", "msgspec", "markupsafe"}
SERVER_MAY_IMPORT = HANDLERS_MAY_IMPORT | {"jinja2"}

BROAD_EXCEPT = {
    "handlers/middleware.py": 1,
    "engine/runs/journal.py": 1,
    "engine/runs/runner.py": 2,
    "server.py": 1,
}
"""How many handlers may swallow any exception, by file: the error edge, the run loop, shutdown."""

SQL = re.compile(
    r"\s*(?:select\s.*\sfrom\s|insert\s+(?:or\s+\w+\s+)?into\s|update\s+\w+\s+set\s|delete\s+from\s"
    r"|create\s+(?:table|index|unique|virtual|trigger)\s|pragma\s+\w|begin\s+immediate)",
    re.DOTALL,
)
FRAME_LINE = re.compile(r"(?:data|event|id|retry): ?")
ELEMENT = re.compile(r"\s*</?[a-z][a-z0-9-]*(?:\s|>|/)")
VAGUE_NAME = re.compile(r"(?:utils?|helpers?|misc|common|.*manager|base_.*)")

DOM = re.compile(
    r"\b(?:document|window)\s*[.\[(]|\b(?:customElements|HTMLElement|innerHTML|querySelector)\b"
)
JS_COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", re.DOTALL)
JS_IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*["']([^"']+)["']""")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), name_of(path))


def imports_of(tree: ast.Module, file: str) -> Iterator[str]:
    """Yield the dotted name of everything imported, at any depth, relative names made absolute."""
    package = list(Path(file).with_suffix("").parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imports(path: Path) -> list[str]:
    return list(imports_of(parse(path), name_of(path)))


def crossed_layers(file: str, imported: Iterable[str]) -> list[str]:
    """Return the imports of a file of the engine that its place does not allow."""
    own = part_of(file)
    if own is None:
        return []
    allowed = set().union(*LEVELS[: LEVEL_OF[own]], {own}, LEVELS[0] if own in LEVELS[0] else ())
    inside = (name.split(".")[1] for name in imported if name.startswith("engine."))
    return sorted({name for name in inside if name not in allowed})


def part_of(file: str) -> str | None:
    """Return the part of the engine a file belongs to; the engine's own front belongs to none."""
    parts = Path(file).with_suffix("").parts
    fronts = (("engine", "__init__"), ("engine", "command_line"))
    return None if parts in fronts else parts[1]


def confined(file: str, imported: Iterable[str]) -> list[str]:
    """Return the imported packages that are kept to other places."""
    packages = {name.split(".")[0] for name in imported}
    return sorted(
        name for name in packages if name in CONFINED and not file.startswith(CONFINED[name])
    )


def strings_of(tree: ast.Module) -> Iterator[str]:
    """Yield every text and bytes literal that is not a docstring."""
    docs = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docs:
            if isinstance(node.value, bytes):
                yield node.value.decode("latin-1")
            elif isinstance(node.value, str):
                yield node.value


def is_sql(text: str) -> bool:
    """Whether a literal is a statement; keywords are all lower or all upper case, unlike prose."""
    return bool(SQL.match(text)) or (text.isupper() and bool(SQL.match(text.lower())))


def environment_reads(tree: ast.Module) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"})
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {alias.name for alias in node.names} & {"environ", "environb", "getenv"}
        )
    ]


def swallowed(tree: ast.Module) -> int:
    """Count the handlers of any exception whatever that do not end by raising it again."""
    return sum(
        isinstance(node, ast.ExceptHandler) and is_broad(node.type) and not raises_again(node)
        for node in ast.walk(tree)
    )


def is_broad(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(map(is_broad, caught.elts))
    return caught is None or ast.unparse(caught) in {"Exception", "BaseException"}


def raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def is_markup(text: str) -> bool:
    return bool(ELEMENT.match(text) or FRAME_LINE.match(text))


def foreign_to(allowed: set[str], imported: Iterable[str]) -> set[str]:
    packages = {name.split(".")[0] for name in imported}
    return packages - allowed - set(sys.stdlib_module_names)


def files(place: str) -> list[Path]:
    return [path for path in PYTHON if name_of(path).startswith(place)]


def scripts(place: str) -> list[Path]:
    return sorted((ROOT / "web/js" / place).rglob("*.js"))


def js_code(path: Path) -> str:
    return JS_COMMENT.sub("", path.read_text(encoding="utf-8"))


def js_imports(path: Path) -> list[Path]:
    return [
        (path.parent / name).resolve() if name.startswith(".") else Path(name)
        for name in JS_IMPORT.findall(js_code(path))
    ]


def js_imports_outside(path: Path, place: str) -> list[str]:
    home = (ROOT / "web/js" / place).resolve()
    return [str(target) for target in js_imports(path) if not target.is_relative_to(home)]


def found_in(paths: list[Path], check: Callable[[Path], T]) -> dict[str, T]:
    """Return what a check finds, by file, where it finds anything."""
    return {name_of(path): found for path in paths if (found := check(path))}


def test_every_part_of_the_engine_has_a_level() -> None:
    parts = {part_of(name_of(path)) for path in files("engine/")} - {None}
    assert parts <= LEVEL_OF.keys()


def test_the_engine_imports_only_what_lies_below() -> None:
    assert (
        found_in(files("engine/"), lambda path: crossed_layers(name_of(path), imports(path))) == {}
    )


def test_libraries_stay_in_their_place() -> None:
    assert found_in(PYTHON, lambda path: confined(name_of(path), imports(path))) == {}


def test_handlers_know_http_and_the_engine_only() -> None:
    handlers = files("handlers/")
    assert found_in(handlers, lambda path: foreign_to(HANDLERS_MAY_IMPORT, imports(path))) == {}


def test_the_server_only_wires() -> None:
    server = files("server.py")
    assert found_in(server, lambda path: foreign_to(SERVER_MAY_IMPORT, imports(path))) == {}


def test_sql_is_only_in_storage() -> None:
    elsewhere = [path for path in PYTHON if not name_of(path).startswith("engine/storage/")]
    assert found_in(elsewhere, lambda path: list(filter(is_sql, strings_of(parse(path))))) == {}


def test_the_environment_is_read_only_by_the_settings() -> None:
    elsewhere = [path for path in PYTHON if name_of(path) != "engine/config.py"]
    assert found_in(elsewhere, lambda path: environment_reads(parse(path))) == {}


def test_handlers_hold_no_html_and_no_wire_lines() -> None:
    handlers = files("handlers/")
    assert found_in(handlers, lambda path: list(filter(is_markup, strings_of(parse(path))))) == {}


def test_only_the_named_places_may_swallow_any_exception() -> None:
    counts = found_in(PYTHON, lambda path: swallowed(parse(path)))
    assert {file: n for file, n in counts.items() if n > BROAD_EXCEPT.get(file, 0)} == {}


def test_no_file_has_a_vague_name() -> None:
    names = {name_of(path): path.stem.replace("-", "_") for path in [*PYTHON, *scripts(".")]}
    assert [file for file, stem in names.items() if VAGUE_NAME.fullmatch(stem)] == []


def test_script_libraries_never_touch_the_page() -> None:
    assert found_in(scripts("lib"), lambda path: DOM.findall(js_code(path))) == {}


def test_script_libraries_import_only_each_other() -> None:
    assert found_in(scripts("lib"), lambda path: js_imports_outside(path, "lib")) == {}


def test_elements_never_import_each_other() -> None:
    elements = ROOT / "web/js/elements"
    own = found_in(
        scripts("elements"),
        lambda path: [str(to) for to in js_imports(path) if to.is_relative_to(elements)],
    )
    assert own == {}


def test_scripts_import_files_of_this_repository_only() -> None:
    assert found_in(scripts("."), lambda path: js_imports_outside(path, ".")) == {}
    missing = {str(to) for path in scripts(".") for to in js_imports(path) if not to.is_file()}
    assert missing == set()


@pytest.mark.parametrize(
    ("file", "source", "crossed"),
    [
        ("engine/writers/a.py", "from engine.storage import drafts", ["storage"]),
        ("engine/writers/a.py", "def f():\n    import engine.flows.draft", ["flows"]),
        ("engine/runs/a.py", "from ..flows import draft", ["flows"]),
        ("engine/runs/a.py", "from engine.export import docx", ["export"]),
        ("engine/runs/a.py", "from engine import storage, types", []),
        ("engine/markdown/a.py", "from engine.auth import credentials", ["auth"]),
        ("engine/markdown/a.py", "from . import blocks", []),
        ("engine/config.py", "from engine.errors import AppError", []),
        ("engine/__init__.py", "from engine.flows import draft", []),
    ],
)
def test_a_crossed_layer_is_noticed(file: str, source: str, crossed: list[str]) -> None:
    assert crossed_layers(file, imports_of(ast.parse(source), file)) == crossed


def test_a_misplaced_library_is_noticed() -> None:
    assert confined("engine/runs/a.py", ["sqlite3.Row", "aiohttp.web", "json"]) == [
        "aiohttp",
        "sqlite3",
    ]
    assert confined("engine/storage/a.py", ["sqlite3.Row"]) == []


def test_sql_is_told_from_prose() -> None:
    assert is_sql("select id\n  from drafts where id = :id")
    assert is_sql("UPDATE DRAFTS SET STATUS = 1 ")
    assert not is_sql("Select passages from the list.")
    assert not is_sql("update the draft")


def test_a_swallowed_exception_and_a_read_of_the_environment_are_noticed() -> None:
    body = "try:\n    x()\nexcept {}:\n    {}\n"
    assert swallowed(ast.parse(body.format("(ValueError, Exception)", "pass"))) == 1
    assert swallowed(ast.parse(body.format("BaseException", "undo()\n    raise"))) == 0
    assert swallowed(ast.parse(body.format("ValueError", "pass"))) == 0
    assert environment_reads(ast.parse("import os\nos.environ['A']\nos.getenv('B')")) == [2, 3]
    assert environment_reads(ast.parse("from os import environ")) == [1]
