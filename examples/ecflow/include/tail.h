wait                      # for what runs in the background
ecflow_client --complete  # tell the server that all is well
trap - 0                  # nothing is to be told any more
exit 0
