# What every Tidemill job does around the scripts of its task.
#
# A job file sets variables and functions (cylc__job__inst__*) and sources this file; then it calls cylc__job__main.
# No program is started here on the way from begin to end of a job but mkdir and rmdir where needed: the state goes to
# job.status and, in one short line, to the scheduler's FIFO, both written by bash itself. Works with bash 4.2.

# The time in UTC, as in 2026-01-31T12:00:00Z, in REPLY.
cylc__job__now() {
    TZ=UTC0 printf -v REPLY '%(%Y-%m-%dT%H:%M:%SZ)T' -1
}

# Append lines to job.status in one write. A full disk must not end a job: the scheduler also sees its process end.
cylc__job__record() {
    { printf '%s' "$1" >>"${CYLC_TASK_LOG_ROOT}.status"; } 2>/dev/null || true
}

# Tell the scheduler, if there is one. Opened for reading too, so nothing waits or breaks if there is none.
cylc__job__tell() {
    local fifo="${CYLC_WORKFLOW_RUN_DIR}/.service/jobs.fifo"
    if [[ -p "${fifo}" ]]; then
        { printf '%s\n' "$1|${CYLC_TASK_JOB}|${cylc__job__token}|$2" 1<>"${fifo}"; } 2>/dev/null || true
    fi
}

cylc__job__report_started() {
    local REPLY
    cylc__job__now
    cylc__job__record "CYLC_JOB_PID=$$"$'\n'"CYLC_JOB_INIT_TIME=${REPLY}"$'\n'
    printf '%s INFO - started\n' "${REPLY}"
    cylc__job__tell started "${REPLY}"
}

cylc__job__report_succeeded() {
    local REPLY
    cylc__job__now
    cylc__job__record "CYLC_JOB_EXIT=SUCCEEDED"$'\n'"CYLC_JOB_EXIT_TIME=${REPLY}"$'\n'
    printf '%s INFO - succeeded\n' "${REPLY}"
    cylc__job__tell succeeded "${REPLY}"
}

# $1: what the trap caught.
cylc__job__report_failed() {
    local REPLY
    cylc__job__now
    cylc__job__record "CYLC_JOB_EXIT=$1"$'\n'"CYLC_JOB_EXIT_TIME=${REPLY}"$'\n'
    printf '%s CRITICAL - failed/%s\n' "${REPLY}" "$1" >&2
    cylc__job__tell failed "${REPLY}|$1"
}

# $1: what the user says of it.
cylc__job__report_aborted() {
    local REPLY text="${1//$'\n'/ }"
    cylc__job__now
    cylc__job__record "CYLC_JOB_EXIT=\"${text}\""$'\n'"CYLC_JOB_EXIT_TIME=${REPLY}"$'\n'
    printf '%s CRITICAL - aborted/"%s"\n' "${REPLY}" "${text}" >&2
    cylc__job__tell aborted "${REPLY}"
}

# Run a function of the job file, if it has one of that name.
cylc__job__run_inst_func() {
    local name="cylc__job__inst__$1"
    shift
    if declare -F "${name}" >/dev/null; then
        "${name}" "$@"
    fi
}

# Take the right to run. Each job file has its token; whoever makes the claim file first (a job, or a scheduler that
# decided to start another) has it, so no job file is ever run twice.
cylc__job__claim() {
    local code=0
    set -o noclobber
    { printf '%s\n' "$$" >"${CYLC_TASK_LOG_DIR}/.claim-${cylc__job__token}"; } 2>/dev/null || code=1
    set +o noclobber
    return "${code}"
}

# For task scripts: leave fail signals alone from here on. Arguments: which (all, if none).
cylc__job__disable_fail_signals() {
    local signal kept=
    (($#)) || set -- ${CYLC_FAIL_SIGNALS-}
    for signal in ${CYLC_FAIL_SIGNALS-}; do
        if [[ " $* " == *" ${signal} "* ]]; then
            trap - "${signal}"
        else
            kept+="${kept:+ }${signal}"
        fi
    done
    CYLC_FAIL_SIGNALS="${kept}"
}

# Whether job.status says how the job ended: an abort, for one, has been told where it was called.
cylc__job__end_is_recorded() {
    local line
    while IFS= read -r line; do
        [[ "${line}" == CYLC_JOB_EXIT=* ]] && return 0
    done 2>/dev/null <"${CYLC_TASK_LOG_ROOT}.status"
    return 1
}

# The end of a job that did not go well. $1: what the trap caught.
cylc__job__failed() {
    local code=$? signal="$1" name
    trap - EXIT ERR
    for name in ${CYLC_FAIL_SIGNALS-}; do
        [[ "${name}" == EXIT || "${name}" == ERR ]] || trap '' "${name}"
    done
    set +euo pipefail
    ((code)) || code=1
    if [[ "${signal}" != EXIT && "${signal}" != ERR ]]; then
        # To the rest of the process group; this shell ignores the signal by now.
        kill -s "${signal}" 0 2>/dev/null
    fi
    cylc__job__end_is_recorded || cylc__job__report_failed "${signal}"
    cylc__job__run_inst_func err_script "${signal}" >&2
    exit "${code}"
}

# For task scripts: give up, saying why.
cylc__job_abort() {
    cylc__job__report_aborted "${1-}"
    exit 1
}

# For task scripts: end a function or sourced file with this exit code.
cylc__set_return() {
    return "${1:-0}"
}

# What a dummy job ends with. Arguments: whether only a first try fails, and the cycle points where it does.
cylc__job__dummy_result() {
    local first_try_only="${1-}" point
    shift || true
    for point in "$@"; do
        if [[ "${point}" == all || "${point}" == "${CYLC_TASK_CYCLE_POINT}" ]] &&
            { ((CYLC_TASK_TRY_NUMBER == 1)) || [[ "${first_try_only}" != true ]]; }; then
            printf '(dummy job fail)\n'
            return 1
        fi
    done
    printf '(dummy job succeed)\n'
}

# Under the name that scripts know the trap by, which they may set again after they cleared it.
cylc__job_err() {
    cylc__job__failed "$@"
}

# For task scripts: return once the scheduler can have heard that the job started.
cylc__job__wait_cylc_message_started() {
    local line
    while true; do
        while IFS= read -r line; do
            [[ "${line}" == CYLC_JOB_INIT_TIME=* ]] && return 0
        done 2>/dev/null <"${CYLC_TASK_LOG_ROOT}.status"
        sleep 0.1
    done
}

# For task scripts: return once the workflow's log has a line. Arguments: those of grep. Ends the job after 60 seconds.
cylc__job__poll_grep_workflow_log() {
    local deadline=$((SECONDS + 60))
    until grep -s "$@" "${CYLC_WORKFLOW_LOG_DIR}/log"; do
        if ((SECONDS >= deadline)); then
            printf 'ERROR: nothing in %s/log matches after 60 seconds: grep %s\n' "${CYLC_WORKFLOW_LOG_DIR}" "$*" >&2
            exit 1
        fi
        sleep 0.1
    done
}

# The scripts of the task, in one shell: what one sets the next one sees.
cylc__job__run_user_scripts() {
    local name
    cylc__job__run_inst_func env_script
    cylc__job__run_inst_func user_env
    for name in pre_script script post_script; do
        cylc__job__run_inst_func "${name}"
    done
}

cylc__job__main() {
    cylc__job__run_inst_func cylc_env
    export CYLC_TASK_LOG_DIR="${CYLC_WORKFLOW_RUN_DIR}/log/job/${CYLC_TASK_JOB}"
    export CYLC_TASK_LOG_ROOT="${CYLC_TASK_LOG_DIR}/job"
    if ! cylc__job__claim; then
        printf 'Not run: this job file has been run before, or cannot write to %s\n' "${CYLC_TASK_LOG_DIR}" >&2
        exit 0
    fi
    cd "${HOME:-/}" 2>/dev/null || cd /
    # After the login profile, so that our own commands come before others of the same name.
    export PATH="${CYLC_WORKFLOW_RUN_DIR}/.service/bin:${PATH}"
    if [[ "${CYLC_DEBUG-}" == true ]]; then
        exec 19>"${CYLC_TASK_LOG_ROOT}.xtrace"
        BASH_XTRACEFD=19
        PS4='+[${BASH_SOURCE##*/}:${LINENO}] '
        set -x
    fi
    cylc__job__run_inst_func init_script
    local signal
    for signal in ${CYLC_FAIL_SIGNALS-}; do
        trap "cylc__job__failed ${signal}" "${signal}"
    done
    set -euo pipefail

    printf 'Workflow : %s\nJob : %s (try %s)\nUser@Host: %s@%s\n\n' "${CYLC_WORKFLOW_ID}" "${CYLC_TASK_JOB}" \
        "${CYLC_TASK_TRY_NUMBER}" "${USER:-${LOGNAME:-${CYLC_WORKFLOW_OWNER}}}" "${HOSTNAME}"

    export CYLC_WORKFLOW_LOG_DIR="${CYLC_WORKFLOW_RUN_DIR}/log/scheduler"
    export CYLC_WORKFLOW_SHARE_DIR="${CYLC_WORKFLOW_RUN_DIR}/share"
    export CYLC_WORKFLOW_WORK_DIR="${CYLC_WORKFLOW_RUN_DIR}/work"
    export CYLC_TASK_SHARE_CYCLE_DIR="${CYLC_WORKFLOW_SHARE_DIR}/cycle/${CYLC_TASK_CYCLE_POINT}"
    export CYLC_TASK_WORK_DIR="${CYLC_WORKFLOW_WORK_DIR}/${cylc__job__work_sub_directory}"
    # Names of older versions.
    export CYLC_SUITE_SHARE_DIR="${CYLC_WORKFLOW_SHARE_DIR}" CYLC_SUITE_SHARE_PATH="${CYLC_WORKFLOW_SHARE_DIR}" \
        CYLC_SUITE_NAME="${CYLC_WORKFLOW_ID}" CYLC_SUITE_LOG_DIR="${CYLC_WORKFLOW_LOG_DIR}" \
        CYLC_SUITE_WORK_DIR="${CYLC_WORKFLOW_WORK_DIR}" CYLC_SUITE_RUN_DIR="${CYLC_WORKFLOW_RUN_DIR}" \
        CYLC_SUITE_DEF_PATH="${CYLC_WORKFLOW_RUN_DIR}" CYLC_SUITE_HOST="${CYLC_WORKFLOW_HOST}" \
        CYLC_SUITE_OWNER="${CYLC_WORKFLOW_OWNER}" CYLC_SUITE_UUID="${CYLC_WORKFLOW_UUID}" \
        CYLC_SUITE_INITIAL_CYCLE_POINT="${CYLC_WORKFLOW_INITIAL_CYCLE_POINT}" \
        CYLC_SUITE_INITIAL_CYCLE_TIME="${CYLC_WORKFLOW_INITIAL_CYCLE_POINT}" \
        CYLC_SUITE_FINAL_CYCLE_POINT="${CYLC_WORKFLOW_FINAL_CYCLE_POINT}" \
        CYLC_SUITE_FINAL_CYCLE_TIME="${CYLC_WORKFLOW_FINAL_CYCLE_POINT}" \
        CYLC_TASK_CYCLE_TIME="${CYLC_TASK_CYCLE_POINT}" CYLC_TASK_WORK_PATH="${CYLC_TASK_WORK_DIR}"

    cylc__job__report_started

    export PATH="${CYLC_WORKFLOW_RUN_DIR}/share/bin:${CYLC_WORKFLOW_RUN_DIR}/bin:${PATH}"
    export PYTHONPATH="${CYLC_WORKFLOW_RUN_DIR}/share/lib/python:${CYLC_WORKFLOW_RUN_DIR}/lib/python${PYTHONPATH:+:${PYTHONPATH}}"

    [[ -d "${CYLC_TASK_SHARE_CYCLE_DIR}" ]] || mkdir -p "${CYLC_TASK_SHARE_CYCLE_DIR}"
    [[ -d "${CYLC_TASK_WORK_DIR}" ]] || mkdir -p "${CYLC_TASK_WORK_DIR}"
    cd "${CYLC_TASK_WORK_DIR}"

    cylc__job__run_user_scripts &
    wait $!

    cd "${HOME:-/}" 2>/dev/null || cd /
    cylc__job__remove_if_empty "${CYLC_TASK_WORK_DIR}"
    cylc__job__report_succeeded
    trap - EXIT ERR ${CYLC_FAIL_SIGNALS-}
    set +euo pipefail
    cylc__job__run_inst_func exit_script
    exit 0
}

# rmdir, without starting it where it could not succeed.
cylc__job__remove_if_empty() {
    local entry
    for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
        [[ -e "${entry}" || -L "${entry}" ]] && return 0
    done
    rmdir "$1" 2>/dev/null || true
}
