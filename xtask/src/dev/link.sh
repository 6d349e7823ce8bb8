#!/bin/sh
# The linker of `cargo xtask dev`, called by rustc with its tools' folder in PATH: data and code of the interface come last in the module. When
# they grow, the addresses of all else stay, and the player has only to compile what was changed.
for argument; do
	shift
	case $argument in
	*/libkinora_ui-*.rlib) interface=$argument ;;
	*) set -- "$@" "$argument" ;;
	esac
done
exec rust-lld "$@" "$interface"
