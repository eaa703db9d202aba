"""Which test shows which acceptance case of query, chat, search and pipeline."""

import ast
import json
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
CASES = TESTS.parents[1] / "shared/data/cases.json"
FAMILIES = {"query", "chat", "search", "pipeline"}

QUERY, CHAT = "handlers/test_query.py", "handlers/test_chat.py"
SEARCH, PIPELINE = "handlers/test_search.py", "handlers/test_pipeline.py"
PEOPLE, METRICS = "handlers/test_many_people.py", "handlers/test_metrics.py"
CHAT_PAGE, SEARCH_PAGE = "browser/test_chat.py", "browser/test_search.py"
PIPELINE_PAGE, CLIENT = "browser/test_pipeline_page.py", "test_contract_client.py"

SHOWN = {
    "query-002": (QUERY, "test_frames_come_in_the_order_of_the_contract"),
    "query-004": (QUERY, "test_citations_are_an_array_with_short_texts"),
    "query-005": (QUERY, "test_the_number_of_results_is_a_choice"),
    "query-007": (QUERY, "test_tokens_that_look_like_something_else_are_text"),
    "query-008": (CHAT_PAGE, "test_tokens_that_look_like_json_are_shown"),
    "query-010": (QUERY, "test_without_documents_it_does_not_know"),
    "query-012": (METRICS, "test_a_reader_who_leaves_is_counted_and_stops_the_model_query_012"),
    "query-013": (QUERY, "test_a_broken_search_tells_nothing_of_itself"),
    "query-014": (QUERY, "test_a_cut_keeps_the_tokens_and_has_no_done"),
    "query-016": (QUERY, "test_the_twin_answers_with_and_without_the_slash"),
    "query-019": (PEOPLE, "test_nobody_finds_what_somebody_else_keeps_query_019"),
    "query-021": (QUERY, "test_a_wrong_request_is_refused_with_422"),
    "query-022": (QUERY, "test_the_first_status_does_not_wait_for_the_search"),
    "chat-001": (CLIENT, "test_chat"),
    "chat-003": (CHAT, "test_a_fresh_turn_has_the_frames_of_the_contract"),
    "chat-004": (CHAT, "test_a_fresh_turn_has_the_frames_of_the_contract"),
    "chat-005": (CHAT, "test_a_fresh_turn_has_the_frames_of_the_contract"),
    "chat-007": (CHAT, "test_a_kept_answer_is_given_again_byte_for_byte"),
    "chat-009": (CHAT, "test_what_an_answer_depends_on_makes_it_fresh"),
    "chat-011": (CHAT, "test_a_turn_that_was_cut_or_left_is_not_stored"),
    "chat-013": (CHAT, "test_what_an_answer_depends_on_makes_it_fresh"),
    "chat-014": (CHAT, "test_a_new_document_makes_every_answer_fresh"),
    "chat-015": (CHAT, "test_answers_outlive_the_process"),
    "chat-016": (CHAT, "test_a_kept_answer_is_given_again_byte_for_byte"),
    "chat-017": (
        PEOPLE,
        "test_a_kept_answer_is_given_to_readers_of_its_documents_only_chat_017",
    ),
    "chat-020": (CHAT, "test_a_turn_that_was_cut_or_left_is_not_stored"),
    "chat-021": (CHAT, "test_a_turn_that_was_cut_or_left_is_not_stored"),
    "chat-022": (CHAT, "test_a_turn_is_stored_by_the_time_it_is_done"),
    "chat-024": (CHAT, "test_the_last_five_entries_reach_the_prompt"),
    "chat-025": (CHAT, "test_a_follow_up_finds_what_was_talked_about"),
    "chat-027": (CHAT, "test_conversations_are_listed_renamed_deleted_and_brought_back"),
    "chat-030": (CHAT, "test_the_twin_shares_the_kept_answers"),
    "chat-031": (CHAT, "test_a_fresh_turn_has_the_frames_of_the_contract"),
    "chat-035": (CHAT, "test_an_unknown_corpus_is_not_there"),
    "chat-036": (CHAT, "test_a_turn_that_was_cut_or_left_is_not_stored"),
    "chat-039": (PEOPLE, "test_the_first_event_of_a_chat_comes_at_once_chat_039"),
    "chat-040": (PEOPLE, "test_ten_streams_keep_the_pace_of_the_model_chat_040"),
    "chat-041": (CHAT_PAGE, "test_an_answer_grows_and_ends_with_its_facts"),
    "chat-042": (CHAT_PAGE, "test_the_same_question_again_comes_from_the_cache"),
    "search-002": (SEARCH, "test_accept_decides"),
    "search-004": (SEARCH, "test_accept_decides"),
    "search-006": (SEARCH, "test_tokens_then_citations_then_done"),
    "search-008": (SEARCH, "test_tokens_then_citations_then_done"),
    "search-011": (SEARCH, "test_nothing_found_is_said_at_once"),
    "search-012": (SEARCH, "test_a_search_that_takes_too_long_is_ended"),
    "search-013": (PEOPLE, "test_a_search_that_is_left_is_stopped_and_forgotten_search_013"),
    "search-014": (SEARCH, "test_the_fourth_search_waits_for_one_to_close"),
    "search-015": (PEOPLE, "test_the_streams_of_one_do_not_count_for_another_search_015"),
    "search-017": (PEOPLE, "test_a_finished_search_is_replayed_without_the_model_search_017"),
    "search-018": (PEOPLE, "test_a_search_that_is_no_longer_kept_is_not_resumed_search_018"),
    "search-020": (SEARCH, "test_a_model_that_fails_leaves_the_results"),
    "search-023": (PEOPLE, "test_a_search_stays_in_what_one_may_read_search_023"),
    "search-024": (PEOPLE, "test_a_search_needs_somebody_who_asks_search_024"),
    "search-025": (SEARCH, "test_a_wrong_search_is_refused_with_422"),
    "search-027": (
        PEOPLE,
        "test_confidence_is_high_for_good_passages_and_zero_for_none_search_027",
    ),
    "search-029": (PEOPLE, "test_twenty_searches_at_once_are_all_answered_search_029"),
    "search-033": (
        SEARCH_PAGE,
        "test_hovering_a_marker_shows_its_passage_and_a_click_its_card",
    ),
    "pipeline-004": (PIPELINE, "test_a_form_that_stays_broken_is_told_with_its_errors"),
    "pipeline-005": (PIPELINE, "test_the_whole_draft_comes_once_before_the_formatter"),
    "pipeline-007": (PIPELINE, "test_a_good_run_goes_through_all_stages"),
    "pipeline-008": (PIPELINE, "test_a_failing_model_ends_the_run_with_a_plain_error"),
    "pipeline-009": (PIPELINE, "test_the_twin_has_the_output_of_the_stream"),
    "pipeline-010": (PIPELINE, "test_the_twin_of_a_broken_form_is_422_with_everything"),
    "pipeline-011": (PIPELINE, "test_the_twin_has_the_output_of_the_stream"),
    "pipeline-013": (PIPELINE, "test_nobody_runs_it_without_signing_in"),
    "pipeline-014": (PEOPLE, "test_a_model_that_is_not_for_everybody_is_refused_pipeline_014"),
    "pipeline-015": (PIPELINE, "test_a_wrong_field_is_422_and_named"),
    "pipeline-017": (PIPELINE, "test_a_body_over_the_limit_is_413"),
    "pipeline-019": (PIPELINE, "test_only_post_is_possible"),
    "pipeline-020": (PIPELINE, "test_a_server_with_a_slow_model_still_answers"),
    "pipeline-022": (PIPELINE, "test_a_stopped_run_closes_the_model"),
    "pipeline-023": (PIPELINE, "test_a_reader_who_comes_back_gets_the_rest_only"),
    "pipeline-024": (PIPELINE, "test_tokens_join_to_the_draft_and_to_the_output"),
    "pipeline-026": (PIPELINE, "test_the_validator_decides"),
    "pipeline-030": (PIPELINE, "test_the_validator_decides"),
    "pipeline-031": (PIPELINE, "test_another_content_type_is_said_to_be_invalid"),
    "pipeline-032": (PIPELINE_PAGE, "test_streaming_is_on_and_locked_while_running"),
    "pipeline-034": (PIPELINE_PAGE, "test_frames_are_logged_only_on_request"),
    "pipeline-036": (PIPELINE_PAGE, "test_broken_rules_are_listed_with_their_lines"),
}


def test_every_case_is_shown_by_a_test() -> None:
    if not CASES.exists():
        pytest.skip("the acceptance cases are not here")
    cases = {case["id"] for case in json.loads(CASES.read_text())}
    wanted = {case for case in cases if case.partition("-")[0] in FAMILIES}
    assert wanted == SHOWN.keys()


@pytest.mark.parametrize("case", SHOWN)
def test_the_test_of_a_case_exists(case: str) -> None:
    file, name = SHOWN[case]
    tree = ast.parse((TESTS / file).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    assert name in {node.name for node in tree.body if isinstance(node, functions)}
