# The shim of one execution: sh -c THIS PREFIX CAT SETSID COMMAND...
# It is its own session and the subreaper of all that the script starts. The launcher hands over:
# 0 /dev/null, 1 the output pipe's write end, 2 the exit file, 3 the spool, 4 the pipe's read end.
# What sh itself says of a child's death ("Killed") goes to the exit file and tells signal from code.
cat=$1 setsid=$2
shift 2
"$cat" <&4 >&3 3>&- 4<&- &
exec 3>&- 4<&-
trap : TERM INT HUP QUIT # caught, not ignored: an ignored signal would be inherited by the script
(exec "$setsid" -- "$@" 2>&1)
echo $? >&2
exec >&-
until wait; do :; done # cat ends when nobody holds the output any more
echo drained >&2
