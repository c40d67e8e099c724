# bash completion for mgr(1). `mgr __complete` knows what the words mean; here is
# only what bash wants to be told. Needs nothing of the package bash-completion.
# shellcheck shell=bash

_mgr() {
	local mgr=mgr text=$2 word help
	COMPREPLY=()
	[[ $text != [:=] ]] || text= # as sudo's completion passes it on
	[[ $1 != */mgr ]] || mgr=${1/#'~/'/"$HOME/"}
	while IFS=$'\t' read -r word help; do
		case $word in
		/files | /directories)
			_mgr_paths "${word#/}" "$help" "$text"
			return
			;;
		?*) COMPREPLY+=("$word") ;;
		esac
	done <<<"$("$mgr" __complete bash "${COMP_LINE:0:COMP_POINT}" "$text" 2>/dev/null)"
}

# _mgr_paths KIND PREFIX TEXT: bash completes paths better than anybody else, but
# not behind the letter of an option.
_mgr_paths() {
	local path kind=-f
	if [[ -z $2 ]]; then
		if [[ $1 = files ]]; then compopt -o default; else compopt -o dirnames; fi
		return
	fi
	[[ $1 = files ]] || kind=-d
	compopt -o filenames -o nospace
	while read -r path; do
		[[ ! -d ${path/#'~/'/"$HOME/"} ]] || path+=/
		[[ -z $path ]] || COMPREPLY+=("$2$path")
	done <<<"$(compgen "$kind" -- "${3#"$2"}")"
}

complete -F _mgr mgr swift-init
