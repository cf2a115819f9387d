//! Durable names of files.

use std::fs::File;
use std::path::Path;

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}
