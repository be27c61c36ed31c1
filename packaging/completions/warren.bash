# bash completion for warren and warren-wg

# Words for `warren wg`: options, and names of interfaces.
_warren_wg()
{
	local current=$1 word names="/etc/wireguard/*.conf" end=.conf

	if [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W '-f --foreground --stats --json -h --help' -- "$current")
		return
	fi
	for word in "${COMP_WORDS[@]}"; do
		[[ $word == --stats ]] && names="/var/run/wireguard/*.sock" end=.sock
	done
	for word in $names; do
		word=${word##*/}
		[[ $word == '*'* || $word != "$current"* ]] || COMPREPLY+=("${word%"$end"}")
	done
}

_warren()
{
	local current=${COMP_WORDS[COMP_CWORD]}

	COMPREPLY=()
	if [[ ${COMP_WORDS[0]##*/} == *-wg || ( $COMP_CWORD -gt 1 && ${COMP_WORDS[1]} == wg ) ]]; then
		_warren_wg "$current"
	elif [[ $COMP_CWORD -eq 1 ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'wg help -h --help --version' -- "$current")
	elif [[ $COMP_CWORD -eq 2 && ${COMP_WORDS[1]} == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'wg help -h --help' -- "$current")
	fi
}

complete -F _warren warren warren-wg
