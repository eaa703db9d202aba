"""Words of a text, and which of them carry meaning.

A word is a run of letters, numbers and the marks that combine with them: with `\\w` the vowel signs
of Hindi or Thai would end a word in its middle. Retrieval, the choice of sentences and the check of
citations all count words with these functions, so that they agree on what a word is.
"""

from typing import cast

import regex
import Stemmer

_WORD = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*")
_STEMMER = Stemmer.Stemmer("english")

STOP_WORDS = frozenset(
    """
    a about above after again ain all almost also although am among an and another any anyone
    anything are aren as ask asked at away be became because becomes been before being below
    between both but by can cannot could couldn d describe described did didn do does doesn doing
    don done down during each either else enough etc ever every explain few for found from further
    get give gives go had hadn has hasn have haven having he her here hers herself him himself his
    how however i if in indeed instead into is isn it its itself just kind know least less like
    list ll m make makes many may me might mightn more most much must mustn my myself namely need
    needn needs neither never no nor now of off on once one only onto or other others otherwise
    ought our ours ourselves out over own perhaps please possible quite rather re really s said
    same say says seem seems seen several shall shan she should shouldn show since so some someone
    something soon still such t take taken tell than that the their theirs them themselves then
    there thereby therefore these they thing things this those though through throughout thus to
    too toward towards under unless until up upon us use used uses using various ve very via want
    wants was wasn we well were weren what whatever when where whereas whether which while who
    whom whose why will with within without won would wouldn y yes yet you your yours yourself
    yourselves
    """.split()
)
"""English words that tell nothing about a subject, as `tokens` returns them.

`not` is none of them: it changes what a sentence says.
"""


def tokens(text: str) -> list[str]:
    """Return the words of `text` in order, lower-cased, repeats kept."""
    return cast(list[str], _WORD.findall(text.lower()))


def stems(words: list[str]) -> list[str]:
    """Return the English stem of each word."""
    return cast(list[str], _STEMMER.stemWords(words))


def terms(text: str) -> list[str]:
    """Return the English stems of the words that carry meaning, in order, repeats kept."""
    return stems([word for word in tokens(text) if word not in STOP_WORDS])
