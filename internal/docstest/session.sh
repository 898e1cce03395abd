# Runs the blocks of a page in one shell. It reads orders from file descriptor 3,
# each a verb and a file, and answers on 4.
set -eu

docstest_server=

# The server has a process group of its own, because the job control of bash is
# on while it starts. Its shell outlives it, so waiting for the one is waiting
# for both.
docstest_stop() {
	if [ -n "$docstest_server" ]; then
		kill -- "-$docstest_server" 2>/dev/null || true
		wait "$docstest_server" || true
		docstest_server=
	fi
}
trap docstest_stop EXIT
trap 'exit 1' TERM INT

while read -r docstest_verb docstest_file <&3; do
	docstest_answer=done
	case $docstest_verb in
	run)
		. "$docstest_file" >"$docstest_file.out" 2>&1 </dev/null 3<&- 4>&-
		;;
	fail)
		if (. "$docstest_file") >"$docstest_file.out" 2>&1 </dev/null 3<&- 4>&-; then
			docstest_answer="it was to fail, and did not"
		fi
		;;
	serve)
		docstest_stop
		set -m
		(
			trap : TERM
			. "$docstest_file"
		) >"$docstest_file.out" 2>&1 </dev/null 3<&- 4>&- &
		docstest_server=$!
		set +m
		;;
	check)
		kill -0 "$docstest_server" 2>/dev/null || docstest_answer="the server has ended"
		;;
	esac
	echo "$docstest_answer" >&4
done
