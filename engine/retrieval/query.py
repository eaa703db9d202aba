"""From a question in a person's words to the terms worth looking for.

Stop words are dropped unless there is nothing else. A term's worth is its inverse document
frequency, smoothed to stay positive in a small collection. Of a long text the worthiest terms are
looked for, and the commonest are dropped until few enough passages have to be read: they decide
little and cost the most.
"""

import math
from collections import Counter
from collections.abc import Mapping

from engine.language.stems import question_forms
from engine.language.words import STOP_WORDS, tokens
from engine.storage.passages import Term

_CONSIDERED = 128
_TERMS = 64
_POSTINGS = 20_000
_KEPT_ALWAYS = 3


def question_terms(text: str) -> Counter[Term]:
    """Return the terms of a question with how often it has each; empty if it has no words.

    A long text is cut to the terms it repeats most, first ones first.
    """
    words = tokens(text)
    telling = [word for word in words if word not in STOP_WORDS] or words
    counts = Counter(Term(word) for word in telling)
    counts.update(Term(form, is_form=True) for form in question_forms(text))
    return Counter(dict(counts.most_common(_CONSIDERED)))


def worth(frequency: int, total: int) -> float:
    """Return the inverse document frequency of a term, log(1 + (N - n + 0.5) / (n + 0.5))."""
    return math.log(1 + (max(0, total - frequency) + 0.5) / (frequency + 0.5))


def choose(counts: Counter[Term], frequencies: Mapping[Term, int], total: int) -> list[Term]:
    """Return the terms to look for: at most 64, with about 20,000 postings together."""
    present = [term for term in counts if frequencies[term]]
    present.sort(key=lambda term: -counts[term] * worth(frequencies[term], total))
    chosen: list[Term] = []
    postings = 0
    for term in sorted(present[:_TERMS], key=lambda term: frequencies[term]):
        postings += frequencies[term]
        if postings > _POSTINGS and len(chosen) >= _KEPT_ALWAYS:
            break
        chosen.append(term)
    return chosen
