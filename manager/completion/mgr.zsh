#compdef mgr swift-init
# zsh completion for mgr(1). `mgr __complete` knows what the words mean; here is
# only what zsh wants to be told.

_mgr() {
	local mgr=mgr row word help
	local -a rows list
	[[ $words[1] != */mgr ]] || mgr=${words[1]/#\~\//$HOME/}
	local line="${(j: :)words[1,CURRENT-1]} $QIPREFIX$IPREFIX$PREFIX"
	rows=("${(@f)$(command $mgr __complete zsh $line 2>/dev/null)}")
	for row in $rows; do
		word=${row%%$'\t'*} help=${row#*$'\t'}
		case $word in
		/files)
			compset -P "${(b)help}"
			_files
			return
			;;
		/directories)
			compset -P "${(b)help}"
			_files -/
			return
			;;
		esac
		list+=(${word//:/\\:}${help:+:$help})
	done
	_describe -V mgr list
}

# Loaded by compinit this file is the body of the function; sourced it is not.
if [[ $funcstack[1] = _mgr ]]; then
	_mgr "$@"
else
	compdef _mgr mgr swift-init
fi
