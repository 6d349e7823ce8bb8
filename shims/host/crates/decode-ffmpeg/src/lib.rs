//! kinora-decode-ffmpeg.
