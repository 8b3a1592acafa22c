-- The copy for users and other tools, log/db: the tables and columns Cylc 8 documents. Times are ISO 8601 text.
-- task_states, task_outputs and task_pool use the task's identity as rowid, so that a task whose flows change
-- keeps its one row; task_events and broadcast_events use their number in the run's own database.
CREATE TABLE workflow_params(key TEXT, value TEXT, PRIMARY KEY(key));
CREATE TABLE task_pool(
    cycle TEXT, name TEXT, flow_nums TEXT, status TEXT, is_held INTEGER,
    PRIMARY KEY(cycle, name, flow_nums)
);
CREATE TABLE task_states(
    name TEXT, cycle TEXT, flow_nums TEXT, time_created TEXT, time_updated TEXT, submit_num INTEGER, status TEXT,
    flow_wait INTEGER, is_manual_submit INTEGER,
    PRIMARY KEY(name, cycle, flow_nums)
);
CREATE TABLE task_outputs(
    cycle TEXT, name TEXT, flow_nums TEXT, outputs TEXT,
    PRIMARY KEY(cycle, name, flow_nums)
);
CREATE TABLE task_jobs(
    cycle TEXT, name TEXT, submit_num INTEGER, flow_nums TEXT, is_manual_submit INTEGER, try_num INTEGER,
    time_submit TEXT, time_submit_exit TEXT, submit_status INTEGER, time_run TEXT, time_run_exit TEXT,
    run_signal TEXT, run_status INTEGER, platform_name TEXT, job_runner_name TEXT, job_id TEXT,
    PRIMARY KEY(cycle, name, submit_num)
);
CREATE TABLE task_events(name TEXT, cycle TEXT, time TEXT, submit_num INTEGER, event TEXT, message TEXT);
CREATE TABLE workflow_flows(flow_num INTEGER, start_time TEXT, description TEXT, PRIMARY KEY(flow_num));
CREATE TABLE workflow_template_vars(key TEXT, value TEXT, PRIMARY KEY(key));
CREATE TABLE inheritance(namespace TEXT, inheritance TEXT, PRIMARY KEY(namespace));
CREATE TABLE broadcast_states(
    point TEXT, namespace TEXT, key TEXT, value TEXT,
    PRIMARY KEY(point, namespace, key)
);
CREATE TABLE broadcast_events(time TEXT, change TEXT, point TEXT, namespace TEXT, key TEXT, value TEXT);
CREATE TABLE xtriggers(signature TEXT, results TEXT, PRIMARY KEY(signature));
CREATE TABLE absolute_outputs(cycle TEXT, name TEXT, output TEXT, PRIMARY KEY(cycle, name, output));
CREATE TABLE tasks_to_hold(name TEXT, cycle TEXT, PRIMARY KEY(name, cycle));
CREATE TABLE task_prerequisites(
    cycle TEXT, name TEXT, flow_nums TEXT, prereq_name TEXT, prereq_cycle TEXT, prereq_output TEXT, satisfied TEXT,
    PRIMARY KEY(cycle, name, flow_nums, prereq_name, prereq_cycle, prereq_output)
);
CREATE TABLE task_action_timers(
    cycle TEXT, name TEXT, ctx_key TEXT, ctx TEXT, delays TEXT, num INTEGER, delay TEXT, timeout TEXT,
    PRIMARY KEY(cycle, name, ctx_key)
);
CREATE TABLE task_timeout_timers(cycle TEXT, name TEXT, timeout REAL, PRIMARY KEY(cycle, name));
CREATE TABLE task_late_flags(cycle TEXT, name TEXT, value INTEGER, PRIMARY KEY(cycle, name));
