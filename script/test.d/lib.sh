# shellcheck shell=bash
# What the parts of the suite share; each sources it first.

set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit

failed=0
trap '[ "$failed" -eq 0 ] || exit 1' EXIT
trap 'trap - EXIT; exit 130' INT TERM

# check NAME COMMAND...: a test case, passed if the command succeeds.
check() {
	local name=$1
	shift
	if "$@"; then
		echo "ok - $name"
	else
		echo "not ok - $name"
		failed=1
		return 1
	fi
}

# build VARIANT...: the tree builds; without that nothing can be tested.
build() {
	check "script/build $*" script/build "$@" -j "$JOBS" || exit
}

# meson_tests DIRECTORY ARGUMENT...: the tests of a build, each case counted.
meson_tests() {
	local dir=$1
	shift
	if [ -n "${AGAIN-}" ]; then
		mapfile -t only < <(/usr/bin/python3 -B script/test.d/results.py "$AGAIN" | grep .)
		[ "${#only[@]}" -gt 0 ] || return 0
		set -- --no-rebuild --timeout-multiplier 5 "${only[@]}"
	fi
	rm -f "$dir/meson-logs/testlog.json"
	# Many of them wait, for timers and for each other's answers: so more of them than cores.
	# Their time limits are for a machine that has nothing else to do.
	CMOCKA_MESSAGE_OUTPUT=TAP meson test -C "$dir" --num-processes $((JOBS * 2)) --timeout-multiplier 3 --print-errorlogs "$@" ||
		failed=1
	cp "$dir/meson-logs/testlog.json" "$RESULTS/meson.json"
}

# packet_tests LANES FOLDER [FILE...] [OPTION...]: tests in pytest with real packets, some files side by side.
packet_tests() {
	/usr/bin/python3 -B script/test.d/lanes.py "$@" || failed=1
}

# python_tests FOLDER ARGUMENT...: tests in pytest.
python_tests() {
	local folder=$1
	shift
	/usr/bin/python3 -B -m pytest -q -p no:cacheprovider "$folder" "$@" \
		--junitxml="$RESULTS/$(basename "$folder").xml" || failed=1
}
