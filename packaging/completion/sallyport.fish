# Completion for fish. The program itself knows what may stand where; where it has nothing to offer, paths are meant.
function __sallyport_offers
    set -l words (commandline -opc) (commandline -ct)
    $words[1] complete -- $words[2..-1] 2>/dev/null
end
complete -c sallyport -n 'count (__sallyport_offers) >/dev/null' -f -a '(__sallyport_offers)'
