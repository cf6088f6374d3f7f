# Completion for bash. The program itself knows what may stand where: commands, options, lanes, feeds, files, states.
_sallyport() {
  local typed=${COMP_WORDS[COMP_CWORD]}
  mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  # Paths are the shell's own: after --config, and for what `try` takes.
  if [ ${#COMPREPLY[@]} -eq 0 ] && [[ $typed != -* ]]; then
    case "${COMP_WORDS[COMP_CWORD - 1]} ${COMP_WORDS[*]}" in
      -c\ * | --config\ * | *\ try\ *) mapfile -t COMPREPLY < <(compgen -f -- "$typed") ;;
    esac
  fi
}
complete -F _sallyport sallyport
