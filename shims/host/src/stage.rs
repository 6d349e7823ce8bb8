//! What is on the screen: the retained list and the images, shared by the core's thread, which commits, and the presenting
//! thread, which draws.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use kinora_display_list::{Draw, List, MilliPx, Shape};
use kinora_pipeline::Pipeline;
use kinora_port::{HostUs, ImageStore, VideoFrame};

/// Image memory, bytes of pixels.
const IMAGE_BYTES: usize = 64 << 20;

/// The retained picture.
pub struct Stage {
    list: Mutex<List>,
    /// Read-locked while drawing: a commit that changes images waits for the frame to be finished, playback does not.
    images: RwLock<ImageStore>,
    /// How often they have changed.
    image_changes: AtomicU64,
    pipeline: Arc<Pipeline>,
}

/// The picture at one moment.
#[derive(Default)]
pub struct Scene {
    /// The evaluated display list.
    pub draws: Vec<Draw>,
    /// The frame each timeline shows.
    pub videos: Vec<(u64, Option<Arc<VideoFrame>>)>,
    /// How often the images had changed.
    pub image_changes: u64,
    /// When it next changes by itself; a commit may change it sooner.
    pub next_change: Option<HostUs>,
    /// A timeline has no later picture yet: ask again when the pipeline reports activity.
    pub waiting: bool,
}

impl Stage {
    /// An empty stage for the timelines of `pipeline`.
    pub fn new(pipeline: Arc<Pipeline>) -> Arc<Self> {
        let images = RwLock::new(ImageStore::new(IMAGE_BYTES));
        Arc::new(Stage { list: Mutex::default(), images, image_changes: AtomicU64::new(0), pipeline })
    }

    /// What the screen shows at `at_us` (of a refresh, with the period until the next; 0 for a screen without one).
    pub fn scene(&self, at_us: HostUs, period_us: u64) -> Scene {
        let media = |timeline| self.pipeline.media_at(timeline, at_us);
        let list = self.list().clone();
        let draws = list.draw(at_us, &media);
        let mut next_change = list.next_change(at_us, &|timeline| {
            Some((media(timeline)?, self.pipeline.anchor(timeline)?.rate_permille))
        });
        let (mut videos, mut waiting) = (Vec::new(), false);
        for draw in &draws {
            if let Shape::Video { timeline, .. } = draw.shape {
                let shown = self.pipeline.frame_at(timeline, at_us, period_us);
                next_change = [next_change, shown.next_change].into_iter().flatten().min();
                waiting |= shown.next_change.is_none();
                videos.push((timeline, shown.frame));
            }
        }
        let image_changes = self.image_changes.load(Ordering::Acquire);
        Scene { draws, videos, image_changes, next_change, waiting }
    }

    /// The images, to draw with: taken before the scene, so that both are of one commit; release soon.
    pub fn images(&self) -> RwLockReadGuard<'_, ImageStore> {
        self.images.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn images_mut(&self) -> RwLockWriteGuard<'_, ImageStore> {
        self.image_changes.fetch_add(1, Ordering::Release);
        self.images.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a list shows anything, and the timelines whose pictures it shows.
    pub(crate) fn shown(&self, list: &List, at_us: HostUs) -> (bool, Vec<u64>) {
        let draws = list.draw(at_us, &|timeline| self.pipeline.media_at(timeline, at_us));
        let video = |draw: &Draw| match draw.shape {
            Shape::Video { timeline, .. } => Some(timeline),
            _ => None,
        };
        (!draws.is_empty(), draws.iter().filter_map(video).collect())
    }

    /// The retained list; cheap to clone.
    pub(crate) fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hit id under a point.
    pub(crate) fn hit(&self, x: MilliPx, y: MilliPx, at_us: HostUs) -> u64 {
        let list = self.list().clone();
        list.hit(x, y, at_us, &|timeline| self.pipeline.media_at(timeline, at_us))
    }
}
