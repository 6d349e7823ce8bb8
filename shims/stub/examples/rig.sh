#!/bin/sh
# The command-line rig of `filmstrip` (tests/conformance/rig/command.rs): what the kit asks, as the program takes it.
# FILMSTRIP names the program where it is not in the target folder of this clone.
if [ "$1" = abilities ]; then
    echo see kill mute report status weigh
    exit
fi
here=$(dirname "$0")
program=${FILMSTRIP:-$here/../../../target/debug/examples/filmstrip}
exec "$program" "$1" --core "$2" --store "$3" --film "$4/film" --log 4
