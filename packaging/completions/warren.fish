# fish completion for warren and warren-wg

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

complete -c warren -f
complete -c warren -n __fish_use_subcommand -a wg -d 'userspace WireGuard interface, configured by wg and wg-quick'
complete -c warren -n __fish_use_subcommand -a help -d 'what there is; with a verb, how it is used'
complete -c warren -n __fish_use_subcommand -l version -d 'tell the version'
complete -c warren -s h -l help -d 'tell how it is used'
complete -c warren -n '__fish_seen_subcommand_from help' -a 'wg help'

complete -c warren -n '__fish_seen_subcommand_from wg' -s f -l foreground -d 'stay in the foreground'
complete -c warren -n '__fish_seen_subcommand_from wg' -l stats -d 'print the counters of a running interface'
complete -c warren -n '__fish_seen_subcommand_from wg' -l json -d 'with --stats: as one JSON object'
complete -c warren -n '__fish_seen_subcommand_from wg' -a '(__warren_interfaces)'

complete -c warren-wg -f
complete -c warren-wg -s f -l foreground -d 'stay in the foreground'
complete -c warren-wg -l stats -d 'print the counters of a running interface'
complete -c warren-wg -l json -d 'with --stats: as one JSON object'
complete -c warren-wg -s h -l help -d 'tell how it is used'
complete -c warren-wg -a '(__warren_interfaces)'
