#compdef sallyport
# Completion for zsh. The program itself knows what may stand where; where it has nothing to offer, paths are meant.
local -a candidates
candidates=(${(f)"$("$words[1]" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
if (( $#candidates )); then compadd -a candidates; else _files; fi
