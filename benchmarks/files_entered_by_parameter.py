"""Count the source files that one parameter of a function enters, through the calls that pass it on.

    python files_entered_by_parameter.py [--list] [--wide] FILE:FUNCTION:PARAM ...
    python files_entered_by_parameter.py drp/stages/prune.py:prune:ctx drp/pipeline/nightly.py:nightly:ctx

Run it in the root of a repository whose package is `drp`: it reads the code (ast) and executes none of it. It
counts distinct files under drp/, the start's own included; `--list` names them in the order of first entry.

1. An expression CARRIES the parameter if it is the parameter, or if a part of it carries: an attribute or an
   item of it, a collection or comprehension of it, a call that gets it or asks it. So does a name that `=`,
   `:=` or `with` binds to what carries. These carry nothing: what is declared (field, property, return) as
   plain data, that is text, number, bytes, date, Path or None; comparisons, tests, lambdas, formatted text;
   the items that a loop takes out; and a new object, into which a class packs the parameter.
2. A call ENTERS the file of the function, method or `__init__` that it runs, if an argument carries and the
   parameter that takes it is not declared as plain data; the walk goes on there with that parameter. A method
   asked of a name that carries (`night.visible()`) is entered too, as `self`. A file counts once.
3. Callees are found statically: by absolute imports (also through an `__init__`), `module.f`, `Class.method`,
   and the first class of the package that an annotation or constructor call names. Other libraries and
   callables in variables are not followed; a class without `__init__`, as a dataclass, has no code to enter.

`--wide` also follows new objects and the items of loops, and enters the methods that are asked of a part of
what carries (`night.run.end()`) and the properties that are read off it.
"""

import argparse
import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

PACKAGE = "drp"
PLAIN = {"str", "int", "float", "bool", "bytes", "date", "datetime", "Decimal", "Path", "None", "Literal"}
SILENT = (ast.Compare, ast.UnaryOp, ast.Lambda, ast.JoinedStr)
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Names: TypeAlias = dict[str, ast.AST | tuple[str, str]]  # a tuple: what is imported from a module


class Found(NamedTuple):
    """A definition or an annotation, and the module in which its names are looked up."""

    module: str
    node: ast.AST


Entry: TypeAlias = tuple[Found | None, Found, str, str]  # class, function, parameter, through which call


def bindings(function: ast.AST) -> Iterator[tuple[str, ast.expr, bool]]:
    """Targets with their values, tuples taken apart, and whether a loop takes them out of the value."""
    for node in ast.walk(function):
        fields = dict(ast.iter_fields(node))
        value = fields.get("value") or fields.get("iter") or fields.get("context_expr")
        for target in fields.get("targets") or [fields.get("target") or fields.get("optional_vars")]:
            if isinstance(target, ast.expr) and isinstance(value, ast.expr):
                targets = target.elts if isinstance(target, ast.Tuple) else [target]
                parts = value.elts if isinstance(value, ast.Tuple) else [ast.Starred(value)] * len(targets)
                for name, part in zip(targets, parts if targets != [target] else [value], strict=False):
                    yield ast.unparse(name), part, "iter" in fields


def decorators(node: ast.AST) -> str:
    """The decorators of a function."""
    return " ".join(map(ast.unparse, getattr(node, "decorator_list", [])))


def words(kind: Found | None) -> list[Found]:
    """All parts of an annotation; none if it is a definition."""
    node = kind.node if kind and isinstance(kind.node, ast.expr) else None
    unquoted = ast.Name(str(node.value)) if isinstance(node, ast.Constant) else node
    return [Found(kind.module, part) for part in ast.walk(unquoted)] if kind and unquoted else []


def bound(nodes: Iterable[ast.AST]) -> Names:
    """The names that these nodes define, import or assign."""
    names: Names = {}
    for node in nodes:
        if isinstance(node, Function | ast.ClassDef):
            names[node.name] = node
        elif isinstance(node, ast.Import):
            names |= {a.asname or a.name.partition(".")[0]: (a.name, "") for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {a.asname or a.name: (node.module or "", a.name) for a in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            names |= {target: value for target, value, _ in bindings(node)}
    return names


class Code:
    """All modules of the package, and what their names mean."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.names: dict[str, Names] = {}
        for path in sorted(Path(PACKAGE).rglob("*.py")):
            module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
            self.files[module] = path.as_posix()
            top = ast.parse(path.read_text(encoding="utf-8")).body
            guarded = [node for t in top if isinstance(t, ast.If | ast.Try) for node in ast.walk(t)]
            self.names[module] = bound([*guarded, *top])

    def named(self, module: str, node: ast.AST, local: Names | None = None) -> Found | None:
        """What a name, or a name in a module, stands for behind all imports; a module stands for itself."""
        name = node.id if isinstance(node, ast.Name) else ""
        bound = (local or {}).get(name) or self.names[module].get(name)
        if isinstance(node, ast.Attribute) and (base := self.named(module, node.value, local)):
            bound = (base.module, node.attr) if isinstance(base.node, ast.Module) else None
        while isinstance(bound, tuple):
            module, name = bound
            bound = self.names.get(module, {}).get(name)
            if bound is None and (inner := f"{module}.{name}".rstrip(".")) in self.files:
                return Found(inner, ast.Module([], []))
        return Found(module, bound) if bound else None

    def class_of(self, kind: Found | None) -> Found | None:
        """The first class of the package that an annotation names."""
        if kind is None or isinstance(kind.node, ast.ClassDef):
            return kind
        return next(filter(None, (self.class_of(self.named(*word)) for word in words(kind))), None)

    def is_plain(self, kind: Found | None) -> bool:
        """Whether an annotation names nothing but plain data."""
        names = [word for word in words(kind) if getattr(word.node, "id", "Literal") not in PLAIN]
        return bool(words(kind)) and all(self.is_plain(self.named(*name)) for name in names)

    def member(self, cls: Found | None, name: str) -> Found | None:
        """A method, or the annotation of a field, of a class or of its bases."""
        if cls is None or not isinstance(cls.node, ast.ClassDef):
            return None
        for node in cls.node.body:
            if isinstance(node, Function) and node.name == name:
                return Found(cls.module, node)
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name:
                return Found(cls.module, node.annotation)
            if isinstance(node, Function) and node.name == "__init__":
                declared = {a.arg: a.annotation for a in ast.walk(node) if isinstance(a, ast.arg)}
                for target, value, _ in bindings(node):
                    kind = value.func if isinstance(value, ast.Call) else declared.get(ast.unparse(value))
                    if kind and target == f"self.{name}":
                        return Found(cls.module, kind)
        bases = [self.class_of(Found(cls.module, base)) for base in cls.node.bases]
        return next(filter(None, (self.member(base, name) for base in bases)), None)


class Body:
    """A function, and which of its expressions carry the parameter."""

    def __init__(self, code: Code, owner: Found | None, found: Found, parameter: str, wide: bool) -> None:
        self.code, self.wide, (self.module, self.node) = code, wide, found
        nodes = list(ast.walk(self.node))
        self.local = bound(n for n in nodes[1:] if isinstance(n, Function | ast.Import | ast.ImportFrom))
        first = next((node.arg for node in nodes if isinstance(node, ast.arg)), "")
        self.kinds = {first: owner} if owner and "staticmethod" not in decorators(self.node) else {}
        for node in nodes:
            if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
                name = node.arg if isinstance(node, ast.arg) else ast.unparse(node.target)
                self.kinds.setdefault(name, Found(self.module, node.annotation))
        values = list(bindings(self.node))
        for _ in values:  # all kinds first: they decide about what carries
            self.kinds = {name: kind for name, value, _ in values if (kind := self.kind(value))} | self.kinds
        self.carrying = {parameter}
        for _ in values:
            self.carrying |= {name for name, value, item in values if wide >= item and self.carries(value)}

    def kind(self, node: ast.AST) -> Found | None:
        """What an expression is declared to be: an annotation or a class."""
        if isinstance(node, ast.Name):
            return self.kinds.get(node.id)
        owner, found = self.callee(node.func if isinstance(node, ast.Call) else node)
        if found and isinstance(found.node, Function) and (returns := found.node.returns):
            return owner if ast.unparse(returns) == "Self" else Found(found.module, returns)
        return found

    def carries(self, node: ast.AST) -> bool:
        """Rule 1."""
        if isinstance(node, ast.Name):
            return node.id in self.carrying
        found = self.callee(node.func)[1] if isinstance(node, ast.Call) and not self.wide else None
        if isinstance(node, SILENT) or (found and isinstance(found.node, ast.ClassDef)):
            return False
        parts = [part for part in ast.iter_child_nodes(node) if part is not getattr(node, "test", None)]
        return any(map(self.carries, parts)) and not self.code.is_plain(self.kind(node))

    def callee(self, func: ast.AST) -> tuple[Found | None, Found | None]:
        """The class whose method a call runs, if it is one, and the function or class that it runs."""
        found = self.code.named(self.module, func, self.local)
        if found or not isinstance(func, ast.Attribute):
            return None, found
        owner = self.code.class_of(self.kind(func.value)) or self.code.named(self.module, func.value)
        return owner, self.code.member(owner, func.attr)

    def entries(self) -> Iterator[Entry]:
        """Rule 2, in the order of evaluation."""
        nodes = [node for node in ast.walk(self.node) if isinstance(node, ast.Call | ast.Attribute)]
        for node in sorted(nodes, key=lambda node: (node.end_lineno or 0, node.end_col_offset or 0)):
            func = node.func if isinstance(node, ast.Call) else node
            owner, found = self.callee(func)
            if found and isinstance(found.node, ast.ClassDef):
                owner, found = found, self.code.member(found, "__init__")
            if not found or not isinstance(function := found.node, Function):
                continue
            via = f"{self.code.files[self.module]}:{node.lineno} {ast.unparse(func)}"
            takers = [*function.args.posonlyargs, *function.args.args]
            if owner and "staticmethod" not in decorators(function):
                asked = func.value if isinstance(func, ast.Attribute) else func
                is_run = isinstance(node, ast.Call) or (self.wide and "property" in decorators(function))
                if is_run and (self.wide or isinstance(asked, ast.Name)) and self.carries(asked):
                    yield owner, found, takers[0].arg, via
                del takers[0]
            named = {a.arg: a for a in (*takers, *function.args.kwonlyargs)}
            rest = [function.args.vararg] * len(getattr(node, "args", []))
            given = [*zip([*takers, *rest], getattr(node, "args", []), strict=False)]
            given += [(named.get(k.arg, function.args.kwarg), k.value) for k in getattr(node, "keywords", [])]
            for taker, value in given:
                declared = Found(found.module, taker.annotation) if taker and taker.annotation else None
                if taker and not self.code.is_plain(declared) and self.carries(value):
                    yield owner, found, taker.arg, via


def walk(code: Code, start: str, wide: bool) -> dict[str, str]:
    """The files that the parameter enters, in order, and the call that first enters each."""
    file, function, parameter = start.split(":")
    module = {path: name for name, path in code.files.items()}[file]
    cls, _, name = function.rpartition(".")
    owner = code.named(module, ast.Name(cls))
    found = code.member(owner, name) or code.named(module, ast.Name(name))
    assert found, f"{start}: there is no such function"
    entered: dict[str, str] = {}
    seen: set[tuple[Found | None, Found, str]] = set()
    ahead: list[Entry] = [(owner, found, parameter, "the start")]
    while ahead:
        owner, found, parameter, via = ahead.pop()
        entered.setdefault(code.files[found.module], via)
        if (owner, found, parameter) not in seen:
            seen.add((owner, found, parameter))
            ahead += reversed(list(Body(code, owner, found, parameter, wide).entries()))
    return entered


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Count the files that a parameter enters.")
    parser.add_argument("starts", nargs="+", metavar="FILE:FUNCTION:PARAM")
    parser.add_argument("--list", action="store_true", help="name the files and the calls")
    parser.add_argument("--wide", action="store_true", help="follow what the rules leave out")
    arguments = parser.parse_args()
    package = Code()
    for start in arguments.starts:
        entered = walk(package, start, arguments.wide)
        print(start, len(entered))
        for number, file in enumerate(entered if arguments.list else (), 1):
            print(f"{number:5} {file}  <- {entered[file]}")
