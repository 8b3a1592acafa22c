-- The run's own database, .service/db: what a restart needs, and the journal. Times are epoch seconds.
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE tasks(
    identity INTEGER PRIMARY KEY,
    cycle TEXT NOT NULL,
    name TEXT NOT NULL,
    flow_numbers TEXT NOT NULL,
    status TEXT NOT NULL,
    submit_number INTEGER NOT NULL,
    try_number INTEGER NOT NULL,
    is_held INTEGER NOT NULL,
    is_manual_submit INTEGER NOT NULL,
    flow_wait INTEGER NOT NULL,
    in_pool INTEGER NOT NULL,
    outputs TEXT NOT NULL,
    forced_prerequisites TEXT NOT NULL,
    timers TEXT NOT NULL,
    time_created REAL NOT NULL,
    time_updated REAL NOT NULL
);
CREATE INDEX tasks_by_cycle ON tasks(cycle);
CREATE INDEX tasks_in_pool ON tasks(identity) WHERE in_pool;
CREATE TABLE jobs(
    cycle TEXT NOT NULL,
    name TEXT NOT NULL,
    submit_number INTEGER NOT NULL,
    flow_numbers TEXT NOT NULL,
    is_manual_submit INTEGER NOT NULL,
    try_number INTEGER NOT NULL,
    time_submit REAL,
    time_submit_exit REAL,
    submit_status INTEGER,
    time_run REAL,
    time_run_exit REAL,
    run_signal TEXT,
    run_status INTEGER,
    platform_name TEXT,
    job_runner_name TEXT,
    job_id TEXT,
    PRIMARY KEY(cycle, name, submit_number)
) WITHOUT ROWID;
CREATE TABLE task_events(
    seq INTEGER PRIMARY KEY, name TEXT, cycle TEXT, time REAL, submit_number INTEGER, event TEXT, message TEXT
);
CREATE TABLE parameters(key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE journal(seq INTEGER PRIMARY KEY, time REAL NOT NULL, event BLOB NOT NULL);
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
CREATE TABLE IF NOT EXISTS receipts(
    id TEXT PRIMARY KEY, time_received REAL NOT NULL, name TEXT NOT NULL, arguments TEXT NOT NULL, user TEXT NOT NULL,
    reason TEXT NOT NULL, state TEXT NOT NULL, result TEXT NOT NULL, time_applied REAL
);
