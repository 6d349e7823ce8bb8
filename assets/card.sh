#!/bin/sh
# Makes the words of the host's built-in card (coverage, 880x160 bytes, compressed): the only text a shim shows by itself. Run in this folder.
set -eu
words="drawtext=fontfile=fonts/Inter-SemiBold.ttf:text='The player has stopped working':fontcolor=white:fontsize=44:x=(w-text_w)/2:y=24"
words="$words,drawtext=fontfile=fonts/Inter-Regular.ttf:text='Close it and start it again.':fontcolor=white@0.7:fontsize=30:x=(w-text_w)/2:y=98"
# Video black and white to none and all.
full="lutyuv=y=(val-16)*255/219"
ffmpeg -v error -f lavfi -i "color=black:s=880x160:d=1,format=gray,$words,format=gray,$full" -frames:v 1 -f rawvideo - \
  | zstd -19 -q -f -o ../shims/host/src/card.a8.zst
