"""Finds the line of every key in a TOML source, which `tomllib` does not tell.

The source is one that `tomllib` has accepted, so the scan may be loose: it knows keys, tables and
brackets, and skips what stands in strings and comments. It checks nothing.
"""

import re
import tomllib
from typing import Final, NamedTuple, TypeAlias

KeyPath: TypeAlias = tuple[str, ...]

_TOKEN: Final = re.compile(
    r"""
      (?P<text>  \"{3}(?:\\.|[^\\])*?\"{3,5} | '{3}.*?'{3,5}
               | "(?:\\.|[^"\\\n])*" | '[^'\n]*' )
    | (?P<comment> \#[^\n]* )
    | (?P<newline> \n )
    | (?P<mark> [\[\]{}=,.] )
    | (?P<bare> [^\s\[\]{}=,."'\#]+ )
    """,
    re.VERBOSE | re.DOTALL,
)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


_END: Final = _Token("end", "", 0)


class _Scan:
    """A walk over the tokens of one source."""

    def __init__(self, source: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._tokens: list[_Token] = []
        self._at = 0
        line = 1
        for match in _TOKEN.finditer(source):
            kind, text = match.lastgroup or "", match.group()
            if kind != "comment":
                self._tokens.append(_Token(kind, text, line))
            line += text.count("\n")

    def document(self) -> None:
        """Walk the whole source."""
        table: KeyPath = ()
        while (token := self._peek()) is not _END:
            if token.kind == "newline":
                self._next()
            elif token.text == "[":
                table = self._header()
            else:
                self._pair(table)

    def _peek(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else _END

    def _next(self) -> _Token:
        token = self._peek()
        self._at += 1
        return token

    def _blank(self) -> None:
        while self._peek().kind == "newline":
            self._next()

    def _header(self) -> KeyPath:
        while self._peek().text == "[":
            self._next()
        table = self._key(())
        while self._peek().text == "]":
            self._next()
        return table

    def _key(self, prefix: KeyPath) -> KeyPath:
        """Read a dotted key, and note the line of each of its parts the first time it is seen."""
        path = prefix
        while True:
            token = self._next()
            path = (*path, *_parts(token))
            self.lines.setdefault(path, token.line)
            if self._peek().text != ".":
                return path
            self._next()

    def _pair(self, prefix: KeyPath) -> None:
        path = self._key(prefix)
        self._next()  # The equals sign.
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        opening = self._peek().text
        if opening in {"{", "["}:
            closing = "}" if opening == "{" else "]"
            self._next()
            self._blank()
            while self._peek().text != closing and self._peek() is not _END:
                if opening == "{":
                    self._pair(path)
                else:
                    self._value(path)
                self._blank()
                if self._peek().text == ",":
                    self._next()
                self._blank()
            self._next()
            return
        # A number with a fraction or a date is several tokens.
        while self._peek().kind in {"text", "bare"} or self._peek().text == ".":
            self._next()


def _parts(token: _Token) -> KeyPath:
    if token.kind != "text":
        return (token.text,)
    key: str = tomllib.loads(f"key = {token.text}")["key"]
    return (key,)


def key_lines(source: str) -> dict[KeyPath, int]:
    """Return the line, from 1, on which each key and table of a valid `source` first stands."""
    scan = _Scan(source)
    scan.document()
    return scan.lines
