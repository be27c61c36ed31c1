# fish completion for warren and warren-wg
# Made by: warren completion fish

function __warren_interfaces
    if contains -- --stats (commandline -opc)
        set names /var/run/wireguard/*.sock
    else
        set names /etc/wireguard/*.conf
    end
    for name in $names
        string replace -r '\.[a-z]+$' '' (basename $name)
    end
end

function __warren_names
    warren $argv[1] list --json 2>/dev/null | string replace -rf '^ *"label": "([^"]*)",?$' '$1'
end

# The words so far begin with these.
function __warren_is
    set words (commandline -opc)
    set last (math 1 + (count $argv))
    test (count $words) -ge $last; and test "$words[2..$last]" = "$argv"
end

# They are exactly these.
function __warren_ends
    set words (commandline -opc)
    test "$words[2..]" = "$argv"
end

complete -c warren -f
complete -c warren-wg -f
complete -c warren -n __fish_use_subcommand -l version -d 'tell the version'
complete -c warren -s h -l help -d 'tell how it is used'
complete -c warren -n __fish_use_subcommand -a wg -d 'userspace WireGuard interface, configured by wg and wg-quick'
complete -c warren -n __fish_use_subcommand -a serve -d 'the server: API, hub, and all that they keep'
complete -c warren -n __fish_use_subcommand -a up -d 'be in a mesh without a server: warren up home, on each machine'
complete -c warren -n __fish_use_subcommand -a down -d 'leave a mesh for now: say farewell, take the interface away'
complete -c warren -n __fish_use_subcommand -a invite -d 'a string with which a machine anywhere joins this mesh'
complete -c warren -n __fish_use_subcommand -a admit -d 'let a machine into this closed mesh; or close the mesh'
complete -c warren -n __fish_use_subcommand -a revoke -d 'put a member out of this closed mesh, or take an invitation back'
complete -c warren -n __fish_use_subcommand -a join -d 'become a member of a server\'s network, with a join key'
complete -c warren -n __fish_use_subcommand -a leave -d 'end the membership in a network, and put back what it changed'
complete -c warren -n __fish_use_subcommand -a status -d 'this machine\'s networks: server or mesh, drift, and a line a peer'
complete -c warren -n __fish_use_subcommand -a peers -d 'the machines that this one may reach, and by which path'
complete -c warren -n __fish_use_subcommand -a ip -d 'this machine\'s addresses in its networks'
complete -c warren -n __fish_use_subcommand -a ping -d 'reach a machine, and tell by which path; ends when it is direct'
complete -c warren -n __fish_use_subcommand -a whois -d 'whose address, name or identifier this is'
complete -c warren -n __fish_use_subcommand -a netcheck -d 'what the network between here and the server does: NAT, port mapping, UDP'
complete -c warren -n __fish_use_subcommand -a refresh -d 'ask the server, or members, now; compare this machine with its map'
complete -c warren -n __fish_use_subcommand -a rotate -d 'take another WireGuard key; nothing else changes'
complete -c warren -n __fish_use_subcommand -a advertise -d 'offer to be the router for these ranges, and for no others'
complete -c warren -n __fish_use_subcommand -a agent -d 'run the agent of a network that was joined'
complete -c warren -n __fish_use_subcommand -a org -d 'organisations: create, list, show, change, delete'
complete -c warren -n __fish_use_subcommand -a machine -d 'machines: add, approve, list, show, rename, tag, rotate, remove'
complete -c warren -n __fish_use_subcommand -a key -d 'join keys, for warren join: create, list, revoke'
complete -c warren -n __fish_use_subcommand -a route -d 'what is reached through machines: list, approve, reject, add, remove'
complete -c warren -n __fish_use_subcommand -a dns -d 'names in the network besides the machines\' own: list, add, remove'
complete -c warren -n __fish_use_subcommand -a policy -d 'who may talk to whom: show, set, edit, why, allow, deny'
complete -c warren -n __fish_use_subcommand -a user -d 'people: add, list, change, password, remove'
complete -c warren -n __fish_use_subcommand -a member -d 'roles in an organisation: list, set, remove'
complete -c warren -n __fish_use_subcommand -a invite-user -d 'invitations of people: create, list, revoke'
complete -c warren -n __fish_use_subcommand -a token -d 'tokens for programs: create, list, revoke'
complete -c warren -n __fish_use_subcommand -a audit -d 'who did what, newest first'
complete -c warren -n __fish_use_subcommand -a events -d 'what happens, as it happens; until it is interrupted'
complete -c warren -n __fish_use_subcommand -a login -d 'use another machine\'s server from here'
complete -c warren -n __fish_use_subcommand -a sign-up -d 'make yourself an account on another machine\'s server'
complete -c warren -n __fish_use_subcommand -a logout -d 'end what login began'
complete -c warren -n __fish_use_subcommand -a server -d 'the server itself: show, repair, unlock'
complete -c warren -n __fish_use_subcommand -a backup -d 'write a backup, while the server runs; prints its name'
complete -c warren -n __fish_use_subcommand -a restore -d 'put a backup in place of a stopped server\'s data'
complete -c warren -n __fish_use_subcommand -a config -d 'the server\'s settings, and where each came from'
complete -c warren -n __fish_use_subcommand -a doctor -d 'look for what keeps a server here from working well'
complete -c warren -n __fish_use_subcommand -a completion -d 'print the completions for a shell: bash, zsh or fish'
complete -c warren -n __fish_use_subcommand -a help -d 'what there is; with a verb, how it is used'

complete -c warren -n '__warren_is wg' -s f -l foreground -d 'stay in the foreground'
complete -c warren -n '__warren_is wg' -l stats -d 'print the counters of a running interface'
complete -c warren -n '__warren_is wg' -l json -d 'with --stats: as one JSON object'
complete -c warren -n '__warren_is wg' -a '(__warren_interfaces)'

complete -c warren -n '__warren_is serve' -l config -r -F -d 'file of settings'
complete -c warren -n '__warren_is serve' -l data -x -a '(__fish_complete_directories)' -d 'folder of all that is kept'
complete -c warren -n '__warren_is serve' -l api -x -d 'where the API listens'
complete -c warren -n '__warren_is serve' -l api-endpoint -x -d 'the API, as machines reach it'
complete -c warren -n '__warren_is serve' -l hub-port -x -d 'UDP port of the hub'
complete -c warren -n '__warren_is serve' -l stun-port -x -d 'second UDP port for STUN; 0: none'
complete -c warren -n '__warren_is serve' -l no-stun -d 'tell nobody what address he comes from'
complete -c warren -n '__warren_is serve' -l endpoint -x -d 'the hub, as machines reach it'
complete -c warren -n '__warren_is serve' -l network -x -d 'range of new organisations'
complete -c warren -n '__warren_is serve' -l cert -r -F -d 'certificate for HTTPS, PEM'
complete -c warren -n '__warren_is serve' -l key -r -F -d 'its private key, PEM'
complete -c warren -n '__warren_is serve' -l plain -d 'HTTP in the clear, on loopback only'
complete -c warren -n '__warren_is serve' -l behind-proxy -d 'a proxy does the TLS, and says who asks'
complete -c warren -n '__warren_is serve' -l sign-up -x -a 'closed invite open' -d 'who may: closed, invite or open'
complete -c warren -n '__warren_is serve' -l org -x -d 'organisation to make at the first start'
complete -c warren -n '__warren_is serve' -l workers -x -d 'threads that carry packets'
complete -c warren -n '__warren_is serve' -l unlock-file -r -F -d 'file with the unlock secret'

complete -c warren -n '__warren_is up' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is up' -s i -l interface -x -a '(__warren_interfaces)' -d 'the interface; else warren0 or the next that is free'
complete -c warren -n '__warren_is up' -s f -l foreground -d 'stay in the foreground'
complete -c warren -n '__warren_is up' -s n -l name -x -d 'this machine\'s name there; else the host\'s'
complete -c warren -n '__warren_is up' -l join -x -d 'an invitation; - asks for it'
complete -c warren -n '__warren_is up' -l secret-file -r -F -d 'the mesh\'s secret, if it has one'
complete -c warren -n '__warren_is up' -l founder -d 'begin a closed mesh, whose members you admit'
complete -c warren -n '__warren_is up' -l listen -x -d 'ADDR:PORT, :PORT, PORT; else 51820 or a free one'
complete -c warren -n '__warren_is up' -l network -x -d 'the mesh\'s IPv4 range, the same on all members'
complete -c warren -n '__warren_is up' -l backend -x -a 'auto kernel engine' -d 'what carries the packets; else the engine'
complete -c warren -n '__warren_is up' -l names -x -a 'auto resolved hosts off' -d 'where names of members are put'
complete -c warren -n '__warren_is up' -l no-lan -d 'look for nobody on the LAN'
complete -c warren -n '__warren_is up' -l no-relay -d 'pass nothing on for others'
complete -c warren -n '__warren_is up' -l l2 -d 'a VXLAN over the mesh, too'
complete -c warren -n '__warren_is up' -l metrics -x -d 'Prometheus figures at this address'
complete -c warren -n '__warren_is up' -l advertise -x -d 'be the router for this range; may be given again'
complete -c warren -n '__warren_is up' -l accept-routes -d 'use the ranges behind other members'
complete -c warren -n '__warren_is up' -l masquerade -d 'as a router, with our own address towards the range'
complete -c warren -n '__warren_is up' -l reset -d 'forget how it was wanted before'

complete -c warren -n '__warren_is down' -s i -l interface -x -a '(__warren_interfaces)' -d 'which membership; needless if there is one'
complete -c warren -n '__warren_is down' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is down' -l forget -d 'remove this machine\'s identity in it, too'
complete -c warren -n '__warren_is down' -s y -l yes -d 'do not ask'

complete -c warren -n '__warren_is invite' -s i -l interface -x -a '(__warren_interfaces)' -d 'which membership; needless if there is one'
complete -c warren -n '__warren_is invite' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is invite' -l mesh -x -d 'which mesh, by its name; needless if there is one'
complete -c warren -n '__warren_is invite' -l json -d 'print JSON'
complete -c warren -n '__warren_is invite' -l uses -x -d 'how many may come; else one; 0: any number'
complete -c warren -n '__warren_is invite' -l expires -x -d '90s, 12h, 7d or never; else a day'
complete -c warren -n '__warren_is invite' -s t -l tag -x -d 'a tag for who comes; may be given again'
complete -c warren -n '__warren_is invite' -s n -l name -x -d 'how who comes is called'
complete -c warren -n '__warren_is invite' -l list -d 'invitations that were made here and still hold'
complete -c warren -n '__warren_is invite' -l revoke -x -d 'take one back'

complete -c warren -n '__warren_is admit' -s i -l interface -x -a '(__warren_interfaces)' -d 'which membership; needless if there is one'
complete -c warren -n '__warren_is admit' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is admit' -l mesh -x -d 'which mesh, by its name; needless if there is one'
complete -c warren -n '__warren_is admit' -l json -d 'print JSON'
complete -c warren -n '__warren_is admit' -s t -l tag -x -d 'a tag for it; may be given again'
complete -c warren -n '__warren_is admit' -s n -l name -x -d 'how it is called'
complete -c warren -n '__warren_is admit' -l expires -x -d '90s, 12h, 7d or never, which is usual'
complete -c warren -n '__warren_is admit' -l close -d 'admit all members, then nobody uninvited'

complete -c warren -n '__warren_is revoke' -s i -l interface -x -a '(__warren_interfaces)' -d 'which membership; needless if there is one'
complete -c warren -n '__warren_is revoke' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is revoke' -l mesh -x -d 'which mesh, by its name; needless if there is one'
complete -c warren -n '__warren_is revoke' -a 'WHO ID'

complete -c warren -n '__warren_is join' -s i -l interface -x -a '(__warren_interfaces)' -d 'which membership; needless if there is one'
complete -c warren -n '__warren_is join' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is join' -s f -l foreground -d 'run the agent here, not in the background'
complete -c warren -n '__warren_is join' -l no-start -d 'join, and do not start the agent'
complete -c warren -n '__warren_is join' -s n -l name -x -d 'the machine\'s name there; else the host\'s'
complete -c warren -n '__warren_is join' -l port -x -d 'UDP port of WireGuard; else any that is free'
complete -c warren -n '__warren_is join' -l backend -x -a 'auto kernel engine' -d 'what carries the packets'
complete -c warren -n '__warren_is join' -l names -x -a 'auto resolved hosts off' -d 'where names of machines are put'
complete -c warren -n '__warren_is join' -l accept-routes -d 'use the ranges behind other machines'
complete -c warren -n '__warren_is join' -l advertise -x -d 'be the router for this range; may be given again'
complete -c warren -n '__warren_is join' -l masquerade -d 'as a router, with our own address towards the range'

complete -c warren -n '__warren_is leave' -s i -l interface -x -a '(__warren_interfaces)' -d 'which membership; needless if there is one'
complete -c warren -n '__warren_is leave' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is leave' -l force -d 'also where the server cannot be told'

complete -c warren -n '__warren_is status' -s i -l interface -x -a '(__warren_interfaces)' -d 'which membership; needless if there is one'
complete -c warren -n '__warren_is status' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is status' -l mesh -x -d 'which mesh, by its name; needless if there is one'
complete -c warren -n '__warren_is status' -l json -d 'print JSON'

complete -c warren -n '__warren_is peers' -s i -l interface -x -a '(__warren_interfaces)' -d 'which membership; needless if there is one'
complete -c warren -n '__warren_is peers' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is peers' -l mesh -x -d 'which mesh, by its name; needless if there is one'
complete -c warren -n '__warren_is peers' -l json -d 'print JSON'

complete -c warren -n '__warren_is ip' -s i -l interface -x -a '(__warren_interfaces)' -d 'which membership; needless if there is one'
complete -c warren -n '__warren_is ip' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is ip' -l mesh -x -d 'which mesh, by its name; needless if there is one'
complete -c warren -n '__warren_is ip' -l json -d 'print JSON'

complete -c warren -n '__warren_is ping' -s i -l interface -x -a '(__warren_interfaces)' -d 'which membership; needless if there is one'
complete -c warren -n '__warren_is ping' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is ping' -l mesh -x -d 'which mesh, by its name; needless if there is one'
complete -c warren -n '__warren_is ping' -l json -d 'print JSON'
complete -c warren -n '__warren_is ping' -s c -l count -x -d 'so many, also when it is direct'
complete -c warren -n '__warren_is ping' -a '(__warren_names machine)'

complete -c warren -n '__warren_is whois' -s i -l interface -x -a '(__warren_interfaces)' -d 'which membership; needless if there is one'
complete -c warren -n '__warren_is whois' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is whois' -l mesh -x -d 'which mesh, by its name; needless if there is one'
complete -c warren -n '__warren_is whois' -l json -d 'print JSON'

complete -c warren -n '__warren_is netcheck' -s i -l interface -x -a '(__warren_interfaces)' -d 'which membership; needless if there is one'
complete -c warren -n '__warren_is netcheck' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is netcheck' -l mesh -x -d 'which mesh, by its name; needless if there is one'
complete -c warren -n '__warren_is netcheck' -l json -d 'print JSON'

complete -c warren -n '__warren_is refresh' -s i -l interface -x -a '(__warren_interfaces)' -d 'which membership; needless if there is one'
complete -c warren -n '__warren_is refresh' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is refresh' -l mesh -x -d 'which mesh, by its name; needless if there is one'
complete -c warren -n '__warren_is refresh' -l accept -d 'obey also a database that is older than was known'

complete -c warren -n '__warren_is rotate' -s i -l interface -x -a '(__warren_interfaces)' -d 'which membership; needless if there is one'
complete -c warren -n '__warren_is rotate' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'

complete -c warren -n '__warren_is advertise' -s i -l interface -x -a '(__warren_interfaces)' -d 'which membership; needless if there is one'
complete -c warren -n '__warren_is advertise' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is advertise' -l mesh -x -d 'which mesh, by its name; needless if there is one'

complete -c warren -n '__warren_is agent' -s i -l interface -x -a '(__warren_interfaces)' -d 'which membership; needless if there is one'
complete -c warren -n '__warren_is agent' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is agent' -s f -l foreground -d 'stay in the foreground'

complete -c warren -n '__warren_ends org' -a create -d 'make an organisation: a network of its own'
complete -c warren -n '__warren_ends org' -a list -d 'the organisations that you may see'
complete -c warren -n '__warren_ends org' -a show -d 'all about an organisation'
complete -c warren -n '__warren_ends org' -a change -d 'rename, disable or enable an organisation, or set its quota'
complete -c warren -n '__warren_ends org' -a delete -d 'delete an organisation and all that is its'

complete -c warren -n '__warren_is org create' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is org create' -l json -d 'print JSON'
complete -c warren -n '__warren_is org create' -l network -x -d 'its range, and one of IPv6 where given again'
complete -c warren -n '__warren_is org create' -l quota -x -d 'how many machines it may have'

complete -c warren -n '__warren_is org list' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is org list' -l json -d 'print JSON'

complete -c warren -n '__warren_is org show' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is org show' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is org show' -l json -d 'print JSON'
complete -c warren -n '__warren_is org show' -a '(__warren_names org)'

complete -c warren -n '__warren_is org change' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is org change' -l json -d 'print JSON'
complete -c warren -n '__warren_is org change' -l name -x -d 'another name'
complete -c warren -n '__warren_is org change' -l quota -x -d 'how many machines it may have'
complete -c warren -n '__warren_is org change' -l disable -d 'let none of its machines in, until it is enabled'
complete -c warren -n '__warren_is org change' -l enable -d 'let its machines in again'
complete -c warren -n '__warren_is org change' -a '(__warren_names org)'

complete -c warren -n '__warren_is org delete' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is org delete' -s y -l yes -d 'do not ask'
complete -c warren -n '__warren_is org delete' -a '(__warren_names org)'

complete -c warren -n '__warren_ends machine' -a add -d 'add a machine; prints its configuration for wg-quick'
complete -c warren -n '__warren_ends machine' -a approve -d 'let machines in that joined by a key that asks for it'
complete -c warren -n '__warren_ends machine' -a list -d 'the machines of an organisation'
complete -c warren -n '__warren_ends machine' -a show -d 'all about a machine'
complete -c warren -n '__warren_ends machine' -a rename -d 'give a machine another name'
complete -c warren -n '__warren_ends machine' -a tag -d 'add tags to a machine, or take some away'
complete -c warren -n '__warren_ends machine' -a route -d 'add ranges that are reached by a machine, or take some away'
complete -c warren -n '__warren_ends machine' -a rotate -d 'give a machine a new key; prints its new configuration'
complete -c warren -n '__warren_ends machine' -a disable -d 'let a machine in no more, until it is enabled'
complete -c warren -n '__warren_ends machine' -a enable -d 'let a disabled machine in again'
complete -c warren -n '__warren_ends machine' -a expire -d 'let a machine in for so long: 12h, 30d; never'
complete -c warren -n '__warren_ends machine' -a remove -d 'take machines out, for good'

complete -c warren -n '__warren_is machine add' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is machine add' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is machine add' -l json -d 'print JSON'
complete -c warren -n '__warren_is machine add' -l qr -d 'a QR code, for the WireGuard app'
complete -c warren -n '__warren_is machine add' -s o -l output -r -F -d 'into a new file, mode 0600'
complete -c warren -n '__warren_is machine add' -l public-key -x -d 'its public key; the private one stays there'
complete -c warren -n '__warren_is machine add' -s t -l tag -x -d 'a tag; may be given again'
complete -c warren -n '__warren_is machine add' -l address -x -d 'this address, not the next free one'
complete -c warren -n '__warren_is machine add' -l route -x -d 'a range behind it; may be given again'
complete -c warren -n '__warren_is machine add' -l expires -x -d 'it may join for so long: 12h, 30d'
complete -c warren -n '__warren_is machine add' -l preshared-key -d 'with a preshared key, too'

complete -c warren -n '__warren_is machine approve' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is machine approve' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is machine approve' -l json -d 'print JSON'
complete -c warren -n '__warren_is machine approve' -a '(__warren_names machine)'

complete -c warren -n '__warren_is machine list' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is machine list' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is machine list' -l json -d 'print JSON'
complete -c warren -n '__warren_is machine list' -l tag -x -d 'only those with this tag'
complete -c warren -n '__warren_is machine list' -l name -x -d 'only those of this name'
complete -c warren -n '__warren_is machine list' -l state -x -a 'online offline never disabled expired pending' -d 'only those in this state'

complete -c warren -n '__warren_is machine show' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is machine show' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is machine show' -l json -d 'print JSON'
complete -c warren -n '__warren_is machine show' -a '(__warren_names machine)'

complete -c warren -n '__warren_is machine rename' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is machine rename' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is machine rename' -l json -d 'print JSON'
complete -c warren -n '__warren_is machine rename' -a '(__warren_names machine)'

complete -c warren -n '__warren_is machine tag' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is machine tag' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is machine tag' -l json -d 'print JSON'
complete -c warren -n '__warren_is machine tag' -l remove -x -d 'take this tag away; may be given again'
complete -c warren -n '__warren_is machine tag' -a '(__warren_names machine)'

complete -c warren -n '__warren_is machine route' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is machine route' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is machine route' -l json -d 'print JSON'
complete -c warren -n '__warren_is machine route' -l remove -x -d 'take this range away; may be given again'
complete -c warren -n '__warren_is machine route' -a '(__warren_names machine)'

complete -c warren -n '__warren_is machine rotate' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is machine rotate' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is machine rotate' -l json -d 'print JSON'
complete -c warren -n '__warren_is machine rotate' -l qr -d 'a QR code, for the WireGuard app'
complete -c warren -n '__warren_is machine rotate' -s o -l output -r -F -d 'into a new file, mode 0600'
complete -c warren -n '__warren_is machine rotate' -l public-key -x -d 'its public key; the private one stays there'
complete -c warren -n '__warren_is machine rotate' -a '(__warren_names machine)'

complete -c warren -n '__warren_is machine disable' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is machine disable' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is machine disable' -l json -d 'print JSON'
complete -c warren -n '__warren_is machine disable' -a '(__warren_names machine)'

complete -c warren -n '__warren_is machine enable' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is machine enable' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is machine enable' -l json -d 'print JSON'
complete -c warren -n '__warren_is machine enable' -a '(__warren_names machine)'

complete -c warren -n '__warren_is machine expire' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is machine expire' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is machine expire' -l json -d 'print JSON'
complete -c warren -n '__warren_is machine expire' -a '(__warren_names machine)'

complete -c warren -n '__warren_is machine remove' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is machine remove' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is machine remove' -a '(__warren_names machine)'

complete -c warren -n '__warren_ends key' -a create -d 'make a join key; prints it, this once'
complete -c warren -n '__warren_ends key' -a list -d 'join keys, without their secrets'
complete -c warren -n '__warren_ends key' -a revoke -d 'end a join key; who joined by it stays'

complete -c warren -n '__warren_is key create' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is key create' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is key create' -l json -d 'print JSON'
complete -c warren -n '__warren_is key create' -l qr -d 'a QR code, not text'
complete -c warren -n '__warren_is key create' -s t -l tag -x -d 'a tag of who joins by it; may be given again'
complete -c warren -n '__warren_is key create' -l uses -x -d 'how many may join by it, or any; else 1'
complete -c warren -n '__warren_is key create' -l expires -x -d '90s, 12h, 7d or never; else an hour'
complete -c warren -n '__warren_is key create' -l ephemeral -d 'who was gone for ten minutes is removed'
complete -c warren -n '__warren_is key create' -l ephemeral-after -x -d 'who was gone for so long is removed'
complete -c warren -n '__warren_is key create' -l approve -d 'who joins waits: warren machine approve'
complete -c warren -n '__warren_is key create' -l machine -x -d 'for this machine, in its place if it is there'
complete -c warren -n '__warren_is key create' -l comment -x -d 'what it is for'

complete -c warren -n '__warren_is key list' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is key list' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is key list' -l json -d 'print JSON'

complete -c warren -n '__warren_is key revoke' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is key revoke' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'

complete -c warren -n '__warren_ends route' -a list -d 'routes and their routers; one of several is active'
complete -c warren -n '__warren_ends route' -a approve -d 'let a machine be the router that it offers to be'
complete -c warren -n '__warren_ends route' -a reject -d 'say no to a route that a machine offers, or no more'
complete -c warren -n '__warren_ends route' -a add -d 'set a route behind a machine, in its agent\'s place'
complete -c warren -n '__warren_ends route' -a remove -d 'take a route away, and what was decided about it'

complete -c warren -n '__warren_is route list' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is route list' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is route list' -l json -d 'print JSON'

complete -c warren -n '__warren_is route approve' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is route approve' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is route approve' -l json -d 'print JSON'
complete -c warren -n '__warren_is route approve' -a '(__warren_names machine)'

complete -c warren -n '__warren_is route reject' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is route reject' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is route reject' -l json -d 'print JSON'
complete -c warren -n '__warren_is route reject' -a '(__warren_names machine)'

complete -c warren -n '__warren_is route add' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is route add' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is route add' -l json -d 'print JSON'
complete -c warren -n '__warren_is route add' -a '(__warren_names machine)'

complete -c warren -n '__warren_is route remove' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is route remove' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is route remove' -l json -d 'print JSON'
complete -c warren -n '__warren_is route remove' -a '(__warren_names machine)'

complete -c warren -n '__warren_ends dns' -a list -d 'names besides the machines\' own'
complete -c warren -n '__warren_ends dns' -a add -d 'give addresses a name in the network'
complete -c warren -n '__warren_ends dns' -a remove -d 'take a name away, or some of its addresses'

complete -c warren -n '__warren_is dns list' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is dns list' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is dns list' -l json -d 'print JSON'

complete -c warren -n '__warren_is dns add' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is dns add' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is dns add' -l json -d 'print JSON'

complete -c warren -n '__warren_is dns remove' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is dns remove' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'

complete -c warren -n '__warren_ends policy' -a show -d 'print the policy'
complete -c warren -n '__warren_ends policy' -a set -d 'put a file\'s text in force; - is standard input'
complete -c warren -n '__warren_ends policy' -a edit -d 'change the policy in your editor, and put it in force'
complete -c warren -n '__warren_ends policy' -a check -d 'look for faults in a text, and run its tests; changes nothing'
complete -c warren -n '__warren_ends policy' -a why -d 'the line that decides who may open what to whom'
complete -c warren -n '__warren_ends policy' -a allow -d 'put an allow line into the policy'
complete -c warren -n '__warren_ends policy' -a deny -d 'put a deny line into the policy'
complete -c warren -n '__warren_ends policy' -a history -d 'all versions that were saved'
complete -c warren -n '__warren_ends policy' -a diff -d 'what changed between versions; at the last save, if none is named'
complete -c warren -n '__warren_ends policy' -a revert -d 'put an earlier version in force again'

complete -c warren -n '__warren_is policy show' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is policy show' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is policy show' -l json -d 'print JSON'
complete -c warren -n '__warren_is policy show' -s i -l interface -x -a '(__warren_interfaces)' -d 'of the mesh on this interface'
complete -c warren -n '__warren_is policy show' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is policy show' -l mesh -x -d 'of this mesh, not of a server\'s network'
complete -c warren -n '__warren_is policy show' -l version -x -d 'as it was then'

complete -c warren -n '__warren_is policy set' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is policy set' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is policy set' -l json -d 'print JSON'
complete -c warren -n '__warren_is policy set' -s i -l interface -x -a '(__warren_interfaces)' -d 'of the mesh on this interface'
complete -c warren -n '__warren_is policy set' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is policy set' -l mesh -x -d 'of this mesh, not of a server\'s network'
complete -c warren -n '__warren_is policy set' -s m -l comment -x -d 'what changed, for the history'
complete -c warren -n '__warren_is policy set' -l base -x -d 'only if this is still the version in force'
complete -c warren -n '__warren_is policy set' -F

complete -c warren -n '__warren_is policy edit' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is policy edit' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is policy edit' -l json -d 'print JSON'
complete -c warren -n '__warren_is policy edit' -s i -l interface -x -a '(__warren_interfaces)' -d 'of the mesh on this interface'
complete -c warren -n '__warren_is policy edit' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is policy edit' -l mesh -x -d 'of this mesh, not of a server\'s network'
complete -c warren -n '__warren_is policy edit' -s m -l comment -x -d 'what changed, for the history'

complete -c warren -n '__warren_is policy check' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is policy check' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is policy check' -l json -d 'print JSON'
complete -c warren -n '__warren_is policy check' -s i -l interface -x -a '(__warren_interfaces)' -d 'of the mesh on this interface'
complete -c warren -n '__warren_is policy check' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is policy check' -l mesh -x -d 'of this mesh, not of a server\'s network'
complete -c warren -n '__warren_is policy check' -F

complete -c warren -n '__warren_is policy why' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is policy why' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is policy why' -l json -d 'print JSON'
complete -c warren -n '__warren_is policy why' -s i -l interface -x -a '(__warren_interfaces)' -d 'of the mesh on this interface'
complete -c warren -n '__warren_is policy why' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is policy why' -l mesh -x -d 'of this mesh, not of a server\'s network'
complete -c warren -n '__warren_is policy why' -a '(__warren_names machine)'

complete -c warren -n '__warren_is policy allow' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is policy allow' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is policy allow' -l json -d 'print JSON'
complete -c warren -n '__warren_is policy allow' -s i -l interface -x -a '(__warren_interfaces)' -d 'of the mesh on this interface'
complete -c warren -n '__warren_is policy allow' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is policy allow' -l mesh -x -d 'of this mesh, not of a server\'s network'
complete -c warren -n '__warren_is policy allow' -l first -d 'before all other rules, not behind them'
complete -c warren -n '__warren_is policy allow' -s m -l comment -x -d 'what for, for the history'

complete -c warren -n '__warren_is policy deny' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is policy deny' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is policy deny' -l json -d 'print JSON'
complete -c warren -n '__warren_is policy deny' -s i -l interface -x -a '(__warren_interfaces)' -d 'of the mesh on this interface'
complete -c warren -n '__warren_is policy deny' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is policy deny' -l mesh -x -d 'of this mesh, not of a server\'s network'
complete -c warren -n '__warren_is policy deny' -l first -d 'before all other rules, not behind them'
complete -c warren -n '__warren_is policy deny' -s m -l comment -x -d 'what for, for the history'

complete -c warren -n '__warren_is policy history' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is policy history' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is policy history' -l json -d 'print JSON'
complete -c warren -n '__warren_is policy history' -s i -l interface -x -a '(__warren_interfaces)' -d 'of the mesh on this interface'
complete -c warren -n '__warren_is policy history' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is policy history' -l mesh -x -d 'of this mesh, not of a server\'s network'

complete -c warren -n '__warren_is policy diff' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is policy diff' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is policy diff' -l json -d 'print JSON'
complete -c warren -n '__warren_is policy diff' -s i -l interface -x -a '(__warren_interfaces)' -d 'of the mesh on this interface'
complete -c warren -n '__warren_is policy diff' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is policy diff' -l mesh -x -d 'of this mesh, not of a server\'s network'

complete -c warren -n '__warren_is policy revert' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is policy revert' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is policy revert' -l json -d 'print JSON'
complete -c warren -n '__warren_is policy revert' -s i -l interface -x -a '(__warren_interfaces)' -d 'of the mesh on this interface'
complete -c warren -n '__warren_is policy revert' -l state -x -a '(__fish_complete_directories)' -d 'folder of memberships'
complete -c warren -n '__warren_is policy revert' -l mesh -x -d 'of this mesh, not of a server\'s network'

complete -c warren -n '__warren_ends user' -a add -d 'let somebody sign in; prints a password made for them'
complete -c warren -n '__warren_ends user' -a list -d 'who may sign in'
complete -c warren -n '__warren_ends user' -a change -d 'rename, disable or enable somebody, or make them administrator'
complete -c warren -n '__warren_ends user' -a password -d 'set a password: your own, or as administrator another\'s'
complete -c warren -n '__warren_ends user' -a remove -d 'remove somebody, with their sessions and tokens'

complete -c warren -n '__warren_is user add' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is user add' -l json -d 'print JSON'
complete -c warren -n '__warren_is user add' -l name -x -d 'how people call them; the login if not given'
complete -c warren -n '__warren_is user add' -l admin -d 'a site administrator'
complete -c warren -n '__warren_is user add' -l password-stdin -d 'read the password from standard input'

complete -c warren -n '__warren_is user list' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is user list' -l json -d 'print JSON'

complete -c warren -n '__warren_is user change' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is user change' -l json -d 'print JSON'
complete -c warren -n '__warren_is user change' -l name -x -d 'how people call them'
complete -c warren -n '__warren_is user change' -l admin -x -a 'yes no' -d 'make them a site administrator: yes or no'
complete -c warren -n '__warren_is user change' -l disable -d 'let them in no more, until enabled'
complete -c warren -n '__warren_is user change' -l enable -d 'let them in again'

complete -c warren -n '__warren_is user password' -l socket -r -F -d 'ask the server behind this Unix socket'

complete -c warren -n '__warren_is user remove' -l socket -r -F -d 'ask the server behind this Unix socket'

complete -c warren -n '__warren_ends member' -a list -d 'who may do what'
complete -c warren -n '__warren_ends member' -a set -d 'give a role: owner, admin, operator or viewer'
complete -c warren -n '__warren_ends member' -a remove -d 'take somebody\'s role away'

complete -c warren -n '__warren_is member list' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is member list' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is member list' -l json -d 'print JSON'

complete -c warren -n '__warren_is member set' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is member set' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'

complete -c warren -n '__warren_is member remove' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is member remove' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'

complete -c warren -n '__warren_ends invite-user' -a create -d 'invite one person; prints what to sign up with'
complete -c warren -n '__warren_ends invite-user' -a list -d 'invitations that were not used yet'
complete -c warren -n '__warren_ends invite-user' -a revoke -d 'take an invitation back'

complete -c warren -n '__warren_is invite-user create' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is invite-user create' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is invite-user create' -l json -d 'print JSON'
complete -c warren -n '__warren_is invite-user create' -l role -x -a 'owner admin operator viewer' -d 'what they may do: owner, admin, operator or viewer'
complete -c warren -n '__warren_is invite-user create' -l expires -x -d 'how long it can be used: 12h, 7d'

complete -c warren -n '__warren_is invite-user list' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is invite-user list' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is invite-user list' -l json -d 'print JSON'

complete -c warren -n '__warren_is invite-user revoke' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is invite-user revoke' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'

complete -c warren -n '__warren_ends token' -a create -d 'make a token for a program; prints it, this once'
complete -c warren -n '__warren_ends token' -a list -d 'your tokens'
complete -c warren -n '__warren_ends token' -a revoke -d 'end a token'

complete -c warren -n '__warren_is token create' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is token create' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is token create' -l json -d 'print JSON'
complete -c warren -n '__warren_is token create' -l role -x -a 'owner admin operator viewer' -d 'no more than an owner, admin, operator or viewer may'
complete -c warren -n '__warren_is token create' -l read-only -d 'it changes nothing'
complete -c warren -n '__warren_is token create' -l expires -x -d 'how long it can be used: 12h, 30d'

complete -c warren -n '__warren_is token list' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is token list' -l json -d 'print JSON'

complete -c warren -n '__warren_is token revoke' -l socket -r -F -d 'ask the server behind this Unix socket'

complete -c warren -n '__warren_is audit' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is audit' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is audit' -l json -d 'print JSON'
complete -c warren -n '__warren_is audit' -s a -l all -d 'of the whole server, not of an organisation'
complete -c warren -n '__warren_is audit' -s n -l lines -x -d 'no more than so many; 0: all'
complete -c warren -n '__warren_is audit' -l operation -x -d 'only this, as machine.add'
complete -c warren -n '__warren_is audit' -l actor -x -d 'only what they did'
complete -c warren -n '__warren_is audit' -l target -x -d 'only what was done to it'
complete -c warren -n '__warren_is audit' -l since -x -d 'from this time on: 1h, 7d, 2026-11-22T10:00:00Z'
complete -c warren -n '__warren_is audit' -l until -x -d 'up to this time'

complete -c warren -n '__warren_is events' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is events' -l org -x -a '(__warren_names org)' -d 'organisation; needless if there is only one'
complete -c warren -n '__warren_is events' -l json -d 'print JSON'
complete -c warren -n '__warren_is events' -s a -l all -d 'of the whole server, not of an organisation'
complete -c warren -n '__warren_is events' -l type -x -d 'only this, as machine.online'

complete -c warren -n '__warren_is login' -l login -x -d 'who you are'
complete -c warren -n '__warren_is login' -l pin -x -d 'the certificate that it must show, by its pin'
complete -c warren -n '__warren_is login' -l token -d 'read a token from standard input; sign in with that'

complete -c warren -n '__warren_is sign-up' -l login -x -d 'who you want to be'
complete -c warren -n '__warren_is sign-up' -l pin -x -d 'the certificate that it must show, by its pin'
complete -c warren -n '__warren_is sign-up' -l name -x -d 'how people call you; the login if not given'
complete -c warren -n '__warren_is sign-up' -l organisation -x -d 'make an organisation, too'
complete -c warren -n '__warren_is sign-up' -l invite -d 'with an invitation, read behind the password'


complete -c warren -n '__warren_ends server' -a show -d 'its version, endpoint, and since when it runs'
complete -c warren -n '__warren_ends server' -a repair -d 'compare the hub with what it should be, and mend it, now'
complete -c warren -n '__warren_ends server' -a unlock -d 'change the unlock secret'

complete -c warren -n '__warren_is server show' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is server show' -l json -d 'print JSON'

complete -c warren -n '__warren_is server repair' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is server repair' -l json -d 'print JSON'

complete -c warren -n '__warren_is server unlock' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is server unlock' -l current -r -F -d 'file with the secret as it is'
complete -c warren -n '__warren_is server unlock' -l new -r -F -d 'file with the one that is to be'

complete -c warren -n '__warren_is backup' -l socket -r -F -d 'ask the server behind this Unix socket'
complete -c warren -n '__warren_is backup' -l json -d 'print JSON'
complete -c warren -n '__warren_is backup' -F

complete -c warren -n '__warren_is restore' -l data -x -a '(__fish_complete_directories)' -d 'the server\'s data folder'
complete -c warren -n '__warren_is restore' -F

complete -c warren -n '__warren_is config' -l json -d 'print JSON'
complete -c warren -n '__warren_is config' -l config -r -F -d 'file of settings'
complete -c warren -n '__warren_is config' -l data -x -a '(__fish_complete_directories)' -d 'folder of all that is kept'
complete -c warren -n '__warren_is config' -l api -x -d 'where the API listens'
complete -c warren -n '__warren_is config' -l api-endpoint -x -d 'the API, as machines reach it'
complete -c warren -n '__warren_is config' -l hub-port -x -d 'UDP port of the hub'
complete -c warren -n '__warren_is config' -l stun-port -x -d 'second UDP port for STUN; 0: none'
complete -c warren -n '__warren_is config' -l no-stun -d 'tell nobody what address he comes from'
complete -c warren -n '__warren_is config' -l endpoint -x -d 'the hub, as machines reach it'
complete -c warren -n '__warren_is config' -l network -x -d 'range of new organisations'
complete -c warren -n '__warren_is config' -l cert -r -F -d 'certificate for HTTPS, PEM'
complete -c warren -n '__warren_is config' -l key -r -F -d 'its private key, PEM'
complete -c warren -n '__warren_is config' -l plain -d 'HTTP in the clear, on loopback only'
complete -c warren -n '__warren_is config' -l behind-proxy -d 'a proxy does the TLS, and says who asks'
complete -c warren -n '__warren_is config' -l sign-up -x -a 'closed invite open' -d 'who may: closed, invite or open'
complete -c warren -n '__warren_is config' -l org -x -d 'organisation to make at the first start'
complete -c warren -n '__warren_is config' -l workers -x -d 'threads that carry packets'
complete -c warren -n '__warren_is config' -l unlock-file -r -F -d 'file with the unlock secret'

complete -c warren -n '__warren_is doctor' -l json -d 'print JSON'
complete -c warren -n '__warren_is doctor' -l config -r -F -d 'file of settings'
complete -c warren -n '__warren_is doctor' -l data -x -a '(__fish_complete_directories)' -d 'folder of all that is kept'
complete -c warren -n '__warren_is doctor' -l api -x -d 'where the API listens'
complete -c warren -n '__warren_is doctor' -l api-endpoint -x -d 'the API, as machines reach it'
complete -c warren -n '__warren_is doctor' -l hub-port -x -d 'UDP port of the hub'
complete -c warren -n '__warren_is doctor' -l stun-port -x -d 'second UDP port for STUN; 0: none'
complete -c warren -n '__warren_is doctor' -l no-stun -d 'tell nobody what address he comes from'
complete -c warren -n '__warren_is doctor' -l endpoint -x -d 'the hub, as machines reach it'
complete -c warren -n '__warren_is doctor' -l network -x -d 'range of new organisations'
complete -c warren -n '__warren_is doctor' -l cert -r -F -d 'certificate for HTTPS, PEM'
complete -c warren -n '__warren_is doctor' -l key -r -F -d 'its private key, PEM'
complete -c warren -n '__warren_is doctor' -l plain -d 'HTTP in the clear, on loopback only'
complete -c warren -n '__warren_is doctor' -l behind-proxy -d 'a proxy does the TLS, and says who asks'
complete -c warren -n '__warren_is doctor' -l sign-up -x -a 'closed invite open' -d 'who may: closed, invite or open'
complete -c warren -n '__warren_is doctor' -l org -x -d 'organisation to make at the first start'
complete -c warren -n '__warren_is doctor' -l workers -x -d 'threads that carry packets'
complete -c warren -n '__warren_is doctor' -l unlock-file -r -F -d 'file with the unlock secret'

complete -c warren -n '__warren_is completion' -a 'bash zsh fish'

complete -c warren -n '__warren_is help' -a 'wg serve up down invite admit revoke join leave status peers ip ping whois netcheck refresh rotate advertise agent org machine key route dns policy user member invite-user token audit events login sign-up logout server backup restore config doctor completion help'

complete -c warren-wg -s h -l help -d 'tell how it is used'
complete -c warren-wg -s f -l foreground -d 'stay in the foreground'
complete -c warren-wg -l stats -d 'print the counters of a running interface'
complete -c warren-wg -l json -d 'with --stats: as one JSON object'
complete -c warren-wg -a '(__warren_interfaces)'
