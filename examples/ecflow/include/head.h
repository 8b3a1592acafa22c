#!/bin/bash
%manual
Every task begins with this: it tells the server that it runs, and has whatever fails told to it.
%end
set -e          # end at the first failure
set -u          # and at a variable that is not set

export ECF_PORT=%ECF_PORT%    # the server's port
export ECF_HOST=%ECF_HOST%    # where it runs
export ECF_NAME=%ECF_NAME%    # who this is
export ECF_PASS=%ECF_PASS%    # to be let in with
export ECF_TRYNO=%ECF_TRYNO%  # which try
export ECF_RID=$$             # the process

ecflow_client --init=$$

ERROR() {
    set +e
    wait                                      # for what runs in the background
    ecflow_client --abort=trap
    trap - 0                                  # once is enough
    exit 0
}
trap ERROR 0
trap '{ echo "killed by a signal"; ERROR ; }' 1 2 3 4 5 6 7 8 10 12 13 15

WORK=%WORK%
