"""Signs in the wording of an English sentence that say how it can be used in a draft."""

import re

_LEANING_WORDS = frozenset(
    """
    this these those that it its they their them he she his her him such both another others
    however therefore thus hence moreover furthermore additionally consequently instead otherwise
    also nevertheless nonetheless meanwhile similarly likewise accordingly then here there so but
    and or yet finally secondly thirdly second third former latter neither either
    """.split()
)
_LABEL = re.compile(r"\W{0,2}[^\W\d][\w /&-]{1,40}:\W{0,2}\s")
_POINTERS = frozenset("this these those therefore such following".split())
_LEANING_START = re.compile(
    r"(?:as a result|in addition|for (?:example|instance)|in (?:this|that|such|these|other words)"
    r"|in (?:summary|conclusion|short|contrast|turn|particular)|overall|on the other|note that"
    r"|at (?:this|that)|the (?:latter|former|same|above|following|other)"
    r"|as (?:such|noted|described|shown|mentioned))\b",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"\b(?:table|figure|fig\.|appendix|annex|attachment|exhibit|section|sec\.|chapter)\s+[\dA-Z]"
    r"|\b(?:see|refer to|described|listed|shown|defined|given)\s+(?:also|above|below|in|the)\b"
    r"|\b(?:above|below|previous section|following (?:table|figure|section|list|paragraph))\b"
    r"|\bthis (?:document|section|paper|page|volume|appendix|chapter|guideline)\b",
    re.IGNORECASE,
)
_DEMAND = re.compile(
    r"\b(?:shall|must|is required|are required|required to|mandatory|is to be|are to be|needs? to"
    r"|has to|have to|SHOULD|should|will be required|will be expected)\b"
)
_AUXILIARY = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|can|cannot|may|must|shall|should|could|does|do|did)\b",
    re.IGNORECASE,
)
_OPEN_VERB = re.compile(r"\b(?:shall|must|will|should|can|may|to|is|are|includes?|by|of|for)\s*:$")
_ROLE = (
    r"(?:offerors?|contractors?|vendors?|bidders?|proposers?|quoters?|suppliers?|respondents?"
    r"|tenderers?)"
)
_DUTY = r"(?:shall|must|will|should|may|(?:is|are) (?:required|expected|encouraged))"
_OFFER = r"(?:proposals?|quotations?|quotes?|bids?|responses?|submissions?)"
_ASKING = re.compile(
    rf"\b{_ROLE}\b.{{0,80}}?\b{_DUTY}\b"
    rf"|\b{_OFFER}\b.{{0,30}}?\b(?:shall|must|should|will be)\b"
    r"|\b(?:this|the) (?:RFP|RFQ|RFI|solicitation|task order|request for \w+)\b",
    re.IGNORECASE | re.DOTALL,
)


def is_labelled(text: str) -> bool:
    """Whether a sentence is a label and its text, like "Phase: what happens"."""
    return bool(_LABEL.match(text))


def leans(text: str, words: list[str]) -> bool:
    """Whether a sentence, with its `words`, makes sense only right after the one before it."""
    # Before a list, "these" points forward.
    points_back = not text.endswith(":") and not _POINTERS.isdisjoint(words[:8])
    return points_back or words[0] in _LEANING_WORDS or bool(_LEANING_START.match(text))


def refers(text: str) -> bool:
    """Whether a sentence points to another part of its document."""
    return bool(_ELSEWHERE.search(text))


def demands(text: str) -> bool:
    """Whether a sentence says that something must be done."""
    return bool(_DEMAND.search(text))


def asks(text: str) -> bool:
    """Whether a sentence demands something from whoever answers a request."""
    return bool(_ASKING.search(text))


def needs(item: str, opener: str) -> bool:
    """Whether a list item is no sentence without the one that opens the list."""
    return bool(_OPEN_VERB.search(opener)) or not _AUXILIARY.search(item)
