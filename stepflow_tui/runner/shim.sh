# The shim of one execution: sh -c THIS PREFIX CAT SLEEP SETSID SETUP COMMAND...
# It is its own session and the subreaper of all that the script starts. The launcher hands over:
# 0 /dev/null, 1 the output pipe's write end, 2 the exit file, 3 the spool, 4 the pipe's read end.
# What sh itself says of a child's death ("Killed") goes to the exit file and tells signal from code.
sf_cat=$1 sf_sleep=$2 sf_setsid=$3 sf_setup=$4 # names that hide nothing of the script's environment
shift 4
# Caught, not ignored: an ignored signal would be inherited by the script.
sf_caught='TERM INT HUP QUIT USR1 USR2 ALRM'
trap : $sf_caught
# Is there room for more than a cat holds? Tried in another file, as a short line may find room where
# a buffer does not. Then a line can tell of the loss. In a subshell, as some shells would keep a
# text that cannot be written, and repeat it.
sf_resume() (
	umask 077
	sf_room=0123456789abcdef
	for sf_i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do sf_room=$sf_room$sf_room; done
	echo "$sf_room" >"$0.room"
	sf_status=$?
	: >"$0.room"
	[ "$sf_status" -eq 0 ] && echo "
[stepflow: output was lost here, the disk was full]"
)
# The pump. A cat that cannot write has lost what it held: the disk is full. The next one begins
# when there is room. Until then the pipe stays open, and the script waits.
(
	trap : $sf_caught # a subshell begins without traps
	exec 5>&2 2>/dev/null # how a cat died must not be taken for the script's death
	sf_full=
	until "$sf_cat" 5>&-; do
		sf_status=$?
		[ "$sf_status" -lt 126 ] || exit "$sf_status" # killed, or no cat at all
		[ "$sf_full" ] || echo full >&5
		sf_full=1
		while "$sf_sleep" 1 5>&- || exit; ! sf_resume; do :; done
	done
) <&4 >&3 3>&- 4<&- &
sf_pump=$!
exec 3>&- 4<&-
# SETUP sets limits. They come last: they are to hold for the script alone, and to cut no log.
(exec 2>&1; set -- "$sf_setsid" -- "$@"; eval "$sf_setup"; exec "$@")
echo $? >&2
exec >&-
# cat ends when nobody holds the output any more; a caught signal may cut the wait short. If it did
# so in the last moment, another wait still tells the pump's status; else it has no child to tell of.
while wait "$sf_pump"; sf_status=$?; kill -0 "$sf_pump"; do :; done 2>/dev/null
wait "$sf_pump" 2>/dev/null
sf_again=$?
[ "$sf_again" -eq 127 ] || sf_status=$sf_again
# Who is still our child was left in the background by the script: ten of them are named.
sf_1=
read -r sf_1 sf_2 sf_3 sf_4 sf_5 sf_6 sf_7 sf_8 sf_9 sf_10 sf_more 2>/dev/null </proc/$$/task/$$/children
[ -z "$sf_1" ] || echo left $sf_1 $sf_2 $sf_3 $sf_4 $sf_5 $sf_6 $sf_7 $sf_8 $sf_9 $sf_10 >&2
echo "drained $sf_status" >&2
