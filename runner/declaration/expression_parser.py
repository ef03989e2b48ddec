"""What is the tree of an expression? A parser for the syntax of CEL, made for checks.

The evaluator compiles an expression but shows no tree; this one is walked against the declared names. The
grammar is that of the language definition (github.com/google/cel-spec, "Syntax").
"""

from __future__ import annotations

import re
from functools import lru_cache

from runner.declaration.expression_tree import Call, Literal, Member, Name, Node, Parts

DEEPEST = 40
"""Levels of nesting. The evaluator gives up somewhat above a hundred."""

LONGEST = 2048


class SyntaxProblem(ValueError):
    """The text is no expression; `offset` is where reading stopped."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


_token = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<number>0[xX][0-9a-fA-F]+[uU]?|(?:\d+\.\d+|\.\d+|\d+)(?:[eE][+-]?\d+)?[uU]?)
    |(?P<text>(?:[rR][bB]?|[bB][rR]?)?(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''
        |"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<name>[_a-zA-Z][_a-zA-Z0-9]*)
    |(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)

# Loosest first. All are read from left to right, which is enough for finding names.
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("==", "!=", "<", "<=", ">", ">=", "in"),
    ("+", "-"),
    ("*", "/", "%"),
)


@lru_cache(maxsize=2048)
def parse(text: str) -> Node:
    """The tree of an expression; SyntaxProblem when it is none."""
    if len(text) > LONGEST:
        raise SyntaxProblem(f"it is longer than {LONGEST} characters", LONGEST)
    parser = _Parser(_tokens(text), len(text))
    tree = parser.expression()
    parser.end()
    return tree


Token = tuple[str, str, int]


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    offset = 0
    while offset < len(text):
        match = _token.match(text, offset)
        if match is None:
            raise SyntaxProblem(_unexpected(text, offset), offset)
        if match.lastgroup != "space":
            tokens.append((str(match.lastgroup), match.group(), offset))
        offset = match.end()
    return tokens


def _unexpected(text: str, offset: int) -> str:
    match text[offset]:
        case "=":
            return "'=' is not an operator; did you mean '=='?"
        case "&" | "|" as sign:
            return f"'{sign}' is not an operator; did you mean '{sign * 2}'?"
        case '"' | "'":
            return "a text is not closed"
        case sign:
            return f"{sign!r} is not expected here"


class _Parser:
    """One pass over the tokens; the position is all that it remembers."""

    def __init__(self, tokens: list[Token], length: int) -> None:
        self.tokens = tokens
        self.length = length
        self.position = 0
        self.depth = 0

    def peek(self) -> str:
        """The next sign or name; empty for a literal and at the end."""
        if self.position >= len(self.tokens):
            return ""
        kind, text, _ = self.tokens[self.position]
        return text if kind in ("sign", "name") else ""

    def take(self, *signs: str) -> str:
        """The next sign when it is one of these, else empty."""
        if (found := self.peek()) in signs:
            self.position += 1
            return found
        return ""

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise self.problem(f"'{sign}' is expected")

    def end(self) -> None:
        if self.position < len(self.tokens):
            raise self.problem("it should have ended")

    def problem(self, message: str) -> SyntaxProblem:
        if self.position >= len(self.tokens):
            return SyntaxProblem(f"it ends too early: {message}", self.length)
        _, text, offset = self.tokens[self.position]
        return SyntaxProblem(f"{message} at '{text[:40]}'", offset)

    def expression(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.problem(f"it is nested deeper than {DEEPEST} levels")
        tree = self.operation(0)
        if self.take("?"):
            yes = self.operation(0)
            self.need(":")
            tree = Parts((tree, yes, self.expression()))
        self.depth -= 1
        return tree

    def operation(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self.unary()
        parts = [self.operation(level + 1)]
        while self.take(*_LEVELS[level]):
            parts.append(self.operation(level + 1))
        return parts[0] if len(parts) == 1 else Parts(tuple(parts))

    def unary(self) -> Node:
        while self.take("!", "-"):
            pass
        return self.members(self.primary())

    def members(self, tree: Node) -> Node:
        while sign := self.take(".", "["):
            if sign == ".":
                name = self.name()
                tree = Call(tree, name, self.arguments(")")) if self.take("(") else Member(tree, name)
                continue
            key = self.expression()
            self.need("]")
            text = key.text if isinstance(key, Literal) else None
            tree = Member(tree, text) if text is not None else Parts((tree, key))
        return tree

    def name(self) -> str:
        if self.position < len(self.tokens) and self.tokens[self.position][0] == "name":
            self.position += 1
            return self.tokens[self.position - 1][1]
        raise self.problem("a name is expected")

    def primary(self) -> Node:
        if self.position >= len(self.tokens):
            raise self.problem("a value is expected")
        kind, text, _ = self.tokens[self.position]
        if kind in ("number", "text"):
            self.position += 1
            plain = kind == "text" and text[0] in "\"'"
            return Literal(text.strip(text[0]) if plain else None)
        if kind == "name" and text != "in":
            self.position += 1
            if text in ("true", "false", "null"):
                return Literal(None)
            return Call(None, text, self.arguments(")")) if self.take("(") else Name(text)
        if self.take("("):
            tree = self.expression()
            self.need(")")
            return tree
        if self.take("["):
            return Parts(self.arguments("]"))
        if self.take("{"):
            return self.mapping()
        raise self.problem("a value is expected")

    def arguments(self, closing: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self.take(closing):
            if found:
                self.need(",")
                if closing == "]" and self.take(closing):
                    break
            found.append(self.expression())
        return tuple(found)

    def mapping(self) -> Node:
        parts: list[Node] = []
        while not self.take("}"):
            if parts:
                self.need(",")
                if self.take("}"):
                    break
            parts.append(self.expression())
            self.need(":")
            parts.append(self.expression())
        return Parts(tuple(parts))
