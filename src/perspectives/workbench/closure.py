"""Which of our source files a step depends on, and a digest of what they say.

Snakemake does not see edits to imported modules, so every rule carries this digest as a param. It is taken on the
syntax tree: comments, docstrings and layout do not count. Settings modules are followed but not digested: what they
hold reaches a rule as resolved values in its `settings` param.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
SOURCE_ROOT = PACKAGE.parent
_WITH_LOGIC = {"workbench", "suite"}
RUNNER = "perspectives.__main__"
"""The command line that runs every step: part of every closure, imported by none of them."""


def closure(module: str, root: Path = SOURCE_ROOT) -> frozenset[str]:
    """Return the names of the modules under `root` that importing `module` runs, parent packages counted.

    Imports inside functions count, those under `if TYPE_CHECKING` do not. **Raises**: ModuleNotFoundError when `module`
    is not under `root`.
    """
    if _file(module, root) is None:
        raise ModuleNotFoundError(f"no module {module} under {root}")
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += _imports(name, root)
    return frozenset(found)


def digest(module: str, root: Path = SOURCE_ROOT) -> str:
    """Return `source:<module>:<digest>`, which changes just when the meaning of the step's code may have changed."""
    names = closure(module, root)
    if _file(RUNNER, root) is not None:
        names |= closure(RUNNER, root)
    text = "\n".join(f"{name}={_meaning(name, root)}" for name in sorted(names) if not _is_settings(name))
    return f"source:{module}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def parameters(module: str, root: Path = SOURCE_ROOT) -> dict[str, tuple[str, bool]]:
    """Return each parameter of the step function with its annotation and whether it must be given, without importing.

    **Raises**: LookupError when the module has no function of its own name.
    """
    name = module.rsplit(".", 1)[-1]
    for node in _tree(module, root).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            return {
                argument.arg: (ast.unparse(argument.annotation or ast.Constant(None)), default is None)
                for argument, default in pairs
            }
    raise LookupError(f"{module} has no function '{name}'")


def _is_settings(name: str) -> bool:
    *_, room, last = ("", *name.split("."))
    return last == "settings" and room not in _WITH_LOGIC


def _file(module: str, root: Path) -> Path | None:
    base = root.joinpath(*module.split("."))
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


@cache
def _tree(module: str, root: Path) -> ast.Module:
    file = _file(module, root)
    assert file is not None
    return ast.parse(file.read_bytes(), filename=str(file))


@cache
def _imports(module: str, root: Path) -> tuple[str, ...]:
    names = [module.rsplit(".", 1)[0]] if "." in module else []
    for node in _executed(_tree(module, root)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module, root)
            names.append(base)
            names += [f"{base}.{alias.name}" for alias in node.names]
    return tuple(name for name in names if _file(name, root) is not None)


def _absolute(node: ast.ImportFrom, module: str, root: Path) -> str:
    if not node.level:
        return node.module or ""
    file = _file(module, root)
    is_package = file is not None and file.name == "__init__.py"
    parts = module.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join([*parts, node.module] if node.module else parts)


def _executed(tree: ast.AST):
    """Walk `tree`, leaving out what only a type checker runs."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                yield other
                yield from _executed(other)
            continue
        yield node
        yield from _executed(node)


@cache
def _meaning(module: str, root: Path) -> str:
    tree = _tree(module, root)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body
            first = body[0] if body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = body[1:] or [ast.Pass()]
    return ast.dump(tree)
