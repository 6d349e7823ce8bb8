//! `display`.

use kinora_display_list::ApplyError;
use kinora_port::{Failure, ImageFormat, Next, code};

use crate::bindings::types;
use crate::convert;
use crate::instance::State;
use crate::turn::ImageCommand;

type Result<T> = std::result::Result<T, types::Failure>;

impl State {
    pub(super) fn display_commit(&mut self, base: u64, next: u64, patch: Vec<u8>) -> Result<()> {
        let turn = self.turn();
        turn.spend().map_err(convert::failure)?;
        turn.world.display_bytes += patch.len() as u64;
        turn.list().apply(base, next, &patch).map_err(|e| convert::failure(refused(&e)))
    }

    pub(super) fn display_put_image(
        &mut self,
        key: u64,
        format: u32,
        width: u32,
        height: u32,
        bytes: Vec<u8>,
    ) -> Result<u64> {
        let format = image_format(format).map_err(convert::failure)?;
        let command = ImageCommand::Put { key, format, size: (width, height), pixels: bytes };
        self.turn().image(command).map_err(convert::failure)
    }

    pub(super) fn display_update_image(
        &mut self,
        key: u64,
        x: u32,
        y: u32,
        w: u32,
        h: u32,
        bytes: Vec<u8>,
    ) -> Result<()> {
        let command = ImageCommand::Update { key, rect: (x, y, w, h), pixels: bytes };
        self.turn().image(command).map(|_| ()).map_err(convert::failure)
    }

    pub(super) fn display_missing_images(&mut self, keys: Vec<u64>) -> Vec<u64> {
        self.turn().missing_images(&keys)
    }

    pub(super) fn display_drop_image(&mut self, key: u64) {
        // Over the call's cap the image stays until it is evicted.
        let _ = self.turn().image(ImageCommand::Drop(key));
    }
}

fn image_format(format: u32) -> std::result::Result<ImageFormat, Failure> {
    match format {
        1 => Ok(ImageFormat::A8),
        2 => Ok(ImageFormat::Rgba8),
        _ => Err(Failure::unsupported(&format!("image format {format}"))),
    }
}

fn refused(error: &ApplyError) -> Failure {
    let (next, code) = match error {
        ApplyError::WrongBase { .. } => (Next::Rebuild, code::INVALID),
        ApplyError::Malformed(_) => (Next::Rebuild, code::MALFORMED),
        ApplyError::TooLarge => (Next::Rebuild, code::OVER_BUDGET),
    };
    Failure::new(next, code, error.to_string())
}
