"""Which test shows which acceptance case."""

import ast
import json
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
CASES = TESTS.parents[1] / "shared/data/cases.json"

QUERY, CHAT = "handlers/test_query.py", "handlers/test_chat.py"
SEARCH, PIPELINE = "handlers/test_search.py", "handlers/test_pipeline.py"
PEOPLE, METRICS = "handlers/test_many_people.py", "handlers/test_metrics.py"
CHAT_PAGE, SEARCH_PAGE = "browser/test_chat.py", "browser/test_search.py"
PIPELINE_PAGE, CLIENT = "browser/test_pipeline_page.py", "test_contract_client.py"
GENERATE, DRAFTS, RUNS = (f"handlers/test_{name}.py" for name in ("generate", "drafts", "runs"))
MORE, DRAFT_PAGE = "handlers/test_generate_cases.py", "browser/test_generate_cases.py"
EXPORT, VERSIONS = "handlers/test_export.py", "handlers/test_versions.py"
MARKERS = "test_markers_of_any_form_become_citations"

SHOWN = {
    "generate-001": (GENERATE, "test_stream_headers_are_those_of_the_contract"),
    "generate-002": (GENERATE, "test_frames_come_in_the_order_of_the_contract"),
    "generate-003": (GENERATE, "test_raw_frames_are_one_message_line_and_one_data_line"),
    "generate-006": (GENERATE, "test_selected_sources_are_the_only_ones"),
    "generate-007": (GENERATE, "test_an_unknown_selected_source_is_not_found"),
    "generate-009": (GENERATE, "test_joined_deltas_are_the_stored_draft"),
    "generate-010": (GENERATE, "test_no_chunk_has_more_than_ten_words"),
    "generate-012": (GENERATE, MARKERS),
    "generate-013": (GENERATE, MARKERS),
    "generate-014": (GENERATE, MARKERS),
    "generate-016": (GENERATE, "test_numbers_follow_first_use_and_keep_their_sources"),
    "generate-017": (GENERATE, "test_unknown_markers_are_removed_and_counted"),
    "generate-018": (GENERATE, MARKERS),
    "generate-019": (MORE, "test_a_marker_that_comes_three_times_is_one_citation_generate_019"),
    "generate-021": (GENERATE, MARKERS),
    "generate-022": (GENERATE, "test_complete_counts_words_without_markers"),
    "generate-023": (MORE, "test_the_summary_counts_sources_and_documents_generate_023"),
    "generate-026": (
        MORE,
        "test_strong_sources_that_are_all_cited_make_a_sound_section_generate_026",
    ),
    "generate-028": (GENERATE, "test_a_type_may_be_named_by_its_label"),
    "generate-029": (GENERATE, "test_a_wrong_request_is_refused_before_the_stream"),
    "generate-030": (MORE, "test_a_request_without_context_says_so_generate_030"),
    "generate-035": ("handlers/test_access.py", "test_nobody_is_told_to_sign_in"),
    "generate-036": (
        MORE,
        "test_a_model_that_breaks_off_after_five_deltas_leaves_them_generate_036",
    ),
    "generate-039": (GENERATE, "test_a_model_that_is_down_is_said_to_be_unavailable"),
    "generate-040": (MORE, "test_a_busy_model_is_waited_for_longer_each_time_generate_040"),
    "generate-041": (MORE, "test_the_words_of_an_exception_are_in_no_frame_generate_041"),
    "generate-043": (MORE, "test_a_stop_is_carried_out_at_once_generate_043"),
    "generate-047": (RUNS, "test_a_finished_run_is_replayed_whole"),
    "generate-048": (RUNS, "test_an_expired_run_is_gone_and_its_draft_is_not"),
    "generate-049": (RUNS, "test_a_post_with_an_unknown_cursor_starts_nothing"),
    "generate-051": (
        MORE,
        "test_a_silence_has_a_comment_for_each_interval_and_no_odd_frame_generate_051",
    ),
    "generate-054": (MORE, "test_what_was_changed_last_is_listed_first_generate_054"),
    "generate-055": (DRAFTS, "test_a_foreign_draft_does_not_exist"),
    "generate-062": (MORE, "test_the_first_words_come_in_time_generate_062"),
    "generate-063": (MORE, "test_five_drafts_at_once_keep_the_pace_of_the_model_generate_063"),
    "generate-064": (
        MORE,
        "test_two_thousand_words_arrive_in_time_and_without_a_gap_generate_064",
    ),
    "generate-065": (
        "faults/test_cuts.py",
        "test_a_reader_who_never_reads_is_cut_and_harms_nobody",
    ),
    "generate-069": (DRAFT_PAGE, "test_the_status_follows_the_events_generate_069"),
    "generate-072": (
        "browser/test_drafting.py",
        "test_stop_keeps_the_text_and_resume_goes_on_without_gap_or_repeat",
    ),
    "generate-074": (
        "browser/test_hostile_text.py",
        "test_a_thousand_frames_at_once_are_painted_in_batches",
    ),
    "generate-075": (DRAFT_PAGE, "test_each_attempt_is_counted_and_waits_longer_generate_075"),
    "generate-076": (DRAFT_PAGE, "test_a_reload_loses_nothing_and_the_copy_is_young_generate_076"),
    "generate-077": (DRAFT_PAGE, "test_a_malformed_frame_is_logged_and_skipped_generate_077"),
    "generate-078": (MORE, "test_an_edit_of_the_third_version_makes_the_fourth_generate_078"),
    "generate-079": (
        MORE,
        "test_of_two_clients_with_the_third_version_one_is_refused_generate_079",
    ),
    "generate-081": (DRAFTS, "test_fix_puts_numbers_in_order_and_drops_what_is_unused"),
    "generate-082": (DRAFTS, "test_check_lists_what_does_not_fit"),
    "generate-083": (DRAFT_PAGE, "test_a_marker_survives_what_is_done_beside_it_generate_083"),
    "generate-084": (
        "browser/test_editing.py",
        "test_copy_and_paste_keep_markers_and_foreign_text_is_taken_as_text",
    ),
    "generate-086": (MORE, "test_a_range_beyond_the_text_is_refused_generate_086"),
    "generate-087": (
        MORE,
        "test_a_suggestion_keeps_the_citation_of_its_selection_generate_087",
    ),
    "generate-089": (
        MORE,
        "test_footnotes_of_a_word_file_name_document_page_and_excerpt_generate_089",
    ),
    "generate-092": (MORE, "test_markdown_keeps_the_citation_as_a_footnote_generate_092"),
    "generate-093": (EXPORT, "test_a_title_makes_a_safe_name"),
    "generate-094": (EXPORT, "test_an_unknown_format_is_refused_by_name"),
    "generate-098": (MORE, "test_a_complaint_about_sources_offers_exactly_three_ways_generate_098"),
    "generate-100": (DRAFTS, "test_more_detail_offers_more_sources"),
    "generate-105": (MORE, "test_a_user_reads_no_audit_log_generate_105"),
    "generate-106": (
        VERSIONS,
        "test_three_saves_are_three_versions_and_a_restored_one_is_a_fourth",
    ),
    "all-001": (MORE, "test_every_stream_has_the_same_headers_and_ids_all_001"),
    "all-005": (
        "handlers/test_identity.py",
        "test_bearer_and_cookie_work_on_every_stream_until_they_are_signed_out",
    ),
    "all-008": (
        "faults/test_load.py",
        "test_five_hundred_streams_opened_and_dropped_leave_nothing",
    ),
    "all-009": (
        "test_fresh_start.py",
        "test_a_fresh_server_is_healthy_and_answers_from_its_documents_all_009",
    ),
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
    assert {case["id"] for case in json.loads(CASES.read_text())} == SHOWN.keys()


@pytest.mark.parametrize("case", SHOWN)
def test_the_test_of_a_case_exists(case: str) -> None:
    file, name = SHOWN[case]
    tree = ast.parse((TESTS / file).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    assert name in {node.name for node in tree.body if isinstance(node, functions)}
