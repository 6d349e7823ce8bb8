#!/bin/sh
# Makes the two subset fonts of this folder from the npm package inter-ui 4.1.1 (SIL OFL 1.1).
# Needs npm and fonttools with brotli (Debian: fonttools, python3-brotli). The result is the same bytes every time.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm pack --silent inter-ui@4.1.1 >/dev/null
tar xzf inter-ui-4.1.1.tgz

# Latin with Extended-A and the Vietnamese block, combining accents, Greek, Cyrillic, punctuation, superscripts, currency,
# letterlike, arrows, the few mathematical and geometric signs that captions use, musical notes, and the replacement character.
unicodes="U+0020-007E,U+00A0-017F,U+018F,U+0192,U+01A0-01A1,U+01AF-01B0,U+01CD-01DC,U+0218-021B,U+0259,U+02BB-02BC,U+02C6-02C7,\
U+02C9,U+02D8-02DD,U+0300-0304,U+0306-030C,U+0323,U+0326-0328,U+0374-037E,U+0384-03CE,U+0400-045F,U+0490-0493,U+049A-049B,\
U+04A2-04A3,U+04AE-04B1,U+04D8-04D9,U+04E8-04E9,U+1E80-1E85,U+1E9E,U+1EA0-1EF9,U+2000-200B,U+2010-2027,U+202F-203A,U+203D,U+2044,\
U+2070,U+2074-2079,U+20A0-20BF,U+2113,U+2116,U+2117,U+2120-2122,U+2126,U+212E,U+2190-2193,U+2212,U+2215,U+2219,U+221E,U+2248,\
U+2260,U+2264-2265,U+25A0-25A1,U+25B2,U+25B6,U+25BA,U+25BC,U+25C0,U+25CA-25CB,U+25CF,U+2605-2606,U+2669-266F,U+2713,U+FFFD"

for weight in Regular SemiBold; do
  SOURCE_DATE_EPOCH=1700000000 pyftsubset "package/web/Inter-$weight.woff2" --unicodes="$unicodes" \
    --layout-features=ccmp,locl,kern,mark,mkmk,tnum,calt --no-hinting --notdef-outline \
    --name-IDs=0,1,2,4,6,13,14,16,17 --drop-tables+=DSIG,STAT --no-recalc-timestamp --output-file="$here/Inter-$weight.ttf"
done
cp package/LICENSE.txt "$here/OFL.txt"
