"""The extractive writer: all is quoted and cited, nothing comes twice, and it goes on anywhere."""

import asyncio
import re
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.types import Source
from engine.writers.continuation import remainder
from engine.writers.extractive import ExtractiveWriter, compose
from engine.writers.layout import NOTHING_FOUND, TABLE_HEAD, cited
from engine.writers.relevance import subject_of
from engine.writers.statements import statements
from engine.writers.writer import Assignment, Finished, SectionPlan, Text

MARKER = re.compile(r" \[(\d+)\]")
RFP = "ellery-rfp.txt"

PASSAGES = [
    (
        "security.md",
        "Security › Authentication",
        "Larchway signs in all users through OAuth 2.0 with PKCE. It rejects authorization "
        "requests that carry no code challenge. Staff accounts need a second factor that resists "
        "phishing.\n\nThe platform offers these factors to residents:\n\n"
        "- a passkey on the phone of the resident\n- a time-based one-time password\n",
    ),
    (
        "security.md",
        "Security › Access control",
        "Access control follows roles that the agency defines for its own staff.\nPermissions are "
        "checked on the server for every\nrequest. Operators have no standing access to agency "
        "data.",
    ),
    (
        "projects.md",
        "Projects › Arden Falls",
        "Our team delivered single sign-on for the City of Arden Falls in 2022. The project merged "
        "164,000 accounts and retired seven sign-in systems. Password reset calls fell by 58 "
        "percent.",
    ),
    (
        "prices.md",
        "Prices",
        "Each named staff user costs $46 per month in the standard subscription. The price of the "
        "implementation is fixed at $318,000 for a county. Invoices are due after 30 days.",
    ),
    (
        RFP,
        "3. Authentication",
        "3.1 The contractor shall authenticate all users through OAuth 2.0 with PKCE.\n\n"
        "3.2 The contractor shall store audit logs of every access for at least 30 months.\n\n"
        "3.3 The contractor shall keep operators without standing access to agency data.\n",
    ),
    (
        "copy.md",
        "Copy",
        "Staff accounts need a second factor that resists phishing. Operators of the service have "
        "no standing access to agency data.",
    ),
]
QUESTION = "Authentication and access control for staff"


def source(number: int, document: str, section: str | None, text: str) -> Source:
    return Source(
        chunk_id=f"c{number}",
        document_id=document,
        document_name=document,
        version=1,
        kb_id="kb",
        text=text,
        char_start=1000 * number,
        char_end=1000 * number + len(text),
        section=section,
        score=0.9,
    )


SOURCES = tuple(source(n, *passage) for n, passage in enumerate(PASSAGES, start=1))
ALL = tuple(range(1, len(SOURCES) + 1))
PROSE = (
    SectionPlan("Executive Summary", "What is offered to people.", 60, ALL),
    SectionPlan(
        "Technical Approach", "Sign-in, roles, permissions and security controls.", 90, ALL
    ),
    SectionPlan("Pricing", "Price, cost, subscription and invoices.", 60, ALL, own_subject=True),
)
SENTENCES = {one.text for n, given in enumerate(SOURCES, 1) for one in statements(n, given)}
FORMS = {
    "prose": PROSE,
    "report": tuple(msgspec.structs.replace(plan, form="report") for plan in PROSE),
    "summary": (SectionPlan("Security", "Rules to keep.", 120, ALL, "summary"),),
    "checklist": (SectionPlan("Requirements", "What must be done.", 300, ALL, "checklist"),),
    "table": (SectionPlan("Gap Analysis", "What must be done.", 300, ALL, "table"),),
    "custom": (SectionPlan("", "A free text.", 120, ALL),),
}


def written(assignment: Assignment) -> str:
    return "".join(compose(assignment))


def assignment(form: str = "prose", so_far: str = "") -> Assignment:
    return Assignment(QUESTION, FORMS[form], SOURCES, so_far)


def quotations(markdown: str) -> list[tuple[str, int]]:
    """Return the cited sentences of a draft, without marker and layout, with their numbers."""
    found = []
    lines = re.split(r"\n\s*\n|\n(?=\s*- )|\n(?=\|)|\| | \|", markdown)
    for line in lines:
        for piece in re.findall(r".+?\[\d+\][.:!…]*(?:\*\*)?|.+", line, re.DOTALL):
            number = MARKER.search(piece)
            if number:
                text = re.sub(r"^\s*-? ?(?:Notes: )?(?:\*\*)?|\*\*$", "", MARKER.sub("", piece))
                found.append((text.strip(), int(number[1])))
    return found


def one_plan(text: str, question: str = QUESTION, form: str = "prose", words: int = 200) -> str:
    plan = SectionPlan("Answer", "security sign-in access", words, (1,), form)
    return written(Assignment(question, (plan,), (source(1, "a.md", None, text),)))


# What is quoted


@pytest.mark.parametrize("form", ["prose", "report", "summary", "custom", "checklist"])
def test_every_cited_sentence_is_verbatim_in_the_passage_it_cites(form):
    quoted = quotations(written(assignment(form)))
    assert quoted
    for text, number in quoted:
        assert text in SOURCES[number - 1].text


def test_every_prose_line_but_headings_and_lead_ins_is_cited():
    text = written(assignment())
    for block in text.split("\n\n"):
        assert block.startswith("#") or block == NOTHING_FOUND or MARKER.search(block), block


def test_the_marker_stands_before_the_final_stop():
    assert "Staff accounts need a second factor that resists phishing [1]." in written(assignment())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is so.", "It is so [7]."),
        ("It is so!", "It is so [7]!"),
        ("It is so", "It is so [7]"),
        ("It is so…", "It is so [7]…"),
        ('He said "so."', 'He said "so." [7]'),
        ("Three things:", "Three things [7]:"),
    ],
)
def test_a_marker_never_splits_words(text, expected):
    assert cited(text, 7) == expected


def test_sections_come_with_their_headings_in_order():
    headings = re.findall(r"^## (.+)$", written(assignment()), re.MULTILINE)
    assert headings == ["Executive Summary", "Technical Approach", "Pricing"]


def test_a_text_without_title_has_no_headings():
    text = written(assignment("custom"))
    assert "#" not in text
    assert "Access control follows roles" in text


def test_the_same_assignment_gives_the_same_bytes():
    assert written(assignment()) == written(assignment())


def test_a_text_has_no_outer_white_space():
    for form in FORMS:
        text = written(assignment(form))
        assert text == text.strip()


# Nothing twice, nothing beside the point


def test_no_sentence_is_used_twice_in_a_draft():
    quoted = [text for text, _ in quotations(written(assignment()))]
    assert len(quoted) == len(set(quoted))


def test_near_duplicates_of_other_documents_are_dropped():
    text = written(assignment())
    assert text.count("standing access to agency data") == 1
    assert text.count("second factor that resists phishing") == 1


def test_a_response_leaves_out_what_the_request_demands():
    assert "shall" not in written(assignment())


def test_a_free_question_about_requirements_may_quote_them():
    free = msgspec.structs.replace(
        assignment("custom"), question="Which requirements must the contractor meet on audit logs?"
    )
    assert "The contractor shall store audit logs" in written(free)


def test_a_summary_is_about_the_demands():
    quoted = quotations(written(assignment("summary")))
    assert {number for _, number in quoted} == {5}


def test_a_section_with_its_own_subject_ignores_what_only_answers_the_question():
    text = written(assignment())
    pricing = text.partition("## Pricing")[2]
    assert "$318,000" in pricing
    assert "OAuth" not in pricing


def test_a_section_without_anything_relevant_says_so():
    bare = msgspec.structs.replace(assignment(), sources=SOURCES[:3])
    assert written(bare).endswith(f"## Pricing\n\n{NOTHING_FOUND}")
    assert not MARKER.search(NOTHING_FOUND)


@pytest.mark.parametrize("form", list(FORMS))
def test_without_sources_every_section_says_so(form):
    empty = msgspec.structs.replace(assignment(form), sources=())
    text = written(empty)
    assert text.count(NOTHING_FOUND) == len(FORMS[form])
    assert not MARKER.search(text)


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("Response to the Ellery RFP: access control", "access control"),
        ("RFP response to the statement of work about authentication", "authentication"),
        ("How do we talk about authentication?", "How do we talk about authentication?"),
        ("Answer the request:", "Answer the request:"),
        ("Backup: how often?", "Backup: how often?"),
        ("", ""),
    ],
)
def test_words_that_name_a_request_are_not_the_subject(question, subject):
    assert subject_of(question) == subject


def test_positions_that_do_not_exist_are_ignored():
    plan = SectionPlan("Answer", "security", 100, (0, -1, 99))
    assert NOTHING_FOUND in written(Assignment(QUESTION, (plan,), SOURCES))


def test_a_section_keeps_about_its_length():
    text = one_plan(" ".join(f"Access for staff: {words}." for words in WORDS), words=60)
    assert 40 <= len(MARKER.sub("", text).split()) <= 75


WORDS = [
    "badges open every gate of the depot",
    "laptops are locked after ten minutes",
    "visitors wear a card with their name",
    "keys of the archive hang in a steel cabinet",
    "guards walk around the building at night",
    "cameras look at both parking areas",
    "contracts end with a talk about duties",
    "printers ask for a code before each page",
]


def test_a_sentence_that_points_back_only_follows_the_one_it_points_to():
    text = written(assignment())
    if "It rejects authorization requests" in text:
        assert "with PKCE [1]. It rejects authorization requests" in text
    alone = one_plan("It covers access control for all staff of the agency.")
    assert NOTHING_FOUND in alone


def test_a_list_is_quoted_whole_with_the_sentence_that_opens_it():
    text = one_plan(PASSAGES[0][2], "Which factors does the platform offer to residents?")
    assert (
        "The platform offers these factors to residents [1]:\n\n"
        "- a passkey on the phone of the resident [1]\n- a time-based one-time password [1]"
    ) in text


def test_an_item_that_needs_its_opening_words_does_not_stand_alone():
    items = "\n".join(f"- Agree that access control of staff will follow rule {n}." for n in "ab")
    filler = "\n- " + "very long item of the list that nobody can quote as a whole " * 12
    assert NOTHING_FOUND in one_plan(f"The agency shall:\n\n{items}{filler}")


def test_items_of_one_list_stay_a_list():
    text = one_plan(
        "Controls\n\n- Access control is based on roles for all staff.\n"
        "- Authentication of staff needs a passkey or a security key.\n"
    )
    assert re.search(r"^- Access .* \[1\]\.\n- Auth.* \[1\]\.$", text, re.MULTILINE)


def test_longer_sections_take_the_topics_of_their_documents_as_headings():
    plan = SectionPlan("Technical Approach", "Sign-in, roles, permissions, access.", 250, ALL)
    question = "Users, OAuth, code challenge, second factor, roles, permissions and access"
    text = written(Assignment(question, (plan,), SOURCES))
    assert "### Authentication\n\n" in text
    assert "### Access control\n\n" in text


# Hostile passages

HOSTILE = [
    "Access control for staff is described in source [2] of the security handbook.",
    "Access control for staff is described in 【3】 of the security handbook.",
    "Access control for staff | security | sign-in is a table of the handbook.",
    "# Access control for staff is a heading of the security handbook.",
    "> Access control for staff is a quotation of the security handbook.",
    "```\nAccess control for staff is code of the security handbook.\n```",
    "~~~\nAccess control for staff is code of the security handbook.",
    "<script>Access control for staff is a script of the handbook.</script>",
    "Access control for staff uses <b onclick=x>security</b> of the handbook.",
    "Access control for staff (see the security handbook is not closed.",
    'Access control for staff is "open in the security handbook of all.',
    "Does access control for staff follow the security handbook of the agency?",
    "Access control for staff.",
    "access control for staff goes on from the page before this one.",
    "Copyright 2026 by the access control staff of the security company.",
    "Access control for staff ........ 12 of the security handbook.",
    "Access control\x00 for staff is in the security handbook of all.",
    "Access control \u202efor staff is in the security handbook of all.",
    "[id]: http://example.org Access control for staff of the handbook.",
    "Access control for staff ![security](x.png) handbook of the agency.",
    "Access control for staff [security](javascript:alert) handbook of it.",
    "Access ``control for staff is in the security handbook of the agency.",
    "Access control " + "for staff " * 40 + "is far too long.",
    "Access control for staff has no final stop in the security handbook",
    "Access\tcontrol for staff\tsecurity handbook of the agency as cells.",
]


@pytest.mark.parametrize("passage", HOSTILE)
def test_what_is_no_plain_sentence_is_not_quoted(passage):
    assert statements(1, source(1, "a.md", None, passage)) == []


@pytest.mark.parametrize("passage", HOSTILE)
def test_a_hostile_passage_does_not_spoil_the_sentence_after_it(passage):
    good = "Access control for staff follows roles that the agency defines."
    text = one_plan(f"{good}\n\n{passage}")
    assert f"{good[:-1]} [1]." in text
    assert [number for _, number in quotations(text)] == [1]


def test_a_line_break_in_a_sentence_stays_and_never_starts_a_block():
    text = one_plan("Access control for staff follows\nroles that the agency defines.")
    assert "follows\nroles that the agency defines [1]." in text
    listed = one_plan("Access control for staff follows the rule\n1. that the agency defines.")
    assert "\n1." not in listed


def test_a_clause_number_is_not_taken_for_a_list():
    text = one_plan("1. Access control for staff follows roles that the agency defines.")
    assert text.endswith("\n\nAccess control for staff follows roles that the agency defines [1].")


def test_links_in_a_sentence_are_kept():
    sentence = "Access control for staff follows [the handbook](https://example.org/a_b) of roles."
    assert cited(sentence, 1) in one_plan(sentence)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*HOSTILE, *(p[2] for p in PASSAGES), "\n", "\n\n", "- ", "| a | b |\n", "[1]", "```\n"]
        ),
        max_size=8,
    ).map("".join)
    | st.text(max_size=300)
)
def test_any_passage_gives_only_verbatim_sentences(text):
    draft = one_plan(text, form="report")
    for quoted, number in quotations(draft):
        assert number == 1
        assert quoted in text


# Checklist and table


def test_a_checklist_says_what_another_document_answers():
    text = written(assignment("checklist"))
    assert (
        "- **The contractor shall authenticate all users through OAuth 2.0 with PKCE [5].**\n"
        "  - Status: covered\n"
        "  - Notes: Larchway signs in all users through OAuth 2.0 with PKCE [1]." in text
    )


def test_a_checklist_leaves_open_what_nothing_answers():
    text = written(assignment("checklist"))
    item = text.partition("store audit logs")[2]
    assert item.partition("Status: ")[2].startswith("to check")
    assert "at least 30 months [5]" in item


def test_a_figure_that_differs_is_to_be_checked():
    sources = (
        source(1, RFP, None, "The recovery time objective for access shall be at most 2 hours."),
        source(2, "sla.md", None, "The recovery time objective for access is 4 hours for all."),
    )
    plan = msgspec.structs.replace(FORMS["checklist"][0], sources=(1, 2))
    text = written(Assignment("Recovery time of access", (plan,), sources))
    assert "Status: to check\n  - Notes: The recovery time objective for access is 4 hours" in text


def test_a_gap_analysis_is_one_table_with_five_cells_a_row():
    text = written(assignment("table"))
    head, *rows = text.partition(TABLE_HEAD + "\n")[2].split("\n")
    assert head
    for row in (head, *rows):
        assert row.count("|") == 6, row
        assert row.startswith("| ") and row.endswith(" |")


def test_a_gap_analysis_names_both_documents_or_the_gap():
    text = written(assignment("table"))
    assert f"| None found | Confirm | {RFP}; security.md |" in text
    assert "| Not covered by the documents | No statement found | Provide evidence |" in text


def test_a_hostile_document_name_stays_in_its_cell():
    name = "a|b\n[9] <script> `x` rfp.md"
    sources = (source(1, name, None, "Access control for staff shall follow the roles of all."),)
    plan = msgspec.structs.replace(FORMS["table"][0], sources=(1,))
    row = written(Assignment(QUESTION, (plan,), sources)).splitlines()[-1]
    assert row.count("|") == 6
    assert "[9]" not in row and "<" not in row and "`" not in row


# Going on


@pytest.mark.parametrize("form", list(FORMS))
def test_it_goes_on_exactly_at_every_cut(form):
    whole = written(assignment(form))
    for cut in range(0, len(whole) + 1, 1 if form in ("prose", "table") else 3):
        so_far = whole[:cut]
        assert so_far + written(assignment(form, so_far)) == whole, repr(so_far[-40:])


def renumbered(text: str) -> str:
    """Give markers the numbers of first use, plus 40."""
    order: dict[str, int] = {}
    return MARKER.sub(lambda m: f" [{order.setdefault(m[1], len(order) + 41)}]", text)


@pytest.mark.parametrize("form", list(FORMS))
def test_it_goes_on_when_the_reader_numbers_differ(form):
    whole = written(assignment(form))
    ends = [m.span() for m in re.finditer(r" \[\d+\]", whole)]
    for cut in range(0, len(whole), 7):
        if any(start < cut < end for start, end in ends):
            continue
        more = written(assignment(form, renumbered(whole[:cut])))
        assert whole.endswith(more)
        assert whole[:cut] + more == whole, repr(whole[cut - 30 : cut])


@pytest.mark.parametrize("form", list(FORMS))
def test_it_goes_on_after_text_whose_end_was_trimmed(form):
    whole = written(assignment(form))
    for cut in range(0, len(whole), 13):
        so_far = whole[:cut].rstrip()
        assert so_far + written(assignment(form, so_far)) == whole


def test_a_marker_still_comes_when_the_text_stopped_before_it():
    assert remainder("One is two [3]. Next", "One is two") == " [3]. Next"
    assert remainder("One is two [3]. Next", "One is two ") == "[3]. Next"
    assert remainder("One is two [3]. Next", "One is two [8]") == ". Next"
    assert remainder("One is two [3]. Next", "One is two [8].") == " Next"
    assert remainder("One is two [3]. Next", "One is three") is None


def test_one_section_at_a_time_goes_on_after_the_earlier_ones():
    whole = written(assignment())
    first = written(msgspec.structs.replace(assignment(), sections=PROSE[:1]))
    second = msgspec.structs.replace(assignment(so_far=first), sections=PROSE[1:2])
    joined = first + written(second)
    third = msgspec.structs.replace(assignment(so_far=joined), sections=PROSE[2:])
    assert joined + written(third) == whole


def test_an_edited_earlier_section_does_not_stop_the_later_ones():
    whole = written(assignment())
    head, _, tail = whole.partition("## Pricing")
    edited = (
        "A word of welcome.\n\n" + head.replace("Larchway", "Our service") + "## Pricing" + tail
    )
    for cut in range(edited.index("## Pricing") + 12, len(edited), 7):
        assert edited[:cut] + written(assignment(so_far=edited[:cut])) == edited


@pytest.mark.parametrize("form", list(FORMS))
def test_with_other_sources_nothing_is_repeated_or_left_open(form):
    whole = written(assignment(form))
    fewer = tuple(one for n, one in enumerate(SOURCES, start=1) if n not in (2, 6))
    plans = tuple(
        msgspec.structs.replace(plan, sources=tuple(range(1, len(fewer) + 1)))
        for plan in FORMS[form]
    )
    for cut in range(1, len(whole), 17):
        changed = Assignment(QUESTION, plans, fewer, whole[:cut])
        text = whole[:cut] + written(changed)
        headings = re.findall(r"^## .+$", text, re.MULTILINE)
        assert headings == [f"## {plan.title}" for plan in plans if plan.title], repr(whole[:cut])
        after = [quoted for quoted, _ in quotations(text[len(whole[:cut]) :])]
        before = MARKER.sub("", whole[:cut])
        repeated = [one for one in after if one in SENTENCES and one in before]
        assert not repeated, (whole[:cut], text)
        assert len(after) == len(set(after))


def test_an_open_sentence_of_changed_sources_is_ended_word_for_word():
    so_far = "## Executive Summary\n\nHello all. Each named staff user costs $46 per mon"
    more = written(assignment(so_far=so_far))
    assert more.startswith("th in the standard subscription [4].")


def test_nothing_comes_after_a_whole_draft():
    whole = written(assignment())
    assert written(assignment(so_far=whole)) == ""


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.sampled_from(list(FORMS)))
def test_any_text_so_far_is_accepted(so_far, form):
    joined = so_far + written(assignment(form, so_far))
    for plan in FORMS[form]:
        assert not plan.title or f"## {plan.title}" in joined


# Pieces and pace


class FakeTime:
    """A clock that only sleeping moves; each sleep oversleeps by `lag_s`."""

    def __init__(self, lag_s: float = 0.0) -> None:
        self.time = 100.0
        self.lag_s = lag_s
        self.naps = 0

    async def sleep(self, delay_s: float) -> None:
        assert delay_s >= 0
        self.naps += 1
        self.time += delay_s + (self.lag_s if delay_s else 0.0)

    def now(self) -> float:
        return self.time


async def pieces(writer: ExtractiveWriter, task: Assignment) -> list[object]:
    async with asyncio.timeout(10):
        return [piece async for piece in writer.write(task)]


@pytest.mark.parametrize("words_per_s", [0, 1, 20, 45, 500])
async def test_joined_pieces_are_the_text_and_the_last_says_stop(words_per_s):
    fake = FakeTime()
    writer = ExtractiveWriter(words_per_s, sleep=fake.sleep, now=fake.now)
    *texts, last = await pieces(writer, assignment())
    assert "".join(piece.text for piece in texts if isinstance(piece, Text)) == written(
        assignment()
    )
    assert all(isinstance(piece, Text) and piece.text for piece in texts)
    assert last == Finished("stop")


@pytest.mark.parametrize("lag_s", [0.0, 0.02])
async def test_the_pace_does_not_drift(lag_s):
    fake = FakeTime(lag_s)
    writer = ExtractiveWriter(20, sleep=fake.sleep, now=fake.now)
    await pieces(writer, assignment())
    words = len(written(assignment()).split())
    assert fake.time - 100.0 == pytest.approx(words / 20, abs=0.2)


async def test_pieces_have_one_to_three_words_at_a_pace():
    for words_per_s in (5, 60, 1000):
        fake = FakeTime()
        writer = ExtractiveWriter(words_per_s, sleep=fake.sleep, now=fake.now)
        *texts, _ = await pieces(writer, assignment())
        assert all(1 <= len(piece.text.split()) <= 3 for piece in texts)


async def test_without_a_pace_it_lets_other_tasks_run_and_never_waits():
    fake = FakeTime()
    writer = ExtractiveWriter(sleep=fake.sleep, now=fake.now)
    *texts, _ = await pieces(writer, assignment())
    assert fake.naps == len(texts) > 3
    assert fake.time == 100.0


async def test_closing_the_generator_ends_the_work():
    writer = ExtractiveWriter()
    running = writer.write(assignment())
    assert isinstance(await anext(running), Text)
    await running.aclose()
    assert [piece async for piece in running] == []
    await writer.close()


def test_the_writer_has_a_name():
    assert ExtractiveWriter().model == "extractive"


# Time


def big(passages: int) -> Assignment:
    nouns = "gate ledger portal vault badge kiosk tower depot bridge canal".split()
    sources = tuple(
        source(
            n,
            f"doc{n % 7}.md",
            f"Part {n % 5}",
            " ".join(
                f"Access control of the {nouns[(n + k) % 10]} {n * 31 + k} follows rule {k * n} "
                f"for staff in the {nouns[(n * k) % 10]} area."
                for k in range(12)
            ),
        )
        for n in range(1, passages + 1)
    )
    plans = tuple(
        SectionPlan(f"Part {k}", "rules for staff", 300, tuple(range(1, passages + 1)))
        for k in range(4)
    )
    return Assignment(QUESTION, plans, sources)


def test_time_grows_about_as_the_passages_do():
    def cost(passages: int) -> float:
        task = big(passages)
        best = float("inf")
        for _ in range(3):
            started = time.process_time()
            written(task)
            best = min(best, time.process_time() - started)
        return best

    assert cost(160) < 12 * cost(40) + 0.05


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        "Access [a" * 4_000,
        "a" * 60_000,
        " \n" * 30_000,
        "1.1.1." * 8_000,
        "Access control. " * 5_000,
        "\t " * 30_000,
        "contractor " * 6_000,
        "- " * 20_000,
        "|" * 30_000,
    ],
)
def test_no_passage_takes_long(text):
    started = time.process_time()
    one_plan(text, form="report")
    assert time.process_time() - started < 2
