# bash completion for warren and warren-wg
# Made by: warren completion bash

# Names of what a server has: machine or org.
_warren_names()
{
	warren "$1" list --json 2>/dev/null |
		sed -n 's/^ *"label": "\([^"]*\)",\{0,1\}$/\1/p'
}

# Names of interfaces: of running ones with --stats.
_warren_interfaces()
{
	local word names="/etc/wireguard/*.conf" end=.conf

	[[ " ${COMP_WORDS[*]} " == *" --stats "* ]] && names="/var/run/wireguard/*.sock" end=.sock
	for word in $names; do
		word=${word##*/}
		[[ $word == '*'* ]] || echo "${word%"$end"}"
	done
}

# What follows a group; '' is warren itself.
_warren_subs()
{
	case $1 in
	'') echo 'wg serve up down invite admit revoke join leave status peers ip ping whois netcheck refresh rotate advertise agent org machine key route dns policy user member invite-user token audit events login sign-up logout server backup restore config doctor completion help' ;;
	'org') echo 'create list show change delete' ;;
	'machine') echo 'add approve list show rename tag route rotate disable enable expire remove' ;;
	'key') echo 'create list revoke' ;;
	'route') echo 'list approve reject add remove' ;;
	'dns') echo 'list add remove' ;;
	'policy') echo 'show set edit check why allow deny history diff revert' ;;
	'user') echo 'add list change password remove' ;;
	'member') echo 'list set remove' ;;
	'invite-user') echo 'create list revoke' ;;
	'token') echo 'create list revoke' ;;
	'server') echo 'show repair unlock' ;;
	esac
}

# The options of a verb.
_warren_options()
{
	case $1 in
	'wg') echo '-h --help -f --foreground --stats --json' ;;
	'serve') echo '-h --help --config --data --api --api-endpoint --hub-port --stun-port --no-stun --endpoint --network --cert --key --plain --behind-proxy --sign-up --org --workers --unlock-file' ;;
	'up') echo '-h --help --state -i --interface -f --foreground -n --name --join --secret-file --founder --listen --network --backend --names --no-lan --no-relay --l2 --metrics --advertise --accept-routes --masquerade --reset' ;;
	'down') echo '-h --help -i --interface --state --forget -y --yes' ;;
	'invite') echo '-h --help -i --interface --state --mesh --json --uses --expires -t --tag -n --name --list --revoke' ;;
	'admit') echo '-h --help -i --interface --state --mesh --json -t --tag -n --name --expires --close' ;;
	'revoke') echo '-h --help -i --interface --state --mesh' ;;
	'join') echo '-h --help -i --interface --state -f --foreground --no-start -n --name --port --backend --names --accept-routes --advertise --masquerade' ;;
	'leave') echo '-h --help -i --interface --state --force' ;;
	'status') echo '-h --help -i --interface --state --mesh --json' ;;
	'peers') echo '-h --help -i --interface --state --mesh --json' ;;
	'ip') echo '-h --help -i --interface --state --mesh --json' ;;
	'ping') echo '-h --help -i --interface --state --mesh --json -c --count' ;;
	'whois') echo '-h --help -i --interface --state --mesh --json' ;;
	'netcheck') echo '-h --help -i --interface --state --mesh --json' ;;
	'refresh') echo '-h --help -i --interface --state --mesh --accept' ;;
	'rotate') echo '-h --help -i --interface --state' ;;
	'advertise') echo '-h --help -i --interface --state --mesh' ;;
	'agent') echo '-h --help -i --interface --state -f --foreground' ;;
	'org create') echo '-h --help --socket --json --network --quota' ;;
	'org list') echo '-h --help --socket --json' ;;
	'org show') echo '-h --help --socket --org --json' ;;
	'org change') echo '-h --help --socket --json --name --quota --disable --enable' ;;
	'org delete') echo '-h --help --socket -y --yes' ;;
	'machine add') echo '-h --help --socket --org --json --qr -o --output --public-key -t --tag --address --route --expires --preshared-key' ;;
	'machine approve') echo '-h --help --socket --org --json' ;;
	'machine list') echo '-h --help --socket --org --json --tag --name --state' ;;
	'machine show') echo '-h --help --socket --org --json' ;;
	'machine rename') echo '-h --help --socket --org --json' ;;
	'machine tag') echo '-h --help --socket --org --json --remove' ;;
	'machine route') echo '-h --help --socket --org --json --remove' ;;
	'machine rotate') echo '-h --help --socket --org --json --qr -o --output --public-key' ;;
	'machine disable') echo '-h --help --socket --org --json' ;;
	'machine enable') echo '-h --help --socket --org --json' ;;
	'machine expire') echo '-h --help --socket --org --json' ;;
	'machine remove') echo '-h --help --socket --org' ;;
	'key create') echo '-h --help --socket --org --json --qr -t --tag --uses --expires --ephemeral --ephemeral-after --approve --machine --comment' ;;
	'key list') echo '-h --help --socket --org --json' ;;
	'key revoke') echo '-h --help --socket --org' ;;
	'route list') echo '-h --help --socket --org --json' ;;
	'route approve') echo '-h --help --socket --org --json' ;;
	'route reject') echo '-h --help --socket --org --json' ;;
	'route add') echo '-h --help --socket --org --json' ;;
	'route remove') echo '-h --help --socket --org --json' ;;
	'dns list') echo '-h --help --socket --org --json' ;;
	'dns add') echo '-h --help --socket --org --json' ;;
	'dns remove') echo '-h --help --socket --org' ;;
	'policy show') echo '-h --help --socket --org --json -i --interface --state --mesh --version' ;;
	'policy set') echo '-h --help --socket --org --json -i --interface --state --mesh -m --comment --base' ;;
	'policy edit') echo '-h --help --socket --org --json -i --interface --state --mesh -m --comment' ;;
	'policy check') echo '-h --help --socket --org --json -i --interface --state --mesh' ;;
	'policy why') echo '-h --help --socket --org --json -i --interface --state --mesh' ;;
	'policy allow') echo '-h --help --socket --org --json -i --interface --state --mesh --first -m --comment' ;;
	'policy deny') echo '-h --help --socket --org --json -i --interface --state --mesh --first -m --comment' ;;
	'policy history') echo '-h --help --socket --org --json -i --interface --state --mesh' ;;
	'policy diff') echo '-h --help --socket --org --json -i --interface --state --mesh' ;;
	'policy revert') echo '-h --help --socket --org --json -i --interface --state --mesh' ;;
	'user add') echo '-h --help --socket --json --name --admin --password-stdin' ;;
	'user list') echo '-h --help --socket --json' ;;
	'user change') echo '-h --help --socket --json --name --admin --disable --enable' ;;
	'user password') echo '-h --help --socket' ;;
	'user remove') echo '-h --help --socket' ;;
	'member list') echo '-h --help --socket --org --json' ;;
	'member set') echo '-h --help --socket --org' ;;
	'member remove') echo '-h --help --socket --org' ;;
	'invite-user create') echo '-h --help --socket --org --json --role --expires' ;;
	'invite-user list') echo '-h --help --socket --org --json' ;;
	'invite-user revoke') echo '-h --help --socket --org' ;;
	'token create') echo '-h --help --socket --org --json --role --read-only --expires' ;;
	'token list') echo '-h --help --socket --json' ;;
	'token revoke') echo '-h --help --socket' ;;
	'audit') echo '-h --help --socket --org --json -a --all -n --lines --operation --actor --target --since --until' ;;
	'events') echo '-h --help --socket --org --json -a --all --type' ;;
	'login') echo '-h --help --login --pin --token' ;;
	'sign-up') echo '-h --help --login --pin --name --organisation --invite' ;;
	'logout') echo '-h --help' ;;
	'server show') echo '-h --help --socket --json' ;;
	'server repair') echo '-h --help --socket --json' ;;
	'server unlock') echo '-h --help --socket --current --new' ;;
	'backup') echo '-h --help --socket --json' ;;
	'restore') echo '-h --help --data' ;;
	'config') echo '-h --help --json --config --data --api --api-endpoint --hub-port --stun-port --no-stun --endpoint --network --cert --key --plain --behind-proxy --sign-up --org --workers --unlock-file' ;;
	'doctor') echo '-h --help --json --config --data --api --api-endpoint --hub-port --stun-port --no-stun --endpoint --network --cert --key --plain --behind-proxy --sign-up --org --workers --unlock-file' ;;
	'completion') echo '-h --help' ;;
	'help') echo '-h --help' ;;
	esac
}

# What the value of an option is.
_warren_value()
{
	case $1 in
	'serve --config') echo 'file' ;;
	'serve --data') echo 'folder' ;;
	'serve --api') echo 'nothing' ;;
	'serve --api-endpoint') echo 'nothing' ;;
	'serve --hub-port') echo 'nothing' ;;
	'serve --stun-port') echo 'nothing' ;;
	'serve --endpoint') echo 'nothing' ;;
	'serve --network') echo 'nothing' ;;
	'serve --cert') echo 'file' ;;
	'serve --key') echo 'file' ;;
	'serve --sign-up') echo 'closed|invite|open' ;;
	'serve --org') echo 'nothing' ;;
	'serve --workers') echo 'nothing' ;;
	'serve --unlock-file') echo 'file' ;;
	'up --state') echo 'folder' ;;
	'up --interface' | 'up -i') echo 'interface' ;;
	'up --name' | 'up -n') echo 'nothing' ;;
	'up --join') echo 'nothing' ;;
	'up --secret-file') echo 'file' ;;
	'up --listen') echo 'nothing' ;;
	'up --network') echo 'nothing' ;;
	'up --backend') echo 'auto|kernel|engine' ;;
	'up --names') echo 'auto|resolved|hosts|off' ;;
	'up --metrics') echo 'nothing' ;;
	'up --advertise') echo 'nothing' ;;
	'down --interface' | 'down -i') echo 'interface' ;;
	'down --state') echo 'folder' ;;
	'invite --interface' | 'invite -i') echo 'interface' ;;
	'invite --state') echo 'folder' ;;
	'invite --mesh') echo 'nothing' ;;
	'invite --uses') echo 'nothing' ;;
	'invite --expires') echo 'nothing' ;;
	'invite --tag' | 'invite -t') echo 'nothing' ;;
	'invite --name' | 'invite -n') echo 'nothing' ;;
	'invite --revoke') echo 'nothing' ;;
	'admit --interface' | 'admit -i') echo 'interface' ;;
	'admit --state') echo 'folder' ;;
	'admit --mesh') echo 'nothing' ;;
	'admit --tag' | 'admit -t') echo 'nothing' ;;
	'admit --name' | 'admit -n') echo 'nothing' ;;
	'admit --expires') echo 'nothing' ;;
	'revoke --interface' | 'revoke -i') echo 'interface' ;;
	'revoke --state') echo 'folder' ;;
	'revoke --mesh') echo 'nothing' ;;
	'join --interface' | 'join -i') echo 'interface' ;;
	'join --state') echo 'folder' ;;
	'join --name' | 'join -n') echo 'nothing' ;;
	'join --port') echo 'nothing' ;;
	'join --backend') echo 'auto|kernel|engine' ;;
	'join --names') echo 'auto|resolved|hosts|off' ;;
	'join --advertise') echo 'nothing' ;;
	'leave --interface' | 'leave -i') echo 'interface' ;;
	'leave --state') echo 'folder' ;;
	'status --interface' | 'status -i') echo 'interface' ;;
	'status --state') echo 'folder' ;;
	'status --mesh') echo 'nothing' ;;
	'peers --interface' | 'peers -i') echo 'interface' ;;
	'peers --state') echo 'folder' ;;
	'peers --mesh') echo 'nothing' ;;
	'ip --interface' | 'ip -i') echo 'interface' ;;
	'ip --state') echo 'folder' ;;
	'ip --mesh') echo 'nothing' ;;
	'ping --interface' | 'ping -i') echo 'interface' ;;
	'ping --state') echo 'folder' ;;
	'ping --mesh') echo 'nothing' ;;
	'ping --count' | 'ping -c') echo 'nothing' ;;
	'whois --interface' | 'whois -i') echo 'interface' ;;
	'whois --state') echo 'folder' ;;
	'whois --mesh') echo 'nothing' ;;
	'netcheck --interface' | 'netcheck -i') echo 'interface' ;;
	'netcheck --state') echo 'folder' ;;
	'netcheck --mesh') echo 'nothing' ;;
	'refresh --interface' | 'refresh -i') echo 'interface' ;;
	'refresh --state') echo 'folder' ;;
	'refresh --mesh') echo 'nothing' ;;
	'rotate --interface' | 'rotate -i') echo 'interface' ;;
	'rotate --state') echo 'folder' ;;
	'advertise --interface' | 'advertise -i') echo 'interface' ;;
	'advertise --state') echo 'folder' ;;
	'advertise --mesh') echo 'nothing' ;;
	'agent --interface' | 'agent -i') echo 'interface' ;;
	'agent --state') echo 'folder' ;;
	'org create --socket') echo 'file' ;;
	'org create --network') echo 'nothing' ;;
	'org create --quota') echo 'nothing' ;;
	'org list --socket') echo 'file' ;;
	'org show --socket') echo 'file' ;;
	'org show --org') echo 'org' ;;
	'org change --socket') echo 'file' ;;
	'org change --name') echo 'nothing' ;;
	'org change --quota') echo 'nothing' ;;
	'org delete --socket') echo 'file' ;;
	'machine add --socket') echo 'file' ;;
	'machine add --org') echo 'org' ;;
	'machine add --output' | 'machine add -o') echo 'file' ;;
	'machine add --public-key') echo 'nothing' ;;
	'machine add --tag' | 'machine add -t') echo 'nothing' ;;
	'machine add --address') echo 'nothing' ;;
	'machine add --route') echo 'nothing' ;;
	'machine add --expires') echo 'nothing' ;;
	'machine approve --socket') echo 'file' ;;
	'machine approve --org') echo 'org' ;;
	'machine list --socket') echo 'file' ;;
	'machine list --org') echo 'org' ;;
	'machine list --tag') echo 'nothing' ;;
	'machine list --name') echo 'nothing' ;;
	'machine list --state') echo 'online|offline|never|disabled|expired|pending' ;;
	'machine show --socket') echo 'file' ;;
	'machine show --org') echo 'org' ;;
	'machine rename --socket') echo 'file' ;;
	'machine rename --org') echo 'org' ;;
	'machine tag --socket') echo 'file' ;;
	'machine tag --org') echo 'org' ;;
	'machine tag --remove') echo 'nothing' ;;
	'machine route --socket') echo 'file' ;;
	'machine route --org') echo 'org' ;;
	'machine route --remove') echo 'nothing' ;;
	'machine rotate --socket') echo 'file' ;;
	'machine rotate --org') echo 'org' ;;
	'machine rotate --output' | 'machine rotate -o') echo 'file' ;;
	'machine rotate --public-key') echo 'nothing' ;;
	'machine disable --socket') echo 'file' ;;
	'machine disable --org') echo 'org' ;;
	'machine enable --socket') echo 'file' ;;
	'machine enable --org') echo 'org' ;;
	'machine expire --socket') echo 'file' ;;
	'machine expire --org') echo 'org' ;;
	'machine remove --socket') echo 'file' ;;
	'machine remove --org') echo 'org' ;;
	'key create --socket') echo 'file' ;;
	'key create --org') echo 'org' ;;
	'key create --tag' | 'key create -t') echo 'nothing' ;;
	'key create --uses') echo 'nothing' ;;
	'key create --expires') echo 'nothing' ;;
	'key create --ephemeral-after') echo 'nothing' ;;
	'key create --machine') echo 'nothing' ;;
	'key create --comment') echo 'nothing' ;;
	'key list --socket') echo 'file' ;;
	'key list --org') echo 'org' ;;
	'key revoke --socket') echo 'file' ;;
	'key revoke --org') echo 'org' ;;
	'route list --socket') echo 'file' ;;
	'route list --org') echo 'org' ;;
	'route approve --socket') echo 'file' ;;
	'route approve --org') echo 'org' ;;
	'route reject --socket') echo 'file' ;;
	'route reject --org') echo 'org' ;;
	'route add --socket') echo 'file' ;;
	'route add --org') echo 'org' ;;
	'route remove --socket') echo 'file' ;;
	'route remove --org') echo 'org' ;;
	'dns list --socket') echo 'file' ;;
	'dns list --org') echo 'org' ;;
	'dns add --socket') echo 'file' ;;
	'dns add --org') echo 'org' ;;
	'dns remove --socket') echo 'file' ;;
	'dns remove --org') echo 'org' ;;
	'policy show --socket') echo 'file' ;;
	'policy show --org') echo 'org' ;;
	'policy show --interface' | 'policy show -i') echo 'interface' ;;
	'policy show --state') echo 'folder' ;;
	'policy show --mesh') echo 'nothing' ;;
	'policy show --version') echo 'nothing' ;;
	'policy set --socket') echo 'file' ;;
	'policy set --org') echo 'org' ;;
	'policy set --interface' | 'policy set -i') echo 'interface' ;;
	'policy set --state') echo 'folder' ;;
	'policy set --mesh') echo 'nothing' ;;
	'policy set --comment' | 'policy set -m') echo 'nothing' ;;
	'policy set --base') echo 'nothing' ;;
	'policy edit --socket') echo 'file' ;;
	'policy edit --org') echo 'org' ;;
	'policy edit --interface' | 'policy edit -i') echo 'interface' ;;
	'policy edit --state') echo 'folder' ;;
	'policy edit --mesh') echo 'nothing' ;;
	'policy edit --comment' | 'policy edit -m') echo 'nothing' ;;
	'policy check --socket') echo 'file' ;;
	'policy check --org') echo 'org' ;;
	'policy check --interface' | 'policy check -i') echo 'interface' ;;
	'policy check --state') echo 'folder' ;;
	'policy check --mesh') echo 'nothing' ;;
	'policy why --socket') echo 'file' ;;
	'policy why --org') echo 'org' ;;
	'policy why --interface' | 'policy why -i') echo 'interface' ;;
	'policy why --state') echo 'folder' ;;
	'policy why --mesh') echo 'nothing' ;;
	'policy allow --socket') echo 'file' ;;
	'policy allow --org') echo 'org' ;;
	'policy allow --interface' | 'policy allow -i') echo 'interface' ;;
	'policy allow --state') echo 'folder' ;;
	'policy allow --mesh') echo 'nothing' ;;
	'policy allow --comment' | 'policy allow -m') echo 'nothing' ;;
	'policy deny --socket') echo 'file' ;;
	'policy deny --org') echo 'org' ;;
	'policy deny --interface' | 'policy deny -i') echo 'interface' ;;
	'policy deny --state') echo 'folder' ;;
	'policy deny --mesh') echo 'nothing' ;;
	'policy deny --comment' | 'policy deny -m') echo 'nothing' ;;
	'policy history --socket') echo 'file' ;;
	'policy history --org') echo 'org' ;;
	'policy history --interface' | 'policy history -i') echo 'interface' ;;
	'policy history --state') echo 'folder' ;;
	'policy history --mesh') echo 'nothing' ;;
	'policy diff --socket') echo 'file' ;;
	'policy diff --org') echo 'org' ;;
	'policy diff --interface' | 'policy diff -i') echo 'interface' ;;
	'policy diff --state') echo 'folder' ;;
	'policy diff --mesh') echo 'nothing' ;;
	'policy revert --socket') echo 'file' ;;
	'policy revert --org') echo 'org' ;;
	'policy revert --interface' | 'policy revert -i') echo 'interface' ;;
	'policy revert --state') echo 'folder' ;;
	'policy revert --mesh') echo 'nothing' ;;
	'user add --socket') echo 'file' ;;
	'user add --name') echo 'nothing' ;;
	'user list --socket') echo 'file' ;;
	'user change --socket') echo 'file' ;;
	'user change --name') echo 'nothing' ;;
	'user change --admin') echo 'yes|no' ;;
	'user password --socket') echo 'file' ;;
	'user remove --socket') echo 'file' ;;
	'member list --socket') echo 'file' ;;
	'member list --org') echo 'org' ;;
	'member set --socket') echo 'file' ;;
	'member set --org') echo 'org' ;;
	'member remove --socket') echo 'file' ;;
	'member remove --org') echo 'org' ;;
	'invite-user create --socket') echo 'file' ;;
	'invite-user create --org') echo 'org' ;;
	'invite-user create --role') echo 'owner|admin|operator|viewer' ;;
	'invite-user create --expires') echo 'nothing' ;;
	'invite-user list --socket') echo 'file' ;;
	'invite-user list --org') echo 'org' ;;
	'invite-user revoke --socket') echo 'file' ;;
	'invite-user revoke --org') echo 'org' ;;
	'token create --socket') echo 'file' ;;
	'token create --org') echo 'org' ;;
	'token create --role') echo 'owner|admin|operator|viewer' ;;
	'token create --expires') echo 'nothing' ;;
	'token list --socket') echo 'file' ;;
	'token revoke --socket') echo 'file' ;;
	'audit --socket') echo 'file' ;;
	'audit --org') echo 'org' ;;
	'audit --lines' | 'audit -n') echo 'nothing' ;;
	'audit --operation') echo 'nothing' ;;
	'audit --actor') echo 'nothing' ;;
	'audit --target') echo 'nothing' ;;
	'audit --since') echo 'nothing' ;;
	'audit --until') echo 'nothing' ;;
	'events --socket') echo 'file' ;;
	'events --org') echo 'org' ;;
	'events --type') echo 'nothing' ;;
	'login --login') echo 'nothing' ;;
	'login --pin') echo 'nothing' ;;
	'sign-up --login') echo 'nothing' ;;
	'sign-up --pin') echo 'nothing' ;;
	'sign-up --name') echo 'nothing' ;;
	'sign-up --organisation') echo 'nothing' ;;
	'server show --socket') echo 'file' ;;
	'server repair --socket') echo 'file' ;;
	'server unlock --socket') echo 'file' ;;
	'server unlock --current') echo 'file' ;;
	'server unlock --new') echo 'file' ;;
	'backup --socket') echo 'file' ;;
	'restore --data') echo 'folder' ;;
	'config --config') echo 'file' ;;
	'config --data') echo 'folder' ;;
	'config --api') echo 'nothing' ;;
	'config --api-endpoint') echo 'nothing' ;;
	'config --hub-port') echo 'nothing' ;;
	'config --stun-port') echo 'nothing' ;;
	'config --endpoint') echo 'nothing' ;;
	'config --network') echo 'nothing' ;;
	'config --cert') echo 'file' ;;
	'config --key') echo 'file' ;;
	'config --sign-up') echo 'closed|invite|open' ;;
	'config --org') echo 'nothing' ;;
	'config --workers') echo 'nothing' ;;
	'config --unlock-file') echo 'file' ;;
	'doctor --config') echo 'file' ;;
	'doctor --data') echo 'folder' ;;
	'doctor --api') echo 'nothing' ;;
	'doctor --api-endpoint') echo 'nothing' ;;
	'doctor --hub-port') echo 'nothing' ;;
	'doctor --stun-port') echo 'nothing' ;;
	'doctor --endpoint') echo 'nothing' ;;
	'doctor --network') echo 'nothing' ;;
	'doctor --cert') echo 'file' ;;
	'doctor --key') echo 'file' ;;
	'doctor --sign-up') echo 'closed|invite|open' ;;
	'doctor --org') echo 'nothing' ;;
	'doctor --workers') echo 'nothing' ;;
	'doctor --unlock-file') echo 'file' ;;
	esac
}

# What the operands of a verb are.
_warren_operand()
{
	case $1 in
	'wg') echo 'interface' ;;
	'revoke') echo 'WHO|ID' ;;
	'ping') echo 'machine' ;;
	'org show') echo 'org' ;;
	'org change') echo 'org' ;;
	'org delete') echo 'org' ;;
	'machine approve') echo 'machine' ;;
	'machine show') echo 'machine' ;;
	'machine rename') echo 'machine' ;;
	'machine tag') echo 'machine' ;;
	'machine route') echo 'machine' ;;
	'machine rotate') echo 'machine' ;;
	'machine disable') echo 'machine' ;;
	'machine enable') echo 'machine' ;;
	'machine expire') echo 'machine' ;;
	'machine remove') echo 'machine' ;;
	'route approve') echo 'machine' ;;
	'route reject') echo 'machine' ;;
	'route add') echo 'machine' ;;
	'route remove') echo 'machine' ;;
	'policy set') echo 'file' ;;
	'policy check') echo 'file' ;;
	'policy why') echo 'machine' ;;
	'backup') echo 'file' ;;
	'restore') echo 'file' ;;
	'completion') echo 'bash|zsh|fish' ;;
	'help') echo 'verb' ;;
	esac
}

# Completes $1 with what is called $2.
_warren_complete()
{
	case $2 in
	file) mapfile -t COMPREPLY < <(compgen -f -- "$1") ;;
	folder) mapfile -t COMPREPLY < <(compgen -d -- "$1") ;;
	interface) mapfile -t COMPREPLY < <(compgen -W "$(_warren_interfaces)" -- "$1") ;;
	machine | org) mapfile -t COMPREPLY < <(compgen -W "$(_warren_names "$2")" -- "$1") ;;
	verb) mapfile -t COMPREPLY < <(compgen -W "$(_warren_subs '')" -- "$1") ;;
	*'|'*) mapfile -t COMPREPLY < <(compgen -W "${2//|/ }" -- "$1") ;;
	esac
}

_warren()
{
	local current=${COMP_WORDS[COMP_CWORD]} verb='' at=1 subs

	COMPREPLY=()
	if [[ ${COMP_WORDS[0]##*/} == *-wg ]]; then
		verb=wg
	else
		while subs=$(_warren_subs "$verb") && [[ -n $subs ]]; do
			if [[ $COMP_CWORD -le $at ]]; then
				[[ -n $verb ]] || subs+=' --version'
				mapfile -t COMPREPLY < <(compgen -W "$subs -h --help" -- "$current")
				return
			fi
			verb="${verb:+$verb }${COMP_WORDS[at]}"
			at=$((at + 1))
		done
	fi
	subs=$(_warren_value "$verb ${COMP_WORDS[COMP_CWORD - 1]}")
	if [[ -n $subs ]]; then
		_warren_complete "$current" "$subs"
	elif [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_warren_options "$verb")" -- "$current")
	else
		_warren_complete "$current" "$(_warren_operand "$verb")"
	fi
}

complete -F _warren warren warren-wg
