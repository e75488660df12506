# The shim of one execution, run as: sh THIS PREFIX
# It is its own session and the subreaper of all that the script starts. The launcher hands over:
# 0 /dev/null, 1 the output pipe's write end, 2 the exit file, 3 the spool, 4 the pipe's read end,
# 5 what makes a shell the script: its environment, limits and command (script_setup.py).
# The shim's own environment holds nothing of the script's, so neither can change the other.
# What sh itself says of a child's death ("Killed") goes to the exit file and tells signal from code.
{ # read to its end before it is run, so that a change of the file changes no running shim
prefix=$1
# Caught, not ignored: an ignored signal would be inherited by the script.
caught='TERM INT HUP QUIT USR1 USR2 ALRM'
trap : $caught
# Is there room for more than a cat holds? Tried in another file, as a short line may find room where
# a buffer does not. Then a line can tell of the loss. In a subshell, as some shells would keep a
# text that cannot be written, and repeat it.
resume() (
	umask 077
	room=0123456789abcdef
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do room=$room$room; done
	echo "$room" >"$prefix.room"
	status=$?
	: >"$prefix.room"
	[ "$status" -eq 0 ] && echo "
[stepflow: output was lost here, the disk was full]"
)
# The pump. A cat that cannot write has lost what it held: the disk is full. The next one begins
# when there is room. Until then the pipe stays open, and the script waits.
(
	trap : $caught # a subshell begins without traps
	exec 5<&-
	exec 5>&2 2>/dev/null # how a cat died must not be taken for the script's death
	full=
	until cat 5>&-; do
		status=$?
		if [ "$status" -eq 153 ]; then # SIGXFSZ, a limit that nobody may lift: the script goes on
			cat >/dev/null 5>&-
			exit "$status"
		fi
		[ "$status" -lt 126 ] || exit "$status" # killed, or no cat at all
		[ "$full" ] || echo full >&5
		full=1
		while sleep 1 5>&- || exit; ! resume; do :; done
	done
) <&4 >&3 3>&- 4<&- &
pump=$!
exec 3>&- 4<&-
(exec 2>/dev/null; set -- shim; . /proc/self/fd/5)
status=$?
# When it ended, on the clock of /proc/uptime: later lines move the time of the file. In one write.
ended=
{ read -r ended idle </proc/uptime; } 2>/dev/null
echo "$status${ended:+
ended $ended}" >&2
exec >&- 5<&-
# cat ends when nobody holds the output any more; a caught signal may cut the wait short. If it did
# so in the last moment, another wait still tells the pump's status; else it has no child to tell of.
while wait "$pump"; status=$?; kill -0 "$pump"; do :; done 2>/dev/null
wait "$pump" 2>/dev/null
again=$?
[ "$again" -eq 127 ] || status=$again
# Who is still our child was left in the background by the script: ten of them are named.
first=
read -r first p2 p3 p4 p5 p6 p7 p8 p9 p10 more 2>/dev/null </proc/$$/task/$$/children
[ -z "$first" ] || echo left $first $p2 $p3 $p4 $p5 $p6 $p7 $p8 $p9 $p10 >&2
echo "drained $status" >&2
exit
}
