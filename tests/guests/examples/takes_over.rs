//! Shows the film and does nothing wrong; only its snapshot is of a kind of its own.

use kinora_guests::{Conduct, taking};

struct Takes;

impl Conduct for Takes {}

taking!(Takes);
