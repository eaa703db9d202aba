"""Where Markdown is code, known while the text is still arriving.

`CodeRegions` walks over text once and stops at every opening bracket that is not code. It holds no
text back: what it cannot know yet is kept as a few counters, so the result is the same for any cut.

Rules, after CommonMark 0.31 sections 4.5 (fences), 6.1 (code spans) and 2.4 (backslash escapes):

- A fence is a run of three or more backticks or tildes that opens a line, after at most three
  spaces; inside a list after any indent, since the item's own indent is not counted here. The info
  string of a backtick fence holds no backtick; otherwise the run opens a code span.
- A code span runs to the next run of as many backticks. Whether that ever comes cannot be known in
  a stream, so a span without an end lasts until its paragraph does, and brackets in it are text. A
  paragraph ends at a blank line, a heading, a table row, a quote mark or a list item; a line that
  begins with a number counts as one.
"""

import re

_PREFIX = re.compile(r"[ \t]+|[>*+\-0-9.)]+")
_BODY = re.compile(r"[^\n`\\\[【]+")
_SPAN = re.compile(r"[^\n`]+")
_LINE = re.compile(r"[^\n]+")
_RUN = re.compile(r"`+|~+")
_ONE_LINE_BLOCKS = "#|"


class CodeRegions:
    """Position in the block and inline structure of a Markdown text."""

    def __init__(self) -> None:
        """Start at the beginning of a document."""
        self._fence = ""  # the character of the open fence
        self._fence_length = 0
        self._info = False  # on the line that may open a fence
        self._closing = False  # after a run that closes the fence, if nothing else is on its line
        self._span = 0  # length of the run that opened the code span
        self._run = ""  # the character of a run that may not be whole
        self._run_length = 0
        self._escape = False  # the last character was a backslash that escapes
        self._in_list = False
        self._one_line = False
        self._open_line()

    @property
    def is_bare_line_start(self) -> bool:
        """True when nothing but at most three spaces stands before this place on its line."""
        return self._prefix and not self._marked and self._indent <= 3

    def skip(self, text: str, position: int) -> int:
        """Walk on from `position`; return where an opening bracket outside code is, or the end."""
        while position < len(text):
            char = text[position]
            if self._run and char != self._run:
                self._end_run()
            if self._escape:
                self._escape = False
                position += char in "\\`["
            elif char in "[【" and not self._fence and not self._span:
                return position
            else:
                position = self._step(text, position, char)
        return position

    def pass_bracket(self) -> None:
        """Take note that the bracket `skip` stopped at belongs to the line."""
        self._open_body("[")

    def _step(self, text: str, position: int, char: str) -> int:
        if char == "\n":
            self._end_line()
            return position + 1
        if char == self._run or self._may_open_run(char):
            return self._extend_run(text, position)
        if self._prefix:
            if match := _PREFIX.match(text, position):
                self._extend_prefix(match[0])
                return match.end()
            self._open_body(char)
        if char == "\\" and not self._fence and not self._span:
            self._escape = True
            return position + 1
        return self._pass_inert(text, position)

    def _pass_inert(self, text: str, position: int) -> int:
        """Pass what no rule looks at."""
        pattern = _LINE if self._fence and not self._info else _SPAN if self._in_code else _BODY
        match = pattern.match(text, position)
        end = match.end() if match else position + 1
        if self._closing and text[position:end].strip(" \t"):
            self._closing = False
        return end

    @property
    def _in_code(self) -> bool:
        return bool(self._fence or self._span)

    # Lines

    def _open_line(self) -> None:
        self._prefix = True  # only spaces and container marks so far
        self._indent = 0  # spaces since the last mark
        self._marked = False  # a list bullet, number or quote mark was seen

    def _extend_prefix(self, text: str) -> None:
        if text.isspace():
            self._indent += len(text) + 3 * text.count("\t")
        elif self._fence:
            self._prefix = text.strip(">") == ""
        else:
            self._marked = True
            self._indent = 0
            self._span = 0

    def _open_body(self, char: str) -> None:
        """Note the first character of a line that is neither space nor a container mark."""
        if not self._prefix:
            return
        self._prefix = False
        if self._fence:
            return
        self._one_line = char in _ONE_LINE_BLOCKS
        if self._one_line:
            self._span = 0
        if self._marked:
            self._in_list = True
        elif not self._indent:
            self._in_list = False

    def _end_line(self) -> None:
        if self._info:
            self._info = False
        elif self._closing:
            self._fence = ""
        elif not self._fence and (self._prefix or self._one_line):
            self._span = 0
        self._closing = False
        self._one_line = False
        self._open_line()

    # Runs of backticks and tildes

    def _may_open_run(self, char: str) -> bool:
        if self._fence and not self._info:
            return self._prefix and char == self._fence
        return char == "`" or (char == "~" and self._prefix)

    def _extend_run(self, text: str, position: int) -> int:
        match = _RUN.match(text, position)
        assert match
        self._run = match[0][0]
        self._run_length += len(match[0])
        return match.end()

    def _end_run(self) -> None:
        """Decide what a whole run means, now that the character after it is known."""
        char, length = self._run, self._run_length
        self._run, self._run_length = "", 0
        opens_line = self._prefix and (self._indent <= 3 or self._in_list)
        self._open_body(char)
        if self._fence and not self._info:
            self._closing = opens_line and length >= self._fence_length
        elif self._info and self._fence == "`":
            self._span = self._fence_length
            self._fence, self._info = "", False
            self._toggle_span(length)
        elif opens_line and length >= 3:
            self._fence, self._fence_length, self._info, self._span = char, length, True, 0
        elif char == "`" and not self._info:
            self._toggle_span(length)

    def _toggle_span(self, length: int) -> None:
        if self._span == 0:
            self._span = length
        elif self._span == length:
            self._span = 0
