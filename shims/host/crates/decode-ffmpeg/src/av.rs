//! The whole of this crate's `unsafe`: libavcodec, its frames and libswscale behind owning types that free what they hold.

#![expect(unsafe_code, reason = "libavcodec is a C library")]

use std::ffi::CString;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use ffmpeg_sys_next::{AVPixelFormat::*, AVSampleFormat::*, *};
use kinora_port::{DecodeError, PcmSamples, PixelFormat, Plane};

/// Largest picture accepted, luma samples: 8K with room to spare. A size stands in untrusted headers.
const MAX_PIXELS: i64 = 1 << 26;

/// Errors reach the caller as results; libavcodec need not print them too.
pub(crate) fn silence_log() {
    // SAFETY: sets one atomic of the library.
    unsafe { av_log_set_level(AV_LOG_QUIET) }
}

fn error(code: i32) -> DecodeError {
    let mut text = [0u8; AV_ERROR_MAX_STRING_SIZE];
    // SAFETY: the size given is the buffer's; the text is NUL-terminated within it.
    unsafe { av_strerror(code, text.as_mut_ptr().cast(), text.len()) };
    let text = String::from_utf8_lossy(text.split(|&b| b == 0).next().unwrap_or_default()).into_owned();
    match code {
        AVERROR_PATCHWELCOME | AVERROR_DECODER_NOT_FOUND => DecodeError::Unsupported(text),
        _ if code == AVERROR(libc::ENOMEM) || code == AVERROR_BUG || code == AVERROR_EOF => {
            DecodeError::Lost(text)
        }
        // A driver or external library that refuses (AVERROR_EXTERNAL), invalid data and anything else concern the sample at
        // hand; the pipeline replaces a decoder that goes on failing.
        _ => DecodeError::Damaged(text),
    }
}

fn out_of_memory() -> DecodeError {
    DecodeError::Lost("out of memory".into())
}

/// A decoder libavcodec was built with.
#[derive(Clone, Copy)]
pub(crate) struct Codec(NonNull<AVCodec>);

impl Codec {
    pub(crate) fn find(id: AVCodecID) -> Option<Codec> {
        // libavcodec's own AV1 decoder needs hardware, and would be found first where dav1d is registered later.
        if id == AVCodecID::AV_CODEC_ID_AV1 {
            // SAFETY: a literal, and descriptors are static.
            let dav1d = unsafe { avcodec_find_decoder_by_name(c"libdav1d".as_ptr()) };
            if let Some(codec) = NonNull::new(dav1d.cast_mut()) {
                return Some(Codec(codec));
            }
        }
        // SAFETY: a look-up by value; descriptors are static.
        NonNull::new(unsafe { avcodec_find_decoder(id) }.cast_mut()).map(Codec)
    }

    pub(crate) fn name(self) -> String {
        // SAFETY: descriptors are static and carry a NUL-terminated name.
        unsafe { std::ffi::CStr::from_ptr(self.0.as_ref().name) }.to_string_lossy().into_owned()
    }
}

/// A hardware device that decodes, shared by the decoders on it.
pub(crate) struct Device(NonNull<AVBufferRef>);

// SAFETY: an AVBufferRef counts its references atomically, and a hardware device context is documented as usable by
// several decoders on several threads.
unsafe impl Send for Device {}
// SAFETY: as above; `&Device` only makes new references.
unsafe impl Sync for Device {}

impl Device {
    /// The first DRM render node that VAAPI opens.
    pub(crate) fn find() -> Option<Device> {
        (128..132).map(|node| format!("/dev/dri/renderD{node}")).find_map(|path| {
            std::fs::metadata(&path).ok()?;
            let path = CString::new(path).ok()?;
            let mut device = ptr::null_mut();
            // SAFETY: `device` receives an owned reference on success only; the strings outlive the call.
            let result = unsafe {
                av_hwdevice_ctx_create(
                    &mut device,
                    AVHWDeviceType::AV_HWDEVICE_TYPE_VAAPI,
                    path.as_ptr(),
                    ptr::null_mut(),
                    0,
                )
            };
            NonNull::new(device).filter(|_| result >= 0).map(Device)
        })
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let mut reference = self.0.as_ptr();
        // SAFETY: the reference is owned and dropped once.
        unsafe { av_buffer_unref(&mut reference) }
    }
}

/// What a decoder is opened with.
pub(crate) struct Setup<'a> {
    pub(crate) extradata: &'a [u8],
    pub(crate) threads: usize,
    pub(crate) rate_hz: u32,
    pub(crate) channels: u32,
    pub(crate) device: Option<&'a Device>,
}

/// An open decoder.
pub(crate) struct Context {
    context: NonNull<AVCodecContext>,
    packet: Packet,
}

// SAFETY: a codec context may be used from any thread, by one at a time, which `&mut self` ensures.
unsafe impl Send for Context {}

impl Context {
    pub(crate) fn open(codec: Codec, setup: &Setup<'_>) -> Result<Context, DecodeError> {
        // SAFETY: the context is owned by `this` from here on and freed by its Drop, whatever fails below. `extradata` is
        // allocated by av_mallocz with the padding libavcodec asks for, and the context frees it.
        unsafe {
            let context = NonNull::new(avcodec_alloc_context3(codec.0.as_ptr())).ok_or_else(out_of_memory)?;
            let this = Context { context, packet: Packet::new()? };
            let c = &mut *context.as_ptr();
            if !setup.extradata.is_empty() {
                let size = i32::try_from(setup.extradata.len()).map_err(|_| out_of_memory())?;
                c.extradata =
                    av_mallocz(setup.extradata.len() + AV_INPUT_BUFFER_PADDING_SIZE as usize).cast();
                if c.extradata.is_null() {
                    return Err(out_of_memory());
                }
                ptr::copy_nonoverlapping(setup.extradata.as_ptr(), c.extradata, setup.extradata.len());
                c.extradata_size = size;
            }
            c.pkt_timebase = AVRational { num: 1, den: 1_000_000 };
            c.thread_count = i32::try_from(setup.threads).unwrap_or(1);
            c.max_pixels = MAX_PIXELS;
            // A crop that does not end on a SIMD boundary is still a crop.
            c.flags |= AV_CODEC_FLAG_UNALIGNED as i32;
            // Trimming is the samples' (`EncodedSample::trim`), not side data's.
            c.flags2 |= AV_CODEC_FLAG2_SKIP_MANUAL;
            if (*codec.0.as_ptr()).id == AVCodecID::AV_CODEC_ID_H264 {
                // Streams without bitstream_restriction get the reorder depth of their level (H.264 A.3.1) from the first
                // picture on, instead of a guess that grows and loses pictures.
                c.strict_std_compliance = FF_COMPLIANCE_STRICT;
            }
            c.sample_rate = i32::try_from(setup.rate_hz).unwrap_or(0);
            if (1..=64).contains(&setup.channels) {
                av_channel_layout_default(&mut c.ch_layout, setup.channels as i32);
            }
            if let Some(device) = setup.device {
                c.hw_device_ctx = av_buffer_ref(device.0.as_ptr());
            }
            match avcodec_open2(c, codec.0.as_ptr(), ptr::null_mut()) {
                0.. => Ok(this),
                code => Err(match error(code) {
                    DecodeError::Lost(text) => DecodeError::Lost(text),
                    DecodeError::Damaged(text) | DecodeError::Unsupported(text) => {
                        DecodeError::Unsupported(format!("{}: {text}", codec.name()))
                    }
                }),
            }
        }
    }

    /// Feeds a packet with times in microseconds. `false`: take pictures first.
    pub(crate) fn send(&mut self, data: &[u8], pts_us: i64, dts_us: i64) -> Result<bool, DecodeError> {
        // An empty packet would mean the end of the stream to libavcodec.
        if data.is_empty() {
            return Err(DecodeError::Damaged("empty sample".into()));
        }
        let size = i32::try_from(data.len()).map_err(|_| out_of_memory())?;
        let packet = self.packet.0.as_ptr();
        // SAFETY: av_new_packet gives `size` writable bytes plus padding, or fails; the decoder takes its own reference.
        unsafe {
            av_packet_unref(packet);
            if av_new_packet(packet, size) < 0 {
                return Err(out_of_memory());
            }
            ptr::copy_nonoverlapping(data.as_ptr(), (*packet).data, data.len());
            (*packet).pts = pts_us;
            (*packet).dts = dts_us;
            let result = avcodec_send_packet(self.context.as_ptr(), packet);
            av_packet_unref(packet);
            self.sent(result)
        }
    }

    /// States that nothing follows.
    pub(crate) fn drain(&mut self) -> Result<bool, DecodeError> {
        // SAFETY: a null packet is the documented start of draining.
        let result = unsafe { avcodec_send_packet(self.context.as_ptr(), ptr::null()) };
        if result == AVERROR_EOF { Ok(true) } else { self.sent(result) }
    }

    fn sent(&self, result: i32) -> Result<bool, DecodeError> {
        match result {
            0.. => Ok(true),
            _ if result == AVERROR(libc::EAGAIN) => Ok(false),
            code => Err(error(code)),
        }
    }

    /// The next decoded frame, in main memory.
    pub(crate) fn receive(&mut self) -> Result<Option<Frame>, DecodeError> {
        let frame = Frame::new()?;
        // SAFETY: both are valid and exclusively borrowed.
        match unsafe { avcodec_receive_frame(self.context.as_ptr(), frame.0.as_ptr()) } {
            0.. => frame.downloaded().map(Some),
            code if code == AVERROR(libc::EAGAIN) || code == AVERROR_EOF => Ok(None),
            code => Err(error(code)),
        }
    }

    pub(crate) fn flush(&mut self) {
        // SAFETY: the context is open.
        unsafe { avcodec_flush_buffers(self.context.as_ptr()) }
    }

    /// Whether pictures that no other refers to are skipped.
    pub(crate) fn skip_unreferenced(&mut self, on: bool) {
        // SAFETY: a field the caller may change while decoding.
        unsafe {
            (*self.context.as_ptr()).skip_frame =
                if on { AVDiscard::AVDISCARD_NONREF } else { AVDiscard::AVDISCARD_DEFAULT };
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: owned, freed once; frames already given out hold their own references.
        unsafe { avcodec_free_context(&mut context) }
    }
}

struct Packet(NonNull<AVPacket>);

impl Packet {
    fn new() -> Result<Packet, DecodeError> {
        // SAFETY: allocates or returns null.
        NonNull::new(unsafe { av_packet_alloc() }).map(Packet).ok_or_else(out_of_memory)
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        let mut packet = self.0.as_ptr();
        // SAFETY: owned, freed once.
        unsafe { av_packet_free(&mut packet) }
    }
}

/// A decoded frame, immutable once given out.
pub(crate) struct Frame(NonNull<AVFrame>);

// SAFETY: the frame is only read, and its buffers are counted atomically.
unsafe impl Send for Frame {}
// SAFETY: as above.
unsafe impl Sync for Frame {}

impl Drop for Frame {
    fn drop(&mut self) {
        let mut frame = self.0.as_ptr();
        // SAFETY: owned, freed once.
        unsafe { av_frame_free(&mut frame) }
    }
}

impl std::ops::Deref for Frame {
    type Target = AVFrame;
    fn deref(&self) -> &AVFrame {
        // SAFETY: valid as long as `self`, and nothing writes to it.
        unsafe { self.0.as_ref() }
    }
}

impl Frame {
    fn new() -> Result<Frame, DecodeError> {
        // SAFETY: allocates or returns null.
        NonNull::new(unsafe { av_frame_alloc() }).map(Frame).ok_or_else(out_of_memory)
    }

    /// The picture in main memory if it is in a device's.
    fn downloaded(self) -> Result<Frame, DecodeError> {
        if self.hw_frames_ctx.is_null() {
            return Ok(self);
        }
        let copy = Frame::new()?;
        // SAFETY: both frames are valid; cropping a device frame leaves the left and top part to the copy.
        let result = unsafe {
            let copied = av_hwframe_transfer_data(copy.0.as_ptr(), self.0.as_ptr(), 0);
            if copied < 0 {
                copied
            } else {
                av_frame_copy_props(copy.0.as_ptr(), self.0.as_ptr());
                av_frame_apply_cropping(copy.0.as_ptr(), AV_FRAME_CROP_UNALIGNED as i32)
            }
        };
        if result < 0 { Err(DecodeError::Lost("the video device lost a picture".into())) } else { Ok(copy) }
    }

    fn pixel_format(&self) -> AVPixelFormat {
        // SAFETY: `format` of a video frame is an AVPixelFormat of the very library the bindings were made from.
        unsafe { std::mem::transmute::<i32, AVPixelFormat>(self.format) }
    }

    /// The picture in a format of ours, and whether its name says full range.
    pub(crate) fn into_known_format(self) -> Result<(Frame, PixelFormat, bool), DecodeError> {
        let format = self.pixel_format();
        let full = matches!(format, AV_PIX_FMT_YUVJ420P | AV_PIX_FMT_YUVJ422P | AV_PIX_FMT_YUVJ444P);
        let upright = self.linesize.iter().all(|&stride| stride >= 0);
        match known(format) {
            Some(known) if upright => Ok((self, known, full)),
            _ => {
                let (native, known) = nearest(format)?;
                Ok((self.converted(native)?, known, full))
            }
        }
    }

    fn converted(self, to: AVPixelFormat) -> Result<Frame, DecodeError> {
        let copy = Frame::new()?;
        // SAFETY: both frames are valid, `copy` gets buffers for exactly the size and format that the scaler is made for, and the
        // scaler is freed on every path.
        let result = unsafe {
            let out = copy.0.as_ptr();
            (*out).format = to as i32;
            (*out).width = self.width;
            (*out).height = self.height;
            av_frame_copy_props(out, self.0.as_ptr());
            if av_frame_get_buffer(out, 0) < 0 {
                return Err(out_of_memory());
            }
            let flags = SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BICUBIC;
            let scaler = sws_getContext(
                self.width,
                self.height,
                self.pixel_format(),
                self.width,
                self.height,
                to,
                flags,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null(),
            );
            if scaler.is_null() {
                return Err(DecodeError::Unsupported("unknown pixel format".into()));
            }
            let rows = sws_scale(
                scaler,
                self.data.as_ptr().cast(),
                self.linesize.as_ptr(),
                0,
                self.height,
                (*out).data.as_ptr(),
                (*out).linesize.as_ptr(),
            );
            sws_freeContext(scaler);
            rows
        };
        if result == self.height { Ok(copy) } else { Err(DecodeError::Damaged("conversion failed".into())) }
    }

    /// The planes of a picture, borrowed from the decoder's own buffers for as long as any plane lives.
    pub(crate) fn into_planes(self) -> Vec<Plane> {
        let frame = Arc::new(self);
        let format = frame.pixel_format();
        // SAFETY: looks up a static descriptor.
        let (planes, chroma_shift) = unsafe {
            let descriptor = av_pix_fmt_desc_get(format);
            (av_pix_fmt_count_planes(format).max(0) as usize, (*descriptor).log2_chroma_h)
        };
        let height = frame.height as usize;
        (0..planes)
            .map(|index| {
                let subsampled = (index == 1 || index == 2) && chroma_shift > 0;
                let rows = if subsampled { height.div_ceil(1 << chroma_shift) } else { height };
                // SAFETY: pure arithmetic on the format.
                let row_bytes = unsafe { av_image_get_linesize(format, frame.width, index as i32) };
                let stride = frame.linesize[index] as usize;
                let len = stride * rows.saturating_sub(1) + row_bytes.max(0) as usize;
                Plane { data: Arc::new(PlaneBytes { frame: frame.clone(), index, len }), offset: 0, stride }
            })
            .collect()
    }

    /// The sound of the frame, interleaved, in its own precision.
    pub(crate) fn pcm(&self) -> Result<PcmSamples, DecodeError> {
        // SAFETY: `format` of an audio frame is an AVSampleFormat of the very library the bindings were made from.
        let format = unsafe { std::mem::transmute::<i32, AVSampleFormat>(self.format) };
        Ok(match format {
            AV_SAMPLE_FMT_U8 | AV_SAMPLE_FMT_U8P => {
                PcmSamples::S16(self.interleaved(format, |x: u8| (i16::from(x) - 128) << 8))
            }
            AV_SAMPLE_FMT_S16 | AV_SAMPLE_FMT_S16P => PcmSamples::S16(self.interleaved(format, |x: i16| x)),
            AV_SAMPLE_FMT_S32 | AV_SAMPLE_FMT_S32P => PcmSamples::S32(self.interleaved(format, |x: i32| x)),
            AV_SAMPLE_FMT_FLT | AV_SAMPLE_FMT_FLTP => PcmSamples::F32(self.interleaved(format, |x: f32| x)),
            AV_SAMPLE_FMT_DBL | AV_SAMPLE_FMT_DBLP => {
                PcmSamples::F32(self.interleaved(format, |x: f64| x as f32))
            }
            _ => return Err(DecodeError::Unsupported("unknown sample format".into())),
        })
    }

    /// `T` must be the element type of `format`.
    fn interleaved<T: Copy, U>(&self, format: AVSampleFormat, convert: impl Fn(T) -> U) -> Vec<U> {
        let frames = self.nb_samples.max(0) as usize;
        let channels = self.ch_layout.nb_channels.max(0) as usize;
        // SAFETY: `extended_data` points to one buffer of `frames x channels` values, or for planar formats to `channels` buffers of
        // `frames` values each, aligned for SIMD.
        unsafe {
            if av_sample_fmt_is_planar(format) == 0 {
                let all = std::slice::from_raw_parts((*self.extended_data).cast::<T>(), frames * channels);
                return all.iter().map(|&x| convert(x)).collect();
            }
            let planes: Vec<&[T]> = (0..channels)
                .map(|c| std::slice::from_raw_parts((*self.extended_data.add(c)).cast::<T>(), frames))
                .collect();
            (0..frames).flat_map(|i| planes.iter().map(move |plane| plane[i])).map(convert).collect()
        }
    }
}

struct PlaneBytes {
    frame: Arc<Frame>,
    index: usize,
    len: usize,
}

impl AsRef<[u8]> for PlaneBytes {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: rows with a stride >= 0 start at `data[index]`; `len` ends with the visible part of the last row, which the
        // decoder allocated; the frame holds the buffer and nobody writes to a frame that was given out.
        unsafe { std::slice::from_raw_parts(self.frame.data[self.index], self.len) }
    }
}

fn known(format: AVPixelFormat) -> Option<PixelFormat> {
    Some(match format {
        AV_PIX_FMT_YUV420P | AV_PIX_FMT_YUVJ420P => PixelFormat::Yuv420p,
        AV_PIX_FMT_YUV422P | AV_PIX_FMT_YUVJ422P => PixelFormat::Yuv422p,
        AV_PIX_FMT_YUV444P | AV_PIX_FMT_YUVJ444P => PixelFormat::Yuv444p,
        AV_PIX_FMT_YUV420P10LE => PixelFormat::Yuv420p10,
        AV_PIX_FMT_YUV422P10LE => PixelFormat::Yuv422p10,
        AV_PIX_FMT_YUV444P10LE => PixelFormat::Yuv444p10,
        AV_PIX_FMT_NV12 => PixelFormat::Nv12,
        AV_PIX_FMT_P010LE => PixelFormat::P010,
        AV_PIX_FMT_GRAY8 => PixelFormat::Gray8,
        AV_PIX_FMT_GRAY10LE => PixelFormat::Gray10,
        AV_PIX_FMT_GBRP => PixelFormat::Gbrp,
        _ => return None,
    })
}

/// The format of ours that loses least of another.
fn nearest(format: AVPixelFormat) -> Result<(AVPixelFormat, PixelFormat), DecodeError> {
    // SAFETY: descriptors are static; null for an unknown format.
    let Some(descriptor) = (unsafe { av_pix_fmt_desc_get(format).as_ref() }) else {
        return Err(DecodeError::Unsupported("unknown pixel format".into()));
    };
    let deep = descriptor.comp[0].depth > 8;
    let native = if descriptor.flags & AV_PIX_FMT_FLAG_RGB as u64 != 0 {
        AV_PIX_FMT_GBRP
    } else {
        match (descriptor.nb_components, descriptor.log2_chroma_w > 0, descriptor.log2_chroma_h > 0, deep) {
            (1 | 2, _, _, false) => AV_PIX_FMT_GRAY8,
            (1 | 2, _, _, true) => AV_PIX_FMT_GRAY10LE,
            (_, true, true, false) => AV_PIX_FMT_YUV420P,
            (_, true, true, true) => AV_PIX_FMT_YUV420P10LE,
            (_, true, false, false) => AV_PIX_FMT_YUV422P,
            (_, true, false, true) => AV_PIX_FMT_YUV422P10LE,
            (_, false, _, false) => AV_PIX_FMT_YUV444P,
            (_, false, _, true) => AV_PIX_FMT_YUV444P10LE,
        }
    };
    known(native).map(|known| (native, known)).ok_or_else(|| DecodeError::Unsupported("pixel format".into()))
}
