"""No value ever becomes a part of a statement: SQL is put together from constants alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

STORAGE = sorted((Path(__file__).parent.parent / "engine/storage").glob("*.py"))
WORDS = ("select ", "insert ", "update ", "delete ", "with ", " from ", " where ", "order by")


def variable_parts(tree: ast.Module) -> Iterator[str]:
    """Yield what stands in braces in a statement and is not fixed by the code itself."""
    named = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    returned = {
        node.name: ast.Tuple(
            [r.value for r in ast.walk(node) if isinstance(r, ast.Return) and r.value]
        )
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }
    named |= {f"{name}()": values for name, values in returned.items()}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and is_sql(node):
            for part in node.values:
                if isinstance(part, ast.FormattedValue) and not is_fixed(part.value, named):
                    yield f"line {node.lineno}: {ast.unparse(part.value)}"


def is_sql(node: ast.JoinedStr) -> bool:
    texts = [str(part.value) for part in node.values if isinstance(part, ast.Constant)]
    return any(word in text for text in texts for word in WORDS)


def is_fixed(value: ast.expr, named: dict[str, ast.expr]) -> bool:
    """Whether a value is a text of the code: a literal, or one of several, or made of such."""
    match value:
        case ast.Constant():
            return True
        case ast.Name():
            own = named.get(value.id)
            return value.id.isupper() or (own is not None and is_fixed(own, named))
        case ast.Subscript(value=ast.Name(id=name)):
            return name.isupper()
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get"), args=[_]):
            return name.isupper()
        case ast.Call(func=ast.Name(id=name)):
            return f"{name}()" in named and is_fixed(named[f"{name}()"], named)
        case ast.Tuple():
            return all(is_fixed(one, named) for one in value.elts)
        case ast.IfExp():
            return is_fixed(value.body, named) and is_fixed(value.orelse, named)
        case ast.JoinedStr():
            parts = [part.value for part in value.values if isinstance(part, ast.FormattedValue)]
            return all(is_fixed(part, named) for part in parts)
    return False


def test_statements_are_made_of_constants_alone() -> None:
    found = {path.name: list(variable_parts(ast.parse(path.read_text()))) for path in STORAGE}
    assert {name: parts for name, parts in found.items() if parts} == {}


def test_a_value_in_a_statement_is_noticed() -> None:
    bad = "f'select * from users where name = {name}'"
    assert list(variable_parts(ast.parse(bad))) == ["line 1: name"]
    made = "column = request['x']\nf'select {column} from users'"
    assert list(variable_parts(ast.parse(made))) == ["line 2: column"]


def test_constants_in_a_statement_are_none() -> None:
    good = "where = f'from {_RIGHTS}' if x else 'from users'\nf'select * {where}'"
    assert list(variable_parts(ast.parse(good))) == []
