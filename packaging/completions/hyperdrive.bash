# Completion of the hyperdrive command in bash. Needs nothing but bash; ids come from the daemon, quietly.

_hyperdrive_commands='submit validate sample list show watch best children hyperparameters metrics config logs events cancel retry replay set delete devices token audit backup doctor report'

# _hyperdrive_options COMMAND: the long options that it takes.
_hyperdrive_options() {
  printf '%s ' --help --state-dir --url --json
  case $1 in
    '') echo --version ;;
    submit) echo --watch ;;
    sample) echo --number ;;
    list) echo --status --experiment --limit ;;
    audit) echo --limit ;;
    best) echo --no-failed --no-canceled --no-inherited ;;
    children) echo --top --reverse --discard-no-metric ;;
    logs | events) echo --follow ;;
    retry) echo --watch --canceled ;;
    replay) echo --policy ;;
    delete) echo --yes ;;
    token) echo --role ;;
    backup) echo --replace ;;
    doctor) echo --min-free ;;
    set) echo --max-total-runs --max-concurrent-runs ;;
    report) echo --step --retry ;;
  esac
}

# _hyperdrive_sweeps PLACE...: ids of the newest sweeps, of the daemon that the command line names.
_hyperdrive_sweeps() {
  local id rest
  echo last
  hyperdrive "$@" list --limit 100 2>/dev/null </dev/null | while read -r id rest; do
    case $id in HD_*) echo "$id" ;; esac
  done
}

# _hyperdrive_devices PLACE...: ids of the machine's devices.
_hyperdrive_devices() {
  local id rest
  hyperdrive "$@" devices 2>/dev/null </dev/null | while read -r id rest; do
    case $id in cpu | GPU-* | nvidia-* | amd-*) echo "$id" ;; esac
  done
}

# _hyperdrive_tokens PLACE...: names of the tokens beside the owner's.
_hyperdrive_tokens() {
  local name rest
  hyperdrive "$@" token list 2>/dev/null </dev/null | while read -r name rest; do
    [ "$name" = TOKEN ] || echo "$name"
  done
}

# Finds what stands in front of the cursor: the command, how many operands follow it, and where the daemon is.
_hyperdrive_read() {
  local i=1 word
  command='' operands=0 place=()
  while [ "$i" -lt "$COMP_CWORD" ]; do
    word=${COMP_WORDS[i]}
    # Bash takes --url=X apart into three words.
    if [ "${COMP_WORDS[i + 1]-}" = = ] && [ "${word#--}" != "$word" ]; then
      case $word in --state-dir | --url) [ $((i + 2)) -lt "$COMP_CWORD" ] && place+=("$word" "${COMP_WORDS[i + 2]}") ;; esac
      i=$((i + 2))
    else
      case $word in
        --state-dir | --url)
          place+=("$word" "${COMP_WORDS[i + 1]-}")
          i=$((i + 1))
          ;;
        --status | --experiment | --limit | --number | --top | --max-total-runs | --max-concurrent-runs | --min-free | --role | --step | --retry | --policy | -n | -s | -p)
          i=$((i + 1))
          ;;
        -*) ;;
        *) if [ -z "$command" ]; then command=$word; else operands=$((operands + 1)); fi ;;
      esac
    fi
    i=$((i + 1))
  done
}

# _hyperdrive_words WORDS CURRENT: those that begin with CURRENT.
_hyperdrive_words() {
  local word
  COMPREPLY=()
  while IFS= read -r word; do
    COMPREPLY+=("$word")
  done < <(compgen -W "$1" -- "$2")
}

# _hyperdrive_files CURRENT [-d]
_hyperdrive_files() {
  local word
  COMPREPLY=()
  compopt -o filenames 2>/dev/null
  while IFS= read -r word; do
    COMPREPLY+=("$word")
  done < <(compgen "${2:--f}" -- "$1")
}

_hyperdrive() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command operands place
  if [ "$current" = = ]; then
    current=
  elif [ "$before" = = ] && [ "$COMP_CWORD" -ge 2 ]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  _hyperdrive_read
  case $before in
    --state-dir)
      _hyperdrive_files "$current" -d
      return
      ;;
    --status)
      _hyperdrive_words 'Starting Running CancelRequested Completed Failed Canceled' "$current"
      return
      ;;
    --policy | -p)
      _hyperdrive_words 'bandit,slack_factor=0.1 median_stopping truncation_selection,truncation_percentage=20' "$current"
      return
      ;;
    --role)
      _hyperdrive_words 'read submit admin' "$current"
      return
      ;;
    --url | --experiment | --limit | --number | --top | --max-total-runs | --max-concurrent-runs | --min-free | --step | --retry | -n | -s)
      COMPREPLY=()
      return
      ;;
  esac
  if [ "${current#-}" != "$current" ]; then
    _hyperdrive_words "$(_hyperdrive_options "$command")" "$current"
  elif [ -z "$command" ]; then
    _hyperdrive_words "$_hyperdrive_commands" "$current"
  elif [ "$operands" -eq 1 ] && [ "$command" = devices ]; then
    _hyperdrive_words "$(_hyperdrive_devices ${place[@]+"${place[@]}"})" "$current"
  elif [ "$operands" -eq 1 ] && [ "$command" = token ]; then
    _hyperdrive_words "$(_hyperdrive_tokens ${place[@]+"${place[@]}"})" "$current"
  elif [ "$operands" -gt 0 ] && [ "$command" != retry ]; then
    COMPREPLY=()
  else
    case $command in
      submit | validate | sample | backup) _hyperdrive_files "$current" ;;
      show | watch | best | children | hyperparameters | metrics | config | logs | events | cancel | retry | replay | set | delete)
        _hyperdrive_words "$(_hyperdrive_sweeps ${place[@]+"${place[@]}"})" "$current"
        ;;
      devices) _hyperdrive_words 'drain activate' "$current" ;;
      token) _hyperdrive_words 'create list revoke' "$current" ;;
      *) COMPREPLY=() ;;
    esac
  fi
}

complete -F _hyperdrive hyperdrive
