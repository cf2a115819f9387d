//! What fjall's journals do not protect: the number of each batch. fjall checks what stands in a batch but not the number
//! before it, which decides which of two writes to a key is the later one. Numbers ascend, so one that does not is damage.
//!
//! ```text
//! journal (<n>.jnl) = batches, then zeros        batch = start, items or clears, end
//! start 1, items (u32), number (u64)             item  2, kind (u8), compression (u8), keyspace (u64), key bytes (u16),
//! end   3, checksum (u64), "FJL" 3                        value bytes (u32), stored value bytes (u32), key, value
//! clear 4, keyspace (u64)
//! ```

use std::fs::{File, read_dir};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use crate::log::{LogError, Result};

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
/// Numbers do not get this far; the highest bits are fjall's.
const TOO_HIGH: u64 = 1 << 56;

/// Fails when the batches of a database's journals are not in order. What cannot be read at all is left to fjall.
pub(super) fn check(database: &Path) -> Result<()> {
    let io = |path: &Path| {
        let what = path.display().to_string();
        move |source| LogError::Io { what, source }
    };
    let Ok(entries) = read_dir(database) else { return Ok(()) };
    let mut journals: Vec<(u64, PathBuf)> = Vec::new();
    for entry in entries {
        let path = entry.map_err(io(database))?.path();
        let number = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".jnl")?.parse().ok());
        journals.extend(number.map(|number| (number, path)));
    }
    journals.sort();
    let mut last = None;
    for (_, path) in journals {
        let mut journal = BufReader::new(File::open(&path).map_err(io(&path))?);
        while let Some(entry) = entry(&mut journal) {
            let Some(number) = entry else { continue };
            if last.is_some_and(|last| number <= last) || number >= TOO_HIGH {
                let problem = "a commit has a number that cannot be right".to_owned();
                return Err(LogError::Corrupt { file: path.display().to_string(), problem });
            }
            last = Some(number);
        }
    }
    Ok(())
}

/// Reads an entry: the number of a batch that starts, or nothing of interest. `None`: there is no entry.
fn entry(journal: &mut BufReader<File>) -> Option<Option<u64>> {
    let [tag] = bytes(journal)?;
    match tag {
        START => {
            let _items: [u8; 4] = bytes(journal)?;
            return Some(Some(u64::from_le_bytes(bytes(journal)?)));
        }
        ITEM => {
            let _kind_compression_keyspace: [u8; 10] = bytes(journal)?;
            let key = u16::from_le_bytes(bytes(journal)?);
            let _value: [u8; 4] = bytes(journal)?;
            let stored = u32::from_le_bytes(bytes(journal)?);
            skip(journal, u64::from(key) + u64::from(stored))?;
        }
        END => skip(journal, 12)?,
        CLEAR => skip(journal, 8)?,
        _ => return None,
    }
    Some(None)
}

fn bytes<const N: usize>(journal: &mut BufReader<File>) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    journal.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn skip(journal: &mut BufReader<File>, count: u64) -> Option<()> {
    journal.seek_relative(i64::try_from(count).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;
    use crate::log::local::Database;
    use crate::log::{Kv, Write};

    #[test]
    fn a_batch_with_another_number_is_damage() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("db");
        let database = Database::open(&path).unwrap();
        for i in 0..100_u64 {
            let key = vec![0; 1 + i as usize % 3];
            let value = Some(i.to_be_bytes().to_vec());
            database.write(Write { space: "s".into(), key, value }.into()).unwrap();
        }
        drop(database);
        check(&path).unwrap();
        let journal = path.join("0.jnl");
        let mut reader = BufReader::new(File::open(&journal).unwrap());
        let (mut starts, mut at) = (Vec::new(), 0);
        while let Some(found) = entry(&mut reader) {
            starts.extend(found.map(|_| at));
            at = std::io::Seek::stream_position(&mut reader).unwrap();
        }
        assert!(starts.len() > 100, "{} batches", starts.len());
        let file = File::options().read(true).write(true).open(&journal).unwrap();
        for start in starts.iter().skip(1).step_by(7) {
            for byte in 5..13 {
                let mut was = [0];
                file.read_exact_at(&mut was, start + byte).unwrap();
                file.write_all_at(&[was[0] ^ 0x80], start + byte).unwrap();
                let error = check(&path).unwrap_err().to_string();
                assert!(error.contains("0.jnl"), "{error}");
                file.write_all_at(&was, start + byte).unwrap();
            }
        }
        Database::open(&path).unwrap();
    }
}
