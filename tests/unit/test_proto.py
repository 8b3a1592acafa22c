"""The messages: made from their description, and numbered as Cylc's."""

from __future__ import annotations

from pathlib import Path

from tidemill.proto import data_messages_pb2 as pb
from tidemill.proto import field_numbers
from tidemill.proto.generate import generate

PROTO = Path(pb.__file__).parent

CYLC_NUMBERS = {
    "PbWorkflow": "stamp1 id2 name3 status4 host5 port6 owner7 tasks8 families9 edges10 api_version11 cylc_version12 "
    "last_updated13 meta14 newest_active_cycle_point16 oldest_active_cycle_point17 reloaded18 run_mode19 "
    "cycling_mode20 state_totals21 workflow_log_dir22 time_zone_info23 tree_depth24 job_log_names25 "
    "ns_def_order26 states27 task_proxies28 family_proxies29 status_msg30 is_held_total31 jobs32 "
    "pub_port33 broadcasts34 is_queued_total35 "
    "latest_state_tasks36 pruned37 is_runahead_total38 states_updated39 n_edge_distance40 log_records41 "
    "contains_held42 contains_retry43",
    "PbTask": "stamp1 id2 name3 meta4 mean_elapsed_time5 depth6 proxies7 namespace8 parents9 first_parent10 runtime11",
    "PbFamily": "stamp1 id2 name3 meta4 depth5 proxies6 parents7 child_tasks8 child_families9 first_parent10 runtime11",
    "PbTaskProxy": "stamp1 id2 task3 state4 cycle_point5 depth6 job_submits7 outputs9 namespace11 prerequisites12 "
    "jobs13 first_parent15 name16 is_held17 edges18 ancestors19 flow_nums20 external_triggers23 xtriggers24 "
    "is_queued25 is_runahead26 flow_wait27 runtime28 graph_depth29 is_retry30 is_wallclock31 is_xtriggered32",
    "PbFamilyProxy": "stamp1 id2 cycle_point3 name4 family5 state6 depth7 first_parent8 child_tasks10 child_families11 "
    "is_held12 ancestors13 states14 state_totals15 is_held_total16 is_queued17 is_queued_total18 is_runahead19 "
    "is_runahead_total20 runtime21 graph_depth22 is_retry23 is_wallclock24 is_xtriggered25",
    "PbJob": "stamp1 id2 submit_num3 state4 task_proxy5 submitted_time6 started_time7 finished_time8 job_id9 "
    "job_runner_name10 execution_time_limit14 platform15 job_log_dir17 name30 cycle_point31 messages32 runtime33 "
    "estimated_finish_time34",
    "PbEdge": "stamp1 id2 source3 target4 suicide5 cond6",
    "PbEdges": "id1 edges2 workflow_polling_tasks3 leaves4 feet5",
    "PbRuntime": "platform1 script2 init_script3 env_script4 err_script5 exit_script6 pre_script7 post_script8 "
    "work_sub_dir9 execution_polling_intervals10 execution_retry_delays11 execution_time_limit12 "
    "submission_polling_intervals13 submission_retry_delays14 directives15 environment16 outputs17 completion18 "
    "run_mode19",
    "PbMeta": "title1 description2 URL3 user_defined4",
    "PbTimeZone": "hours1 minutes2 string_basic3 string_extended4",
    "PbTaskProxyRefs": "task_proxies1",
    "PbLogRecord": "level1 message2",
    "PbOutput": "label1 message2 satisfied3 time4",
    "PbTrigger": "id1 label2 message3 satisfied4 time5",
    "PbCondition": "task_proxy1 expr_alias2 req_state3 satisfied4 message5",
    "PbPrerequisite": "expression1 conditions2 cycle_points3 satisfied4",
    "PbPollTask": "local_proxy1 workflow2 remote_proxy3 req_state4 graph_string5",
    "PbEntireWorkflow": "workflow1 tasks2 task_proxies3 jobs4 families5 family_proxies6 edges7",
    **dict.fromkeys(
        ("EDeltas", "FDeltas", "FPDeltas", "JDeltas", "TDeltas", "TPDeltas"),
        "time1 checksum2 added3 updated4 pruned5 reloaded6",
    ),
    "WDeltas": "time1 added2 updated3 reloaded4 pruned5",
    "AllDeltas": "families1 family_proxies2 jobs3 tasks4 task_proxies5 edges6 workflow7",
}
"""Cylc 8.5's fields, and those added in 8.6."""


def test_fields_have_the_numbers_of_cylc() -> None:
    """Every message has the fields Cylc's clients know, by the same numbers; what is ours alone lies above 1000."""
    messages = pb.DESCRIPTOR.message_types_by_name
    assert set(messages) == set(CYLC_NUMBERS)
    for name, message in messages.items():
        ours = " ".join(f"{field.name}{field.number}" for field in message.fields if field.number <= 1000)
        assert sorted(ours.split()) == sorted(CYLC_NUMBERS[name].split()), name
        assert {field.name for field in message.fields if field.number > 1000} <= {"sequence"}


def test_the_modules_are_made_from_the_description(tmp_path: Path) -> None:
    """`bin/protobuf` gives just what is committed."""
    generate(tmp_path)
    for name in ("data_messages_pb2.py", "data_messages_pb2.pyi", "field_numbers.py"):
        assert (tmp_path / name).read_text() == (PROTO / name).read_text(), f"{name}: run bin/protobuf"


def test_the_numbers_for_writers_are_those_for_readers() -> None:
    """`field_numbers` has every field of every message."""
    for name, message in pb.DESCRIPTOR.message_types_by_name.items():
        numbers = getattr(field_numbers, name)
        assert {field.name: field.number for field in message.fields} == {
            key: value for key, value in vars(numbers).items() if not key.startswith("_")
        }
