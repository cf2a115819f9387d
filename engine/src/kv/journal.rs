//! What fjall does not do for its journals.
//!
//! It checks what stands in a batch but not the number before it, which decides which of two writes to a key is the later
//! one. Numbers ascend, so one that does not is damage.
//!
//! A write that failed may still be in the journal, or be flushed there later. [`copy`] leaves it out; and as it is written
//! anew and synced, it also does not depend on pages that a failed sync has given up.
//!
//! ```text
//! journal (<n>.jnl) = batches, then zeros        batch = start, items or clears, end
//! start 1, items (u32), number (u64)             item  2, kind (u8), compression (u8), keyspace (u64), key bytes (u16),
//! end   3, checksum (u64), "FJL" 3                        value bytes (u32), stored value bytes (u32), key, value
//! clear 4, keyspace (u64)
//! ```

use std::fs::{File, read_dir, remove_file, rename};
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::kv::{KvError, Result, sync_dir};

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const END_MAGIC: [u8; 4] = *b"FJL\x03";
/// Numbers do not get this far; the highest bits are fjall's.
const TOO_HIGH: u64 = 1 << 56;
/// What a copy is called until it takes the place of the journal; fjall does not look at such files.
const COPY: &str = "new";

/// Fails when the batches of a database's journals are not in order. What cannot be read at all is left to fjall. Copies
/// that a crash has left are removed.
pub(super) fn check(database: &Path) -> Result<()> {
    let mut last = None;
    for path in journals(database)? {
        drop(Copies { of: Vec::new(), copied: vec![path.clone()] });
        let mut journal = Journal::open(&path)?;
        while let Some(entry) = journal.next() {
            let Entry::Start(number) = entry else { continue };
            if last.is_some_and(|last| number <= last) || number >= TOO_HIGH {
                let problem = "a commit has a number that cannot be right".to_owned();
                return Err(KvError::Corrupt { file: path.display().to_string(), problem });
            }
            last = Some(number);
        }
    }
    Ok(())
}

/// Copies of journals, durable but not in their places yet.
pub(super) struct Copies {
    of: Vec<PathBuf>,
    copied: Vec<PathBuf>,
}

/// Copies the journals of a database of which nothing is written any more, without what has the number `next` or a higher
/// one.
pub(super) fn copy(database: &Path, next: u64) -> Result<Copies> {
    let journals = journals(database)?;
    let mut copies = Copies { of: journals.clone(), copied: Vec::new() };
    for (i, path) in journals.iter().enumerate() {
        let mut journal = Journal::open(path)?;
        let (mut whole, mut is_wanted, mut is_cut) = (0, true, false);
        while let Some(entry) = journal.next() {
            match entry {
                Entry::Start(number) => is_wanted = number < next,
                Entry::End if is_wanted => whole = journal.at,
                _ => {}
            }
            is_cut |= !is_wanted;
        }
        // What cannot be read now is no end: a copy without it would lose what is committed.
        if let Some(error) = journal.unreadable.take() {
            return Err(io(path)(error));
        }
        // All but the last one are written and synced.
        if is_cut || i + 1 == journals.len() {
            let copy = path.with_added_extension(COPY);
            copies.copied.push(path.clone());
            write_copy(path, &copy, whole).map_err(io(&copy))?;
        }
    }
    Ok(copies)
}

fn write_copy(from: &Path, to: &Path, len: u64) -> std::io::Result<()> {
    let mut file = File::create(to)?;
    std::io::copy(&mut File::open(from)?.take(len), &mut file)?;
    file.sync_all()
}

impl Copies {
    /// Puts them in the place of what they were made of, unless there are other journals by now.
    pub(super) fn put_in_place(self, database: &Path) -> Result<()> {
        if journals(database)? != self.of {
            return Err(KvError::Store("the journals have changed".to_owned()));
        }
        for path in &self.copied {
            rename(path.with_added_extension(COPY), path).map_err(io(path))?;
        }
        sync_dir(database).map_err(io(database))
    }
}

/// What is not in its place takes no room.
impl Drop for Copies {
    fn drop(&mut self) {
        for path in &self.copied {
            // Most often it is in its place.
            let _ = remove_file(path.with_added_extension(COPY));
        }
    }
}

/// The journals of a database, oldest first.
fn journals(database: &Path) -> Result<Vec<PathBuf>> {
    let Ok(entries) = read_dir(database) else { return Ok(Vec::new()) };
    let mut journals: Vec<(u64, PathBuf)> = Vec::new();
    for entry in entries {
        let path = entry.map_err(io(database))?.path();
        let number = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".jnl")?.parse().ok());
        journals.extend(number.map(|number| (number, path)));
    }
    journals.sort();
    Ok(journals.into_iter().map(|(_, path)| path).collect())
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> KvError {
    let what = path.display().to_string();
    move |source| KvError::Io { what, source }
}

/// What a journal is made of.
enum Entry {
    /// A batch of that number begins.
    Start(u64),
    Part,
    /// It ends.
    End,
}

/// Reads a journal.
struct Journal {
    file: BufReader<File>,
    /// Where the next entry begins.
    at: u64,
    /// Why there is no next entry, where that is not the end of the file.
    unreadable: Option<std::io::Error>,
}

impl Journal {
    fn open(path: &Path) -> Result<Journal> {
        let file = File::open(path).map_err(io(path))?;
        Ok(Journal { file: BufReader::new(file), at: 0, unreadable: None })
    }

    /// The next entry; `None`: there is none, or it cannot be read.
    fn next(&mut self) -> Option<Entry> {
        let [tag] = self.bytes()?;
        match tag {
            START => {
                let _items: [u8; 4] = self.bytes()?;
                Some(Entry::Start(u64::from_le_bytes(self.bytes()?)))
            }
            ITEM => {
                let _kind_compression_keyspace: [u8; 10] = self.bytes()?;
                let key = u16::from_le_bytes(self.bytes()?);
                let _value: [u8; 4] = self.bytes()?;
                let stored = u32::from_le_bytes(self.bytes()?);
                self.skip(u64::from(key) + u64::from(stored))?;
                Some(Entry::Part)
            }
            END => {
                let _checksum: [u8; 8] = self.bytes()?;
                (self.bytes()? == END_MAGIC).then_some(Entry::End)
            }
            CLEAR => self.skip(8).map(|()| Entry::Part),
            _ => None,
        }
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        match self.file.read_exact(&mut bytes) {
            Ok(()) => {
                self.at += N as u64;
                Some(bytes)
            }
            Err(error) => {
                self.unreadable = Some(error).filter(|error| error.kind() != ErrorKind::UnexpectedEof);
                None
            }
        }
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        self.file.seek_relative(i64::try_from(count).ok()?).ok()?;
        self.at += count;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;
    use crate::kv::{Database, Kv, Write};

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
        let mut reader = Journal::open(&journal).unwrap();
        let (mut starts, mut at) = (Vec::new(), 0);
        while let Some(entry) = reader.next() {
            starts.extend(matches!(entry, Entry::Start(_)).then_some(at));
            at = reader.at;
        }
        assert!(starts.len() > 100, "{} batches", starts.len());
        File::create(path.join("0.jnl.new")).unwrap();
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
        assert!(!path.join("0.jnl.new").exists());
    }
}
