#!/bin/sh
# Makes the demo clips with FFmpeg alone, so that anyone may use them for anything (CC0). Run in this folder.
# Needs an FFmpeg with libx264, libvpx-vp9, libopus and libfreetype. The results are committed; this is how to change them.
set -eu
quiet="-hide_banner -loglevel error -y"
exact="-fflags +bitexact -flags:v +bitexact -flags:a +bitexact -map_metadata -1"
font=../fonts/Inter-SemiBold.ttf

# A slow chord: partials of A that swell at different speeds, a little wider on each side.
chord() { # SECONDS
  printf "aevalsrc='"
  printf "%s" "0.10*sin(2*PI*110*t)*(0.6+0.4*sin(2*PI*t/7))+0.07*sin(2*PI*164.81*t)*(0.5+0.5*sin(2*PI*t/5+1))+0.05*sin(2*PI*220*t)*(0.5+0.5*sin(2*PI*t/9+2))+0.03*sin(2*PI*329.63*t)*(0.5+0.5*sin(2*PI*t/4+3))"
  printf "|%s" "0.10*sin(2*PI*110.4*t)*(0.6+0.4*sin(2*PI*t/8+1))+0.07*sin(2*PI*164.4*t)*(0.5+0.5*sin(2*PI*t/6))+0.05*sin(2*PI*220.5*t)*(0.5+0.5*sin(2*PI*t/7+1))+0.03*sin(2*PI*329.2*t)*(0.5+0.5*sin(2*PI*t/5+2))"
  printf "':s=48000:d=%s,afade=t=in:d=1.5,afade=t=out:st=%s:d=1.5" "$1" "$(($1 - 2))"
}

# 1. Aurora: curtains of light over a dark sky, computed small and scaled up smoothly. H.264 and AAC in MP4, 24 fps, 20 s.
c1="exp(-pow((Y/H-0.42-0.10*sin(X/W*5+T*0.5)-0.05*sin(X/W*11-T*0.8))*5.5\,2))*(0.65+0.35*sin(X/W*19+T*1.3))"
c2="exp(-pow((Y/H-0.58-0.12*sin(X/W*4-T*0.4+2)-0.04*sin(X/W*13+T*0.7))*6.5\,2))*(0.6+0.4*sin(X/W*23-T*1.1))"
aurora="color=black:s=160x90:r=24:d=20,format=gbrp,geq=r='clip(10+80*($c2)+26*Y/H\,0\,255)':g='clip(13+190*($c1)+50*($c2)+10*Y/H\,0\,255)':b='clip(24+110*($c1)+150*($c2)-8*Y/H\,0\,255)',scale=1280:720:flags=bicubic,vignette=PI/5,format=yuv420p"
ffmpeg $quiet -f lavfi -i "$aurora" -f lavfi -i "$(chord 20)" -c:v libx264 -preset slow -crf 21 -bf 3 -g 48 \
  -color_primaries bt709 -color_trc bt709 -colorspace bt709 -c:a aac -b:a 96k -shortest -movflags +faststart $exact "1 Aurora.mp4"

# 2. Ripples: two sources of waves on dark water. VP9 and Opus in WebM, 30 fps, 12 s.
w1="sin(hypot(X-W*(0.35+0.05*sin(T*0.6))\,Y-H*0.55)*0.56-T*5)/(1+hypot(X-W*0.35\,Y-H*0.55)*0.024)"
w2="sin(hypot(X-W*0.70\,Y-H*(0.40+0.06*cos(T*0.5)))*0.48-T*4)/(1+hypot(X-W*0.70\,Y-H*0.40)*0.024)"
ripples="color=black:s=160x90:r=30:d=12,format=gbrp,geq=r='24+150*pow(0.5+0.27*($w1+$w2)\,2)+60*pow(max(0\,$w1+$w2-0.7)\,2)':g='22+86*pow(0.5+0.27*($w1+$w2)\,2)':b='34+70*pow(0.5+0.27*($w1-$w2)\,2)',scale=1280:720:flags=bicubic,vignette=PI/5,format=yuv420p"
ffmpeg $quiet -f lavfi -i "$ripples" -f lavfi -i "$(chord 12)" -t 12 -color_primaries bt709 -color_trc bt709 -colorspace bt709 \
  -c:v libvpx-vp9 -deadline good -cpu-used 5 -row-mt 1 -crf 36 -b:v 0 -g 60 -c:a libopus -b:a 80k $exact "2 Ripples.webm"

# 3. Flash and beep: a white flash and a 1 kHz beep on every second, a clock of frames and a pointer between. H.264 and AAC, 30 fps, 10 s.
ffmpeg $quiet -f lavfi -i "color=0x0b0d10:s=1280x720:r=30:d=10" -f lavfi -i "color=0xffb454:s=24x32:r=30:d=10" \
  -f lavfi -i "aevalsrc='if(lt(mod(t,1),0.04),0.5*sin(2*PI*1000*t),0)':s=48000:d=10" \
  -filter_complex "[0]drawbox=x=0:y=0:w=1280:h=720:color=white:t=fill:enable='lt(mod(n\,30)\,2)',drawbox=x=160:y=520:w=960:h=4:color=0x3a4048:t=fill,drawtext=fontfile=$font:text='%{eif\:n/30\:d\:2}.%{eif\:mod(n\,30)\:d\:2}':fontsize=150:fontcolor=0xffb454:x=(w-text_w)/2:y=240[clock];[clock][1]overlay=x='148+960*mod(t\,1)':y=506,format=yuv420p[v]" \
  -map "[v]" -map 2:a -c:v libx264 -preset slow -crf 24 -bf 2 -g 30 -color_primaries bt709 -color_trc bt709 -colorspace bt709 -c:a aac -b:a 64k -movflags +faststart $exact "3 Flash and beep.mp4"

# Aurora as HLS: three variants, 4 s segments, fMP4.
rm -rf aurora-hls && mkdir aurora-hls
ffmpeg $quiet -i "1 Aurora.mp4" -filter_complex "[0:v]split=3[a][b][c];[a]scale=426:240[v0];[b]scale=854:480[v1];[c]null[v2]" \
  -map "[v0]" -map "[v1]" -map "[v2]" -map 0:a -c:v libx264 -preset fast -g 96 -keyint_min 96 -sc_threshold 0 \
  -b:v:0 90k -b:v:1 260k -b:v:2 520k -maxrate:v:0 110k -maxrate:v:1 320k -maxrate:v:2 640k -bufsize:v:0 200k -bufsize:v:1 600k -bufsize:v:2 1200k \
  -c:a aac -b:a 64k -f hls -hls_time 4 -hls_playlist_type vod -hls_segment_type fmp4 -hls_flags independent_segments \
  -var_stream_map "v:0,agroup:sound v:1,agroup:sound v:2,agroup:sound a:0,agroup:sound,default:yes,language:en,name:sound" \
  -master_pl_name master.m3u8 $exact -hls_segment_filename "aurora-hls/%v-%d.m4s" "aurora-hls/%v.m3u8"
