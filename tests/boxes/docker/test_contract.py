"""What every box must be, as far as it concerns one that sees nothing of the host and has an image of its own.

Left out are the tests of a workspace that is shown, of limits that the engine keeps in its own way, and of a kill, which
takes a little longer (``test_hardening``, ``test_engine_faults``).
"""

from __future__ import annotations

import signal

from testwright.boxes.protocol import Command

from ..conftest import Rig  # noqa: TID252 - one suite with the folder above
from ..test_contract import (  # noqa: F401, TID252 - collected here too, with this folder's box
    test_a_crash_is_told_by_its_signal,
    test_a_last_line_without_newline_is_a_line,
    test_a_line_that_was_cut_off_by_a_kill_is_none,
    test_a_line_without_end,
    test_a_server_of_the_test_itself,
    test_cpu_time,
    test_event_loops_and_pairs_of_sockets_work,
    test_exit_code_is_the_programs,
    test_forks_that_share_their_memory_are_not_counted_twice,
    test_input_that_nobody_reads_does_no_harm,
    test_lines_come_while_the_program_runs,
    test_locks_between_processes,
    test_many_boxes_at_once,
    test_memory_of_one_process,
    test_no_privileges_and_no_way_to_them,
    test_nothing_of_ours_is_inherited,
    test_output_that_nobody_reads_does_not_hold_the_box,
    test_programs_may_signal_and_wait_for_their_own,
    test_size_of_a_file,
    test_standard_input_arrives_whole_and_ends,
    test_the_environment_is_an_allow_list,
    test_the_scratch_is_an_ordinary_folder,
    test_the_scratch_is_fresh_each_time_and_leaves_nothing,
    test_the_tail_of_standard_error_is_kept,
    test_wall_time,
    test_what_a_program_leaves_behind_ends_with_it,
    test_without_a_place_it_starts_in_the_scratch,
)
from ..test_live_input import (  # noqa: F401, TID252 - collected here too, with this folder's box
    test_a_cancelled_sender_leaves_no_half_line,
    test_a_closed_input_arrives_whole_though_nobody_waited,
    test_a_program_that_ends_early_is_told_to_its_sender,
    test_a_sender_in_the_middle_of_a_write_is_told_of_the_end,
    test_all_arrives_whole_in_the_order_in_which_it_was_sent,
    test_nothing_is_sent_after_the_input_was_closed,
    test_output_is_capped_while_input_is_open,
    test_question_and_answer_while_it_runs,
)


async def test_a_missing_program_is_told_as_a_shell_does(rig: Rig) -> None:
    async with await rig.box.start(rig.world, Command(("/nowhere/at-all",))) as process:
        ended = await process.wait()
    assert (ended.cause, ended.code) == ("exited", 127)
    assert "/nowhere/at-all: not found" in ended.stderr


async def test_a_program_that_kills_itself_is_told_so(rig: Rig) -> None:
    _, ended = await rig.run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert (ended.cause, ended.code) == ("signalled", -signal.SIGKILL)
    assert "killed, by itself or from outside" in ended.stderr
