"""What tests of exports share: a draft with everything in it, and reading files with other eyes."""

import subprocess
import zipfile
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import cmarkgfm
import regex
from cmarkgfm.cmark import Options
from lxml import etree, html

from engine.export.document import Code, Document, Listing, Mark, Quote, Run, texts
from engine.export.manuscript import Manuscript, Verification
from engine.types import Citation

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
RICH = """\
## Executive Summary

Content with citation [1]. **Bold words**, *slanted words*, ~~struck words~~
and `code | pipe` here [2][3].
A soft line with List<String> and x<y & AT&T. Again [1]!

- one [2]
- two **strong**
  - nested `x < y`
  - nested two

    with a second paragraph
- three

3. third
4. fourth
   1. deep
   2. deeper

| Requirement | Code | Source |
|:---|:---:|---:|
| OAuth 2.0 | `left \\| right` | [4] |
| =1+1 | **x** | – |

> A quote with *words* [5].
>
> - a list in it

```java
List<String> names = new ArrayList<>();  // [1] stays
\tif (x < y) { return "|"; }
```

### Smaller

שלום עולם, זה טקסט בעברית [1] עם OAuth בפנים.

مرحبا بالعالم [2].

中文文本，引用在这里[3]。 Emoji 🎉 done.

A [link](https://example.org/a?b=c), ![a picture](https://evil.example/x.png) and
<script>alert(1)</script>.

---

Last [9] unknown and hard\\
break.
"""

_TOKEN = regex.compile(r"\p{Han}|[[\p{L}\p{M}]--[\p{Han}]]+", regex.V1)


def citation(number: int, **changes: Any) -> Citation:
    fields: dict[str, Any] = {
        "number": number,
        "document_id": f"document-{number}",
        "document_name": f"Source <{number}> & more.pdf",
        "page": number + 10,
        "section": "Security › Backups",
        "excerpt": f"Passage number {number}\n  says so.",
        "confidence": 0.75,
        "chunk_id": f"chunk-{number}",
        "version": 1,
        "char_start": 0,
        "char_end": 30,
    }
    return Citation(**(fields | changes))


def manuscript(content: str = RICH, citations: int = 5, **changes: Any) -> Manuscript:
    fields: dict[str, Any] = {
        "draft_id": "draft",
        "title": "A Rich Draft",
        "content": content,
        "citations": [citation(number) for number in range(1, citations + 1)],
        "status": "complete",
        "version": 3,
        "author": "Ann",
        "exported_at": "2026-11-21T05:00:00.000000+00:00",
        "verified": {2: Verification("Bob", "2026-11-20T10:00:00.000000+00:00")},
    }
    return Manuscript(**(fields | changes))


def long_text(words: int) -> str:
    """Return about so many words: sections with a citation in each sentence, of 200 sources."""
    sentence = "The service keeps every sign-in in an audit log for four hundred days [{}]."
    per_paragraph = 4 * len(sentence.split())
    paragraphs = []
    for index in range(-(-words // per_paragraph)):
        if index % 10 == 0:
            paragraphs.append(f"## Section {index // 10 + 1}")
        numbers = (index * 4 + offset for offset in range(4))
        paragraphs.append(" ".join(sentence.format(n % 200 + 1) for n in numbers))
    return "\n\n".join(paragraphs)


def tokens(text: str) -> Counter[str]:
    """Count the words of a text, numbers apart, which may touch those of footnotes."""
    return Counter(_TOKEN.findall(text))


def said(document: Document) -> Counter[str]:
    """Count the words that every file of a document has to say."""
    parts = [document.title, document.byline, document.note, *_codes(document.blocks)]
    lines = texts(document.blocks)
    parts += ("".join(i.text if isinstance(i, Run) else " " for i in line) for line in lines)
    parts.append("References" if document.references else "")
    for one in document.references:
        parts += [one.document, one.place, one.excerpt]
    return tokens("\n".join(parts))


def numbers_of(document: Document) -> list[int]:
    """Return the numbers of the marks in the order of the text."""
    return [i.number for line in texts(document.blocks) for i in line if isinstance(i, Mark)]


def _codes(blocks: list[Any]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Code(text=text):
                yield text
            case Quote(blocks=inner):
                yield from _codes(inner)
            case Listing(items=items):
                for item in items:
                    yield from _codes(item)


def markdown_tree(data: bytes) -> Any:
    """Return what GitHub's own parser makes of Markdown, as HTML."""
    options = Options.CMARK_OPT_FOOTNOTES | Options.CMARK_OPT_UNSAFE
    made = cmarkgfm.github_flavored_markdown_to_html(data.decode(), options=options)
    return html.fromstring(f"<main>{made}</main>")


def text_of(tree: Any) -> str:
    """Return the words of HTML, elements parted by spaces where they part words."""
    for element in tree.iter("style", "title"):
        element.text = ""
    for element in tree.iter("sup", "br", "p", "li", "td", "th", "pre", "h1", "h2", "h3"):
        element.tail = " " + (element.tail or "")
    return str(tree.text_content())


def docx_part(data: bytes, name: str) -> Any:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return etree.fromstring(archive.read(name))


def docx_text(tree: Any) -> str:
    """Return the text of a part of a Word file."""
    pieces: list[str] = []
    for element in tree.iter(f"{WORD}t", f"{WORD}p", f"{WORD}tab", f"{WORD}br"):
        is_text = element.tag == f"{WORD}t"
        pieces.append(element.text or "" if is_text else " ")
    return "".join(pieces)


def pdf_text(data: bytes, folder: Path) -> str:
    """Return what pdftotext reads in a PDF."""
    path = folder / "read.pdf"
    path.write_bytes(data)
    done = subprocess.run(
        ["pdftotext", "-layout", "-enc", "UTF-8", str(path), "-"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    return done.stdout.decode()
