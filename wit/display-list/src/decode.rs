use crate::encode::MAGIC;
use crate::model::*;

/// Deepest nesting of groups.
const MAX_DEPTH: u32 = 16;

/// Why a patch is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// Does not begin with the magic of this version.
    NotADisplayList,
    /// Ends inside a record, or bytes follow the last one.
    Length,
    /// A tag or flag that this version does not know.
    UnknownTag,
    /// Groups nest too deep.
    TooDeep,
    /// Keys or stops out of order, or none at all; a video inside a group.
    Structure,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Malformed::NotADisplayList => "not a display list of version 1",
            Malformed::Length => "display list ends early or late",
            Malformed::UnknownTag => "display list holds an unknown tag",
            Malformed::TooDeep => "display list nests groups too deep",
            Malformed::Structure => "display list has an impossible structure",
        })
    }
}

impl std::error::Error for Malformed {}

/// Unpacks a patch. Memory used is bounded by the patch's length, whatever counts it claims.
pub fn decode(patch: &[u8]) -> Result<Vec<Layer>, Malformed> {
    Ok(decode_sized(patch)?.into_iter().map(|(layer, _)| layer).collect())
}

/// Each layer with its packed size.
pub(crate) fn decode_sized(patch: &[u8]) -> Result<Vec<(Layer, usize)>, Malformed> {
    let mut input = Reader(patch);
    if input.array()? != *MAGIC {
        return Err(Malformed::NotADisplayList);
    }
    let mut layers = Vec::new();
    for _ in 0..input.u32()? {
        let before = input.0.len();
        let (id, z) = (input.u32()?, input.i32()?);
        let layer = Layer { id, z, nodes: input.nodes(0)? };
        layers.push((layer, before - input.0.len()));
    }
    if input.0.is_empty() { Ok(layers) } else { Err(Malformed::Length) }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, tail) = self.0.split_first_chunk().ok_or(Malformed::Length)?;
        self.0 = tail;
        Ok(*head)
    }
    fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[b]| b)
    }
    fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }
    fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }
    fn i32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_le_bytes)
    }
    fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }
    fn i64(&mut self) -> Result<i64, Malformed> {
        self.array().map(i64::from_le_bytes)
    }
    fn rect(&mut self) -> Result<Rect, Malformed> {
        Ok(Rect { x: self.i32()?, y: self.i32()?, w: self.i32()?, h: self.i32()? })
    }

    fn nodes(&mut self, depth: u32) -> Result<Vec<Node>, Malformed> {
        let mut nodes = Vec::new();
        for _ in 0..self.u32()? {
            nodes.push(match self.u8()? {
                1 if depth == MAX_DEPTH => return Err(Malformed::TooDeep),
                1 => Node::Group(self.group(depth + 1)?),
                2 => Node::Rect(RoundRect {
                    rect: self.rect()?,
                    radius: self.i32()?,
                    fill: self.fill()?,
                    border: (self.i32()?, self.u32()?),
                }),
                3 => Node::Shadow(Shadow {
                    rect: self.rect()?,
                    radius: self.i32()?,
                    sigma: self.i32()?,
                    color: self.u32()?,
                }),
                4 => Node::Image(Image {
                    key: self.u64()?,
                    rect: self.rect()?,
                    source: (self.u32()?, self.u32()?, self.u32()?, self.u32()?),
                    radius: self.i32()?,
                    tint: self.u32()?,
                }),
                5 => Node::Glyphs(self.glyphs()?),
                6 if depth > 0 => return Err(Malformed::Structure),
                6 => Node::Video(Video {
                    timeline: self.u64()?,
                    rect: self.rect()?,
                    fit: match self.u8()? {
                        0 => Fit::Contain,
                        1 => Fit::Cover,
                        2 => Fit::Fill,
                        _ => return Err(Malformed::UnknownTag),
                    },
                }),
                _ => return Err(Malformed::UnknownTag),
            });
        }
        Ok(nodes)
    }

    fn group(&mut self, depth: u32) -> Result<Group, Malformed> {
        let present = self.u8()?;
        if present > 7 {
            return Err(Malformed::UnknownTag);
        }
        let mut group = Group {
            translate: (self.i32()?, self.i32()?),
            origin: (self.i32()?, self.i32()?),
            scale_permille: self.i32()?,
            rotate_millideg: self.i32()?,
            opacity_permille: self.i32()?,
            ..Group::default()
        };
        if present & 1 != 0 {
            group.clip = Some((self.rect()?, self.i32()?));
        }
        if present & 2 != 0 {
            group.hit = Some((self.u64()?, self.rect()?));
        }
        if present & 4 != 0 {
            group.visible = Some((self.u64()?, self.i64()?, self.i64()?));
        }
        for _ in 0..self.u32()? {
            group.bindings.push(self.binding()?);
        }
        group.children = self.nodes(depth)?;
        Ok(group)
    }

    fn binding(&mut self) -> Result<Binding, Malformed> {
        let property = match self.u8()? {
            0 => Property::Opacity,
            1 => Property::TranslateX,
            2 => Property::TranslateY,
            3 => Property::Scale,
            4 => Property::Rotate,
            5 => Property::ClipWidth,
            _ => return Err(Malformed::UnknownTag),
        };
        let curve = match self.u8()? {
            0 => Curve::Linear,
            1 => Curve::EaseOut,
            2 => Curve::EaseInOut,
            3 => Curve::Spring,
            4 => Curve::Step,
            _ => return Err(Malformed::UnknownTag),
        };
        let clock = match self.u64()? {
            0 => Clock::Host,
            timeline => Clock::Media(timeline),
        };
        let repeat_us = self.u32()?;
        let mut keys: Vec<Key> = Vec::new();
        for _ in 0..self.u32()? {
            let key = Key { at_us: self.i64()?, value: self.i32()? };
            if keys.last().is_some_and(|last| last.at_us >= key.at_us) {
                return Err(Malformed::Structure);
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(Malformed::Structure);
        }
        Ok(Binding { property, clock, keys, curve, repeat_us })
    }

    fn fill(&mut self) -> Result<Fill, Malformed> {
        let vertical = match self.u8()? {
            0 => return Ok(Fill::Solid(self.u32()?)),
            1 => false,
            2 => true,
            _ => return Err(Malformed::UnknownTag),
        };
        let mut stops: Vec<(u32, Color)> = Vec::new();
        for _ in 0..self.u32()? {
            let stop = (self.u32()?, self.u32()?);
            if stop.0 > 1000 || stops.last().is_some_and(|last| last.0 > stop.0) {
                return Err(Malformed::Structure);
            }
            stops.push(stop);
        }
        if stops.len() < 2 { Err(Malformed::Structure) } else { Ok(Fill::Linear { vertical, stops }) }
    }

    fn glyphs(&mut self) -> Result<Glyphs, Malformed> {
        let (page, color) = (self.u64()?, self.u32()?);
        let mut glyphs = Vec::new();
        for _ in 0..self.u32()? {
            glyphs.push(Glyph {
                x: self.i32()?,
                y: self.i32()?,
                source_x: self.u16()?,
                source_y: self.u16()?,
                w: self.u16()?,
                h: self.u16()?,
            });
        }
        Ok(Glyphs { page, color, glyphs })
    }
}
