# Completion of the hyperdrive command in fish. Ids come from the daemon that the command line names, quietly.

set -g __hyperdrive_commands submit validate sample list show watch best children hyperparameters metrics config logs events cancel retry replay set delete devices token audit backup doctor report

# Options of the command line that name the daemon.
function __hyperdrive_place
    set -l words (commandline -opc)
    for i in (seq 2 (count $words))
        switch $words[$i]
            case --state-dir --url
                test $i -lt (count $words); and printf '%s\n' $words[$i] $words[(math $i + 1)]
            case '--state-dir=*' '--url=*'
                printf '%s\n' $words[$i]
        end
    end
end

function __hyperdrive_sweeps
    echo last
    hyperdrive (__hyperdrive_place) list --limit 100 2>/dev/null </dev/null | string match -r '^HD_\S+'
end

function __hyperdrive_devices
    hyperdrive (__hyperdrive_place) devices 2>/dev/null </dev/null | string match -r '^(?:cpu|GPU-\S+|nvidia-\S+|amd-\S+)'
end

function __hyperdrive_tokens
    hyperdrive (__hyperdrive_place) token list 2>/dev/null </dev/null | string match -rv '^TOKEN ' | string match -r '^\S+'
end

function __hyperdrive_needs_command
    not __fish_seen_subcommand_from $__hyperdrive_commands
end

complete -c hyperdrive -f
complete -c hyperdrive -s h -l help -d 'Show help and end'
complete -c hyperdrive -l state-dir -r -a '(__fish_complete_directories)' -d 'Find the daemon by its state folder'
complete -c hyperdrive -l url -x -d 'Address of the daemon'
complete -c hyperdrive -l json -d 'Print JSON instead of text for people'
complete -c hyperdrive -n __hyperdrive_needs_command -s V -l version -d 'Show the version and end'

complete -c hyperdrive -n __hyperdrive_needs_command -a submit -d 'Submit a sweep from a file of JSON or YAML'
complete -c hyperdrive -n __hyperdrive_needs_command -a validate -d 'Check a sweep file, without a daemon'
complete -c hyperdrive -n __hyperdrive_needs_command -a sample -d 'Show the first configurations that a sweep would draw'
complete -c hyperdrive -n __hyperdrive_needs_command -a list -d 'List the sweeps, newest first'
complete -c hyperdrive -n __hyperdrive_needs_command -a show -d 'Show all about a sweep, or about one run'
complete -c hyperdrive -n __hyperdrive_needs_command -a watch -d 'Show the progress of a sweep until it ends'
complete -c hyperdrive -n __hyperdrive_needs_command -a best -d 'Show the best run by the primary metric'
complete -c hyperdrive -n __hyperdrive_needs_command -a children -d 'List the children of a sweep, sorted by the primary metric'
complete -c hyperdrive -n __hyperdrive_needs_command -a hyperparameters -d 'List the hyperparameters of all children'
complete -c hyperdrive -n __hyperdrive_needs_command -a metrics -d 'List the metrics that were reported'
complete -c hyperdrive -n __hyperdrive_needs_command -a config -d 'Print the configuration of a sweep'
complete -c hyperdrive -n __hyperdrive_needs_command -a logs -d 'Print a log of a run, or the log of a sweep'
complete -c hyperdrive -n __hyperdrive_needs_command -a events -d 'Print what happened to all sweeps, or to one'
complete -c hyperdrive -n __hyperdrive_needs_command -a cancel -d 'Cancel a sweep with all its children, or one run'
complete -c hyperdrive -n __hyperdrive_needs_command -a retry -d 'Run what failed again, as a new sweep'
complete -c hyperdrive -n __hyperdrive_needs_command -a replay -d 'Tell what another policy would have made of a sweep'
complete -c hyperdrive -n __hyperdrive_needs_command -a set -d 'Change the limits of a sweep that has not ended'
complete -c hyperdrive -n __hyperdrive_needs_command -a delete -d 'Delete a sweep that has ended, with all its runs and their files'
complete -c hyperdrive -n __hyperdrive_needs_command -a devices -d 'Show slots, CPUs and GPUs; drain a device, or put it back'
complete -c hyperdrive -n __hyperdrive_needs_command -a token -d 'Make a token for somebody else, list the tokens, or revoke one'
complete -c hyperdrive -n __hyperdrive_needs_command -a audit -d 'Show who asked for which change, newest first'
complete -c hyperdrive -n __hyperdrive_needs_command -a backup -d 'Copy the database of the daemon into a file'
complete -c hyperdrive -n __hyperdrive_needs_command -a doctor -d 'Look at an installation and say what is wrong'
complete -c hyperdrive -n __hyperdrive_needs_command -a report -d 'Report metrics of the run that this is called in'

complete -c hyperdrive -n '__fish_seen_subcommand_from submit validate sample backup' -F
complete -c hyperdrive -n '__fish_seen_subcommand_from show watch best children hyperparameters metrics config logs events cancel retry replay set delete' -k -a '(__hyperdrive_sweeps)'

complete -c hyperdrive -n '__fish_seen_subcommand_from devices; and not __fish_seen_subcommand_from drain activate' -a 'drain activate'
complete -c hyperdrive -n '__fish_seen_subcommand_from devices; and __fish_seen_subcommand_from drain activate' -a '(__hyperdrive_devices)'

complete -c hyperdrive -n '__fish_seen_subcommand_from token; and not __fish_seen_subcommand_from create list revoke' -a 'create list revoke'
complete -c hyperdrive -n '__fish_seen_subcommand_from token; and __fish_seen_subcommand_from revoke' -a '(__hyperdrive_tokens)'

complete -c hyperdrive -n '__fish_seen_subcommand_from submit' -s w -l watch -d 'Show the progress until the sweep ends'
complete -c hyperdrive -n '__fish_seen_subcommand_from sample' -s n -l number -x -d 'How many configurations'
complete -c hyperdrive -n '__fish_seen_subcommand_from list' -l status -x -a 'Starting Running CancelRequested Completed Failed Canceled' -d 'Only sweeps with this status'
complete -c hyperdrive -n '__fish_seen_subcommand_from list' -l experiment -x -d 'Only sweeps of this experiment'
complete -c hyperdrive -n '__fish_seen_subcommand_from list audit' -s n -l limit -x -d 'How many'
complete -c hyperdrive -n '__fish_seen_subcommand_from best' -l no-failed -d 'Leave out children that Failed'
complete -c hyperdrive -n '__fish_seen_subcommand_from best' -l no-canceled -d 'Leave out children that were Canceled'
complete -c hyperdrive -n '__fish_seen_subcommand_from best' -l no-inherited -d 'Leave out the sweeps of resume_from'
complete -c hyperdrive -n '__fish_seen_subcommand_from children' -s n -l top -x -d 'How many children; 0 for all'
complete -c hyperdrive -n '__fish_seen_subcommand_from children' -s r -l reverse -d 'Worst first'
complete -c hyperdrive -n '__fish_seen_subcommand_from children' -l discard-no-metric -d 'Leave out children without the primary metric'
complete -c hyperdrive -n '__fish_seen_subcommand_from logs events' -s f -l follow -d 'Go on printing until the end'
complete -c hyperdrive -n '__fish_seen_subcommand_from retry' -s w -l watch -d 'Show the progress until the sweep ends'
complete -c hyperdrive -n '__fish_seen_subcommand_from retry' -l canceled -d 'Also what was cancelled by a user or a limit'
complete -c hyperdrive -n '__fish_seen_subcommand_from replay' -s p -l policy -x -a 'bandit,slack_factor=0.1 median_stopping truncation_selection,truncation_percentage=20' -d 'The policy'
complete -c hyperdrive -n '__fish_seen_subcommand_from set' -l max-total-runs -x -d 'How many runs in all'
complete -c hyperdrive -n '__fish_seen_subcommand_from set' -l max-concurrent-runs -x -d 'How many at once; 0 for as many as there are slots'
complete -c hyperdrive -n '__fish_seen_subcommand_from delete' -s y -l yes -d 'Do not ask'
complete -c hyperdrive -n '__fish_seen_subcommand_from backup' -l replace -d 'Put the new backup in the place of an earlier one'
complete -c hyperdrive -n '__fish_seen_subcommand_from doctor' -l min-free -x -d 'MiB that should be free'
complete -c hyperdrive -n '__fish_seen_subcommand_from token' -l role -x -a 'read submit admin' -d 'What the token may do'
complete -c hyperdrive -n '__fish_seen_subcommand_from report' -s s -l step -x -d 'Step that the values belong to'
complete -c hyperdrive -n '__fish_seen_subcommand_from report' -l retry -x -d 'How long to try, in seconds'
