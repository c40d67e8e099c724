# fish completion for mgr(1). `mgr __complete` knows what the words mean; here is
# only what fish wants to be told.

function __mgr_complete
    set -l mgr mgr
    set -l first (commandline -opc)[1]
    if string match -q '*/mgr' -- $first
        set mgr (string replace -r '^~/' "$HOME/" -- $first)
    end
    set -l line (commandline -cp | string collect)
    for row in (command $mgr __complete fish "$line" 2>/dev/null)
        set -l cells (string split -m 1 \t -- $row)
        switch $cells[1]
            case /files /directories
                # As fish completes what follows a command that it does not know,
                # behind what stands before the path in the word.
                set -l path (string sub -s (math 1 + (string length -- "$cells[2]")) -- (commandline -ct))
                set -l found (complete -C "__mgr_path $path" | string replace -r '\t.*' '')
                if test $cells[1] = /directories
                    set found (string match '*/' -- $found)
                end
                for each in $found
                    printf '%s\n' "$cells[2]$each"
                end
            case '*'
                # What a wildcard of the word may match goes on in the description.
                if string match -qr '[*?]' -- (commandline -ct)
                    echo $cells[1]
                else
                    echo $row
                end
        end
    end
end

complete -c mgr -f -a '(__mgr_complete)'
complete -c swift-init -f -a '(__mgr_complete)'
