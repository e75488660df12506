# The shim of one execution: sh -c THIS PREFIX CAT SETSID COMMAND...
# It is its own session and the subreaper of all that the script starts. The launcher hands over:
# 0 /dev/null, 1 the output pipe's write end, 2 the exit file, 3 the spool, 4 the pipe's read end.
# What sh itself says of a child's death ("Killed") goes to the exit file and tells signal from code.
sf_cat=$1 sf_setsid=$2 # names that hide nothing of the script's environment
shift 2
"$sf_cat" <&4 >&3 3>&- 4<&- &
sf_cat=$!
exec 3>&- 4<&-
# Caught, not ignored: an ignored signal would be inherited by the script.
trap : TERM INT HUP QUIT USR1 USR2 ALRM
(exec "$sf_setsid" -- "$@" 2>&1)
echo $? >&2
exec >&-
# cat ends when nobody holds the output any more; a caught signal may cut the wait short.
while wait "$sf_cat"; sf_status=$?; kill -0 "$sf_cat"; do :; done 2>/dev/null
echo "drained $sf_status" >&2
