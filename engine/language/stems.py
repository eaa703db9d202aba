"""Searchable forms of words the English stemmer does not reach.

The full-text index splits at spaces and stems English. Other languages get a second set of forms
next to it: Snowball stems where a word inflects, pairs of characters where a script has no spaces
(Chinese, Japanese, and Korean for its endings), triples for Thai and its neighbours. The script
tells the language of a word; among languages in Latin script the commonest small words of the text
decide, and where they do not, as in a question of two nouns, all their stems are tried.
"""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import cast

import regex
import Stemmer

from engine.language.words import STOP_WORDS, tokens

_FORMS = regex.compile(
    r"""
      (?P<pairs> [\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}ー]+ )
    | (?P<triples> [\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]+ )
    | (?P<russian> \p{Cyrillic}[\p{Cyrillic}\p{M}]* )
    | (?P<arabic> \p{Arabic}[\p{Arabic}\p{M}]* )
    | (?P<greek> \p{Greek}[\p{Greek}\p{M}]* )
    | (?P<hindi> \p{Devanagari}[\p{Devanagari}\p{M}]* )
    | (?P<armenian> \p{Armenian}+ )
    | (?P<tamil> \p{Tamil}[\p{Tamil}\p{M}]* )
    | (?P<latin> \p{Latin}[\p{Latin}\p{M}]* )
    | (?P<number> \p{N}+ )
    """,
    regex.VERBOSE,
)
_SPACELESS = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
)
_PIECES = {"pairs": 2, "triples": 3}
_SMALL_WORDS = {
    "english": "the of and to in is are was for that with on as by at be this from what how which",
    "german": "der die das und ist nicht ein eine einen dem den des mit von für auf im zu wie wer"
    " was wann welche welcher wurde werden sich auch wo viele hat",
    "french": "le la les des et est une un du dans que qui pour pas sur au aux par avec ce quel"
    " quelle comment où sont cette il elle",
    "spanish": "el la los las de del que y en es una un por con para se qué cómo cuál dónde al su"
    " está fue cuántos quién",
    "italian": "il lo gli di che è una un per con della del nel sono quale come chi dove alla dei"
    " delle quando cosa",
    "portuguese": "o os as de do da em um uma que é não para com dos das no na por qual como quem"
    " onde foi são quando",
    "dutch": "de het een en van is niet dat op te zijn met voor door wie wat hoe waar welke werd"
    " naar aan bij",
    "swedish": "och att det som en ett är på för med av till den inte vad hur var vilken vem från",
    "danish": "og at det som en et er på for med af til den ikke hvad hvor hvem hvilken fra blev",
    "norwegian": "og at det som en et er på for med av til den ikke hva hvor hvem hvilken fra ble",
    "finnish": "ja on ei että se oli mikä kuka missä miten kun tai ovat ole joka mitä kuinka myös",
    "polish": "i w na z do się nie jest że to od przez jak co kto gdzie jaki która ile czy dla są",
    "turkish": "ve bir bu için ile da de olan olarak ne nasıl kim nerede kaç hangi en çok daha mi",
}
_RUSSIAN = (
    "и в во не что на с со как а то но по из от к у за о об для при или же бы это эти этот эта"
    " который которая которое которые кто где когда какой какая какое какие чем был была было были"
    " является его её их он она они"
)
_SMALL = {name: frozenset(words.split()) for name, words in _SMALL_WORDS.items()}
_SPOKEN_IN = {
    word: [name for name in _SMALL if word in _SMALL[name]]
    for word in frozenset().union(*_SMALL.values())
}


@cache
def _stemmer(language: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(language)


def passage_forms(text: str) -> list[str]:
    """Return the forms to index for a passage beside its text, repeats kept; none for English."""
    languages = _latin_languages(text)
    is_english = not languages or "english" in languages
    return list(_forms(text, [] if is_english else languages[:1]))


def question_forms(text: str) -> list[str]:
    """Return the forms to look for, stop words left out; none for a plain English question."""
    languages = [name for name in _latin_languages(text) or _SMALL_WORDS if name != "english"]
    without = STOP_WORDS.union(_RUSSIAN.split(), *(_SMALL[name] for name in languages))
    return list(dict.fromkeys(_forms(text, languages, without)))


def _latin_languages(text: str) -> list[str]:
    """Return the languages whose small words are the most frequent in `text`; none if it has none.

    More than one where related languages share those words, as in a short question.
    """
    counts = Counter(name for word in tokens(text) for name in _SPOKEN_IN.get(word, ()))
    most = max(counts.values(), default=0)
    return [name for name in _SMALL_WORDS if counts[name] == most > 0]


def _forms(text: str, latin: list[str], without: frozenset[str] = frozenset()) -> Iterator[str]:
    text = text.lower()
    # Without spaces, "NFL" or "308" may be glued to its neighbours, where the index misses it.
    is_spaceless = _SPACELESS.search(text) is not None
    for match in _FORMS.finditer(text):
        word, kind = match.group(), cast(str, match.lastgroup)
        if kind in _PIECES:
            yield from _pieces(word, _PIECES[kind])
        elif word in without:
            continue
        elif kind not in ("latin", "number"):
            yield _stemmer(kind).stemWord(word)
        elif is_spaceless:
            yield word
        elif kind == "latin":
            yield from (_stemmer(language).stemWord(word) for language in latin)


def _pieces(word: str, length: int) -> list[str]:
    """Return all runs of `length` characters, or the whole of a shorter word."""
    return [word[i : i + length] for i in range(max(1, len(word) - length + 1))]
