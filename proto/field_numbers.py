"""Field numbers by message. Made from data_messages.proto by bin/protobuf: do not edit."""

from __future__ import annotations


class PbMeta:
    """Field numbers of `PbMeta`."""

    title = 1
    description = 2
    URL = 3
    user_defined = 4


class PbTimeZone:
    """Field numbers of `PbTimeZone`."""

    hours = 1
    minutes = 2
    string_basic = 3
    string_extended = 4


class PbTaskProxyRefs:
    """Field numbers of `PbTaskProxyRefs`."""

    task_proxies = 1


class PbLogRecord:
    """Field numbers of `PbLogRecord`."""

    level = 1
    message = 2


class PbWorkflow:
    """Field numbers of `PbWorkflow`."""

    stamp = 1
    id = 2
    name = 3
    status = 4
    host = 5
    port = 6
    owner = 7
    tasks = 8
    families = 9
    edges = 10
    api_version = 11
    cylc_version = 12
    last_updated = 13
    meta = 14
    newest_active_cycle_point = 16
    oldest_active_cycle_point = 17
    reloaded = 18
    run_mode = 19
    cycling_mode = 20
    state_totals = 21
    workflow_log_dir = 22
    time_zone_info = 23
    tree_depth = 24
    job_log_names = 25
    ns_def_order = 26
    states = 27
    task_proxies = 28
    family_proxies = 29
    status_msg = 30
    is_held_total = 31
    jobs = 32
    pub_port = 33
    broadcasts = 34
    is_queued_total = 35
    latest_state_tasks = 36
    pruned = 37
    is_runahead_total = 38
    states_updated = 39
    n_edge_distance = 40
    log_records = 41
    contains_held = 42
    contains_retry = 43


class PbRuntime:
    """Field numbers of `PbRuntime`."""

    platform = 1
    script = 2
    init_script = 3
    env_script = 4
    err_script = 5
    exit_script = 6
    pre_script = 7
    post_script = 8
    work_sub_dir = 9
    execution_polling_intervals = 10
    execution_retry_delays = 11
    execution_time_limit = 12
    submission_polling_intervals = 13
    submission_retry_delays = 14
    directives = 15
    environment = 16
    outputs = 17
    completion = 18
    run_mode = 19


class PbJob:
    """Field numbers of `PbJob`."""

    stamp = 1
    id = 2
    submit_num = 3
    state = 4
    task_proxy = 5
    submitted_time = 6
    started_time = 7
    finished_time = 8
    job_id = 9
    job_runner_name = 10
    execution_time_limit = 14
    platform = 15
    job_log_dir = 17
    name = 30
    cycle_point = 31
    messages = 32
    runtime = 33
    estimated_finish_time = 34


class PbTask:
    """Field numbers of `PbTask`."""

    stamp = 1
    id = 2
    name = 3
    meta = 4
    mean_elapsed_time = 5
    depth = 6
    proxies = 7
    namespace = 8
    parents = 9
    first_parent = 10
    runtime = 11


class PbPollTask:
    """Field numbers of `PbPollTask`."""

    local_proxy = 1
    workflow = 2
    remote_proxy = 3
    req_state = 4
    graph_string = 5


class PbCondition:
    """Field numbers of `PbCondition`."""

    task_proxy = 1
    expr_alias = 2
    req_state = 3
    satisfied = 4
    message = 5


class PbPrerequisite:
    """Field numbers of `PbPrerequisite`."""

    expression = 1
    conditions = 2
    cycle_points = 3
    satisfied = 4


class PbOutput:
    """Field numbers of `PbOutput`."""

    label = 1
    message = 2
    satisfied = 3
    time = 4


class PbTrigger:
    """Field numbers of `PbTrigger`."""

    id = 1
    label = 2
    message = 3
    satisfied = 4
    time = 5


class PbTaskProxy:
    """Field numbers of `PbTaskProxy`."""

    stamp = 1
    id = 2
    task = 3
    state = 4
    cycle_point = 5
    depth = 6
    job_submits = 7
    outputs = 9
    namespace = 11
    prerequisites = 12
    jobs = 13
    first_parent = 15
    name = 16
    is_held = 17
    edges = 18
    ancestors = 19
    flow_nums = 20
    external_triggers = 23
    xtriggers = 24
    is_queued = 25
    is_runahead = 26
    flow_wait = 27
    runtime = 28
    graph_depth = 29
    is_retry = 30
    is_wallclock = 31
    is_xtriggered = 32


class PbFamily:
    """Field numbers of `PbFamily`."""

    stamp = 1
    id = 2
    name = 3
    meta = 4
    depth = 5
    proxies = 6
    parents = 7
    child_tasks = 8
    child_families = 9
    first_parent = 10
    runtime = 11


class PbFamilyProxy:
    """Field numbers of `PbFamilyProxy`."""

    stamp = 1
    id = 2
    cycle_point = 3
    name = 4
    family = 5
    state = 6
    depth = 7
    first_parent = 8
    child_tasks = 10
    child_families = 11
    is_held = 12
    ancestors = 13
    states = 14
    state_totals = 15
    is_held_total = 16
    is_queued = 17
    is_queued_total = 18
    is_runahead = 19
    is_runahead_total = 20
    runtime = 21
    graph_depth = 22
    is_retry = 23
    is_wallclock = 24
    is_xtriggered = 25


class PbEdge:
    """Field numbers of `PbEdge`."""

    stamp = 1
    id = 2
    source = 3
    target = 4
    suicide = 5
    cond = 6


class PbEdges:
    """Field numbers of `PbEdges`."""

    id = 1
    edges = 2
    workflow_polling_tasks = 3
    leaves = 4
    feet = 5


class PbEntireWorkflow:
    """Field numbers of `PbEntireWorkflow`."""

    workflow = 1
    tasks = 2
    task_proxies = 3
    jobs = 4
    families = 5
    family_proxies = 6
    edges = 7
    sequence = 1001


class EDeltas:
    """Field numbers of `EDeltas`."""

    time = 1
    checksum = 2
    added = 3
    updated = 4
    pruned = 5
    reloaded = 6
    sequence = 1001


class FDeltas:
    """Field numbers of `FDeltas`."""

    time = 1
    checksum = 2
    added = 3
    updated = 4
    pruned = 5
    reloaded = 6
    sequence = 1001


class FPDeltas:
    """Field numbers of `FPDeltas`."""

    time = 1
    checksum = 2
    added = 3
    updated = 4
    pruned = 5
    reloaded = 6
    sequence = 1001


class JDeltas:
    """Field numbers of `JDeltas`."""

    time = 1
    checksum = 2
    added = 3
    updated = 4
    pruned = 5
    reloaded = 6
    sequence = 1001


class TDeltas:
    """Field numbers of `TDeltas`."""

    time = 1
    checksum = 2
    added = 3
    updated = 4
    pruned = 5
    reloaded = 6
    sequence = 1001


class TPDeltas:
    """Field numbers of `TPDeltas`."""

    time = 1
    checksum = 2
    added = 3
    updated = 4
    pruned = 5
    reloaded = 6
    sequence = 1001


class WDeltas:
    """Field numbers of `WDeltas`."""

    time = 1
    added = 2
    updated = 3
    reloaded = 4
    pruned = 5
    sequence = 1001


class AllDeltas:
    """Field numbers of `AllDeltas`."""

    families = 1
    family_proxies = 2
    jobs = 3
    tasks = 4
    task_proxies = 5
    edges = 6
    workflow = 7
    sequence = 1001
